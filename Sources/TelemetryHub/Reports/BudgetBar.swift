// SPDX-License-Identifier: Apache-2.0

import HubAPI
import JSON
import Usage

/// The state of the month's budget in one line: a bar, the percentage, and the projected end.
struct BudgetBar {
    private let limit: Money
    private let fraction: Double
    private let projected: Money?

    init(_ budget: SummaryDocument.Budget) {
        self.init(limit: budget.limit.amount, fraction: budget.fraction.double, projected: budget.projected.amount)
    }

    init(limit: Money, fraction: Double, projected: Money?) {
        (self.limit, self.fraction, self.projected) = (limit, fraction, projected)
    }

    /// Such as `71%`; a value just below 100 % is not rounded up to it.
    static func percent(_ fraction: Double) -> String {
        let clamped = min(max(0, fraction), 1e9)
        let whole = Int((clamped * 100).rounded())
        return "\(clamped < 1 ? min(99, whole) : max(100, whole))%"
    }

    /// The line, cut to `width` columns.
    func line(width: Int, _ style: Style) -> String {
        let state = "\(Self.percent(fraction)) of \(Figures.money(limit)) this month"
        let end = projected.map { " \(style.dot) \(style.about) \(Figures.money($0)) at its end" } ?? ""
        let warning = fraction > 1 ? " \(style.dot) over budget" : ""
        let room = width - 2 - state.count - end.count - warning.count
        let bar = style.bar(fraction, width: min(24, max(10, room)))
        return "\(bar)  \(style.bold(state + warning))" + (room < 10 ? "" : end)
    }
}
