// SPDX-License-Identifier: Apache-2.0

import Usage

extension TelemetryJSON {
    /// What goes into the answer about a period beside its figures.
    struct SummaryExtras {
        var budget: BudgetReport?
        /// The time before, if it was asked for.
        var previous: UsageSummary?
        /// By what days are split up.
        var series: UsageDimension?
        /// Whether the sessions are listed.
        var listsSessions = true
    }

    static func summary(_ summary: UsageSummary, _ extras: SummaryExtras, now: Timestamp) -> JSONValue {
        var members = figures(summary)
        if extras.listsSessions {
            let sessions = summary.sessions.prefix(UsageSummary.maximumSessions).map { session($0, now: now) }
            members.append((key: "sessions", value: .array(sessions)))
        }
        members.append((key: "budget", value: extras.budget.map(budget) ?? .null))
        if let previous = extras.previous { members.append((key: "previous", value: self.previous(previous))) }
        if let dimension = extras.series { members.append((key: "series", value: series(summary, dimension))) }
        return .object(members)
    }

    private static func previous(_ summary: UsageSummary) -> JSONValue {
        [
            "from": .string(summary.period.from),
            "to": .string(summary.period.to),
            "totalCost": money(summary.totals.cost),
            "totalTokens": .integer(summary.totals.counts.total),
            "callCount": .integer(summary.totals.calls),
            "sessionCount": .integer(Int64(summary.sessionCount)),
        ]
    }

    /// Each day with the names that have a call on it, dearest first.
    private static func series(_ summary: UsageSummary, _ dimension: UsageDimension) -> JSONValue {
        let days = zip(summary.period.days, summary.series).map { date, values -> JSONValue in
            let named = Dictionary(values.map { (name($0), $1) }) { left, right in
                var sum = left
                sum += right
                return sum
            }
            let ordered = named.sorted { ($1.value.cost, $0.key) < ($0.value.cost, $1.key) }
            return [
                "date": .string(date),
                "values": .object(ordered.map { (key: $0.key, value: .object(costCallsTokens($0.value))) }),
            ]
        }
        return ["dimension": .string(dimension.rawValue), "days": .array(days)]
    }

    private static func costCallsTokens(_ totals: UsageTotals) -> [(key: String, value: JSONValue)] {
        [(key: "cost", value: money(totals.cost)), (key: "calls", value: .integer(totals.calls))] + tokens(totals)
    }

    private static func figures(_ summary: UsageSummary) -> [(key: String, value: JSONValue)] {
        let counts = summary.totals.counts
        return [
            (key: "period", value: .string(summary.period.name)),
            (key: "from", value: .string(summary.period.from)),
            (key: "to", value: .string(summary.period.to)),
            (key: "timezone", value: .string(summary.period.timezone)),
            (key: "totalCost", value: money(summary.totals.cost)),
            (key: "totalInputTokens", value: .integer(counts.uncachedInput)),
            (key: "totalOutputTokens", value: .integer(counts.output)),
            (key: "totalCacheReadTokens", value: .integer(counts.cacheRead)),
            (key: "totalCacheWriteTokens", value: .integer(counts.cacheWrite)),
            (key: "totalReasoningTokens", value: .integer(counts.reasoning)),
            (key: "totalTokens", value: .integer(counts.total)),
            (key: "callCount", value: .integer(summary.totals.calls)),
            (key: "sessionCount", value: .integer(Int64(summary.sessionCount))),
            (key: "activeSessions", value: .integer(Int64(summary.activeSessions))),
            (key: "unpricedCalls", value: .integer(summary.totals.unpricedCalls)),
            (key: "unpricedModels", value: .array(summary.unpricedModels.map { .string(name($0)) })),
            (key: "saturated", value: .bool(summary.totals.isSaturated)),
            (key: "byModel", value: shares(summary.byModel)),
            (key: "byAgent", value: shares(summary.byAgent)),
            (key: "byProject", value: shares(summary.byProject)),
            (key: "byUser", value: shares(summary.byUser)),
            (key: "byMachine", value: shares(summary.byMachine)),
            (key: "byDay", value: .array(summary.byDay.map(day))),
        ]
    }

    private static func budget(_ report: BudgetReport) -> JSONValue {
        [
            "limit": money(report.limit),
            "used": money(report.used),
            "fraction": .billionths(report.fraction),
            "projected": money(report.projected),
        ]
    }

    private static func day(_ day: UsageSummary.Day) -> JSONValue {
        .object(
            [(key: "date", value: .string(day.date))] + costCallsTokens(day.totals)
        )
    }

    /// Dearest first, then by name; what is called "unknown" and what has no name are one.
    private static func shares(_ shares: [String: UsageSummary.Share]) -> JSONValue {
        let named = Dictionary(shares.map { (name($0), $1) }) { left, right in
            var sum = left
            sum.totals += right.totals
            sum.sessions += right.sessions
            return sum
        }
        let ordered = named.sorted { ($1.value.totals.cost, $0.key) < ($0.value.totals.cost, $1.key) }
        return .object(ordered.map { (key: $0.key, value: share($0.value)) })
    }

    private static func share(_ share: UsageSummary.Share) -> JSONValue {
        .object(
            [
                (key: "cost", value: money(share.totals.cost)),
                (key: "sessions", value: .integer(Int64(share.sessions))),
                (key: "calls", value: .integer(share.totals.calls)),
            ] + tokens(share.totals)
        )
    }

    private static func tokens(_ totals: UsageTotals) -> [(key: String, value: JSONValue)] {
        [
            (key: "inputTokens", value: .integer(totals.counts.uncachedInput)),
            (key: "outputTokens", value: .integer(totals.counts.output)),
            (key: "cacheReadTokens", value: .integer(totals.counts.cacheRead)),
            (key: "cacheWriteTokens", value: .integer(totals.counts.cacheWrite)),
            (key: "reasoningTokens", value: .integer(totals.counts.reasoning)),
            (key: "unpricedCalls", value: .integer(totals.unpricedCalls)),
        ]
    }
}
