// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Usage

/// What a user writes under `pricing:`.
public struct PricingConfig: ComponentConfig {
    /// A price table to use beside the built-in one: ours, or LiteLLM's published JSON file as it is.
    public var table: ConfigPath?
    /// Prices of one's own; a model's name without a date reaches its dated names.
    public var overrides: [ModelPrice] = []
    /// Whose figure counts.
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

    /// Refuses prices that are no numbers.
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
    /// The model's name; without a date it means all dates.
    public var model = ""
    /// Prompt tokens; goes with `output`.
    public var input: String?
    /// Tokens produced; goes with `input`.
    public var output: String?
    /// Prompt tokens read from a cache; the price of input when left out.
    public var cacheRead: String?
    /// Prompt tokens written to a cache; the price of input when left out.
    public var cacheWrite: String?
    /// Prompt tokens written to a cache for an hour; the price of a cache write when left out.
    public var cacheWrite1h: String?
    /// A factor on everything, such as 0.8 for a discount.
    public var multiplier: String?

    /// A price without figures.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case model, input, output, multiplier
        case cacheRead = "cache_read"
        case cacheWrite = "cache_write"
        case cacheWrite1h = "cache_write_1h"
    }
}
