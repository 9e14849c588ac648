// SPDX-License-Identifier: Apache-2.0

/// The API's answer about prices.
struct PricesDocument: Decodable {
    var models: [Price]
    var unpriced: [Unpriced]
    /// Nil in the answer of a collector before 0.2.
    var aliases: [Alias]?
    var unmatchedOverrides: [UnmatchedPrice]?

    /// What a person should know of their own prices.
    var notes: [String] { (unmatchedOverrides ?? []).map(\.warning.message) }

    /// A name that is billed as another model; a `*` is any text.
    struct Alias: Codable {
        var name: String
        var model: String
        var from: String?
        var until: String?
        var source: String

        /// Whether a model's name is one that the `*` of this alias covers.
        func fits(_ model: String) -> Bool {
            let parts = name.split(separator: "*", omittingEmptySubsequences: false)
            guard parts.count == 2 else { return false }
            return model.hasPrefix(parts[0]) && model.hasSuffix(parts[1]) && model.utf8.count > name.utf8.count - 1
        }
    }

    /// What a million tokens of a model cost, in dollars.
    struct Price: Codable {
        var model: String
        var provider: String?
        var inputPerMillion: Double?
        var outputPerMillion: Double?
        var cacheReadPerMillion: Double?
        var cacheWrite5mPerMillion: Double?
        var cacheWrite1hPerMillion: Double?
        var from: String?
    }

    /// A model that was called and has no price.
    struct Unpriced: Codable {
        var model: String
        var calls: Int64
        var lastSeenAt: String
    }
}

/// A price of the user's that reaches no stored call.
struct UnmatchedPrice: Codable {
    var model: String
    var nearest: String?

    /// What a person should know of it.
    var warning: Warning {
        let similar = nearest.map { "; the nearest is \"\($0.printable)\"" } ?? ""
        return Warning(
            code: "unmatched_override",
            message: "no stored call has the model \"\(model.printable)\" of pricing.overrides\(similar)"
        )
    }
}
