// SPDX-License-Identifier: Apache-2.0

/// The price of one token as a whole number of 10⁻¹⁸ dollar.
///
/// The cheapest published rate ($0.0025 per million) is 2 500 000 000 units, and every published rate, its halves and
/// its tenths are whole, so that nothing is rounded before the cost of a whole call is.
public struct Rate: Sendable, Hashable, Comparable {
    /// The price of one token in 10⁻¹⁸ dollar; the price of a million tokens in 10⁻¹² dollar.
    public let attodollarsPerToken: Int64

    /// Costs nothing.
    public static let free = Rate(attodollarsPerToken: 0)

    /// The highest rate that is believed, one dollar per token; a higher one is a mistake of unit.
    static let limit: Int64 = 1_000_000_000_000_000_000

    init(attodollarsPerToken: Int64) {
        self.attodollarsPerToken = attodollarsPerToken
    }

    /// Reads dollars per million tokens as decimal text such as `0.0025` or `1e-3`; nil for anything else, for negative
    /// numbers and above a million dollars.
    public init?(perMillion text: some StringProtocol) {
        guard let units = DecimalText.scaled(text.utf8, by: 12), units <= Rate.limit else { return nil }
        attodollarsPerToken = units
    }

    /// Reads dollars per single token as decimal text such as `3e-06`, LiteLLM's unit; nil as for
    /// ``init(perMillion:)``.
    public init?(perToken text: some StringProtocol) {
        guard let units = DecimalText.scaled(text.utf8, by: 18), units <= Rate.limit else { return nil }
        attodollarsPerToken = units
    }

    /// Dollars per million tokens as decimal text without superfluous zeros.
    public var perMillion: String { DecimalText.text(attodollarsPerToken, scale: 12) }

    /// Orders rates by price.
    public static func < (left: Rate, right: Rate) -> Bool { left.attodollarsPerToken < right.attodollarsPerToken }
}

/// A factor on a price with three decimals, such as 1.1 for inference bound to the United States.
public struct PriceFactor: Sendable, Hashable {
    /// The factor times a thousand.
    public let thousandths: Int64

    /// Leaves the price as it is.
    public static let one = PriceFactor(thousandths: 1000)

    init(thousandths: Int64) {
        self.thousandths = thousandths
    }

    /// Reads a factor from decimal text, rounded to three decimals; nil for anything else, for negative numbers and
    /// above 1000.
    public init?(_ text: some StringProtocol) {
        guard let units = DecimalText.scaled(text.utf8, by: 3), units <= 1_000_000 else { return nil }
        thousandths = units
    }

    /// The factor as decimal text without superfluous zeros.
    public var text: String { DecimalText.text(thousandths, scale: 3) }
}
