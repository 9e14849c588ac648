// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Usage

/// The keys under `pricing:`.
public struct PricingConfig: ComponentConfig {
    /// A price table in addition to the built-in one: ours, or LiteLLM's published JSON file unchanged.
    public var table: ConfigPath?
    /// The user's own prices; a model name without a date matches its dated names, too.
    public var overrides: [ModelPrice] = []
    /// Whether the computed or the reported cost counts.
    public var prefer = Pricing.Preference.computed

    /// The built-in table alone.
    public init() {}

    /// What each key means.
    public static let documentation = [
        "table":
            "a file with newer prices: a table of ours, or LiteLLM's model_prices_and_context_window.json as published",
        "overrides":
            "prices of your own (a model's name without a date reaches the dated ones): a list of {model, input, output, cache_read, cache_write, cache_write_1h, multiplier}, dollars per million tokens",
        "prefer":
            "computed: the price table decides; reported: the cost the agent itself reports decides where there is one",
    ]

    /// Reports prices that are not numbers.
    public func validate(_ findings: inout ConfigFindings) {
        for (position, price) in overrides.enumerated() {
            do {
                _ = try price.makeOverride()
            } catch {
                findings.error(
                    "price",
                    error.reason,
                    at: ["overrides", "\(position)", error.place],
                    help: "dollars per million tokens, such as 3 or 0.25"
                )
            }
        }
    }
}

/// The price of one model, in dollars per million tokens.
public struct ModelPrice: ConfigSection, Hashable {
    /// The model's name; without a date it matches all dates.
    public var model = ""
    /// The price of prompt tokens; requires `output`.
    public var input: String?
    /// The price of output tokens; requires `input`.
    public var output: String?
    /// The price of prompt tokens read from a cache; that of input when missing.
    public var cacheRead: String?
    /// The price of prompt tokens written to a cache; that of input when missing.
    public var cacheWrite: String?
    /// The price of prompt tokens written to a cache for an hour; that of a cache write when missing.
    public var cacheWrite1h: String?
    /// A factor on everything, such as 0.8 for a discount.
    public var multiplier: String?

    /// Creates a price without figures.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case model, input, output, multiplier
        case cacheRead = "cache_read"
        case cacheWrite = "cache_write"
        case cacheWrite1h = "cache_write_1h"
    }
}
