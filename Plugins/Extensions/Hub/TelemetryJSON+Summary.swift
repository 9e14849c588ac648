// SPDX-License-Identifier: Apache-2.0

import Usage

extension TelemetryJSON {
    static func summary(_ summary: UsageSummary, budget: BudgetReport?, now: Timestamp) -> JSONValue {
        let counts = summary.totals.counts
        return [
            "period": .string(summary.period.name),
            "from": .string(summary.period.from),
            "to": .string(summary.period.to),
            "timezone": .string(summary.period.timezone),
            "totalCost": money(summary.totals.cost),
            "totalInputTokens": .integer(counts.uncachedInput),
            "totalOutputTokens": .integer(counts.output),
            "totalCacheReadTokens": .integer(counts.cacheRead),
            "totalCacheWriteTokens": .integer(counts.cacheWrite),
            "totalReasoningTokens": .integer(counts.reasoning),
            "totalTokens": .integer(counts.total),
            "callCount": .integer(summary.totals.calls),
            "sessionCount": .integer(Int64(summary.sessionCount)),
            "activeSessions": .integer(Int64(summary.activeSessions)),
            "unpricedCalls": .integer(summary.totals.unpricedCalls),
            "unpricedModels": .array(summary.unpricedModels.map { .string(name($0)) }),
            "byModel": shares(summary.byModel),
            "byAgent": shares(summary.byAgent),
            "byProject": shares(summary.byProject),
            "byUser": shares(summary.byUser),
            "byMachine": shares(summary.byMachine),
            "byDay": .array(summary.byDay.map(day)),
            "sessions": .array(summary.sessions.prefix(UsageSummary.maximumSessions).map { session($0, now: now) }),
            "budget": budget.map(self.budget) ?? .null,
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
            [
                (key: "date", value: .string(day.date)), (key: "cost", value: money(day.totals.cost)),
                (key: "calls", value: .integer(day.totals.calls)),
            ] + tokens(day.totals)
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
