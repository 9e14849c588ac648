// SPDX-License-Identifier: Apache-2.0

package import JSON
package import Usage

/// The cost of a period, by dimensions.
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
    /// In descending order of cost, as in every dimension.
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
    /// The budget of the current month, for any period; nil without a budget.
    package var budget: Budget?
    /// What tokens that were read from a cache would have cost more as uncached input, at list prices; left out without prices.
    @Omittable package var cacheSavings: Dollars?
    /// The average over the period up to now; left out before it begins and without calls.
    @Omittable package var burnRate: BurnRateDocument?
    /// What there will be at the end of the period; left out unless it is under way.
    @Omittable package var projection: ProjectionDocument?
    /// Only where it was asked for.
    @Omittable package var previous: Previous?
    /// Only on request.
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

    /// The part of one name of a dimension in a period.
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

    /// The part of one day in a period.
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
        /// `used` as a fraction of `limit`.
        package var fraction: JSONNumber
        /// Where the month will probably end: the forecast of the budget `monthly`.
        package var projected: Dollars
    }

    /// The previous period of the same length.
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

        /// The names with a call on a day, in descending order of cost.
        package struct Day: Codable, Hashable, Sendable {
            package var date: String
            package var values: ByName<Value>
        }

        /// The part of one name in a day.
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
    /// The members of the document in addition to the period's figures.
    package struct Extras {
        package var budget: Budget?
        /// What reads from a cache saved.
        package var cacheSavings: Money?
        /// The time before, if it was asked for.
        package var previous: UsageSummary?
        /// The dimension of the series.
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
        (budget, cacheSavings) = (extras.budget, extras.cacheSavings.map(Dollars.init))
        if let rate = BurnRate(totals, during: min(now, days.end).nanoseconds - days.start.nanoseconds),
            totals.calls > 0
        {
            burnRate = BurnRateDocument(rate)
            projection =
                now < days.end
                ? ProjectionDocument(Projection(totals, rate, for: days.end.nanoseconds - now.nanoseconds)) : nil
        }
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
    /// The sums of a name.
    package init(_ totals: UsageTotals) {
        let counts = totals.counts
        (cost, calls, unpricedCalls) = (Dollars(totals.cost), totals.calls, totals.unpricedCalls)
        (inputTokens, outputTokens, reasoningTokens) = (counts.uncachedInput, counts.output, counts.reasoning)
        (cacheReadTokens, cacheWriteTokens) = (counts.cacheRead, counts.cacheWrite)
    }
}

extension SummaryDocument.Budget {
    /// How a calendar month compares with its budget, which limits money.
    package init(_ state: BudgetState) {
        limit = Dollars(Money(nanodollars: state.budget.limit.amount))
        (used, fraction) = (Dollars(Money(nanodollars: state.spent)), JSONNumber(billionths: state.fraction))
        projected = Dollars(Money(nanodollars: state.forecast.expected))
    }
}
