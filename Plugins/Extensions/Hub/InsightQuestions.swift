// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HubAPI
import Usage

/// Answers what the figures of a period mean, from sums of the store.
struct InsightQuestions {
    let usage: UsageAPI
    let store: any UsageStore
    /// The period, the filter, and by what hours are split up.
    let query: UsageQuery
    /// Whether the period is split up by hour.
    let hasHours: Bool

    /// The longest period that is split up by hour.
    static let mostDaysByHour = 7
    /// How many unusual days are explained, the newest.
    private static let mostUnusualDays = 5
    /// The dimensions whose dearest names have a trend, besides the model.
    private static let trends: [UsageDimension] = [.user, .project, .team]

    /// The document.
    func answer() async throws -> InsightsDocument {
        let byModel = try await summary(of: query.period, by: .model)
        var document = InsightsDocument(byModel, month: try await month())
        if let history = query.period.before(days: UsageForecast.historyDays) {
            let past = try await summary(of: history).byDay.map(\.totals.cost.nanodollars)
            let days = UsualDays(byModel, after: past, now: query.now)
            document.usual = days.usual
            document.unusualDays = try await unusual(days.unusual.suffix(Self.mostUnusualDays).reversed())
        }
        if let previous = query.period.previous {
            document.previous = InsightsDocument.Previous(try await summary(of: previous))
        }
        if let table = usage.pricing?.table {
            document.costByKind = InsightsDocument.Kinds(Self.kinds(of: byModel, by: table))
            document.cacheSavings = Dollars(Self.cacheSavings(of: byModel, by: table))
        }
        document.addTrends(of: byModel, by: .model)
        for dimension in Self.trends {
            document.addTrends(of: try await summary(of: query.period, by: dimension), by: dimension)
        }
        if hasHours {
            document.hours = InsightsDocument.Hour.all(try await summary(of: query.period.hours, by: query.series))
        }
        return document
    }

    /// The current month under the filter; a budget is that of all calls.
    private func month() async throws -> InsightsDocument.Month {
        let period = try Period(nil, timezone: query.period.timezone, now: query.now)
        var history: [Int64] = []
        if let before = period.before(days: UsageForecast.historyDays) {
            history = try await summary(of: before).byDay.map(\.totals.cost.nanodollars)
        }
        return InsightsDocument.Month(
            try await summary(of: period),
            history: history,
            limit: query.filter.isEmpty ? usage.config.monthlyBudget.map { Money(nanodollars: $0.limit.amount) } : nil,
            now: query.now
        )
    }

    /// Why some days cost more than usual.
    private func unusual(_ dates: some Sequence<String>) async throws -> [InsightsDocument.UnusualDay] {
        var days: [InsightsDocument.UnusualDay] = []
        for date in dates {
            let day = try Period(nil, from: date, to: date, timezone: query.period.timezone, now: query.now)
            guard let before = day.before(days: UsageForecast.historyDays) else { continue }
            let history = try await summary(of: before)
            if let unusual = UnusualDay(try await summary(of: day), after: history) {
                days.append(InsightsDocument.UnusualDay(unusual))
            }
        }
        return days
    }

    private func summary(of period: Period, by series: UsageDimension? = nil) async throws -> UsageSummary {
        var question = UsageQuery(period, now: query.now)
        (question.filter, question.series, question.listsSessions) = (query.filter, series, false)
        return try await store.summary(question)
    }

    /// What the kinds of tokens cost on each day of a summary that is split up by model.
    static func kinds(of summary: UsageSummary, by table: PriceTable) -> [(date: String, kinds: CostByKind)] {
        let period = summary.period
        return zip(zip(period.days, period.dayStarts), summary.series).map { day, models in
            var sum = CostByKind()
            for (model, totals) in models { sum += table.kinds(of: totals, model: model, at: day.1) }
            return (day.0, sum)
        }
    }

    /// What reads from caches saved in a summary that is split up by model, day by day at the prices of the day.
    static func cacheSavings(of summary: UsageSummary, by table: PriceTable) -> Money {
        zip(summary.period.dayStarts, summary.series).reduce(Money.zero) { sum, day in
            day.1.reduce(sum) {
                $0 + table.savings(ofCacheReads: $1.value.counts.cacheRead, model: $1.key, at: day.0)
            }
        }
    }
}

/// What the days of a period usually cost, and which of them cost far more.
struct UsualDays {
    let usual: [InsightsDocument.Usual]
    /// The dates of unusual days, in order.
    let unusual: [String]

    /// - Parameters:
    ///   - summary: The period.
    ///   - past: What the days before it cost, the last of them the day before.
    init(_ summary: UsageSummary, after past: [Int64], now: Timestamp) {
        let period = summary.period
        let costs = past + summary.byDay.map(\.totals.cost.nanodollars)
        // Days to come are judged from what is known today.
        let today = period.day(of: now) ?? (now < period.start ? 0 : period.days.count)
        var (usual, unusual): ([InsightsDocument.Usual], [String]) = ([], [])
        for (place, date) in period.days.enumerated() {
            let known = past.count + min(place, today)
            let history = costs[max(0, known - UsageForecast.historyDays)..<known]
            guard let day = UsualDay.known(history, daysAhead: max(0, place - today)) else { continue }
            usual.append(InsightsDocument.Usual(date, day))
            if Double(costs[past.count + place]) > day.border { unusual.append(date) }
        }
        (self.usual, self.unusual) = (usual, unusual)
    }
}

extension UsageAPI {
    /// What the figures of a period mean.
    @Sendable func insights(_ request: ServerRequest) async throws -> InsightsDocument {
        let parameters = QueryParameters(request)
        let question = try SummaryQuestion(parameters, timezone: config.timezone, now: now())
        let hasHours = try parameters.flag("hours") ?? false
        if hasHours, question.query.period.days.count > InsightQuestions.mostDaysByHour {
            throw APIError.invalid("hours are for periods of at most \(InsightQuestions.mostDaysByHour) days")
        }
        return try await InsightQuestions(
            usage: self,
            store: try openStore(),
            query: question.query,
            hasHours: hasHours
        ).answer()
    }
}
