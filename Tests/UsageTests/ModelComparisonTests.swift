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

    @Test(arguments: [Int64(1), 999, 1_000_000_007, 9_223_372_036_854_775_807])
    func `the kinds of tokens take the whole cost, in the proportion of their prices`(cost: Int64) throws {
        let table = try PriceFixture.builtIn()
        let now = Timestamp(nanoseconds: 1_795_000_000_000_000_000)
        var totals = UsageTotals()
        totals.cost = Money(nanodollars: cost)
        // At $1, $5, $1.25, $2 and $0.10 a million: 1, 10, 1.25, 2 and 0.5 parts.
        totals.counts = TokenCounts(
            uncachedInput: 1_000_000,
            cacheRead: 5_000_000,
            cacheWrite5m: 1_000_000,
            cacheWrite1h: 1_000_000,
            output: 2_000_000
        )
        let kinds = table.kinds(of: totals, model: "claude-haiku-4-5", at: now)
        let parts = [kinds.input, kinds.output, kinds.cacheWrite, kinds.cacheRead].map { Double($0.nanodollars) }
        #expect(kinds.other == .zero)
        #expect(
            kinds.input.nanodollars + kinds.output.nanodollars + kinds.cacheWrite.nanodollars
                + kinds.cacheRead.nanodollars == cost
        )
        for (part, share) in zip(parts, [1, 10, 3.25, 0.5]) {
            #expect(abs(part - Double(cost) * share / 14.75) < 5 + Double(cost) * 1e-9)
        }
    }

    @Test func `a cost that only its agent knows belongs to no kind of token`() throws {
        var totals = UsageTotals()
        (totals.cost, totals.counts) = (Money(nanodollars: 7), TokenCounts(output: 3))
        let kinds = try PriceFixture.builtIn().kinds(
            of: totals,
            model: "nobody's model",
            at: Timestamp(nanoseconds: 1_795_000_000_000_000_000)
        )
        #expect((kinds.other, kinds.output) == (Money(nanodollars: 7), .zero))
    }
}
