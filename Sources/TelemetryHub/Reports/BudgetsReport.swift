// SPDX-License-Identifier: Apache-2.0

import HubAPI
import JSON
import Usage

/// How the periods of all budgets go.
struct BudgetsReport {
    private let states: [BudgetsDocument.State]
    /// The current month, which says how many calls have a price.
    private let month: SummaryDocument
    private let now: Timestamp

    init(_ document: BudgetsDocument, month: SummaryDocument, now: Timestamp) {
        (states, self.month, self.now) = (document.budgets, month, now)
    }

    /// The budgets for people, one under the other.
    func text(width: Int, style: Style) -> String {
        states.map { Self.text($0, width: width, style: style, now) }.joined(separator: "\n") + "\n"
            + Warning.all(month).map { "\n\($0.message)\n" }.joined()
    }

    /// How much of the period is left: of a block hours and minutes.
    private static func left(of state: BudgetsDocument.State, _ now: Timestamp) -> String {
        guard let end = Timestamp(iso8601: state.to) else { return "Days left  \(state.daysLeft)" }
        return "Time left  \(Figures.duration(milliseconds: max(0, end.milliseconds - now.milliseconds)))"
    }

    private static func text(_ state: BudgetsDocument.State, width: Int, style: Style, _ now: Timestamp) -> String {
        let willEnd = state.forecast.expected.double > state.limit.double
        let mark =
            state.exceeded ? " \(style.dot) over budget" : willEnd ? " \(style.dot) will probably be exceeded" : ""
        let days = state.from == state.to ? state.from : "\(state.from) to \(state.to)"
        let calls = state.for.members.map { "\($0.name) \($0.value.map(\.printable).joined(separator: ", "))" }
        let fraction = state.fraction.double
        return """
            \(style.bold("Budget")) / \(state.name.printable)  \(([days] + calls).joined(separator: " \(style.dot) "))
            \(style.bar(fraction, width: min(48, max(12, width - 30))))  \(style.bold(BudgetBar.percent(fraction) + mark))
            Used       \(state.amount(state.spent)) of \(state.amount(state.limit))
            Even pace  \(state.amount(state.evenPace)) by now
            Forecast   \(style.about) \(state.amount(state.forecast.expected)), probably \(state.amount(state.forecast.low)) to \
            \(state.amount(state.forecast.high))
            \(left(of: state, now))

            """
    }

    /// One row a budget.
    var table: ProgramTable {
        ProgramTable(
            titles: [
                "name", "period", "from", "to", "unit", "limit", "used", "fraction", "even_pace", "projected", "low",
                "high", "reached", "days_left",
            ],
            rows: states.map { state in
                [
                    state.name, state.period, state.from, state.to, state.unit, state.limit.text,
                    state.spent.text, state.fraction.text, state.evenPace.text, state.forecast.expected.text,
                    state.forecast.low.text, state.forecast.high.text, state.reached.map { String($0) } ?? "",
                    String(state.daysLeft),
                ]
            }
        )
    }

    /// The budgets as JSON.
    var json: String {
        let report = ReportDocument(
            schema: .init(name: "hammurabi.budget"),
            generatedAt: now.iso8601,
            period: month.period,
            timezone: month.timezone,
            rows: states.map(Row.init),
            totals: month.totals,
            coverage: Coverage(month.totals, unpricedModels: month.unpricedModels),
            warnings: Warning.all(month)
        )
        return JSONText.of(report)
    }

    private struct Row: Encodable {
        var name: String
        var period: String
        var from: String
        var to: String
        var unit: String
        var `for`: ByName<[String]>
        var limit: JSONNumber
        var used: JSONNumber
        var fraction: JSONNumber
        var evenPace: JSONNumber
        var projected: JSONNumber
        var low: JSONNumber
        var high: JSONNumber
        var reached: Int64?
        var exceeded: Bool
        var daysLeft: Int64

        init(_ state: BudgetsDocument.State) {
            (name, period, from, to) = (state.name, state.period, state.from, state.to)
            (unit, self.for, limit, used) = (state.unit, state.for, state.limit, state.spent)
            (fraction, evenPace, projected) = (state.fraction, state.evenPace, state.forecast.expected)
            (low, high) = (state.forecast.low, state.forecast.high)
            (reached, exceeded, daysLeft) = (state.reached, state.exceeded, state.daysLeft)
        }
    }
}

extension BudgetsDocument.State {
    /// An amount of this budget for people.
    func amount(_ number: JSONNumber) -> String {
        unit == "usd"
            ? Figures.money(Money(dollars: number.text) ?? .zero)
            : "\(Figures.brief(Int64(number.text) ?? .max)) tok"
    }

    /// What a check found, in one sentence.
    var sentence: String {
        let part = "\(amount(spent)) of \(amount(limit)) (\(BudgetBar.percent(fraction.double))) in \(name.printable)"
        return exceeded ? "over budget: \(part)" : "within budget: \(part)"
    }
}
