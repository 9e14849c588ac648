// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage

/// A call whose cost was computed by hand.
struct HandComputed: CustomTestStringConvertible {
    var model: String
    var provider: String?
    var time: String
    var counts: TokenCounts
    var terms = BillingTerms()
    /// The expected cost in 10⁻⁹ dollar: tokens × dollars per million × 1000.
    var nanodollars: Int64
    var rateKey: String

    var testDescription: String { "\(model) at \(time) costs \(nanodollars)" }
}

@Suite struct PriceCostTests {
    /// agentclientprotocol/codex-acp#285.
    @Test func `fast is the older name of the tier priority`() throws {
        func cost(_ tier: String?) throws -> Int64? {
            let counts = TokenCounts(uncachedInput: 10_000, cacheRead: 10_000, output: 500)
            var call = PricedCall(model: "gpt-5.5", time: try PriceFixture.time("2026-11-10"), counts: counts)
            call.terms.serviceTier = tier
            return try PriceFixture.builtIn().cost(of: call)?.amount.nanodollars
        }
        #expect(
            try [nil, "priority", "fast", "Fast"].map(cost) == [70_000_000, 175_000_000, 175_000_000, 175_000_000]
        )
    }

    static let calls: [HandComputed] = [
        // Recorded by Claude Code 2.1.330 with cost_usd 0.0187374:
        // 3 × 3 + 9028 × 0.3 + 2416 × 3.75 + 464 × 15 = 9 + 2708.4 + 9060 + 6960 = 18 737.4 micro-dollars.
        HandComputed(
            model: "claude-sonnet-4-5-20250929",
            provider: "anthropic",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 3, cacheRead: 9028, cacheWrite5m: 2416, output: 464),
            nanodollars: 18_737_400,
            rateKey: "anthropic/claude-sonnet-4-5-20250929#2026-04-30"
        ),
        // Recorded with cost_usd 0.0263202; of 3812 written tokens 1270 live for an hour:
        // 26 × 3 + 5949 × 0.3 + 2542 × 3.75 + 1270 × 6 + 487 × 15 = 78 + 1784.7 + 9532.5 + 7620 + 7305 = 26 320.2.
        HandComputed(
            model: "claude-sonnet-4-5-20250929",
            provider: nil,
            time: "2026-11-22",
            counts: TokenCounts(
                uncachedInput: 26,
                cacheRead: 5949,
                cacheWrite5m: 2542,
                cacheWrite1h: 1270,
                output: 487
            ),
            nanodollars: 26_320_200,
            rateKey: "anthropic/claude-sonnet-4-5-20250929#2026-04-30"
        ),
        // The whole prompt is 101 000 > 100 000: 20 000 × 0.5 + 80 000 × 0.05 + 1000 × 0.625 + 2000 × 2.5
        // = 10 000 + 4000 + 625 + 5000 = 19 625.
        HandComputed(
            model: "claude-haiku-5-5",
            provider: "anthropic",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 20_000, cacheRead: 80_000, cacheWrite5m: 1_000, output: 2_000),
            nanodollars: 19_625_000,
            rateKey: "anthropic/claude-haiku-5-5"
        ),
        // 100 000 is not above: 19 000 × 0.1 + 80 000 × 0.01 + 1000 × 0.125 + 2000 × 0.5 = 3825 micro-dollars.
        HandComputed(
            model: "claude-haiku-5-5",
            provider: "anthropic",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 19_000, cacheRead: 80_000, cacheWrite5m: 1_000, output: 2_000),
            nanodollars: 3_825_000,
            rateKey: "anthropic/claude-haiku-5-5"
        ),
        // Before the cut: 10 000 × 2.5 + 50 000 × 0.25 + 4000 × 3.125 + 3000 × 15 = 25 000 + 12 500 + 12 500 + 45 000 =
        // 95 000.
        HandComputed(
            model: "gpt-5.6-terra",
            provider: "openai",
            time: "2026-07-29T23:59:59Z",
            counts: TokenCounts(
                uncachedInput: 10_000,
                cacheRead: 50_000,
                cacheWrite5m: 4_000,
                output: 3_000,
                reasoning: 1_200
            ),
            nanodollars: 95_000_000,
            rateKey: "openai/gpt-5.6-terra"
        ),
        // After it: 10 000 × 2 + 50 000 × 0.2 + 4000 × 2.5 + 3000 × 12 = 20 000 + 10 000 + 10 000 + 36 000 = 76 000.
        HandComputed(
            model: "gpt-5.6-terra",
            provider: "openai",
            time: "2026-07-30",
            counts: TokenCounts(
                uncachedInput: 10_000,
                cacheRead: 50_000,
                cacheWrite5m: 4_000,
                output: 3_000,
                reasoning: 1_200
            ),
            nanodollars: 76_000_000,
            rateKey: "openai/gpt-5.6-terra#2026-07-30"
        ),
        // 1000 × 1.75 + 9000 × 0.175 + 500 × 14 = 1750 + 1575 + 7000 = 10 325.
        HandComputed(
            model: "gpt-5.2-codex",
            provider: "openai",
            time: "2026-06-01",
            counts: TokenCounts(uncachedInput: 1_000, cacheRead: 9_000, output: 500, reasoning: 320),
            nanodollars: 10_325_000,
            rateKey: "openai/gpt-5.2-codex"
        ),
        // Priority: 1000 × 2.5 + 9000 × 0.25 + 500 × 20 = 2500 + 2250 + 10 000 = 14 750.
        HandComputed(
            model: "gpt-5.1",
            provider: "openai",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 1_000, cacheRead: 9_000, output: 500),
            terms: PriceFixture.terms(tier: "priority"),
            nanodollars: 14_750_000,
            rateKey: "openai/gpt-5.1"
        ),
        // 210 000 > 200 000: 150 000 × 2.5 + 60 000 × 0.25 + 1000 × 15 = 375 000 + 15 000 + 15 000 = 405 000.
        HandComputed(
            model: "gemini-2.5-pro",
            provider: "gcp.gemini",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 150_000, cacheRead: 60_000, output: 1_000),
            nanodollars: 405_000_000,
            rateKey: "gemini/gemini-2.5-pro"
        ),
        // Fast and bound to the United States: (1000 × 5 + 200 × 25) × 2 × 1.1 = 22 000.
        HandComputed(
            model: "claude-opus-4-8",
            provider: "anthropic",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 1_000, output: 200),
            terms: PriceFixture.terms(fast: true, geo: "us"),
            nanodollars: 22_000_000,
            rateKey: "anthropic/claude-opus-4-8"
        ),
        // Batch halves the rates above the threshold too, one-hour writes included:
        // 100 001 × 0.25 + 1000 × 0.5 + 100 × 1.25 = 25 000.25 + 500 + 125 = 25 625.25.
        HandComputed(
            model: "claude-haiku-5-5",
            provider: "anthropic",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 100_001, cacheWrite1h: 1_000, output: 100),
            terms: PriceFixture.terms(tier: "batch"),
            nanodollars: 25_625_250,
            rateKey: "anthropic/claude-haiku-5-5"
        ),
        // xAI's threshold includes 200 000 itself: 200 000 × 4 + 10 × 12 = 800 120.
        HandComputed(
            model: "grok-4.5",
            provider: "x_ai",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 200_000, output: 10),
            nanodollars: 800_120_000,
            rateKey: "xai/grok-4.5"
        ),
        // Reasoning has its own rate: 1000 × 0.4 + 200 × 1.2 + 300 × 4 = 400 + 240 + 1200 = 1840.
        HandComputed(
            model: "qwen-plus-2025-09-11",
            provider: "alibaba_cloud",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 1_000, output: 500, reasoning: 300),
            nanodollars: 1_840_000,
            rateKey: "dashscope/qwen-plus-2025-09-11"
        ),
        // 1000 × 5 + 3 searches × 10 000 = 35 000; the region's factor is for tokens: 5500 + 30 000.
        HandComputed(
            model: "claude-opus-5",
            provider: "anthropic",
            time: "2026-11-22",
            counts: TokenCounts(uncachedInput: 1_000),
            terms: PriceFixture.terms(geo: "US", searches: 3),
            nanodollars: 35_500_000,
            rateKey: "anthropic/claude-opus-5"
        ),
        // While the beta of the long context lasted: 200 001 × 6 + 10 × 22.5 = 1 200 006 + 225 = 1 200 231.
        HandComputed(
            model: "claude-sonnet-4-5",
            provider: "anthropic",
            time: "2026-02-01",
            counts: TokenCounts(uncachedInput: 200_001, output: 10),
            nanodollars: 1_200_231_000,
            rateKey: "anthropic/claude-sonnet-4-5"
        ),
        // Sonnet 4.6 lost its surcharge on 2026-03-13: 200 001 × 3 + 10 × 15 = 600 003 + 150 = 600 153.
        HandComputed(
            model: "claude-sonnet-4-6",
            provider: "anthropic",
            time: "2026-03-13",
            counts: TokenCounts(uncachedInput: 200_001, output: 10),
            nanodollars: 600_153_000,
            rateKey: "anthropic/claude-sonnet-4-6#2026-03-13"
        ),
    ]

    @Test(arguments: calls)
    func `a call costs what the hand computes`(call: HandComputed) throws {
        let priced = PricedCall(
            model: call.model,
            provider: call.provider,
            time: try PriceFixture.time(call.time),
            counts: call.counts,
            terms: call.terms
        )
        let cost = try #require(try PriceFixture.builtIn().cost(of: priced))
        #expect(cost.amount.nanodollars == call.nanodollars)
        #expect(cost.rateKey == call.rateKey)
        #expect(cost.notes == [])
    }

    // Uncached, read, written for five minutes, written for an hour, output, and cost_usd as Claude Code 2.1.330
    // reported it.
    @Test(arguments: [
        ("claude-sonnet-4-5-20250929", [84, 0, 1165, 0, 905], 0.01819575),
        ("claude-sonnet-4-5-20250929", [63, 1165, 382, 0, 496], 0.009411),
        ("claude-haiku-4-5-20251001", [55, 9326, 318, 0, 365], 0.0032100999999999996),
        ("claude-sonnet-4-5-20250929", [54, 9761, 3450, 1725, 654], 0.0361878),
        ("claude-opus-4-8", [70, 21712, 3192, 0, 625], 0.046781),
        ("claude-opus-4-8", [24, 24904, 228, 0, 636], 0.029896999999999996),
    ])
    func `the cost agrees with what Claude Code reported`(model: String, tokens: [Int64], dollars: Double) throws {
        let counts = TokenCounts(
            uncachedInput: tokens[0],
            cacheRead: tokens[1],
            cacheWrite5m: tokens[2],
            cacheWrite1h: tokens[3],
            output: tokens[4]
        )
        let call = PricedCall(
            model: model,
            provider: "anthropic",
            time: try PriceFixture.time("2026-11-22"),
            counts: counts
        )
        #expect(try PriceFixture.builtIn().cost(of: call)?.amount == Money(dollars: dollars))
    }

    // The cheapest published rate is 2.5 nano-dollars per token; halves go to the even neighbour.
    @Test(arguments: [(1, 2), (2, 5), (3, 8), (4, 10), (5, 12)])
    func `a call is rounded once`(tokens: Int64, nanodollars: Int64) throws {
        let call = PricedCall(
            model: "gpt-5-nano",
            provider: "openai",
            time: try PriceFixture.time("2026-11-22"),
            counts: TokenCounts(cacheRead: tokens),
            terms: PriceFixture.terms(tier: "flex")
        )
        #expect(try PriceFixture.builtIn().cost(of: call)?.amount.nanodollars == nanodollars)
    }
}
