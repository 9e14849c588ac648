// SPDX-License-Identifier: Apache-2.0

import Usage

/// A period's figures as a report for people, or as rows for programs.
struct SummaryReport {
    let document: SummaryDocument
    /// By what the figures are split; nil for the whole report.
    var dimension: Dimension?
    /// What the rows are sorted by; nil for the order that goes with the dimension.
    var sort: Order?
    /// How many rows at most.
    var limit: Int?
    /// The models of each row by its name; nil when nobody asked.
    var breakdown: [String: [String: UsageFigures]]?
    /// Where the collector takes telemetry in, `host:port`.
    var endpoint = "127.0.0.1:4318"
    /// Whether only calls with some property were asked for.
    var isFiltered = false

    /// By what the figures can be split.
    enum Dimension: String, CaseIterable {
        case model, agent, project, session, day, week, month, user, machine

        /// Whether its rows follow one another in time.
        var isTime: Bool { [.day, .week, .month].contains(self) }
    }

    /// What rows can be sorted by; figures begin with the largest.
    enum Order: String, CaseIterable {
        case cost, tokens, calls, name
    }

    /// What one model, day, session and so on has of the period.
    struct Row {
        /// What people call it.
        var name: String
        /// What programs call it.
        var id: String
        var figures: UsageFigures
        var session: SessionDocument.Facts?
        /// What each model has of it.
        var models: [Row] = []

        init(_ name: String, id: String? = nil, _ figures: UsageFigures, session: SessionDocument.Facts? = nil) {
            (self.name, self.id, self.figures, self.session) = (name, id ?? name, figures, session)
        }
    }

    /// The rows that were asked for.
    var rows: [Row] { rows(of: dimension ?? .model, limit: limit) }

    /// The rows of a dimension, sorted.
    func rows(of dimension: Dimension, limit: Int?) -> [Row] {
        var rows = unsorted(dimension)
        switch sort ?? (dimension.isTime ? .name : .cost) {
        case .name: rows.sort { ($0.name, $0.id) < ($1.name, $1.id) }
        case .cost: Self.sort(&rows) { $0.cost.nanodollars }
        case .tokens: Self.sort(&rows) { $0.tokens }
        case .calls: Self.sort(&rows) { $0.calls }
        }
        if let limit { rows = Array(rows.prefix(limit)) }
        guard let breakdown else { return rows }
        for position in rows.indices {
            var models = (breakdown[rows[position].name] ?? [:]).map { Row($0.key, $0.value) }
            Self.sort(&models) { $0.cost.nanodollars }
            rows[position].models = models
        }
        return rows
    }

    /// Largest first, then by tokens, then by name.
    private static func sort(_ rows: inout [Row], by figure: (UsageFigures) -> Int64) {
        rows.sort {
            (figure($1.figures), $1.figures.tokens, $0.name, $0.id)
                < (figure($0.figures), $0.figures.tokens, $1.name, $1.id)
        }
    }

    private func unsorted(_ dimension: Dimension) -> [Row] {
        func named(_ shares: [String: UsageFigures]) -> [Row] { shares.map { Row($0.key, $0.value) } }
        return switch dimension {
        case .model: named(document.byModel)
        case .agent: named(document.byAgent)
        case .project: named(document.byProject)
        case .user: named(document.byUser)
        case .machine: named(document.byMachine)
        case .session:
            document.sessions.map { Row($0.facts.name, id: $0.facts.sessionId, $0.figures, session: $0.facts) }
        case .day, .week, .month:
            named(
                usedDays.reduce(into: [:]) { sums, day in
                    sums[Self.span(dimension, of: day.date), default: UsageFigures()] += day.figures
                }
            )
        }
    }

    /// The days without those before the first call and after the last.
    private var usedDays: ArraySlice<SummaryDocument.Day> {
        let isUsed = { (day: SummaryDocument.Day) in day.figures.calls > 0 || day.figures.tokens > 0 }
        guard let first = document.byDay.firstIndex(where: isUsed), let last = document.byDay.lastIndex(where: isUsed)
        else { return [] }
        return document.byDay[first...last]
    }

    /// The day, week or month that holds a date.
    private static func span(_ dimension: Dimension, of date: String) -> String {
        switch dimension {
        case .week: CalendarWeek(containing: date)?.name ?? date
        case .month: String(date.prefix(7))
        default: date
        }
    }

    /// The models of each day, week or month, as a series of the API tells them.
    static func breakdown(_ series: SummaryDocument.Series, by dimension: Dimension) -> [String: [String: UsageFigures]]
    {
        series.days.reduce(into: [:]) { spans, day in
            for (model, figures) in day.values {
                spans[span(dimension, of: day.date), default: [:]][model, default: UsageFigures()] += figures
            }
        }
    }
}
