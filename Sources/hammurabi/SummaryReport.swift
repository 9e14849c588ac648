// SPDX-License-Identifier: Apache-2.0

import Usage

/// A summary as a report for people, or as rows for programs.
struct SummaryReport {
    let summary: UsageSummary
    let dimension: Dimension?
    /// Where the collector takes telemetry in, `host:port`.
    var endpoint = "127.0.0.1:4318"

    /// By what the figures are split.
    enum Dimension: String, CaseIterable {
        case model, agent, project, session, day, user, machine
    }

    /// One row of figures with everything that can be said about it.
    private struct Line {
        var name: String
        var totals: UsageTotals
        var session: Session?
    }

    /// The report for a terminal of `width` columns.
    func text(width: Int, style: Style) -> String {
        if let dimension {
            return table(dimension, lines(dimension), isWide: width >= 100, style).text(width: width, style: style)
                + notes(style)
        }
        var text = headline(style) + "\n"
        guard summary.totals.calls > 0 else {
            return text + """
                No calls in this period. To collect those of Claude Code, start the collector
                with `hammurabi run` and the agent with these variables:

                  export CLAUDE_CODE_ENABLE_TELEMETRY=1
                  export OTEL_LOGS_EXPORTER=otlp
                  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
                  export OTEL_EXPORTER_OTLP_ENDPOINT=http://\(endpoint)

                """
        }
        let isWide = width >= 100
        text +=
            style.bold("Models") + "\n"
            + table(.model, lines(.model), isWide: isWide, style).text(width: width, style: style) + "\n"
        let sessions = lines(.session)
        if !sessions.isEmpty {
            let shown = Array(sessions.prefix(10))
            text +=
                style.bold("Session Details") + "\n"
                + table(.session, shown, isWide: isWide, style).text(width: width, style: style)
            if shown.count < sessions.count {
                text += style.dim("\(sessions.count - shown.count) more: hammurabi summary --by session") + "\n"
            }
        }
        return text + notes(style)
    }

    /// The rows of a dimension with full values, divided by tabs.
    var tabbed: String { rows(dimension ?? .model).map { $0.map(\.printable).joined(separator: "\t") + "\n" }.joined() }

    /// The rows as comma-separated values (RFC 4180) under their titles.
    var csv: String {
        let titles = [(dimension ?? .model).rawValue] + Self.titles
        return ([titles] + rows(dimension ?? .model)).map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }
            .joined()
    }

    private static let titles = [
        "calls", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost",
        "unpriced_calls",
    ]

    private func rows(_ dimension: Dimension) -> [[String]] {
        lines(dimension).map { line in
            let counts = line.totals.counts
            let figures = [
                line.totals.calls, counts.uncachedInput, counts.cacheRead, counts.cacheWrite, counts.output,
                counts.reasoning,
            ]
            return [line.name] + figures.map { String($0) } + [
                Figures.exact(line.totals.cost), String(line.totals.unpricedCalls),
            ]
        }
    }

    private static func quoted(_ value: String) -> String {
        // A leading sign would be run as a formula by spreadsheets.
        let safe = value.first.map { "=+-@".contains($0) } == true ? "'" + value : value
        return safe.contains { ",\"\r\n".contains($0) } ? "\"" + safe.replacing("\"", with: "\"\"") + "\"" : safe
    }

    private func headline(_ style: Style) -> String {
        let totals = summary.totals
        let period =
            "\(summary.period.name == "custom" ? "\(summary.period.from) to \(summary.period.to)" : summary.period.name)"
        let tokens = "\(Figures.tokens(totals.counts.total)) tokens \(style.dot) \(Figures.grouped(totals.calls)) calls"
        return """
            \(style.bold("Cost Summary"))  \(style.bold(cost(totals, style))) / \(period)  \(style.dim(tokens))
            \(style.bold("Sessions"))      \(summary.sessionCount) total \(style.dot) \(summary.activeSessions) active

            """
    }

    private func notes(_ style: Style) -> String {
        guard !summary.unpricedModels.isEmpty else { return "" }
        let names = summary.unpricedModels.map { $0.isEmpty ? "(no model named)" : $0.printable }.joined(
            separator: ", "
        )
        return "\n\(summary.totals.unpricedCalls) calls have no price and are not in the cost: \(names)\n"
            + style.dim("give them one under processors.pricing.overrides") + "\n"
    }

    private func lines(_ dimension: Dimension) -> [Line] {
        func named(_ shares: [String: UsageSummary.Share]) -> [Line] {
            shares.map { Line(name: $0.key.isEmpty ? "unknown" : $0.key, totals: $0.value.totals) }
                .sorted {
                    ($1.totals.cost, $1.totals.counts.total, $0.name) < (
                        $0.totals.cost, $0.totals.counts.total, $1.name
                    )
                }
        }
        return switch dimension {
        case .model: named(summary.byModel)
        case .agent: named(summary.byAgent)
        case .project: named(summary.byProject)
        case .user: named(summary.byUser)
        case .machine: named(summary.byMachine)
        case .day: summary.byDay.map { Line(name: $0.date, totals: $0.totals) }
        case .session: summary.sessions.map { Line(name: $0.name, totals: $0.totals, session: $0) }
        }
    }

    private func table(_ dimension: Dimension, _ lines: [Line], isWide: Bool, _ style: Style) -> TextTable {
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
        for line in lines { table.rows.append(.init(cells: [line.name.printable] + cells(line, isWide, style))) }
        if dimension != .session {
            let total = Line(name: "Total", totals: summary.totals)
            table.rows.append(.init(cells: ["Total"] + cells(total, isWide, style), isTotal: true))
        }
        return table
    }

    private func cells(_ line: Line, _ isWide: Bool, _ style: Style) -> [String] {
        let counts = line.totals.counts
        if let session = line.session {
            let milliseconds = session.lastSeenAt.milliseconds - session.startedAt.milliseconds
            return (isWide ? [session.agent, session.project].map { $0?.printable ?? style.none } : [])
                + [
                    Figures.tokens(counts.total), cost(line.totals, style),
                    Figures.duration(milliseconds: milliseconds),
                ]
        }
        let tokens =
            isWide ? [counts.uncachedInput, counts.cacheRead, counts.cacheWrite, counts.output] : [counts.total]
        return [Figures.grouped(line.totals.calls)] + tokens.map(Figures.tokens) + [cost(line.totals, style)]
    }

    /// The cost; a dash when nothing of it has a price.
    private func cost(_ totals: UsageTotals, _ style: Style) -> String {
        totals.calls > 0 && totals.unpricedCalls == totals.calls ? style.none : Figures.money(totals.cost)
    }
}
