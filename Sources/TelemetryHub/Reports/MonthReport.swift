// SPDX-License-Identifier: Apache-2.0

import HubAPI
import JSON
import Usage

/// The report of a calendar month.
struct MonthReport {
    let summary: SummaryDocument
    let budgets: BudgetsDocument
    let quality: QualityDocument
    let insights: InsightsDocument
    let now: Timestamp

    /// A table of the report.
    struct Part {
        /// Its name for programs, such as `people`.
        var name: String
        var title: String
        /// What the names of the rows are, such as `Project`.
        var heading: String
        var rows: [Row]
    }

    /// A row: a name with its sums.
    struct Row {
        /// The name for people.
        var name: String
        /// The name for programs.
        var id: String
        var figures: UsageFigures
    }

    /// How many rows a table for people has at most, days left aside; the rest are one row.
    static let mostRows = 15
    /// How many sessions are listed.
    static let mostSessions = 10

    /// Whether the month has a call.
    var isEmpty: Bool { summary.callCount == 0 }

    /// The name of the month, such as `November 2026`.
    var title: String {
        let names = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ]
        let parts = summary.from.split(separator: "-")
        guard parts.count == 3, let month = Int(parts[1]), names.indices.contains(month - 1) else {
            return summary.title
        }
        return "\(names[month - 1]) \(parts[0])"
    }

    /// Which days it is about and how they are counted.
    var scope: String {
        "\(summary.from) to \(summary.to), days of \(summary.timezone)" + (isUnderWay ? ", not over yet" : "")
    }

    /// Whether the month is not over.
    private var isUnderWay: Bool {
        guard let month = try? Period(calendarMonth: summary.period, timezone: summary.timezone) else { return false }
        return now < month.end
    }

    /// The change against the days before, such as `+12% against 2026-10-02 to 2026-10-31 ($41.20)`; nil without a cost before.
    var change: String? {
        guard let previous = summary.previous, previous.totalCost.amount > .zero else { return nil }
        let (now, before) = (summary.totalCost.amount.nanodollars, previous.totalCost.amount.nanodollars)
        let percent = (Double(now) / Double(before) - 1) * 100
        let text =
            abs(percent) < 0.5 ? "as much as" : "\(percent < 0 ? "-" : "+")\(Int(abs(percent).rounded()))% against"
        return "\(text) \(previous.from) to \(previous.to) (\(Figures.money(previous.totalCost.amount)))"
    }

    /// The tables by name, the days first, sessions last; those without a row are left out.
    var parts: [Part] {
        let days = summary.byDay.map { Row(name: $0.date, id: $0.date, figures: $0.figures) }
        let named: [(String, String, UsageDimension)] = [
            ("people", "People", .user), ("teams", "Teams", .team), ("projects", "Projects", .project),
            ("models", "Models", .model), ("agents", "Agents", .agent),
        ]
        let sessions = (summary.sessions ?? []).prefix(Self.mostSessions).map {
            Row(name: $0.name, id: $0.sessionId, figures: $0.figures)
        }
        let tables =
            [Part(name: "days", title: "Days", heading: "Day", rows: isEmpty ? [] : days)]
            + named.map { name, title, dimension in
                Part(name: name, title: title, heading: dimension.title, rows: rows(of: dimension))
            }
            + [Part(name: "sessions", title: "Dearest sessions", heading: "Session", rows: Array(sessions))]
        return tables.filter { !$0.rows.isEmpty }
    }

    /// The names of a dimension; none where all calls are without a name.
    private func rows(of dimension: UsageDimension) -> [Row] {
        let members = summary[by: dimension].members
        guard members.contains(where: { $0.name != nameInAnswers("") }) else { return [] }
        return members.map { Row(name: $0.name, id: $0.name, figures: $0.value.figures) }.sorted {
            ($1.figures.cost, $0.name) < ($0.figures.cost, $1.name)
        }
    }

    /// How well the figures are known, as sentences.
    var accuracy: [String] {
        var lines: [String] = []
        if quality.severalWitnesses > 0 {
            lines.append(
                "\(Figures.counted(quality.severalWitnesses, "call")) reported by several sources, each counted once."
            )
        }
        if quality.weaklyJoined > 0 {
            lines.append("\(Figures.counted(quality.weaklyJoined, "call")) joined by time and size alone.")
        }
        if quality.rollUpsNotCounted > 0 {
            let sums = Figures.counted(quality.rollUpsNotCounted, "sum")
            lines.append("\(sums) of other calls left out, because the calls are counted.")
        }
        if quality.sumsOfUnknownCalls > 0 {
            lines.append(
                "\(Figures.counted(quality.sumsOfUnknownCalls, "sum")) of calls that are not known one by one."
            )
        }
        let differing = quality.costs.filter { $0.reported.amount > .zero && $0.reported != $0.computed }
        if !differing.isEmpty {
            let (reported, computed) = differing.reduce((Money.zero, Money.zero)) {
                ($0.0 + $1.reported.amount, $0.1 + $1.computed.amount)
            }
            let calls = Figures.counted(differing.reduce(0) { $0.saturatingAdding($1.calls) }, "call")
            lines.append(
                "\(calls) with another cost from the agent: \(Figures.money(reported)) reported, "
                    + "\(Figures.money(computed)) by the price table."
            )
        }
        return Warning.all(summary).map { $0.message.prefix(1).uppercased() + $0.message.dropFirst() + "." } + lines
    }

    /// What the kinds of tokens cost, each with its name for programs; empty without prices.
    var kinds: [(name: String, title: String, cost: Money)] {
        guard let kinds = insights.costByKind else { return [] }
        let all = [
            ("input", "Input", kinds.input), ("output", "Output", kinds.output),
            ("cacheWrite", "Cache write", kinds.cacheWrite), ("cacheRead", "Cache read", kinds.cacheRead),
            ("other", "Without list price", kinds.other),
        ]
        return all.map { (name: $0.0, title: $0.1, cost: $0.2.amount) }.filter { $0.cost > .zero }
    }

    /// Days that cost far more than usual, each with its cause.
    var unusual: [String] { insights.unusualDays.map { "\($0.title): \($0.detail)" } }

    /// What caches saved; nil when nothing is known of it.
    var savings: Money? { summary.cacheSavings.map(\.amount).flatMap { $0 > .zero ? $0 : nil } }
}

// MARK: - People

extension MonthReport {
    /// The report for a terminal of `width` columns.
    func text(width: Int, style: Style) -> String {
        var text = "\(style.bold("Report of \(title)"))  \(style.dim(scope))\n\n"
        guard !isEmpty else { return text + "No calls in this month.\n" }
        let totals = summary.totals
        let calls = Figures.counted(totals.calls, "call")
        let sessions = Figures.counted(summary.sessionCount, "session")
        text += "Cost      \(style.bold(SummaryReport.cost(totals, style)))"
        text += change.map { "  \(style.dim($0))" } ?? ""
        text += "\nCalls     \(calls) \(style.dot) \(sessions) \(style.dot) \(Figures.tokens(totals.tokens)) tokens\n"
        if let savings { text += "Caches    saved \(Figures.money(savings)) at list prices\n" }
        if !kinds.isEmpty {
            text += "\n\(style.bold("Cost by kind of token"))\n" + kindTable.text(width: width, style: style)
        }
        for part in parts {
            text +=
                "\n\(style.bold(part.title))\n"
                + Self.table(part, summary.totals, style).text(width: width, style: style)
        }
        if !budgets.budgets.isEmpty {
            text += "\n\(style.bold("Budgets"))\n" + budgetTable(style).text(width: width, style: style)
        }
        for (title, lines) in [("Unusual days", unusual), ("Accuracy", accuracy)] where !lines.isEmpty {
            text += "\n\(style.bold(title))\n"
            for line in lines {
                text +=
                    "\(style.bullet) " + line.printable.wrapped(to: max(20, width - 2)).joined(separator: "\n  ") + "\n"
            }
        }
        return text
    }

    /// A table with the largest rows and the rest as one row.
    private static func table(_ part: Part, _ total: UsageFigures, _ style: Style) -> TextTable {
        var table = TextTable(
            columns: [.init(title: part.heading)]
                + ["Cost", "Calls", "Tokens"].map { .init(title: $0, isNumber: true) }
                + ["From cache"].map { .init(title: $0, isNumber: true, rank: 1) }
        )
        let models = ShortNames(models: part.name == "models" ? part.rows.map(\.name) : [])
        let ids = ShortNames(ids: part.rows.map(\.id))
        for row in part.shownRows {
            let name = part.name == "models" ? models[row.name] : row.name == row.id ? ids[row.id] : row.name
            table.rows.append(.init(cells: [name.printable] + cells(row.figures, style)))
        }
        if let rest = part.rest(of: total) {
            table.rows.append(.init(cells: ["others"] + cells(rest, style), isPart: true))
        }
        table.rows.append(.init(cells: ["Total"] + cells(total, style), isTotal: true))
        return table
    }

    private static func cells(_ figures: UsageFigures, _ style: Style) -> [String] {
        [
            SummaryReport.cost(figures, style), Figures.grouped(figures.calls), Figures.tokens(figures.tokens),
            figures.cacheRate.map { "\($0)%" } ?? style.none,
        ]
    }

    private var kindTable: TextTable {
        var table = TextTable(columns: [.init(title: "Kind"), .init(title: "Cost", isNumber: true)])
        table.rows = kinds.map { .init(cells: [$0.title, Figures.money($0.cost)]) }
        return table
    }

    private func budgetTable(_ style: Style) -> TextTable {
        var table = TextTable(
            columns: [.init(title: "Budget")]
                + ["Spent", "Limit", "Share"].map { .init(title: $0, isNumber: true) }
        )
        for state in budgets.budgets {
            table.rows.append(
                .init(
                    cells: [
                        state.name.printable, state.amount(state.spent), state.amount(state.limit),
                        BudgetBar.percent(state.fraction.double) + (state.exceeded ? " over" : ""),
                    ]
                )
            )
        }
        return table
    }
}

extension MonthReport.Part {
    /// The rows that people see.
    var shownRows: [MonthReport.Row] { name == "days" ? rows : Array(rows.prefix(MonthReport.mostRows)) }

    /// The sum of what is not shown; nil when everything is.
    func rest(of total: UsageFigures) -> UsageFigures? {
        guard name != "days" else { return nil }
        let rest = total.without(shownRows.reduce(into: UsageFigures()) { $0 += $1.figures })
        return rest.calls > 0 ? rest : nil
    }
}

extension UsageFigures {
    /// The part of the prompts that came from a cache, in percent; nil without a prompt.
    var cacheRate: Int? {
        let read = [input, cacheRead, cacheWrite].reduce(Int64(0)) { $0.saturatingAdding($1) }
        return read > 0 ? Int((Double(cacheRead) / Double(read) * 100).rounded()) : nil
    }
}

// MARK: - Programs

extension MonthReport {
    /// One row for each sum, with the part of the report in front.
    var table: ProgramTable {
        var table = ProgramTable(
            titles: [
                "part", "name", "cost", "limit", "calls", "unpriced_calls", "sessions", "input_tokens",
                "cache_read_tokens", "cache_write_tokens", "output_tokens",
            ]
        )
        func add(_ part: String, _ name: String, _ figures: UsageFigures) {
            let sessions = figures.sessions.map { String($0) } ?? ""
            let tokens = [figures.input, figures.cacheRead, figures.cacheWrite, figures.output].map { String($0) }
            table.rows.append(
                [
                    part, name, Figures.exact(figures.cost), "", String(figures.calls), String(figures.unpricedCalls),
                    sessions,
                ] + tokens
            )
        }
        func add(_ part: String, _ name: String, _ amount: String, limit: String = "") {
            table.rows.append([part, name, amount, limit] + Array(repeating: "", count: 7))
        }
        add("total", summary.period, summary.totals)
        if let savings { add("cache_savings", summary.period, Figures.exact(savings)) }
        for kind in kinds { add("kinds", kind.name, Figures.exact(kind.cost)) }
        for part in parts { for row in part.rows { add(part.name, row.id, row.figures) } }
        for state in budgets.budgets {
            add(
                state.unit == "usd" ? "budgets" : "budgets_tokens",
                state.name,
                state.spent.text,
                limit: state.limit.text
            )
        }
        return table
    }

    /// The report as JSON: the members of every report, then the API's documents.
    func json(parts: String) -> String {
        let document = ReportDocument(
            schema: .init(name: "hammurabi.report"),
            generatedAt: now.iso8601,
            period: summary.period,
            timezone: summary.timezone,
            by: "day",
            rows: summary.byDay.map { DayRow(date: $0.date, figures: $0.figures) },
            totals: summary.totals,
            coverage: Coverage(summary.totals, unpricedModels: summary.unpricedModels),
            warnings: Warning.all(summary)
        )
        return JSONText.of(document, with: parts)
    }

    private struct DayRow: Encodable {
        var date: String
        var figures: UsageFigures

        private enum Keys: String, CodingKey { case date }

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: Keys.self)
            try values.encode(date, forKey: .date)
            try figures.encode(to: encoder)
        }
    }
}
