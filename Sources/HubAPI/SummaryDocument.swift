// SPDX-License-Identifier: Apache-2.0

package import JSON
package import Usage

/// What a period cost, and where.
package struct SummaryDocument: Codable, Hashable, Sendable {
    package var period: String
    package var from: String
    package var to: String
    package var timezone: String
    package var totalCost: Dollars
    package var totalInputTokens: Int64
    package var totalOutputTokens: Int64
    package var totalCacheReadTokens: Int64
    package var totalCacheWriteTokens: Int64
    package var totalReasoningTokens: Int64
    package var totalTokens: Int64
    package var callCount: Int64
    package var sessionCount: Int64
    package var activeSessions: Int64
    package var unpricedCalls: Int64
    package var unpricedModels: [String]
    @Added package var saturated: Bool
    /// The dearest first, as in every dimension.
    package var byModel: ByName<Share>
    package var byAgent: ByName<Share>
    package var byProject: ByName<Share>
    package var byUser: ByName<Share>
    package var byMachine: ByName<Share>
    @Added package var byTeam: ByName<Share>
    @Added package var byBranch: ByName<Share>
    @Added package var byAgentKind: ByName<Share>
    @Added package var byHour: ByName<Share>
    package var byDay: [Day]
    /// Left out in the events of a stream.
    @Omittable package var sessions: [SessionDocument]?
    /// The current month's, whatever the period; nil without a budget.
    package var budget: Budget?
    /// Only where it was asked for.
    @Omittable package var previous: Previous?
    /// Only where it was asked for.
    @Omittable package var series: Series?

    /// The members with shares by dimension.
    private static let byDimension: [UsageDimension: @Sendable (SummaryDocument) -> ByName<Share>] = [
        .model: { $0.byModel }, .agent: { $0.byAgent }, .project: { $0.byProject }, .user: { $0.byUser },
        .machine: { $0.byMachine }, .team: { $0.byTeam }, .branch: { $0.byBranch }, .agentKind: { $0.byAgentKind },
        .hour: { $0.byHour },
    ]

    /// What each name of a dimension has.
    package subscript(by dimension: UsageDimension) -> ByName<Share> {
        Self.byDimension[dimension]?(self) ?? .empty
    }

    /// What one name of a dimension has of a period.
    package struct Share: Codable, Hashable, Sendable, UsageCounts {
        package var cost: Dollars
        package var sessions: Int64
        package var calls: Int64
        package var inputTokens: Int64
        package var outputTokens: Int64
        package var cacheReadTokens: Int64
        package var cacheWriteTokens: Int64
        package var reasoningTokens: Int64
        package var unpricedCalls: Int64

        init(_ share: UsageSummary.Share) {
            let (totals, counts) = (share.totals, share.totals.counts)
            (cost, sessions, calls) = (Dollars(totals.cost), Int64(share.sessions), totals.calls)
            (inputTokens, outputTokens, reasoningTokens) = (counts.uncachedInput, counts.output, counts.reasoning)
            (cacheReadTokens, cacheWriteTokens) = (counts.cacheRead, counts.cacheWrite)
            unpricedCalls = totals.unpricedCalls
        }
    }

    /// What one day has of a period.
    package struct Day: Codable, Hashable, Sendable, UsageCounts {
        package var date: String
        package var cost: Dollars
        package var calls: Int64
        package var inputTokens: Int64
        package var outputTokens: Int64
        package var cacheReadTokens: Int64
        package var cacheWriteTokens: Int64
        package var reasoningTokens: Int64
        package var unpricedCalls: Int64

        init(_ day: UsageSummary.Day) {
            let counts = day.totals.counts
            (date, cost, calls) = (day.date, Dollars(day.totals.cost), day.totals.calls)
            (inputTokens, outputTokens, reasoningTokens) = (counts.uncachedInput, counts.output, counts.reasoning)
            (cacheReadTokens, cacheWriteTokens) = (counts.cacheRead, counts.cacheWrite)
            unpricedCalls = day.totals.unpricedCalls
        }
    }

    /// How the month compares with its budget.
    package struct Budget: Codable, Hashable, Sendable {
        package var limit: Dollars
        package var used: Dollars
        /// `used` as a part of `limit`.
        package var fraction: JSONNumber
        /// What will have been spent at the end of the month if it goes on like this.
        package var projected: Dollars
    }

    /// The equally long time before.
    package struct Previous: Codable, Hashable, Sendable {
        package var from: String
        package var to: String
        package var totalCost: Dollars
        package var totalTokens: Int64
        package var callCount: Int64
        package var sessionCount: Int64
    }

    /// The days of a period, each split by a dimension.
    package struct Series: Codable, Hashable, Sendable {
        package var dimension: String
        package var days: [Day]

        /// The names that have a call on a day, the dearest first.
        package struct Day: Codable, Hashable, Sendable {
            package var date: String
            package var values: ByName<Value>
        }

        /// What one name has of a day.
        package struct Value: Codable, Hashable, Sendable, UsageCounts {
            package var cost: Dollars
            package var calls: Int64
            package var inputTokens: Int64
            package var outputTokens: Int64
            package var cacheReadTokens: Int64
            package var cacheWriteTokens: Int64
            package var reasoningTokens: Int64
            package var unpricedCalls: Int64
        }
    }
}

extension SummaryDocument.Share {
    package var sessionCount: Int64? { sessions }
}

// MARK: - Writing

extension SummaryDocument {
    /// What goes into the document beside the period's figures.
    package struct Extras {
        package var budget: Budget?
        /// The time before, if it was asked for.
        package var previous: UsageSummary?
        /// By what days are split up.
        package var series: UsageDimension?
        /// Whether the sessions are listed.
        package var listsSessions = true

        package init() {}
    }

    package init(_ summary: UsageSummary, _ extras: Extras, now: Timestamp) {
        let (days, totals, counts) = (summary.period, summary.totals, summary.totals.counts)
        (period, from, to, timezone) = (days.name, days.from, days.to, days.timezone)
        (totalCost, callCount, unpricedCalls) = (Dollars(totals.cost), totals.calls, totals.unpricedCalls)
        (totalInputTokens, totalOutputTokens) = (counts.uncachedInput, counts.output)
        (totalCacheReadTokens, totalCacheWriteTokens) = (counts.cacheRead, counts.cacheWrite)
        (totalReasoningTokens, totalTokens) = (counts.reasoning, counts.total)
        (sessionCount, activeSessions) = (Int64(summary.sessionCount), Int64(summary.activeSessions))
        (unpricedModels, saturated) = (summary.unpricedModels.map(nameInAnswers), totals.isSaturated)
        (byModel, byAgent) = (Self.shares(summary.byModel), Self.shares(summary.byAgent))
        (byProject, byUser) = (Self.shares(summary.byProject), Self.shares(summary.byUser))
        (byMachine, byTeam) = (Self.shares(summary.byMachine), Self.shares(summary[by: .team]))
        (byBranch, byAgentKind) = (Self.shares(summary[by: .branch]), Self.shares(summary[by: .agentKind]))
        byHour = Self.shares(summary[by: .hour])
        byDay = summary.byDay.map(Day.init)
        sessions =
            extras.listsSessions
            ? summary.sessions.prefix(UsageSummary.maximumSessions).map { SessionDocument($0, now: now) } : nil
        budget = extras.budget
        previous = extras.previous.map(Previous.init)
        series = extras.series.map { Series(summary, $0) }
    }

    private static func shares(_ shares: [String: UsageSummary.Share]) -> ByName<Share> {
        let named = shares.named(
            adding: { sum, share in
                sum.totals += share.totals
                sum.sessions += share.sessions
            },
            by: \.totals.cost
        )
        return ByName(named.map { ($0, Share($1)) })
    }
}

extension SummaryDocument.Previous {
    fileprivate init(_ summary: UsageSummary) {
        (from, to) = (summary.period.from, summary.period.to)
        (totalCost, totalTokens) = (Dollars(summary.totals.cost), summary.totals.counts.total)
        (callCount, sessionCount) = (summary.totals.calls, Int64(summary.sessionCount))
    }
}

extension SummaryDocument.Series {
    fileprivate init(_ summary: UsageSummary, _ dimension: UsageDimension) {
        self.dimension = dimension.rawValue
        days = zip(summary.period.days, summary.series).map { date, values in
            let named = values.named(adding: +=, by: \.cost)
            return Day(date: date, values: ByName(named.map { ($0, Value($1)) }))
        }
    }
}

extension SummaryDocument.Series.Value {
    fileprivate init(_ totals: UsageTotals) {
        let counts = totals.counts
        (cost, calls, unpricedCalls) = (Dollars(totals.cost), totals.calls, totals.unpricedCalls)
        (inputTokens, outputTokens, reasoningTokens) = (counts.uncachedInput, counts.output, counts.reasoning)
        (cacheReadTokens, cacheWriteTokens) = (counts.cacheRead, counts.cacheWrite)
    }
}

extension SummaryDocument.Budget {
    /// How a calendar month compares with its budget.
    package init(limit: Money, used: Money, month: Period, now: Timestamp) {
        let fraction = Self.scale(used.nanodollars, by: 1_000_000_000, over: limit.nanodollars)
        (self.limit, self.used, self.fraction) = (Dollars(limit), Dollars(used), JSONNumber(billionths: fraction))
        let (elapsed, length) = (
            now.nanoseconds - month.start.nanoseconds, month.end.nanoseconds - month.start.nanoseconds
        )
        // In its first instants a month says nothing about its end, and a clock may be outside of it.
        let isUnderWay = elapsed > 0 && elapsed < length
        projected = Dollars(
            isUnderWay ? Money(nanodollars: Self.scale(used.nanodollars, by: length, over: elapsed)) : used
        )
    }

    /// The product over the divisor, rounded to the nearest, without overflow on the way.
    private static func scale(_ value: Int64, by factor: Int64, over divisor: Int64) -> Int64 {
        guard divisor > 0 else { return 0 }
        return Int64(clamping: (Int128(value) * Int128(factor) + Int128(divisor) / 2) / Int128(divisor))
    }
}
