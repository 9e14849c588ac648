// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import HubAPI
import JSON
import Usage
import YAML

/// The command `hammurabi budget`.
struct BudgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budget",
        abstract: "Shows how each budget goes: used, even pace, forecast.",
        subcommands: [State.self, Check.self],
        defaultSubcommand: State.self
    )

    /// The command `hammurabi budget state`.
    struct State: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "state",
            abstract: "Limit, used, even pace, forecast and days left of each budget (the default).",
            discussion: """
                Budgets are in the configuration: extensions.hub.budget.monthly, in dollars, and the list extensions.hub.budgets.
                """
        )

        @OptionGroup var options: ConfigOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let style = output.style(Environment.process.variables)
            try await output.report(options) { hub in
                let now = Console.now()
                let month = try Period(nil, timezone: hub.timezone, now: now)
                let answer = try await hub.ask(.summary, month.query)
                let budgets = try await hub.ask(.budgets).document
                guard budgets.budgets.isEmpty else {
                    let report = BudgetsReport(budgets, month: answer.document, now: now)
                    if output.json { return Report(text: report.json) }
                    if output.isForPeople { return Report(text: report.text(width: Console.columns, style: style)) }
                    return Report(text: report.table.tabbed(header: false))
                }
                let report = BudgetReport(
                    limit: answer.document.budget?.limit.amount,
                    document: answer.document,
                    days: month,
                    now: now
                )
                if output.json { return Report(text: report.json) }
                if output.isForPeople { return Report(text: report.text(width: Console.columns, style: style)) }
                return Report(text: report.table.tabbed(header: false))
            }
        }
    }

    /// The command `hammurabi budget check`.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Exits with 1 when a budget is exceeded; for CI.",
            discussion: """
                With a name it checks that budget of the configuration. With neither name nor --limit it checks budget.monthly.

                Examples:
                  hammurabi budget check web-team
                  hammurabi budget check --limit 20 --period 7d --project shop
                """
        )

        @Argument(help: ArgumentHelp("A budget of the configuration, in its current period.", valueName: "name"))
        var name: String?

        @OptionGroup var options: ConfigOptions

        @Option(help: ArgumentHelp("What may be spent, in dollars.", valueName: "dollars"))
        var limit: Double?

        @OptionGroup var period: PeriodOptions
        @OptionGroup var filters: FilterOptions

        @Option(help: ArgumentHelp("Warn on standard error from this part of the limit on.", valueName: "percent"))
        var warnAt = Percent(fraction: 0.8)

        @OptionGroup var output: OutputOptions

        func validate() throws {
            if let limit, !(limit > 0 && limit <= 1e9) { throw ValidationError("--limit must be more than 0 dollars") }
            if name != nil, limit != nil || period.isGiven || !filters.query.isEmpty {
                throw ValidationError("a budget has its own limit, period and calls; give either its name or --limit")
            }
            if name == nil, limit == nil, period.isGiven || !filters.query.isEmpty {
                throw ValidationError("the budget of the configuration is for all calls of a month; give --limit, too")
            }
            _ = try period.resolved(in: "UTC", now: Console.now())
        }

        func run() async throws {
            let style = output.style(Environment.process.variables)
            try await output.report(options) { hub in
                if let name { return try await report(on: name, hub) }
                let now = Console.now()
                let days = try period.resolved(in: hub.timezone, now: now)
                let query = days.query + filters.query
                let answer = try await hub.ask(.summary, query)
                guard let limit = limit.flatMap({ Money(dollars: $0) }) ?? answer.document.budget?.limit.amount else {
                    throw CommandFailure(
                        exitCode: Exit.configuration,
                        code: "no-budget",
                        message: "there is no budget to check against",
                        suggestion: "give --limit DOLLARS, or set extensions.hub.budget.monthly in the configuration"
                    )
                }
                let report = BudgetReport(limit: limit, document: answer.document, days: days, now: now)
                return Report(
                    text: output.json ? report.json : output.quiet ? "" : report.sentence(style) + "\n",
                    notes: report.warnings(from: warnAt.fraction).map(\.message),
                    exitCode: report.isExceeded ? Exit.checkSaidNo : Exit.done
                )
            }
        }

        private func report(on name: String, _ hub: HubConnection) async throws -> Report {
            var document = try await hub.ask(.budgets).document
            let names = document.budgets.map(\.name)
            document.budgets.removeAll { $0.name != name }
            guard let state = document.budgets.first else {
                let meant = suggestion(for: name, among: names).map { "did you mean \"\($0)\"?" }
                let known =
                    names.isEmpty ? "the configuration has none" : "the budgets are \(names.joined(separator: ", "))"
                throw CommandFailure(
                    exitCode: Exit.configuration,
                    code: "no-budget",
                    message: "there is no budget called \"\(name.printable)\"",
                    suggestion: meant ?? known
                )
            }
            let now = Console.now()
            let month = try await hub.ask(.summary, try Period(nil, timezone: hub.timezone, now: now).query).document
            let isNear = !state.exceeded && state.fraction.double >= warnAt.fraction
            let warning = isNear ? ["\(BudgetBar.percent(state.fraction.double)) of the budget is used"] : []
            let text = BudgetsReport(document, month: month, now: now).json
            return Report(
                text: output.json ? text : output.quiet ? "" : state.sentence + "\n",
                notes: warning + Warning.all(month).map(\.message),
                exitCode: state.exceeded ? Exit.checkSaidNo : Exit.done
            )
        }
    }
}

/// A fraction, written `80%`, `80` or `0.8`.
struct Percent: ExpressibleByArgument {
    var fraction: Double

    init(fraction: Double) { self.fraction = fraction }

    init?(argument: String) {
        let isPercent = argument.hasSuffix("%")
        guard let number = Double(isPercent ? String(argument.dropLast()) : argument), number >= 0 else { return nil }
        fraction = isPercent || number > 1 ? number / 100 : number
        guard fraction <= 1 else { return nil }
    }

    var defaultValueDescription: String { BudgetBar.percent(fraction) }
}
