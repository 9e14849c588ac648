// SPDX-License-Identifier: Apache-2.0

/// A price that the user sets for one model, such as a negotiated rate, a self-hosted model or a gateway's markup.
///
/// With rates it replaces whatever the table says; with a multiplier alone it scales the price of the table.
public struct PriceOverride: Sendable, Hashable {
    /// The model as calls name it, in any case; a name without a date reaches dated ones, see ``PriceTable/override(for:)``.
    public var model: String
    /// The rates; without any, the table's hold.
    public var rates: Rates
    /// A factor on the cost of the tokens.
    public var multiplier: PriceFactor

    /// Creates an override from decimal text in dollars per million tokens; the description of a `Double` is such a text.
    ///
    /// Throws when a text is no number from 0 to 1 000 000, when only one of input and output is given, or when there
    /// is neither a rate nor a multiplier. The error's place is the name of the setting.
    public init(
        model: String,
        input: String? = nil,
        output: String? = nil,
        cacheRead: String? = nil,
        cacheWrite: String? = nil,
        cacheWrite1h: String? = nil,
        multiplier: String? = nil
    ) throws(PriceTableError) {
        guard !model.isEmpty, model.utf8.count <= ModelName.longest else {
            throw PriceTableError("model", "the name of a model is missing")
        }
        self.model = model
        rates = Rates(
            input: try Self.rate(input, "input"),
            output: try Self.rate(output, "output"),
            cacheRead: try Self.rate(cacheRead, "cache_read"),
            cacheWrite: try Self.rate(cacheWrite, "cache_write"),
            cacheWrite1h: try Self.rate(cacheWrite1h, "cache_write_1h")
        )
        self.multiplier = .one
        if let multiplier {
            guard let factor = PriceFactor(multiplier) else {
                throw PriceTableError("multiplier", "\"\(multiplier.prefix(40))\" is not a number from 0 to 1000")
            }
            self.multiplier = factor
        }
        guard rates.isEmpty == (rates.input == nil), rates.isEmpty == (rates.output == nil) else {
            throw PriceTableError(rates.input == nil ? "input" : "output", "input and output go together")
        }
        guard !rates.isEmpty || multiplier != nil else {
            throw PriceTableError("model", "neither a rate nor a multiplier is given")
        }
    }

    private static func rate(_ text: String?, _ name: String) throws(PriceTableError) -> Rate? {
        guard let text else { return nil }
        guard let rate = Rate(perMillion: text) else {
            throw PriceTableError(name, "\"\(text.prefix(40))\" is not a number of dollars per million tokens")
        }
        return rate
    }

    /// The row that the override replaces; nil when it only scales.
    var entry: PriceEntry? {
        guard !rates.isEmpty else { return nil }
        var entry = PriceEntry(provider: "override", model: model.lowercased(), rates: rates)
        entry.factor = multiplier
        entry.isFree = true
        return entry
    }
}

/// A price of the user's that reaches no stored call, most likely because the model's name is misspelt.
public struct UnmatchedOverride: Sendable, Hashable {
    /// The model as the user wrote it.
    public var model: String
    /// The model of a stored call whose name is most like it; nil when none is alike.
    public var nearest: String?
}
