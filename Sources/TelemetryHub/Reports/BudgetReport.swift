// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// Compares what was spent in a period with a limit.
struct BudgetReport {
    /// The limit; nil when none is set.
    let limit: Money?
    let used: Money
    /// The projected sum at the end of the period.
    let projected: Money
    /// Whole days after today.
    let daysLeft: Int
    let document: SummaryDocument
    private let now: Timestamp

    init(limit: Money?, document: SummaryDocument, days: Period, now: Timestamp) {
        (self.limit, self.document, self.now) = (limit, document, now)
        used = document.totals.cost
        let today = days.day(of: now)
        daysLeft = today.map { days.days.count - 1 - $0 } ?? 0
        if let budget = document.budget, budget.used.amount == used {
            projected = budget.projected.amount
        } else {
            projected = document.projection?.totalCost.amount ?? used
        }
    }

    /// The used fraction of the limit.
    var fraction: Double? { limit.map { Double(used.nanodollars) / Double(max(1, $0.nanodollars)) } }

    /// Whether more than the limit was spent.
    var isExceeded: Bool { limit.map { used > $0 } ?? false }

    /// The state for people.
    func text(width: Int, style: Style) -> String {
        let warnings = Warning.all(document).map { "\n\($0.message)\n" }.joined()
        guard let limit, let fraction else {
            return """
                \(style.bold("Budget")) / \(document.title)  none; set extensions.hub.budgets in the configuration
                Used       \(Figures.money(used))
                Projected  \(style.about) \(Figures.money(projected)) at the end of the month

                """ + warnings
        }
        let mark = isExceeded ? " \(style.dot) over budget" : projected > limit ? " \(style.dot) will be exceeded" : ""
        return """
            \(style.bold("Budget")) / \(document.title)
            \(style.bar(fraction, width: min(48, max(12, width - 30))))  \(style.bold(BudgetBar.percent(fraction) + mark))
            Used       \(Figures.money(used)) of \(Figures.money(limit))
            Projected  \(style.about) \(Figures.money(projected)) at the end of the month
            Days left  \(daysLeft)

            """ + warnings
    }

    /// The result of a check, in one sentence.
    func sentence(_ style: Style) -> String {
        guard let limit, let fraction else { return "" }
        let part =
            "\(Figures.money(used)) of \(Figures.money(limit)) (\(BudgetBar.percent(fraction))) in \(document.title)"
        return isExceeded ? "over budget: \(part)" : "within budget: \(part)"
    }

    /// Warnings although the limit is kept.
    func warnings(from border: Double) -> [Warning] {
        var warnings: [Warning] = []
        if let fraction, fraction >= border, !isExceeded {
            warnings.append(Warning(code: "budget", message: "\(BudgetBar.percent(fraction)) of the budget is used"))
        }
        return warnings + Warning.all(document)
    }

    /// One row: limit, used, fraction, projected, days left.
    var table: ProgramTable {
        ProgramTable(
            titles: ["period", "limit", "used", "fraction", "projected", "days_left"],
            rows: [
                [
                    document.title, limit.map(Figures.exact) ?? "", Figures.exact(used),
                    fraction.map { String($0) } ?? "",
                    Figures.exact(projected), String(daysLeft),
                ]
            ]
        )
    }

    /// The state as JSON.
    var json: String {
        let row = Row(
            limit: limit.map(Dollars.init),
            used: Dollars(used),
            fraction: fraction,
            projected: Dollars(projected),
            daysLeft: daysLeft,
            exceeded: isExceeded
        )
        let report = ReportDocument(
            schema: .init(name: "hammurabi.budget"),
            generatedAt: now.iso8601,
            period: document.period,
            timezone: document.timezone,
            rows: [row],
            totals: document.totals,
            coverage: Coverage(document.totals, unpricedModels: document.unpricedModels),
            warnings: warnings(from: 0.8)
        )
        return JSONText.of(report)
    }

    private struct Row: Encodable {
        var limit: Dollars?
        var used: Dollars
        var fraction: Double?
        var projected: Dollars
        var daysLeft: Int
        var exceeded: Bool
    }
}
