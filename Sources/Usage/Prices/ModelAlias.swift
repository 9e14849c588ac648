// SPDX-License-Identifier: Apache-2.0

/// A name that is billed as another model, as `hammurabi prices list` shows it.
public struct PriceAlias: Sendable, Hashable {
    /// The name; a `*` is any text.
    public var name: String
    /// The model whose price is taken; a `*` for what the name has in its place.
    public var model: String
    /// Since when it means this model; nil for ever since.
    public var from: Timestamp?
    /// Until when, that instant left out; nil for no end.
    public var until: Timestamp?
    /// The report that taught it.
    public var source: String
}

/// Names that are billed as another model; asked only when the price lists have no row for a name.
enum ModelAlias {
    /// One span of time in which a name means a model.
    struct Period: Sendable {
        var from: Timestamp?
        var until: Timestamp?
        var model: String
    }

    /// The ending of a family's names that leaves the price as it is.
    private struct Ending {
        var family: String
        var ending: String
        var replacement: String
        var source: String

        /// The name that the price is looked for under; nil when this is another name.
        func base(of name: String) -> String? {
            guard name.hasPrefix(family), name.hasSuffix(ending),
                name.utf8.count > family.utf8.count + ending.utf8.count
            else { return nil }
            return name.dropLast(ending.count) + replacement
        }
    }

    /// Every alias, for people.
    static var all: [PriceAlias] {
        let fixed = names.map { PriceAlias(name: $0.key, model: $0.value.model, source: $0.value.source) }
        let reviews = autoReview.map {
            PriceAlias(
                name: reviewer,
                model: $0.model,
                from: $0.from,
                until: $0.until,
                source: "the price table of ccusage"
            )
        }
        let families = endings.map {
            PriceAlias(name: "\($0.family)*\($0.ending)", model: "\($0.family)*\($0.replacement)", source: $0.source)
        }
        return fixed.sorted { $0.name < $1.name } + reviews + families
    }

    /// What a name means over time, oldest first; empty when it is no alias.
    static func periods(of name: String) -> [Period] {
        if let alias = names[name] { return [Period(model: alias.model)] }
        return name == reviewer ? autoReview : []
    }

    /// The names without an ending that leaves the price as it is.
    static func bases(of name: String) -> [String] { endings.compactMap { $0.base(of: name) } }

    private static let names: [String: (model: String, source: String)] = [
        "gpt-5.6": ("gpt-5.6-sol", "the price table of ccusage"),
        // Three that the endings below cover as well, so that they can be found by their names.
        "gpt-5.5-codex": ("gpt-5.5", "junhoyeo/tokscale#89"),
        "gpt-5.6-codex": ("gpt-5.6", "junhoyeo/tokscale#89"),
        "claude-opus-5-thinking": ("claude-opus-5", "NoeFabris/opencode-antigravity-auth#375"),
        "gpt-5.3-codex-spark": ("gpt-5.3-codex", "junhoyeo/tokscale#204"),
        "claude-opus-4-0": ("claude-opus-4", "Anthropic's list of model aliases"),
        "claude-sonnet-4-0": ("claude-sonnet-4", "Anthropic's list of model aliases"),
    ]

    /// Codex's names of a model cost what the model costs, and gateways mark by an ending that a model thinks before it answers.
    private static let endings = [
        Ending(family: "gpt-", ending: "-codex-max", replacement: "-codex", source: "BerriAI/litellm#16998"),
        Ending(family: "gpt-", ending: "-codex", replacement: "", source: "junhoyeo/tokscale#89"),
        Ending(
            family: "claude-",
            ending: "-thinking",
            replacement: "",
            source: "NoeFabris/opencode-antigravity-auth#375"
        ),
    ]

    private static let reviewer = "codex-auto-review"

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
