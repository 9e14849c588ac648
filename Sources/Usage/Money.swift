// SPDX-License-Identifier: Apache-2.0

/// An amount of US dollars as a whole number of 10⁻⁹ dollar, so that sums are exact and do not depend on their order.
public struct Money: Sendable, Hashable, Comparable, Codable {
    /// The amount in billionths of a dollar.
    public var nanodollars: Int64

    /// Nothing.
    public static let zero = Money(nanodollars: 0)

    /// Creates an amount from billionths of a dollar.
    public init(nanodollars: Int64) {
        self.nanodollars = nanodollars
    }

    /// Creates an amount from dollars, rounded to the nearest billionth; nil for what is not a number, negative or beyond a
    /// billion dollars.
    public init?(dollars: Double) {
        guard dollars >= 0, dollars <= 1e9 else { return nil }
        nanodollars = Int64((dollars * 1e9).rounded(.toNearestOrEven))
    }

    /// The amount in dollars, for display and JSON.
    public var dollars: Double { Double(nanodollars) / 1e9 }

    /// The sum of two amounts; it stops at the largest amount that can be held.
    public static func + (left: Money, right: Money) -> Money {
        let (sum, overflow) = left.nanodollars.addingReportingOverflow(right.nanodollars)
        return Money(nanodollars: overflow ? .max : sum)
    }

    /// Adds an amount in place.
    public static func += (left: inout Money, right: Money) { left = left + right }

    /// Orders amounts by size.
    public static func < (left: Money, right: Money) -> Bool { left.nanodollars < right.nanodollars }
}
