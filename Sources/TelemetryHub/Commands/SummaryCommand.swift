// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import HubAPI
import Usage

/// The command `hammurabi summary`.
struct SummaryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "summary",
        abstract: "Shows what a period cost, by model, project, user and more.",
        discussion: """
            Asks the collector when one runs, else reads the store itself; the numbers are the same. On a terminal it \
            prints tables, behind a pipe one line a row with full values, divided by tabs.

            Examples:
              hammurabi summary --period 30d
              hammurabi summary --by project --breakdown --since 2026-11-01
              hammurabi summary --by day --csv > days.csv
              hammurabi summary --json | jq .totalCost
            """
    )

    @OptionGroup var options: ConfigOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var filters: FilterOptions

    @Option(help: ArgumentHelp("One table, split by this, instead of the whole report.", valueName: "dimension"))
    var by: SummaryReport.Dimension?

    @Flag(help: "Split every row by model; goes with every --by but model and session.")
    var breakdown = false

    @Option(help: ArgumentHelp("At most this many rows.", valueName: "rows"))
    var limit: Int?

    @Option(help: ArgumentHelp("Sort by cost, tokens, calls or name.", valueName: "order"))
    var sort: SummaryReport.Order?

    @OptionGroup var tables: TableOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if output.json, tables.csv { throw ValidationError("give either --json or --csv, not both") }
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more") }
        if breakdown {
            guard let by else { throw ValidationError("--breakdown goes with --by; use --by day, for example") }
            if by == .model { throw ValidationError("--by model is split by model already") }
            if by == .session {
                throw ValidationError("--breakdown does not go with --by session; use hammurabi sessions ID")
            }
        }
        _ = try period.resolved(in: "UTC", now: Console.now())
    }

    func run() async throws {
        let environment = Environment.process
        try await output.report(options) { hub in
            let now = Console.now()
            let query = try period.resolved(in: hub.timezone, now: now).query + filters.query
            let series = breakdown && by?.isOfDays == true ? [("series", "model")] : []
            let answer = try await hub.ask(.summary, query + series)
            var report = SummaryReport(document: answer.document, dimension: by, sort: sort, limit: limit)
            if breakdown, let by {
                report.breakdown = try await models(of: report.rows, by: by, answer.document, hub, query)
            }
            if let intake = hub.intake { report.endpoint = intake }
            report.isFiltered = !filters.query.isEmpty
            if output.json { return Report(text: report.json(generatedAt: now.iso8601, api: answer.text)) }
            guard output.isForPeople, !tables.csv else {
                return Report(
                    text: tables.text(report.table),
                    notes: Warning.all(answer.document).map(\.message)
                )
            }
            return Report(text: report.text(width: Console.columns, style: output.style(environment.variables)))
        }
    }

    /// The models of each row: from a series, or from one request for each row.
    private func models(
        of rows: [SummaryReport.Row],
        by dimension: SummaryReport.Dimension,
        _ document: SummaryDocument,
        _ hub: HubConnection,
        _ query: [(String, String)]
    ) async throws -> [String: [String: UsageFigures]] {
        if let series = document.series { return SummaryReport.breakdown(series, by: dimension) }
        var models: [String: [String: UsageFigures]] = [:]
        for row in rows {
            let narrowed = query.filter { $0.0 != dimension.name } + [(dimension.name, row.name)]
            models[row.name] = try await hub.ask(.summary, narrowed).document.byModel.figures
        }
        return models
    }
}

extension SummaryReport.Dimension: ExpressibleByArgument {
    init?(argument: String) {
        guard let known = Self.allCases.first(where: { $0.name == argument.replacing("-", with: "_") }) else {
            return nil
        }
        self = known
    }

    var defaultValueDescription: String { name }

    static var allValueStrings: [String] { allCases.map(\.name) }
}
extension SummaryReport.Order: ExpressibleByArgument {}
