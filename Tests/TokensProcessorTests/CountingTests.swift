// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import TokensProcessor
import Usage

/// How figures become disjoint buckets, and which figures are implausible.
struct CountingTests {
    @Test(arguments: readings)
    func `figures of an unknown sender`(attributes: Attributes, counts: String) throws {
        #expect(try spanObservation(attributes)?.counts.text == counts)
    }

    @Test(arguments: unbelievable)
    func `implausible figures are no call`(attributes: Attributes) throws {
        #expect(try spanObservation(attributes) == nil)
        #expect(try observation(attributes) == nil)
        #expect(try observation(attributes, resource: ["service.name": "gemini-cli"]) == nil)
    }

    @Test func `the largest count that is believed is believed`() throws {
        let found = try observation([
            "input_tokens": 1_099_511_627_776, "gen_ai.usage.total_tokens": 9_223_372_036_854_775_807,
        ])
        #expect(found?.counts.uncachedInput == TokenCounts.limit)
    }

    @Test(arguments: ["gemini-cli", "qwen-code"])
    func `Gemini's reasoning comes on top of its output`(service: String) throws {
        let attributes: Attributes = [
            "event.name": .string(service == "gemini-cli" ? "gemini_cli.api_response" : "qwen-code.api_response"),
            "input_token_count": 100,
            "output_token_count": 5, "cached_content_token_count": 90, "thoughts_token_count": 7, "tool_token_count": 1,
            "total_token_count": 112,
        ]
        #expect(
            try observation(attributes, resource: ["service.name": .string(service)])?.counts.text == "10/90/0+0/12/7"
        )
    }

    @Test(arguments: costs)
    func `the sender's own figure of the cost`(attributes: Attributes, nanodollars: Int64?) throws {
        let found = try #require(try observation(attributes))
        #expect(found.reportedCost?.nanodollars == nanodollars)
    }

    @Test func `terms that change the price are read`() throws {
        let found = try observation(["input_tokens": 1, "speed": "fast", "service_tier": "flex", "inference_geo": "us"])
        #expect(found?.terms.isFast == true)
        #expect(found?.terms.serviceTier == "flex")
        #expect(found?.terms.geography == "us")
    }

    private static let readings: [(Attributes, String)] = [
        // More cached tokens than input: input excludes cached tokens.
        (["gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 90], "10/90/0+0/0/0"),
        (
            [
                "gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 6,
                "gen_ai.usage.cache_write.input_tokens": 5,
            ], "10/6/5+0/0/0"
        ),
        // A total that fits only one convention.
        (
            [
                "input_tokens": 100, "output_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 90,
                "gen_ai.usage.total_tokens": 105,
            ], "10/90/0+0/5/0"
        ),
        (
            [
                "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 5,
                "gen_ai.usage.cache_read.input_tokens": 90,
                "gen_ai.usage.total_tokens": 195,
            ], "100/90/0+0/5/0"
        ),
        // With a total that fits neither, the name of the attribute decides.
        (
            [
                "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 5,
                "gen_ai.usage.cache_read.input_tokens": 90,
                "gen_ai.usage.total_tokens": 7,
            ], "10/90/0+0/5/0"
        ),
        // Names of Anthropic's API exclude cached tokens, names of the conventions include them.
        (["input_tokens": 100, "cache_read_tokens": 90], "100/90/0+0/0/0"),
        (["gen_ai.usage.details.input_tokens": 100, "gen_ai.usage.details.cache_read_tokens": 90], "100/90/0+0/0/0"),
        (["gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 90], "10/90/0+0/0/0"),
        (["llm.token_count.prompt": 100, "llm.token_count.prompt_details.cache_write": 30], "70/0/30+0/0/0"),
        // Reasoning is included in the output and never larger.
        (
            [
                "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 9,
                "gen_ai.usage.reasoning.output_tokens": 4,
            ], "1/0/0+0/9/4"
        ),
        (
            [
                "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 3,
                "gen_ai.usage.reasoning.output_tokens": 4,
            ], "1/0/0+0/3/3"
        ),
        // Lifetimes of cache writes: both, one of them, or only their sum.
        (
            [
                "input_tokens": 1, "cache_creation_tokens": 9, "cache_creation_5m_tokens": 4,
                "cache_creation_1h_tokens": 5,
            ], "1/0/4+5/0/0"
        ),
        (
            [
                "input_tokens": 1, "cache_creation_tokens": 0, "cache_creation_5m_tokens": 4,
                "cache_creation_1h_tokens": 5,
            ], "1/0/4+5/0/0"
        ),
        (["input_tokens": 1, "cache_creation_tokens": 9, "cache_creation_1h_tokens": 5], "1/0/4+5/0/0"),
        (["input_tokens": 1, "cache_creation_tokens": 9, "cache_creation_5m_tokens": 5], "1/0/5+4/0/0"),
        (["input_tokens": 1, "cache_creation_tokens": 9], "1/0/9+0/0/0"),
        // Numbers in every form; what is negative, invalid or not a number counts as missing.
        (["input_tokens": "12", "output_tokens": 3.0], "12/0/0+0/3/0"),
        (["input_tokens": "1.2e3", "output_tokens": "-0"], "1200/0/0+0/0/0"),
        (["input_tokens": -1, "gen_ai.usage.input_tokens": 7], "7/0/0+0/0/0"),
        (["input_tokens": "many", "output_tokens": 2], "0/0/0+0/2/0"),
        (["input_tokens": 2.5, "output_tokens": 2], "0/0/0+0/2/0"),
        (["input_tokens": true, "output_tokens": 2], "0/0/0+0/2/0"),
    ]

    private static let unbelievable: [Attributes] = [
        ["input_tokens": 0, "output_tokens": 0],
        ["input_tokens": -5],
        ["input_tokens": "nine"],
        ["input_tokens": 1_099_511_627_777],
        ["input_tokens": 9_223_372_036_854_775_807, "cache_read_tokens": 9_223_372_036_854_775_807],
        ["gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 9_223_372_036_854_775_807],
        [
            "input_tokens": 5, "cache_creation_5m_tokens": 9_223_372_036_854_775_807,
            "cache_creation_1h_tokens": 9_223_372_036_854_775_807,
        ],
        ["output_tokens": "9223372036854775807", "gen_ai.usage.reasoning_tokens": "9223372036854775807"],
        ["input_tokens": "1e400"],
        ["input_tokens": 1e300],
    ]

    private static let costs: [(Attributes, Int64?)] = [
        (["input_tokens": 1, "cost_usd": 0.5], 500_000_000),
        (["input_tokens": 1, "cost_usd": "0.5"], 500_000_000),
        (["input_tokens": 1, "cost_usd_micros": 1_234], 1_234_000),
        (["input_tokens": 1, "cost_usd_micros": 1_234, "cost_usd": 0.0012345], 1_234_500),
        (["input_tokens": 1, "operation.cost": 1], 1_000_000_000),
        (["input_tokens": 1, "cost_usd": -1.0], nil),
        (["input_tokens": 1, "cost_usd": "NaN"], nil),
        (["input_tokens": 1, "cost_usd": 1e30], nil),
        (["input_tokens": 1], nil),
    ]
}
