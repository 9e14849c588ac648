// SPDX-License-Identifier: Apache-2.0

import Usage

/// Everything a store can be asked, as lines of text, so that two stores can be compared to the byte.
struct StoreAnswers {
    /// The questions about periods.
    static let periods: [(from: String, to: String, timezone: String)] = [
        ("2026-11-22", "2026-11-22", "UTC"), ("2026-11-18", "2026-11-26", "Asia/Kolkata"),
        // Days of 23 and of 25 hours.
        ("2026-03-27", "2026-03-31", "Europe/Berlin"), ("2026-10-23", "2026-10-27", "Europe/Berlin"),
        ("2026-10-30", "2026-11-03", "America/New_York"), ("2026-01-01", "2026-12-31", "Australia/Lord_Howe"),
    ]

    /// The other forms in which a period can be asked for.
    static let forms: [String?] = ["today", "7d", "30d", "90d", "2026-11", "month:2026-10", nil]

    static func lines(_ summary: UsageSummary) -> [String] {
        var lines = [
            "\(summary.period.name) \(text(summary.totals)) sessions \(summary.sessionCount) active \(summary.activeSessions) "
                + "unpriced \(summary.unpricedModels)"
        ]
        let groups = [
            ("model", summary.byModel), ("agent", summary.byAgent), ("project", summary.byProject),
            ("user", summary.byUser), ("machine", summary.byMachine),
        ]
        for (name, shares) in groups {
            lines += shares.sorted { $0.key < $1.key }.map {
                "\(name) \($0.key): \(text($0.value.totals)) sessions \($0.value.sessions)"
            }
        }
        lines += summary.byDay.filter { $0.totals.calls > 0 }.map { "\($0.date) \(text($0.totals))" }
        lines.append("days \(summary.byDay.count)")
        for (day, values) in summary.series.enumerated() {
            lines += values.sorted { $0.key < $1.key }.map { "series \(day) \($0.key): \(text($0.value))" }
        }
        return lines + summary.sessions.map(text)
    }

    static func lines(_ quality: DataQuality) -> [String] {
        let sums = [
            quality.calls, quality.oneWitness, quality.severalWitnesses, quality.weaklyJoined, quality.unpriced,
            quality.rollUps,
        ]
        let sources = quality.sources.sorted { $0.key < $1.key }.map { key, use in
            "source \(text([key.agent, key.machine])) \(key.sources.map(\.name)) \(use.calls) \(use.lastSeen.nanoseconds)"
        }
        let costs = quality.costs.sorted { $0.key < $1.key }.map { key, cost in
            "cost \(key.model) \(key.reason.name) \(cost.calls) \(cost.reported.nanodollars) \(cost.computed.nanodollars)"
        }
        let sessions = quality.sessionCosts.largest.map {
            "session cost \($0.session) \($0.reported.nanodollars) \($0.counted.nanodollars)"
        }
        let compared = "session costs \(quality.sessionCosts.compared) \(quality.sessionCosts.differing)"
        return ["\(sums)"] + sources + costs + [compared] + sessions
    }

    static func lines(_ page: SessionPage) -> [String] {
        ["page \(page.total) next \(page.next.map { "\($0.number) \($0.name) \($0.id)" } ?? "none")"]
            + page.sessions.map(text)
    }

    static func lines(_ detail: SessionDetail?) -> [String] {
        guard let detail else { return ["unknown"] }
        // What happens in one instant has no order.
        let events = detail.events.sorted { ($0.time, $0.name) < ($1.time, $1.name) }
        let calls = detail.calls.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
        return [text(detail.session)] + calls.map(text) + events.map { "event \($0.time.nanoseconds) \($0.name)" }
            + detail.costByModel.sorted { $0.key < $1.key }.map { "cost of \($0.key) \($0.value.nanodollars)" }
            + detail.subagents.flatMap { child in
                ["child \(text(child.session))"] + child.calls.sorted { ($0.time, $0.id) < ($1.time, $1.id) }.map(text)
            }
    }

    static func lines(_ models: [UnpricedModel]) -> [String] {
        models.map { "\($0.model) \($0.calls) \($0.lastSeenAt.nanoseconds)" }
    }

    private static func text(_ totals: UsageTotals) -> String {
        "\(totals.calls)(\(totals.unpricedCalls)) \(text(totals.counts)) \(totals.cost.nanodollars)"
    }

    private static func text(_ counts: TokenCounts) -> String {
        "\(counts.uncachedInput)/\(counts.cacheRead)/\(counts.cacheWrite5m)+\(counts.cacheWrite1h)/\(counts.output)/\(counts.reasoning)"
    }

    /// What nobody named and what has an empty name is the same.
    private static func text(_ names: [String?]) -> String {
        names.map { $0.flatMap { $0.isEmpty ? nil : $0 } ?? "-" }.joined(separator: "|")
    }

    private static func text(_ session: Session) -> String {
        let names = [
            session.name, session.agent, session.model, session.project, session.user, session.machine, session.branch,
            session.agentVersion, session.parent, session.taskStatus,
        ]
        let bounds = "\(session.startedAt.nanoseconds)-\(session.lastSeenAt.nanoseconds)"
        let state = "\(session.isCompleted) \(session.provenance.rawValue)"
        return "session \(session.id) \(text(names)) \(state) \(bounds) \(text(session.totals))"
    }

    private static func text(_ call: Call) -> String {
        let price = call.price.map { "\($0.cost.nanodollars) \($0.isPriced) \($0.computed?.nanodollars ?? -1)" } ?? "-"
        let more = "\(call.reportedCost?.nanodollars ?? -1) \(call.duration ?? -1) \(call.sources.map(\.name))"
        return "call \(call.name) \(call.time.nanoseconds) \(text([call.model, call.provider, call.error])) "
            + "\(text(call.counts)) \(call.knowsCacheLifetimes) \(price) \(more)"
    }
}
