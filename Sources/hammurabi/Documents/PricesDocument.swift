// SPDX-License-Identifier: Apache-2.0

/// The API's answer about prices.
struct PricesDocument: Decodable {
    var models: [Price]
    var unpriced: [Unpriced]

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
