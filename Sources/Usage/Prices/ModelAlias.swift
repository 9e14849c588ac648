// SPDX-License-Identifier: Apache-2.0

/// Names that are billed as another model.
enum ModelAlias {
    /// One span of time in which a name stands for a model.
    struct Period: Sendable {
        var from: Timestamp?
        var until: Timestamp?
        var model: String
    }

    /// What a name stands for over time, oldest first; empty when it is no alias.
    static func periods(of name: String) -> [Period] {
        if let model = names[name] { return [Period(model: model)] }
        return name == "codex-auto-review" ? autoReview : []
    }

    private static let names = [
        "gpt-5.6": "gpt-5.6-sol",
        "gpt-5.3-codex-spark": "gpt-5.3-codex",
        "claude-opus-4-0": "claude-opus-4",
        "claude-sonnet-4-0": "claude-sonnet-4",
    ]

    /// Codex' reviewer runs on whatever model was current; the days are those on which the models came out (ccusage's
    /// table).
    private static let autoReview: [Period] = {
        let starts = [
            ("2025-08-07", "gpt-5"), ("2025-09-15", "gpt-5-codex"), ("2025-11-13", "gpt-5.1-codex"),
            ("2025-12-11", "gpt-5.2-codex"),
            ("2026-02-05", "gpt-5.3-codex"), ("2026-03-05", "gpt-5.4"), ("2026-04-23", "gpt-5.5"),
        ]
        let ends = starts.dropFirst().map { PriceDate.parse($0.0) } + [nil]
        return zip(starts, ends).map { Period(from: PriceDate.parse($0.0), until: $1, model: $0.1) }
    }()
}
