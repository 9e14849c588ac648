// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import Testing

@testable import Usage

/// The compiled-in table, and short ways to write calls.
enum PriceFixture {
    static func builtIn() throws -> PriceTable {
        try PriceTable(compiledIn: bytes)
    }

    static var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: hammurabi_prices(), count: hammurabi_prices_length())
    }

    /// The rows of the compiled-in table as text.
    static var rows: [String] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    static func time(_ text: String) throws -> Timestamp { try #require(PriceDate.parse(text)) }

    static func terms(fast: Bool = false, tier: String? = nil, geo: String? = nil, searches: Int64 = 0) -> BillingTerms
    {
        var terms = BillingTerms()
        terms.isFast = fast
        terms.serviceTier = tier
        terms.geography = geo
        terms.webSearches = searches
        return terms
    }

    /// A table of our own format with these rows; columns may be separated by spaces.
    static func table(_ rows: String...) throws -> PriceTable {
        let lines = rows.map { row in
            let columns = row.split(separator: " ", maxSplits: 11).map(String.init)
            return columns.joined(separator: "\t")
        }
        return try PriceTable(contentsOf: Array(([PriceText.signature] + lines).joined(separator: "\n").utf8))
    }
}
