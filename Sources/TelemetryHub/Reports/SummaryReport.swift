// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// The figures of a period as a report for people, or as rows for programs.
struct SummaryReport {
    let document: SummaryDocument
    /// The dimension of the rows; nil for the whole report.
    var dimension: Dimension?
    /// The order of the rows; nil for the default of the dimension.
    var sort: Order?
    /// The largest number of rows.
    var limit: Int?
    /// The models of each row by its name; nil without `--breakdown`.
    var breakdown: [String: [String: UsageFigures]]?
    /// The address at which the collector receives telemetry, `host:port`.
    var endpoint = "127.0.0.1:4318"
    /// When weeks begin; nil for those of ISO 8601.
    var weekStart: WeekStart?
    /// Whether the last row comes first.
    var isReversed = false
    /// The only session that is shown; nil for all.
    var onlySession: String?
    /// Whether only calls with some property were asked for.
    var isFiltered = false

    /// A dimension by which the figures can be split.
    enum Dimension: Hashable, CaseIterable {
        case session, day, week, month
        /// A dimension of the API.
        case usage(UsageDimension)

        static let model = Dimension.usage(.model)
        static let allCases = UsageDimension.allCases.map(Dimension.usage) + [.session, .day, .week, .month]

        /// Whether the rows are days or made of days.
        var isOfDays: Bool { [.day, .week, .month].contains(self) }
        /// Whether the rows are in the order of time.
        var isTime: Bool { isOfDays || self == .usage(.hour) }

        /// Its name in options and documents.
        var name: String {
            switch self {
            case .session: "session"
            case .day: "day"
            case .week: "week"
            case .month: "month"
            case .usage(let dimension): dimension.rawValue
            }
        }

        /// Its name for people.
        var title: String {
            if case .usage(let dimension) = self { return dimension.title }
            return name.prefix(1).uppercased() + name.dropFirst()
        }
    }

    /// The orders of rows; figures are in descending order.
    enum Order: String, CaseIterable {
        case cost, tokens, calls, name
        /// By the last call of sessions, the latest first; other rows by name.
        case seen
    }

    /// The figures of one model, day, session and so on.
    struct Row {
        /// The name for people.
        var name: String
        /// The id for programs.
        var id: String
        var figures: UsageFigures
        var session: SessionDocument?
        /// The figures of each model in the row.
        var models: [Row] = []

        init(_ name: String, id: String? = nil, _ figures: UsageFigures, session: SessionDocument? = nil) {
            (self.name, self.id, self.figures, self.session) = (name, id ?? name, figures, session)
        }
    }

    /// The selected rows.
    var rows: [Row] { rows(of: dimension ?? .model, limit: limit) }

    /// The rows of a dimension, sorted.
    private func rows(of dimension: Dimension, limit: Int?) -> [Row] {
        var rows = unsorted(dimension)
        switch sort ?? (dimension.isTime ? .name : .cost) {
        case .name: rows.sort { ($0.name, $0.id) < ($1.name, $1.id) }
        case .seen:
            rows.sort {
                (($1.session?.lastSeenAt ?? ""), $0.name, $0.id) < (($0.session?.lastSeenAt ?? ""), $1.name, $1.id)
            }
        case .cost: Self.sort(&rows) { $0.cost.nanodollars }
        case .tokens: Self.sort(&rows) { $0.tokens }
        case .calls: Self.sort(&rows) { $0.calls }
        }
        if isReversed { rows.reverse() }
        if let limit { rows = Array(rows.prefix(limit)) }
        guard let breakdown else { return rows }
        for position in rows.indices {
            var models = (breakdown[rows[position].id] ?? [:]).map { Row($0.key, $0.value) }
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
        case .usage(let dimension): named(document[by: dimension].figures)
        case .session:
            (document.sessions ?? []).filter { onlySession == nil || $0.sessionId == onlySession }
                .map { Row($0.name, id: $0.sessionId, $0.figures, session: $0) }
        case .day, .week, .month:
            named(
                usedDays.reduce(into: [:]) { sums, day in
                    sums[Self.span(dimension, of: day.date, weekStart), default: UsageFigures()] += day.figures
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
    private static func span(_ dimension: Dimension, of date: String, _ weekStart: WeekStart?) -> String {
        switch dimension {
        case .week where weekStart != nil:
            Timestamp(iso8601: date + "T00:00:00Z").flatMap { weekStart?.week(of: $0).start.iso8601 }
                .map { String($0.prefix(10)) } ?? date
        case .week: CalendarWeek(containing: date)?.name ?? date
        case .month: String(date.prefix(7))
        default: date
        }
    }

    /// The models of each day, week or month, as a series of the API has them.
    static func breakdown(
        _ series: SummaryDocument.Series,
        by dimension: Dimension,
        _ weekStart: WeekStart? = nil
    ) -> [String: [String: UsageFigures]] {
        series.days.reduce(into: [:]) { spans, day in
            for (model, figures) in day.values.figures {
                spans[span(dimension, of: day.date, weekStart), default: [:]][model, default: UsageFigures()] += figures
            }
        }
    }
}

// MARK: - Programs

extension SummaryReport {
    /// The rows with full values.
    var table: ProgramTable {
        let hasModels = breakdown != nil
        var table = ProgramTable(
            titles: [(dimension ?? .model).name] + (hasModels ? ["model"] : []) + Self.titles
        )
        for row in rows {
            if hasModels {
                table.rows += row.models.map { [row.id, $0.id] + Self.values($0.figures) }
            } else {
                table.rows.append([row.id] + Self.values(row.figures))
            }
        }
        return table
    }

    private static let titles = [
        "calls", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost",
        "unpriced_calls",
    ]

    private static func values(_ figures: UsageFigures) -> [String] {
        [
            figures.calls, figures.input, figures.cacheRead, figures.cacheWrite, figures.output, figures.reasoning,
        ].map { String($0) } + [Figures.exact(figures.cost), String(figures.unpricedCalls)]
    }

    /// The report as JSON: the members of every report, then those of the API's document.
    func json(generatedAt: String, api: String) -> String {
        let document = ReportDocument(
            schema: .init(name: "hammurabi.summary"),
            generatedAt: generatedAt,
            by: (dimension ?? .model).name,
            rows: rows.map { RowDocument($0, hasModels: breakdown != nil) },
            totals: self.document.totals,
            coverage: Coverage(self.document.totals, unpricedModels: self.document.unpricedModels),
            warnings: Warning.all(self.document)
        )
        return JSONText.of(document, with: api)
    }
}

/// A row in JSON.
private struct RowDocument: Encodable {
    var name: String
    var figures: UsageFigures
    var session: Session?
    var breakdown: [RowDocument]?

    struct Session: Encodable {
        var sessionId: String
        var agent: String?
        var project: String?
        var user: String?
        var status: String
        var startedAt: String
        var lastSeenAt: String
        var durationMs: Int64

        init(_ facts: SessionDocument) {
            (sessionId, agent, project, user) = (facts.sessionId, facts.agent, facts.project, facts.user)
            (status, startedAt, lastSeenAt) = (facts.status, facts.startedAt, facts.lastSeenAt)
            durationMs = facts.durationMs
        }
    }

    init(_ row: SummaryReport.Row, hasModels: Bool) {
        (name, figures) = (row.name, row.figures)
        session = row.session.map(Session.init)
        breakdown = hasModels ? row.models.map { RowDocument($0, hasModels: false) } : nil
    }

    private enum Keys: String, CodingKey { case name, breakdown }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(name, forKey: .name)
        try values.encodeIfPresent(breakdown, forKey: .breakdown)
        try session?.encode(to: encoder)
        try figures.encode(to: encoder)
    }
}

// MARK: - Terminal

extension SummaryReport {
    /// The report for a terminal of `width` columns.
    func text(width: Int, style: Style) -> String {
        if let dimension {
            return table(dimension, rows, width: width, style) + notes(style)
        }
        var text = headline(width, style) + "\n"
        guard document.totals.calls > 0 else {
            return text + (isFiltered ? "No calls in this period match these filters.\n" : firstSteps)
        }
        let sessions = rows(of: .session, limit: limit ?? 10)
        if !sessions.isEmpty {
            text += style.bold("Session Details") + "\n" + table(.session, sessions, width: width, style)
            let rest = Int(clamping: document.sessionCount) - sessions.count
            if rest > 0 {
                text += style.dim("\(Figures.grouped(Int64(rest))) more: hammurabi summary --by session") + "\n"
            }
            text += "\n"
        }
        text += style.bold("Models") + "\n" + table(.model, rows(of: .model, limit: limit), width: width, style)
        return text + notes(style) + provenance(style)
    }

    /// The cost of figures; a dash when nothing of it has a price.
    static func cost(_ figures: UsageFigures, _ style: Style) -> String {
        figures.isUnpriced ? style.none : Figures.money(figures.cost)
    }

    private func headline(_ width: Int, _ style: Style) -> String {
        let totals = document.totals
        let calls = Figures.counted(totals.calls, "call")
        let tokens = "\(Figures.tokens(totals.tokens)) tokens \(style.dot) \(calls)"
        let cost = "\(style.bold(Self.cost(totals, style))) / \(document.title)"
        var lines = ["\(style.bold("Cost Summary"))  \(cost)  \(style.dim(tokens))"]
        if let budget = document.budget {
            lines.append(String(repeating: " ", count: 14) + BudgetBar(budget).line(width: width - 14, style))
        }
        lines.append(
            "\(style.bold("Sessions"))      \(Figures.grouped(document.sessionCount)) total \(style.dot) "
                + "\(Figures.grouped(document.activeSessions)) active\n"
        )
        return lines.joined(separator: "\n")
    }

    private var firstSteps: String {
        """
        No calls in this period. To collect those of Claude Code, start the collector
        with `hammurabi run` and the agent with these variables:

          export CLAUDE_CODE_ENABLE_TELEMETRY=1
          export OTEL_LOGS_EXPORTER=otlp
          export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
          export OTEL_EXPORTER_OTLP_ENDPOINT=http://\(endpoint)

        """
    }

    private func notes(_ style: Style) -> String {
        let saturated = Warning.saturated(document.totals).map { "\n\($0.message)\n" } ?? ""
        guard let warning = Warning.unpriced(document.totals, models: document.unpricedModels) else { return saturated }
        let help = style.dim("give them one under processors.pricing.overrides")
        return "\n\(warning.message)\n" + help + "\n" + saturated
    }

    private func provenance(_ style: Style) -> String {
        let projected = document.budget == nil ? "" : "; \(style.about) is the forecast for the month"
        let saved = document.cacheSavings.map(\.amount).flatMap { $0 > .zero ? $0 : nil }
        let caches = saved.map { "Reads from caches saved \(Figures.money($0)) at list prices." }
        return "\n" + style.dim("Costs are those of the vendors' APIs\(projected).") + "\n"
            + (caches.map { style.dim($0) + "\n" } ?? "")
    }

    private func table(_ dimension: Dimension, _ rows: [Row], width: Int, _ style: Style) -> String {
        let isWide = width >= 100
        var columns = [
            TextTable.Column(title: dimension.title)
        ]
        if dimension == .session {
            if isWide { columns += [.init(title: "Agent"), .init(title: "Project")] }
            columns += ["Tokens", "Cost", "Duration"].map { .init(title: $0, isNumber: true) }
        } else {
            let titles =
                isWide
                ? ["Calls", "Input", "Cache read", "Cache write", "Output", "Cost"] : ["Calls", "Tokens", "Cost"]
            columns += titles.map { .init(title: $0, isNumber: true) }
        }
        var table = TextTable(columns: columns)
        let models = ShortNames(models: dimension == .model ? rows.map(\.name) : rows.flatMap { $0.models.map(\.name) })
        // Of users and machines, too, what has no name in the configuration is an id.
        let ids = ShortNames(ids: rows.map(\.id))
        for row in rows {
            let name = dimension == .model ? models[row.name] : row.name == row.id ? ids[row.id] : row.name
            table.rows.append(.init(cells: [name.printable] + Self.cells(row, isWide, style, dimension)))
            for model in row.models {
                let name = style.branch + models[model.name].printable
                table.rows.append(.init(cells: [name] + Self.cells(model, isWide, style, dimension), isPart: true))
            }
        }
        addTotal(to: &table, of: rows, dimension, isWide, style)
        return table.text(width: width, style: style)
    }

    /// The count of omitted rows, and the sum of all; a sum over the shown sessions alone would mislead.
    private func addTotal(
        to table: inout TextTable,
        of rows: [Row],
        _ dimension: Dimension,
        _ isWide: Bool,
        _ style: Style
    ) {
        guard dimension != .session || self.dimension == .session else { return }
        let shown = rows.reduce(into: UsageFigures()) { $0 += $1.figures }
        if rows.count < self.rows(of: dimension, limit: nil).count || dimension == .session {
            let rest = document.totals.without(shown)
            if rest.calls > 0 {
                table.rows.append(
                    .init(cells: ["others"] + Self.cells(Row("", rest), isWide, style, dimension), isPart: true)
                )
            }
        }
        let total = Row("Total", document.totals)
        table.rows.append(.init(cells: ["Total"] + Self.cells(total, isWide, style, dimension), isTotal: true))
    }

    /// The cells after a row's name; a row of sessions without a session is a sum.
    private static func cells(_ row: Row, _ isWide: Bool, _ style: Style, _ dimension: Dimension) -> [String] {
        let (figures, session) = (row.figures, row.session)
        if dimension == .session {
            let names = [session?.agent, session?.project].map { $0?.printable ?? (session == nil ? "" : style.none) }
            let duration = session.map { Figures.duration(milliseconds: $0.durationMs) } ?? ""
            return (isWide ? names : []) + [Figures.tokens(figures.tokens), cost(figures, style), duration]
        }
        let tokens =
            isWide ? [figures.input, figures.cacheRead, figures.cacheWrite, figures.output] : [figures.tokens]
        return [Figures.grouped(figures.calls)] + tokens.map(Figures.tokens) + [cost(figures, style)]
    }
}

/// A week from Monday to Sunday as ISO 8601 numbers it: week 1 is the one with the year's first Thursday.
struct CalendarWeek: Hashable {
    let year: Int
    let number: Int

    /// Such as `2026-W47`.
    var name: String { "\(year)-W\(number < 10 ? "0" : "")\(number)" }

    /// The week of a date `YYYY-MM-DD`; nil for anything else.
    init?(containing date: String) {
        let parts = date.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, (1...12).contains(parts[1]), (1...31).contains(parts[2]) else { return nil }
        let day = Self.days(parts[0], parts[1], parts[2])
        // 1970-01-01 was a Thursday.
        let weekday = (day + 3) % 7
        let thursday = day - weekday + 3
        var year = parts[0]
        if thursday < Self.days(year, 1, 1) { year -= 1 } else if thursday >= Self.days(year + 1, 1, 1) { year += 1 }
        self.year = year
        number = (thursday - Self.days(year, 1, 1)) / 7 + 1
    }

    /// Days since 1970-01-01, counted in eras of 400 years that begin in March.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
