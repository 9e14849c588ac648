// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import HubAPI
import Usage

/// The command `hammurabi prices`.
struct PricesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices",
        abstract: "Shows prices and models without one, and recomputes costs after a change of prices.",
        subcommands: [List.self, Unpriced.self, Reprice.self],
        defaultSubcommand: List.self
    )

    /// The command `hammurabi prices list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "What a million tokens of each model cost, in dollars (the default).",
            discussion: """
                On a terminal the models that were called in the last 90 days come first, then those in the lists of their vendors; \
                a pipe, --csv and --json get every row.
                """
        )

        @Argument(help: ArgumentHelp("Only models with this text in the name or the provider.", valueName: "model"))
        var model: String?

        @Flag(help: "Also the lists of clouds and gateways, and models that were not called.")
        var all = false

        @OptionGroup var options: ConfigOptions
        @OptionGroup var tables: TableOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if output.json, tables.csv { throw ValidationError("give either --json or --csv, not both") }
        }

        func run() async throws {
            let style = output.style(Environment.process.variables)
            try await output.report(options) { hub in
                let document = try await hub.ask(.prices).document
                var report = PriceReport(document: document, search: model, now: Console.now())
                if output.json { return Report(text: report.pricesJSON) }
                guard output.isForPeople, !tables.csv else { return Report(text: tables.text(report.prices)) }
                report.showsAll = all
                if !all {
                    let summary = try await hub.ask(.summary, [("period", "90d"), ("sessions", "false")]).document
                    report.called = Set(summary.byModel.members.map(\.name))
                }
                return Report(
                    text: report.text(width: Console.columns, style: style),
                    notes: document.notes
                )
            }
        }
    }

    /// The command `hammurabi prices unpriced`.
    struct Unpriced: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unpriced",
            abstract: "Models that were called and have no price, and what they could be."
        )

        @OptionGroup var options: ConfigOptions
        @OptionGroup var tables: TableOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if output.json, tables.csv { throw ValidationError("give either --json or --csv, not both") }
        }

        func run() async throws {
            let style = output.style(Environment.process.variables)
            try await output.report(options) { hub in
                let document = try await hub.ask(.prices).document
                let report = PriceReport(document: document, search: nil, now: Console.now())
                if output.json { return Report(text: report.unpricedJSON) }
                guard output.isForPeople, !tables.csv else { return Report(text: tables.text(report.unpriced)) }
                return Report(text: report.unpricedText(width: Console.columns, style: style))
            }
        }
    }

    /// The command `hammurabi prices reprice`.
    struct Reprice: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reprice",
            abstract: "Recomputes the cost of every stored call with the prices in force."
        )

        @OptionGroup var options: ConfigOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await output.report(options) { hub in
                let answer = try await hub.ask(.reprice)
                if output.json { return Report(text: answer.text + "\n") }
                let count = answer.document.repriced
                let changed = "\(Figures.grouped(count)) call\(count == 1 ? " has" : "s have") a new cost.\n"
                let text = count == 0 ? "No cost changed.\n" : changed
                return Report(
                    text: output.quiet ? "" : text,
                    notes: (answer.document.unmatchedOverrides ?? []).map(\.warning.message)
                )
            }
        }
    }
}
