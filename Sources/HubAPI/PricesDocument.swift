// SPDX-License-Identifier: Apache-2.0

package import JSON
package import Usage

/// The price table in force, and the models that are not in it.
package struct PricesDocument: Codable, Hashable, Sendable {
    package var models: [Price]
    package var unpriced: [Unpriced]
    @Added package var aliases: [Alias]
    @Added package var unmatchedOverrides: [UnmatchedPrice]

    /// The price of a million tokens of a model, in dollars.
    package struct Price: Codable, Hashable, Sendable {
        package var model: String
        /// nil for the user's own price.
        package var provider: String?
        package var inputPerMillion: JSONNumber?
        package var outputPerMillion: JSONNumber?
        package var cacheReadPerMillion: JSONNumber?
        package var cacheWrite5mPerMillion: JSONNumber?
        package var cacheWrite1hPerMillion: JSONNumber?
        /// The first day on which it applies.
        package var from: String?

        init(_ entry: PriceEntry) {
            func dollars(_ rate: Rate?) -> JSONNumber? { rate.map { JSONNumber(text: $0.perMillion) } }
            let rates = entry.rates
            (model, provider) = (entry.model, entry.provider == "override" ? nil : entry.provider)
            (inputPerMillion, outputPerMillion) = (dollars(rates.input), dollars(rates.output))
            cacheReadPerMillion = dollars(rates.cacheRead)
            (cacheWrite5mPerMillion, cacheWrite1hPerMillion) = (dollars(rates.cacheWrite), dollars(rates.cacheWrite1h))
            from = entry.validFrom.map(\.date)
        }
    }

    /// A model that was called and has no price.
    package struct Unpriced: Codable, Hashable, Sendable {
        package var model: String
        package var calls: Int64
        package var lastSeenAt: String
    }

    /// A name that is billed as another model; a `*` matches any text.
    package struct Alias: Codable, Hashable, Sendable {
        package var name: String
        package var model: String
        package var from: String?
        package var until: String?
        /// The report that documents the alias.
        package var source: String

        init(_ alias: PriceAlias) {
            (name, model, source) = (alias.name, alias.model, alias.source)
            (from, until) = (alias.from.map(\.date), alias.until.map(\.date))
        }
    }

    package init(_ entries: [PriceEntry], unpriced: [UnpricedModel], unmatched: [UnmatchedOverride]) {
        models = entries.map(Price.init)
        let named = Dictionary(unpriced.map { ($0.model, $0) }) { $1 }.named(
            adding: { sum, model in
                sum.calls += model.calls
                sum.lastSeenAt = max(sum.lastSeenAt, model.lastSeenAt)
            },
            by: \.calls
        )
        self.unpriced = named.map { Unpriced(model: $0, calls: $1.calls, lastSeenAt: $1.lastSeenAt.iso8601) }
        (aliases, unmatchedOverrides) = (PriceTable.aliases.map(Alias.init), unmatched.map(UnmatchedPrice.init))
    }
}

/// A price of the user that applies to no stored call.
package struct UnmatchedPrice: Codable, Hashable, Sendable {
    package var model: String
    /// The model of a stored call with the most similar name; nil when none is similar.
    package var nearest: String?

    init(_ override: UnmatchedOverride) {
        (model, nearest) = (override.model, override.nearest)
    }
}

extension Timestamp {
    /// The day in UTC, `YYYY-MM-DD`.
    fileprivate var date: String { String(iso8601.prefix(10)) }
}
