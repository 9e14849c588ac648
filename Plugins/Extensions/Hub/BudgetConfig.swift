// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Usage

/// What a user writes for one budget, under `budgets:` of the hub.
public struct BudgetConfig: ConfigSection, Hashable {
    /// What the budget is called.
    public var name = ""
    /// When it begins again.
    public var period = Cycle.month
    /// What may be spent in each period, in dollars; nil when tokens are limited.
    public var dollars: Double?
    /// How many tokens may be used in each period; nil when money is limited.
    public var tokens: Int64?
    /// Whose calls count: names by dimension.
    public var `for`: [String: [String]] = [:]
    /// The percentages that are reported.
    public var thresholds = Budget.usualThresholds

    /// An empty budget, which is none.
    public init() {}

    /// When a budget begins again.
    public enum Cycle: String, CaseIterable, Codable, Sendable {
        case day, week, month, block
    }

    /// The name of the budget that `budget.monthly` makes.
    static let monthlyName = "monthly"

    /// The budget; nil where the configuration is refused.
    var budget: Budget? {
        guard let limit, let cycle = Budget.Cycle(rawValue: period.rawValue) else { return nil }
        var budget = Budget(name: name, cycle: cycle, limit: limit)
        budget.thresholds = thresholds.sorted()
        for (key, names) in self.for {
            guard let dimension = UsageDimension(rawValue: key) else { return nil }
            budget.filter[dimension] = Set(names)
        }
        return budget
    }

    private var limit: Budget.Limit? {
        switch (dollars, tokens) {
        case (let dollars?, nil): Money(dollars: dollars).flatMap { $0 > .zero ? .cost($0) : nil }
        case (nil, let tokens?): tokens > 0 ? .tokens(tokens) : nil
        default: nil
        }
    }

    /// Refuses budgets that could not be kept apart, or limit nothing.
    static func validate(_ budgets: [BudgetConfig], hasMonthly: Bool, _ findings: inout ConfigFindings) {
        var names: Set<String> = hasMonthly ? [monthlyName] : []
        for (index, budget) in budgets.enumerated() {
            let place = ["budgets", String(index)]
            if budget.name.isEmpty {
                findings.error(
                    "missing-key",
                    "a budget needs a name",
                    at: place,
                    help: "write name: team-web, for example"
                )
            } else if !names.insert(budget.name).inserted {
                findings.error(
                    "duplicate-name",
                    "two budgets are called \"\(budget.name)\"",
                    at: place + ["name"],
                    help: budget.name == monthlyName ? "budget.monthly makes a budget of this name" : nil
                )
            }
            budget.validate(&findings, at: place)
        }
    }

    private func validate(_ findings: inout ConfigFindings, at place: [String]) {
        if (dollars == nil) == (tokens == nil) {
            let found = dollars == nil ? "neither dollars nor tokens" : "dollars and tokens"
            findings.error(
                "missing-key",
                "a budget has one amount, found \(found)",
                at: place,
                help: "write dollars: 200"
            )
        } else if limit == nil {
            findings.error(
                "out-of-range",
                "a budget must be more than 0",
                at: place + [dollars == nil ? "tokens" : "dollars"]
            )
        }
        for key in self.for.keys.sorted() where UsageDimension(rawValue: key) == nil {
            let known = UsageDimension.allCases.map(\.rawValue).joined(separator: ", ")
            findings.error(
                "unknown-key",
                "calls have no \"\(key)\"",
                at: place + ["for", key],
                help: "write one of \(known)"
            )
        }
        for (key, names) in self.for.sorted(by: { $0.key < $1.key }) {
            guard let fixed = UsageDimension(rawValue: key)?.fixedNames else { continue }
            for name in names where !fixed.contains(name) {
                findings.error(
                    "unknown-name",
                    "no call has the \(key) \"\(name)\"",
                    at: place + ["for", key],
                    help: "write one of \(fixed.joined(separator: ", "))"
                )
            }
        }
        for (index, percent) in thresholds.enumerated() where !(1...1_000).contains(percent) {
            findings.error(
                "out-of-range",
                "a threshold is a percentage from 1 to 1000, found \(percent)",
                at: place + ["thresholds", String(index)]
            )
        }
    }
}
