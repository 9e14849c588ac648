// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing

@testable import Usage

@Suite struct PriceRuleTests {
    private func cost(_ row: String, _ counts: TokenCounts, _ terms: BillingTerms = BillingTerms()) throws -> Cost? {
        let table = try PriceFixture.table(row)
        return table.cost(
            of: PricedCall(
                model: "m",
                provider: "p",
                time: try PriceFixture.time("2026-11-22"),
                counts: counts,
                terms: terms
            )
        )
    }

    @Test func `missing cache rates are billed as input and noted`() throws {
        let counts = TokenCounts(cacheRead: 10, cacheWrite5m: 20, cacheWrite1h: 30)
        let cost = try #require(try cost("p m chat - - 2 8 - - - - -", counts))
        #expect(cost.amount.nanodollars == 120_000)
        #expect(cost.notes == [.cacheReadRateMissing, .cacheWriteRateMissing, .cacheWrite1hRateMissing])
    }

    @Test func `one-hour writes without a rate are billed as base writes`() throws {
        let cost = try #require(try cost("p m chat - - 2 8 0.2 2.5 - - -", TokenCounts(cacheWrite1h: 100)))
        #expect(cost.amount.nanodollars == 250_000)
        #expect(cost.notes == .cacheWrite1hRateMissing)
    }

    @Test func `a cache rate of zero is free`() throws {
        let cost = try #require(
            try cost("p m chat - - 2 8 0 0 0 - -", TokenCounts(cacheRead: 9, cacheWrite5m: 9, cacheWrite1h: 9))
        )
        #expect(cost == Cost(amount: .zero, rateKey: "p/m", notes: []))
    }

    @Test func `tokens without any rate leave the call unpriced`() throws {
        let row = "p m embedding - - 0.02 - - - - - -"
        #expect(try cost(row, TokenCounts(uncachedInput: 100))?.amount.nanodollars == 2_000)
        #expect(try cost(row, TokenCounts(uncachedInput: 100, output: 1)) == nil)
    }

    @Test func `the largest crossed threshold prices the whole request`() throws {
        let row = "p m chat - - 1 2 0.1 - - - >100=2/4/0.2 >200=3/6"
        #expect(try cost(row, TokenCounts(uncachedInput: 100, output: 1))?.amount.nanodollars == 102_000)
        #expect(try cost(row, TokenCounts(uncachedInput: 101, output: 1))?.amount.nanodollars == 206_000)
        // A rate that the higher tier does not publish stays that of the lower: 200 × 0.2 + 1 × 3 + 1 × 6.
        #expect(try cost(row, TokenCounts(uncachedInput: 1, cacheRead: 200, output: 1))?.amount.nanodollars == 49_000)
    }

    @Test func `a service tier that is not published above a threshold is billed at the list price and noted`() throws {
        let row = "p m chat - - 1 2 - - - - >100=4/6 priority=2/4"
        let priority = PriceFixture.terms(tier: "priority")
        let below = try #require(try cost(row, TokenCounts(uncachedInput: 100), priority))
        #expect(below.amount.nanodollars == 200_000)
        #expect(below.notes == [])
        let above = try #require(try cost(row, TokenCounts(uncachedInput: 101), priority))
        #expect(above.amount.nanodollars == 404_000)
        #expect(above.notes == .serviceTierRateMissing)
    }

    @Test(arguments: ["default", "auto", "standard", ""])
    func `the usual names of the standard tier are the list price`(tier: String) throws {
        let cost = try #require(
            try cost(
                "p m chat - - 1 2 - - - - batch=0.5/1",
                TokenCounts(uncachedInput: 1),
                PriceFixture.terms(tier: tier)
            )
        )
        #expect(cost.notes == [])
    }

    @Test func `unknown tiers, speeds and searches are noted`() throws {
        let terms = PriceFixture.terms(fast: true, tier: "express", geo: "mars", searches: 2)
        let cost = try #require(try cost("p m chat - - 1 2 - - - - us*1.1", TokenCounts(uncachedInput: 1), terms))
        #expect(cost.amount.nanodollars == 1_000)
        #expect(cost.notes == [.serviceTierRateMissing, .fastFactorMissing, .webSearchPriceMissing])
    }

    @Test func `unknown cache lifetimes are noted`() throws {
        var call = PricedCall(
            model: "claude-sonnet-5",
            time: try PriceFixture.time("2026-11-22"),
            counts: TokenCounts(cacheWrite5m: 1_000)
        )
        call.knowsCacheLifetimes = false
        let cost = try #require(try PriceFixture.builtIn().cost(of: call))
        #expect(cost.amount.nanodollars == 2_500_000)
        #expect(cost.notes == .cacheLifetimeUnknown)
    }

    @Test func `hostile counts neither crash nor make negative money`() throws {
        let row = "p m chat - - 1000000 1000000 - - - - fast*1000 us*1000"
        let most = TokenCounts(
            uncachedInput: .max,
            cacheRead: .max,
            cacheWrite5m: .max,
            cacheWrite1h: .max,
            output: .max,
            reasoning: .max
        )
        let terms = PriceFixture.terms(fast: true, geo: "us", searches: .max)
        let cost = try #require(try cost(row, most, terms))
        #expect(cost.amount.nanodollars == .max)
        #expect(cost.notes.contains(.countsCut))
        let least = TokenCounts(
            uncachedInput: .min,
            cacheRead: .min,
            cacheWrite5m: .min,
            cacheWrite1h: .min,
            output: .min,
            reasoning: .min
        )
        #expect(try self.cost(row, least, PriceFixture.terms(searches: .min))?.amount == .zero)
    }

    @Test func `reasoning is a part of the output`() throws {
        let row = "p m chat - - 1 2 - - - 5 -"
        #expect(try cost(row, TokenCounts(output: 10, reasoning: 4))?.amount.nanodollars == 32_000)
        let more = try #require(try cost(row, TokenCounts(output: 10, reasoning: 40)))
        #expect(more.amount.nanodollars == 50_000)
        #expect(more.notes == .countsCut)
    }

    // 2026-11-18 is a Wednesday, 2026-11-21 a Saturday. List price 1.32, off-peak 0.66.
    @Test(arguments: [
        ("2026-11-18T08:00:00Z", 1_320_000_000), ("2026-11-18T12:00:00Z", 660_000_000),
        ("2026-11-18T00:59:59Z", 660_000_000),
        ("2026-11-18T01:00:00Z", 1_320_000_000), ("2026-11-18T06:00:00Z", 1_320_000_000),
        ("2026-11-21T08:00:00Z", 660_000_000),
    ])
    func `off-peak rates apply at their hours`(time: String, nanodollars: Int64) throws {
        let call = PricedCall(
            model: "deepseek-v4-pro",
            provider: "deepseek",
            time: try PriceFixture.time(time),
            counts: TokenCounts(uncachedInput: 1_000_000)
        )
        #expect(try PriceFixture.builtIn().cost(of: call)?.amount.nanodollars == nanodollars)
    }

    @Test func `weekdays of a window are in its own time zone`() throws {
        // Friday 16:00 UTC is Saturday in Shanghai.
        var offPeak = OffPeakRates(rates: Rates(), windows: try #require(OffPeakRates.windows("67@00:00-24:00")))
        let friday = try PriceFixture.time("2026-11-20T16:00:00Z")
        #expect(!offPeak.holds(at: friday))
        offPeak.weekdayOffset = 480
        #expect(offPeak.holds(at: friday))
    }

    @Test(arguments: [
        "claude-sonnet-5", "gpt-6.1-sol", "gemini-4-argon", "grok-4.7", "deepseek-v4-flash", "claude-haiku-5-5",
    ])
    func `cost grows with every bucket, and buckets add up within a tier`(model: String) throws {
        let table = try PriceFixture.builtIn()
        let time = try PriceFixture.time("2026-11-18T08:00:00Z")
        func price(_ counts: TokenCounts) throws -> Int64 {
            try #require(table.cost(of: PricedCall(model: model, time: time, counts: counts))).amount.nanodollars
        }
        let buckets: [WritableKeyPath<TokenCounts, Int64>] = [
            \.uncachedInput, \.cacheRead, \.cacheWrite5m, \.cacheWrite1h, \.output,
        ]
        var generator = SeededGenerator(seed: 0x9E37_79B9_7F4A_7C15)
        for _ in 0..<50 {
            var counts = TokenCounts()
            var sum: Int64 = 0
            for bucket in buckets {
                var alone = TokenCounts()
                // Multiples of a thousand keep every part whole in nano-dollars; five of them stay below every
                // threshold.
                alone[keyPath: bucket] = Int64.random(in: 0...15, using: &generator) * 1_000
                counts[keyPath: bucket] = alone[keyPath: bucket]
                sum += try price(alone)
            }
            let whole = try price(counts)
            #expect(whole == sum)
            for bucket in buckets {
                var more = counts
                more[keyPath: bucket] += 150_000
                #expect(try price(more) >= whole)
            }
        }
    }
}
