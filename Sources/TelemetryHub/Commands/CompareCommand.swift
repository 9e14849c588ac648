// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import HubAPI
import Usage

/// The command `hammurabi compare`.
struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Shows what the same calls would cost at another model's prices.",
        discussion: """
            The tokens stay as they are, at list prices: another model would write other answers, so this compares prices and \
            forecasts nothing. Calls without a price or without tokens are left out.

            Examples:
              hammurabi compare --with claude-haiku-4-5
              hammurabi compare --with gpt-5-mini --period 30d --model gpt-5
            """
    )

    @Option(
        name: [.customLong("with"), .customLong("to-model")],
        help: ArgumentHelp("The model whose prices are taken.", valueName: "model")
    )
    var other: String?

    @OptionGroup var options: ConfigOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var filters: FilterOptions
    @OptionGroup var tables: TableOptions
    @OptionGroup var output: OutputOptions

    /// The model to compare with: named by `--with`, or as the only `--model`.
    private var model: String? { other ?? (filters.model.count == 1 ? filters.model.first : nil) }

    func validate() throws {
        if output.json, tables.csv { throw ValidationError("give either --json or --csv, not both") }
        guard let model, !model.isEmpty else {
            throw ValidationError("name a model of the price table: --with MODEL; hammurabi prices list shows them")
        }
        _ = try period.resolved(in: "UTC", now: Console.now())
    }

    func run() async throws {
        let style = output.style(Environment.process.variables)
        try await output.report(options) { hub in
            let now = Console.now()
            let days = try period.resolved(in: hub.timezone, now: now)
            // Without --with the model is what to compare with and no condition.
            let conditions = filters.query.filter { other != nil || $0.0 != "model" }
            let answer = try await hub.ask(.compare, days.query + conditions + [("with", model ?? "")])
            let report = CompareReport(document: answer.document)
            if output.json { return Report(text: answer.text + "\n") }
            guard output.isForPeople, !tables.csv else { return Report(text: tables.text(report.table)) }
            return Report(text: report.text(width: Console.columns, style: style))
        }
    }
}

/// What calls cost and would cost, for people and for programs.
struct CompareReport {
    let document: CompareDocument

    /// The table for a terminal of `width` columns.
    func text(width: Int, style: Style) -> String {
        guard document.calls > 0 else { return "No calls in this period can be compared.\n" }
        let models = ShortNames(models: document.byModel.members.map(\.name))
        let titles = ["Calls", "Cost", "At \(document.model)", "Difference"]
        var columns = [TextTable.Column(title: "Model")]
        columns += titles.map { TextTable.Column(title: $0, isNumber: true) }
        var table = TextTable(columns: columns)
        for member in document.byModel.members {
            let share = member.value
            let name = models[member.name].printable
            table.rows.append(
                .init(cells: [name] + cells(share.calls, share.cost.amount, share.comparedCost.amount))
            )
        }
        let total = cells(document.calls, document.cost.amount, document.comparedCost.amount)
        table.rows.append(.init(cells: ["Total"] + total, isTotal: true))
        let rest =
            document.leftOutCalls > 0
            ? style.dim("\(Figures.counted(document.leftOutCalls, "call")) without a price or without tokens left out.")
                + "\n" : ""
        return table.text(width: width, style: style) + rest
            + style.dim("The same tokens at list prices; another model would use others.") + "\n"
    }

    private func cells(_ calls: Int64, _ cost: Money, _ compared: Money) -> [String] {
        let difference = compared.nanodollars.saturatingSubtracting(cost.nanodollars)
        let amount = Figures.money(Money(nanodollars: Int64(clamping: difference.magnitude)))
        return [
            Figures.grouped(calls), Figures.money(cost), Figures.money(compared),
            (difference < 0 ? "-" : difference > 0 ? "+" : "") + amount,
        ]
    }

    /// The rows with full values.
    var table: ProgramTable {
        var table = ProgramTable(titles: ["model", "calls", "cost", "compared_cost"])
        table.rows = document.byModel.members.map { member in
            [
                member.name, String(member.value.calls), Figures.exact(member.value.cost.amount),
                Figures.exact(member.value.comparedCost.amount),
            ]
        }
        return table
    }
}
