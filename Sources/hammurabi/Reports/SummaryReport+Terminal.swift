// SPDX-License-Identifier: Apache-2.0

import Usage

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
        let projected = document.budget == nil ? "" : "; \(style.about) if the month goes on like this"
        return "\n" + style.dim("Costs are those of the vendors' APIs\(projected).") + "\n"
    }

    private func table(_ dimension: Dimension, _ rows: [Row], width: Int, _ style: Style) -> String {
        let isWide = width >= 100
        var columns = [
            TextTable.Column(title: dimension.rawValue.prefix(1).uppercased() + dimension.rawValue.dropFirst())
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
        let ids = ShortNames(sessionIDs: rows.map(\.id))
        for row in rows {
            let name =
                dimension == .model
                ? models[row.name] : dimension == .session && row.name == row.id ? ids[row.id] : row.name
            table.rows.append(.init(cells: [name.printable] + Self.cells(row, isWide, style)))
            for model in row.models {
                let name = style.branch + models[model.name].printable
                table.rows.append(.init(cells: [name] + Self.cells(model, isWide, style), isPart: true))
            }
        }
        addTotal(to: &table, of: rows, dimension, isWide, style)
        return table.text(width: width, style: style)
    }

    /// What the rows leave out, and the sum; sums over the first sessions alone would mislead.
    private func addTotal(
        to table: inout TextTable,
        of rows: [Row],
        _ dimension: Dimension,
        _ isWide: Bool,
        _ style: Style
    ) {
        guard dimension != .session || self.dimension == .session else { return }
        let facts = dimension == .session ? SessionDocument.Facts.none : nil
        let shown = rows.reduce(into: UsageFigures()) { $0 += $1.figures }
        if rows.count < self.rows(of: dimension, limit: nil).count || dimension == .session {
            let rest = document.totals.without(shown)
            if rest.calls > 0 {
                table.rows.append(
                    .init(cells: ["others"] + Self.cells(Row("", rest, session: facts), isWide, style), isPart: true)
                )
            }
        }
        let total = Row("Total", document.totals, session: facts)
        table.rows.append(.init(cells: ["Total"] + Self.cells(total, isWide, style), isTotal: true))
    }

    private static func cells(_ row: Row, _ isWide: Bool, _ style: Style) -> [String] {
        let figures = row.figures
        if let session = row.session {
            let isSum = session.sessionId.isEmpty
            return (isWide ? [session.agent, session.project].map { $0?.printable ?? (isSum ? "" : style.none) } : [])
                + [
                    Figures.tokens(figures.tokens), cost(figures, style),
                    isSum ? "" : Figures.duration(milliseconds: session.durationMs),
                ]
        }
        let tokens =
            isWide ? [figures.input, figures.cacheRead, figures.cacheWrite, figures.output] : [figures.tokens]
        return [Figures.grouped(figures.calls)] + tokens.map(Figures.tokens) + [cost(figures, style)]
    }
}

extension SessionDocument.Facts {
    /// Stands in a row of sums for the session that it is not.
    static let none = SessionDocument.Facts(
        sessionId: "",
        name: "",
        status: "",
        startedAt: "",
        lastSeenAt: "",
        durationMs: 0
    )
}
