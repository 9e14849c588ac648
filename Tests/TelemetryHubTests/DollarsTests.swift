// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HubAPI
import Testing
import Usage

@testable import TelemetryHub

/// Money in documents: every amount that a sum can hold is read and written exactly.
struct DollarsTests {
    @Test(arguments: [
        Int64(0), 1, 10, 98_500_000_000, 2_000_000_000_000_000_000, 9_007_199_254_740_993, .max - 1, .max,
    ])
    func `an amount that was written is read as the same`(nanodollars: Int64) throws {
        let amount = Dollars(Money(nanodollars: nanodollars))
        let text = try JSONEncoder().encode([amount])
        #expect(String(decoding: text, as: UTF8.self) == "[\(Figures.exact(amount.amount))]")
        #expect(try JSONDecoder().decode([Dollars].self, from: text) == [amount])
    }

    @Test func `an amount above the limit becomes the limit, and an invalid amount is refused`() throws {
        func read(_ text: String) throws -> Int64 {
            try JSONDecoder().decode([Dollars].self, from: Data("[\(text)]".utf8))[0].amount.nanodollars
        }
        #expect(try read("9223372036.854775808") == .max)
        #expect(try read("1e30") == .max)
        #expect(try read("1.5e-9") == 2)
        for text in ["-1", "\"1\"", "true"] { #expect(throws: (any Error).self) { try read(text) } }
    }

    @Test func `a report of sums that cannot be held says so`() throws {
        let document = try Documents.summary(
            [("m", Documents.figures(calls: 12, tokens: 5, cost: 1))],
            calls: 12,
            tokens: .max,
            cost: 9_223_372_036.854775807
        )
        #expect(document.totals.cost.nanodollars == .max)
        #expect(Warning.all(document).map(\.code) == ["saturated"])
        #expect(SummaryReport(document: document).text(width: 100, style: .plain).contains("$9,223,372,036.85"))
        #expect(document.totals.without(document.totals) == UsageFigures())
    }
}
