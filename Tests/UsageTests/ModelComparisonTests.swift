// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage

/// The same calls at another model's prices, and what caches save.
struct ModelComparisonTests {
    private func call(_ counts: TokenCounts, cost: Int64?, model: String = "claude-opus-4-5") -> Call {
        var call = Call(id: 1, time: Timestamp(nanoseconds: 1_795_000_000_000_000_000), counts: counts)
        call.model = model
        call.price = CallPrice(cost: Money(nanodollars: cost ?? 0), isPriced: cost != nil, computed: nil)
        return call
    }

    /// Tokens of a call and its cost at $1 a million for input, $5 for output, $0.10 for cache reads, $1.25 and $2 for cache writes.
    @Test(
        arguments: [
            (TokenCounts(uncachedInput: 1_000_000), 1_000_000_000), (TokenCounts(output: 1_000), 5_000_000),
            (TokenCounts(cacheRead: 10), 1_000), (TokenCounts(cacheWrite5m: 1, cacheWrite1h: 1), 3_250),
            (TokenCounts(uncachedInput: 1, output: 1, reasoning: 1), 6_000),
        ] as [(TokenCounts, Int64)]
    )
    func `a call costs what its tokens cost there`(counts: TokenCounts, expected: Int64) throws {
        let table = try PriceFixture.builtIn()
        let now = Timestamp(nanoseconds: 1_795_000_000_000_000_000)
        var comparison = try #require(ModelComparison(with: "claude-haiku-4-5", in: table, now: now))
        var call = call(counts, cost: 7)
        call.knowsCacheLifetimes = true
        comparison.add(call)
        comparison.add(call)
        #expect(comparison.total.calls == 2)
        #expect(comparison.total.cost == Money(nanodollars: 14))
        #expect(comparison.total.comparedCost == Money(nanodollars: 2 * expected))
        #expect(comparison.byModel["claude-opus-4-5"] == comparison.total)
    }

    @Test func `calls without a price or without tokens are left out, and older ones take the first price`() throws {
        let table = try PriceFixture.builtIn()
        let now = Timestamp(nanoseconds: 1_795_000_000_000_000_000)
        var comparison = try #require(ModelComparison(with: "claude-haiku-4-5", in: table, now: now))
        comparison.add(call(TokenCounts(uncachedInput: 1), cost: nil))
        comparison.add(call(TokenCounts(), cost: 5))
        #expect([comparison.leftOutCalls, comparison.total.calls] == [2, 0])
        var old = call(TokenCounts(uncachedInput: 1), cost: 5)
        old.time = Timestamp(nanoseconds: 1)
        comparison.add(old)
        #expect(comparison.total.comparedCost == Money(nanodollars: 1_000))
        #expect(ModelComparison(with: "nobody's model", in: table, now: now) == nil)
    }

    /// Tokens read from a cache, and what they would have cost more as input.
    @Test(
        arguments: [
            ("claude-haiku-4-5", 1_000_000, 900_000_000), ("claude-haiku-4-5", 1, 900), ("claude-haiku-4-5", 0, 0),
            ("claude-haiku-4-5", -5, 0), ("unknown", 1_000_000, 0), ("claude-haiku-4-5", Int64.max, Int64.max),
        ] as [(String, Int64, Int64)]
    )
    func `what caches save`(model: String, tokens: Int64, saved: Int64) throws {
        let time = Timestamp(nanoseconds: 1_795_000_000_000_000_000)
        let savings = try PriceFixture.builtIn().savings(ofCacheReads: tokens, model: model, at: time)
        #expect(savings == Money(nanodollars: saved))
    }
}
