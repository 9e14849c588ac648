// SPDX-License-Identifier: Apache-2.0

package import Usage

/// What the figures of a period mean: what is usual, what is not, what the tokens were spent on, and where the month will end.
package struct InsightsDocument: Codable, Hashable, Sendable {
    package var period: String
    package var from: String
    package var to: String
    package var timezone: String
    package var totalCost: Dollars
    /// The current month, for any period.
    package var month: Month
    /// What each day of the period usually costs; empty where too little history is known.
    package var usual: [Usual]
    /// Days of the period that cost far more than usual, the newest first.
    package var unusualDays: [UnusualDay]
    /// The equally long time before; nil before 1970.
    package var previous: Previous?
    /// Left out without prices.
    @Omittable package var costByKind: Kinds?
    /// What tokens that were read from a cache would have cost more as uncached input, at list prices; left out without prices.
    @Omittable package var cacheSavings: Dollars?
    /// The dearest names of some dimensions with their cost by day.
    package var trends: ByName<[Trend]>
    /// The period by hour; only on request.
    @Omittable package var hours: [Hour]?

    /// How the current calendar month goes.
    package struct Month: Codable, Hashable, Sendable {
        package var month: String
        package var from: String
        package var to: String
        package var spent: Dollars
        package var unpricedCalls: Int64
        /// The monthly budget; nil without one and under a filter.
        package var limit: Dollars?
        /// What would have been spent by now at an even pace; nil without a limit.
        package var evenPace: Dollars?
        /// Where it will probably end: four of five months end in the band.
        package var forecast: Forecast
        /// Whole days after today.
        package var daysLeft: Int64
        /// What each day cost, up to today.
        package var days: [Dollars]
    }

    /// A probable end.
    package struct Forecast: Codable, Hashable, Sendable {
        package var low: Dollars
        package var expected: Dollars
        package var high: Dollars
    }

    /// What a weekday usually costs.
    package struct Usual: Codable, Hashable, Sendable {
        package var date: String
        package var median: Dollars
        /// Most such days cost between `low` and `high`.
        package var low: Dollars
        package var high: Dollars
        /// A day above it is unusual.
        package var border: Dollars
    }

    /// A day that cost far more than its weekday usually does.
    package struct UnusualDay: Codable, Hashable, Sendable {
        package var date: String
        package var cost: Dollars
        package var usual: Dollars
        package var title: String
        /// One sentence with the cause.
        package var detail: String
        /// The names to which most of the surplus went, by dimension.
        package var `for`: ByName<[String]>

        package init(
            date: String,
            cost: Money,
            usual: Money,
            title: String,
            detail: String,
            for names: some Sequence<(String, [String])>
        ) {
            (self.date, self.cost, self.usual) = (date, Dollars(cost), Dollars(usual))
            (self.title, self.detail, self.for) = (title, detail, ByName(names))
        }
    }

    /// The equally long time before a period.
    package struct Previous: Codable, Hashable, Sendable {
        package var from: String
        package var to: String
        package var totalCost: Dollars
        package var days: [Day]

        /// One of its days.
        package struct Day: Codable, Hashable, Sendable {
            package var date: String
            package var cost: Dollars
            package var totalTokens: Int64
        }
    }

    /// The cost of the kinds of tokens, each model's and day's cost divided in the proportion of list prices; together the total cost.
    package struct Kinds: Codable, Hashable, Sendable {
        package var input: Dollars
        package var output: Dollars
        package var cacheWrite: Dollars
        package var cacheRead: Dollars
        package var other: Dollars
        package var days: [Day]

        /// One day.
        package struct Day: Codable, Hashable, Sendable {
            package var date: String
            package var input: Dollars
            package var output: Dollars
            package var cacheWrite: Dollars
            package var cacheRead: Dollars
            package var other: Dollars
        }
    }

    /// A name's cost, and that of each day.
    package struct Trend: Codable, Hashable, Sendable {
        package var name: String
        package var cost: Dollars
        package var days: [Dollars]
    }

    /// One hour.
    package struct Hour: Codable, Hashable, Sendable {
        /// Its first instant.
        package var time: String
        package var cost: Dollars
        package var calls: Int64
        package var inputTokens: Int64
        package var outputTokens: Int64
        package var cacheReadTokens: Int64
        package var cacheWriteTokens: Int64
        /// By the dimension that was asked for with `series`.
        package var values: ByName<SummaryDocument.Series.Value>
    }
}

// MARK: - Writing

extension InsightsDocument {
    /// How many names of a dimension have a trend.
    private static let mostTrends = 5

    /// Of a period; everything else is set afterwards.
    package init(_ summary: UsageSummary, month: Month) {
        let days = summary.period
        (period, from, to, timezone) = (days.name, days.from, days.to, days.timezone)
        (totalCost, self.month) = (Dollars(summary.totals.cost), month)
        (usual, unusualDays, trends) = ([], [], ByName([]))
    }

    /// Adds the trends of the dimension by which a summary is split.
    package mutating func addTrends(of summary: UsageSummary, by dimension: UsageDimension) {
        let totals = summary[by: dimension].named(adding: { $0.totals += $1.totals }, by: \.totals.cost)
        let dearest = totals.filter { $0.1.totals.cost > .zero && $0.0 != ListedNames.other }.prefix(Self.mostTrends)
        let series = summary.series.map { Dictionary($0.map { (nameInAnswers($0), $1.cost) }, uniquingKeysWith: +) }
        trends.members.append(
            ByName.Member(
                name: dimension.rawValue,
                value: dearest.map { name, share in
                    Trend(
                        name: name,
                        cost: Dollars(share.totals.cost),
                        days: series.map { Dollars($0[name] ?? .zero) }
                    )
                }
            )
        )
    }
}

extension InsightsDocument.Month {
    /// The month of a summary.
    ///
    /// - Parameters:
    ///   - summary: The whole current month.
    ///   - history: What the days before it cost, the last of them the day before it.
    ///   - limit: Its budget.
    package init(_ summary: UsageSummary, history: [Int64], limit: Money?, now: Timestamp) {
        let period = summary.period
        let spent = summary.byDay.map(\.totals.cost.nanodollars)
        let forecast = UsageForecast(of: period, spent: spent, history: history, now: now)
        let today = period.day(of: now) ?? period.days.count - 1
        let (elapsed, length) = period.elapsed(at: now)
        (month, from, to) = (period.name, period.from, period.to)
        (self.spent, unpricedCalls) = (Dollars(summary.totals.cost), summary.totals.unpricedCalls)
        self.limit = limit.map(Dollars.init)
        evenPace = limit.map {
            Dollars(
                Money(nanodollars: Int64(clamping: Int128($0.nanodollars) * Int128(elapsed) / Int128(max(1, length))))
            )
        }
        self.forecast = InsightsDocument.Forecast(
            low: Dollars(Money(nanodollars: forecast.low)),
            expected: Dollars(Money(nanodollars: forecast.expected)),
            high: Dollars(Money(nanodollars: forecast.high))
        )
        daysLeft = Int64(period.days.count - 1 - today)
        days = spent.prefix(today + 1).map { Dollars(Money(nanodollars: $0)) }
    }
}

extension InsightsDocument.Usual {
    /// What a date usually costs.
    package init(_ date: String, _ day: UsualDay) {
        func dollars(_ amount: Double) -> Dollars {
            Dollars(Money(nanodollars: Int64(exactly: amount.rounded()) ?? .max))
        }
        (self.date, median, border) = (date, dollars(day.median), dollars(day.border))
        (low, high) = (dollars(day.band.lowerBound), dollars(day.band.upperBound))
    }
}

extension InsightsDocument.Previous {
    /// The time of a summary.
    package init(_ summary: UsageSummary) {
        (from, to, totalCost) = (summary.period.from, summary.period.to, Dollars(summary.totals.cost))
        days = summary.byDay.map {
            Day(date: $0.date, cost: Dollars($0.totals.cost), totalTokens: $0.totals.counts.total)
        }
    }
}

extension InsightsDocument.Kinds {
    /// Of days in order.
    package init(_ kinds: [(date: String, kinds: CostByKind)]) {
        var sum = CostByKind()
        for day in kinds { sum += day.kinds }
        (input, output, cacheWrite) = (Dollars(sum.input), Dollars(sum.output), Dollars(sum.cacheWrite))
        (cacheRead, other) = (Dollars(sum.cacheRead), Dollars(sum.other))
        days = kinds.map { date, kinds in
            Day(
                date: date,
                input: Dollars(kinds.input),
                output: Dollars(kinds.output),
                cacheWrite: Dollars(kinds.cacheWrite),
                cacheRead: Dollars(kinds.cacheRead),
                other: Dollars(kinds.other)
            )
        }
    }
}

extension InsightsDocument.Hour {
    /// The hours of a summary whose period has hours for days.
    package static func all(_ summary: UsageSummary) -> [InsightsDocument.Hour] {
        summary.byDay.enumerated().map { place, hour in
            let series = place < summary.series.count ? summary.series[place] : [:]
            return Self(hour, values: series)
        }
    }

    private init(_ hour: UsageSummary.Day, values: [String: UsageTotals]) {
        let (totals, counts) = (hour.totals, hour.totals.counts)
        (time, cost, calls) = (hour.date, Dollars(totals.cost), totals.calls)
        (inputTokens, outputTokens) = (counts.uncachedInput, counts.output)
        (cacheReadTokens, cacheWriteTokens) = (counts.cacheRead, counts.cacheWrite)
        self.values = ByName(
            values.named(adding: +=, by: \.cost).map { ($0, SummaryDocument.Series.Value($1)) }
        )
    }
}
