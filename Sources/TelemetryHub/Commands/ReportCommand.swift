// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import HubAPI
import Usage

/// The command `hammurabi report`.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Writes the report of a month, for a terminal, a program or as a page to print.",
        discussion: """
            It has the month's days, people, teams, projects, models, dearest sessions and budgets, what caches saved, and how \
            well the figures are known. Behind a pipe it prints one line a row, divided by tabs, with the part of the report first. \
            The page of --html holds everything that it needs and loads nothing. The dashboard has the same report at \
            #/report/2026-11.

            Examples:
              hammurabi report
              hammurabi report 2026-11 --html > november.html
              hammurabi report 2026-11 --csv > november.csv
            """
    )

    @Argument(help: ArgumentHelp("The month, YYYY-MM; the current one when left out.", valueName: "month"))
    var month: String?

    @OptionGroup var options: ConfigOptions

    @Flag(help: "Print a page in HTML.")
    var html = false

    @Option(
        name: [.customShort("z"), .long],
        help: ArgumentHelp("The time zone of days: UTC, Europe/Berlin, …; default: the hub's.", valueName: "zone")
    )
    var timezone: String?

    @OptionGroup var tables: TableOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if [output.json, tables.csv, html].count(where: \.self) > 1 {
            throw ValidationError("give only one of --json, --csv and --html")
        }
        _ = try period(in: "UTC")
    }

    func run() async throws {
        let style = output.style(Environment.process.variables)
        try await output.report(options) { hub in
            let period = try period(in: hub.timezone)
            let summary = try await hub.ask(.summary, period.query + [("previous", "true")])
            let month = [("month", period.name), ("timezone", period.timezone)]
            let budgets = try await hub.ask(.budgets, month)
            let quality = try await hub.ask(.quality, period.query)
            let insights = try await hub.ask(.insights, period.query)
            let report = MonthReport(
                summary: summary.document,
                budgets: budgets.document,
                quality: quality.document,
                insights: insights.document,
                now: Console.now()
            )
            if output.json {
                let parts = [
                    ("summary", summary.text), ("budgets", budgets.text), ("quality", quality.text),
                    ("insights", insights.text),
                ].map { "\"\($0)\":\($1)" }.joined(separator: ",")
                return Report(text: report.json(parts: "{\(parts)}"))
            }
            let notes = Warning.all(summary.document).map(\.message)
            if html { return Report(text: MonthPage(report: report).html, notes: notes) }
            guard output.isForPeople, !tables.csv else { return Report(text: tables.text(report.table), notes: notes) }
            return Report(text: report.text(width: Console.columns, style: style))
        }
    }

    /// The month of the argument.
    private func period(in zone: String) throws -> Period {
        do {
            guard let month else { return try Period(nil, timezone: timezone ?? zone, now: Console.now()) }
            return try Period(calendarMonth: month, timezone: timezone ?? zone)
        } catch {
            throw ValidationError(error.flagText)
        }
    }
}
