// SPDX-License-Identifier: Apache-2.0

package import JSON
package import Usage

/// The budgets of a configuration, and how their current periods go.
package struct BudgetsDocument: Codable, Hashable, Sendable {
    package var timezone: String
    package var budgets: [State]

    /// How one budget's period goes; amounts are dollars or tokens, as `unit` says.
    package struct State: Codable, Hashable, Sendable {
        package var name: String
        package var period: String
        package var from: String
        package var to: String
        /// `usd` or `tokens`.
        package var unit: String
        /// The names whose calls count, by dimension; empty for all calls.
        package var `for`: ByName<[String]>
        package var limit: JSONNumber
        package var spent: JSONNumber
        /// `spent` as a part of `limit`.
        package var fraction: JSONNumber
        /// What would have been spent by now at an even pace.
        package var evenPace: JSONNumber
        package var forecast: Forecast
        /// Percentages, rising.
        package var thresholds: [Int64]
        /// The highest threshold that was reached; nil before the first.
        package var reached: Int64?
        package var exceeded: Bool
        /// Whole days after today.
        package var daysLeft: Int64
        /// What each day of the period took, days to come included; empty for a block.
        @Added package var days: [Day]
    }

    /// What a day took of a budget.
    package struct Day: Codable, Hashable, Sendable {
        package var date: String
        package var spent: JSONNumber
    }

    /// Where a period will probably end: four of five end in the band.
    package struct Forecast: Codable, Hashable, Sendable {
        package var low: JSONNumber
        package var expected: JSONNumber
        package var high: JSONNumber
    }

    package init(_ states: [BudgetState], timezone: String, now: Timestamp) {
        self.timezone = timezone
        budgets = states.map { State($0, now: now) }
    }
}

extension BudgetsDocument.State {
    fileprivate init(_ state: BudgetState, now: Timestamp) {
        let budget = state.budget
        let isMoney = if case .cost = budget.limit { true } else { false }
        func number(_ amount: Int64) -> JSONNumber {
            isMoney ? JSONNumber(billionths: amount) : JSONNumber(text: String(amount))
        }
        (name, period) = (budget.name, budget.cycle.rawValue)
        (from, to, unit) = (state.period.from, state.period.to, isMoney ? "usd" : "tokens")
        let names = UsageDimension.allCases.map { ($0.rawValue, budget.filter[$0].sorted()) }
        self.for = ByName(names.filter { !$0.1.isEmpty })
        (limit, spent, evenPace) = (number(budget.limit.amount), number(state.spent), number(state.evenPace))
        fraction = JSONNumber(billionths: state.fraction)
        forecast = BudgetsDocument.Forecast(
            low: number(state.forecast.low),
            expected: number(state.forecast.expected),
            high: number(state.forecast.high)
        )
        thresholds = budget.thresholds.map(Int64.init)
        (reached, exceeded) = (state.reached.map(Int64.init), state.isExceeded)
        daysLeft = state.period.day(of: now).map { Int64(state.period.days.count - 1 - $0) } ?? 0
        days =
            budget.cycle == .block
            ? [] : zip(state.period.days, state.spentByDay).map { .init(date: $0, spent: number($1)) }
    }
}
