// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Usage

/// A day that cost far more than its weekday usually does, and to what most of the surplus went.
///
/// The rule is that of ``UsualDay``, for alerts and the dashboard alike. A cause is the name of a dimension that cost at least half of the
/// surplus more than it does on an average day; a surplus that is spread over many names has none.
struct UnusualDay: Sendable {
    let date: String
    let cost: Money
    /// What the weekday usually costs.
    let usual: Money
    /// The cost in nanodollars above which the day is unusual.
    let border: Double
    /// The causes in the order of their dimensions: the name, and how much more than usual it cost.
    let causes: [(dimension: UsageDimension, name: String, surplus: Money)]

    /// Whether a day is unusual; nil when it is not.
    ///
    /// - Parameters:
    ///   - day: A period of one day.
    ///   - history: The days before it, the last of them the day before.
    init?(_ day: UsageSummary, after history: UsageSummary) {
        let past = history.byDay.map(\.totals.cost.nanodollars)
        guard let usual = UsualDay.known(past), Double(day.totals.cost.nanodollars) > usual.border else { return nil }
        (date, cost, border) = (day.period.from, day.totals.cost, usual.border)
        self.usual = Money(nanodollars: Int64(exactly: usual.median.rounded()) ?? .max)
        let days = Int64(past.drop { $0 == 0 }.count)
        let surplus = day.totals.cost.nanodollars - self.usual.nanodollars
        causes = [UsageDimension.project, .user, .model].compactMap { dimension in
            let before = history[by: dimension]
            let found = day[by: dimension].filter { !$0.key.isEmpty && $0.key != ListedNames.other }
                .map { name, share in
                    (name, share.totals.cost.nanodollars - (before[name]?.totals.cost.nanodollars ?? 0) / days)
                }
                .max { ($0.1, $1.0) < ($1.1, $0.0) }
            guard let found, found.1 >= surplus / 2 else { return nil }
            return (dimension, found.0, Money(nanodollars: found.1))
        }
    }

    /// One short line.
    var title: String { "\(date) costs far more than usual" }

    /// One sentence with the figures and the cause.
    var detail: String {
        let figures = "\(AlertRules.text(of: cost)) where this weekday usually costs \(AlertRules.text(of: usual))"
        guard let first = causes.first else { return figures + "; the surplus has no single cause" }
        let more = causes.dropFirst().map { ($0.dimension == .user ? " by " : " with ") + Self.shown($0.name) }
        let rest = more.isEmpty ? "" : ", mostly" + more.joined()
        return figures
            + "; \(first.dimension.rawValue) \(Self.shown(first.name)) took \(AlertRules.text(of: first.surplus)) more than usual\(rest)"
    }

    /// A name in a sentence: of an id, which agents send for a person, its beginning.
    private static func shown(_ name: String) -> String {
        name.utf8.count >= 32 && name.utf8.allSatisfy { $0 == 0x2D || Character(Unicode.Scalar($0)).isHexDigit }
            ? String(name.prefix(8)) : name
    }

    /// The names of the causes, by dimension.
    var names: [String: [String]] {
        Dictionary(uniqueKeysWithValues: causes.map { ($0.dimension.rawValue, [$0.name]) })
    }
}

extension InsightsDocument.UnusualDay {
    init(_ day: UnusualDay) {
        self.init(
            date: day.date,
            cost: day.cost,
            usual: day.usual,
            title: day.title,
            detail: day.detail,
            for: day.causes.map { ($0.dimension.rawValue, [$0.name]) }
        )
    }
}
