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

    /// Creates an amount from dollars in decimal text such as `9223372036.854775807`, without going through binary fractions; the
    /// largest that can be held when it is larger, nil for what is no number or negative.
    public init?(dollars text: some StringProtocol) {
        if let exact = DecimalText.scaled(text.utf8, by: 9) {
            nanodollars = exact
        } else if let dollars = Double(String(text)), dollars > 9e9, DecimalText.isNumber(text.utf8) {
            nanodollars = .max
        } else {
            return nil
        }
    }

    /// The amount in dollars, for display and JSON.
    public var dollars: Double { Double(nanodollars) / 1e9 }

    /// The sum of two amounts; it stops at the largest amount that can be held.
    public static func + (left: Money, right: Money) -> Money {
        Money(nanodollars: left.nanodollars.saturatingAdding(right.nanodollars))
    }

    /// Adds an amount in place.
    public static func += (left: inout Money, right: Money) { left = left + right }

    /// Orders amounts by size.
    public static func < (left: Money, right: Money) -> Bool { left.nanodollars < right.nanodollars }
}
