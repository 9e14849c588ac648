// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage

@Suite struct PriceOverrideTests {
    private func cost(_ override: PriceOverride, _ model: String, provider: String? = nil) throws -> Cost? {
        let counts = TokenCounts(uncachedInput: 1_000, cacheRead: 2_000, output: 100)
        let call = PricedCall(
            model: model,
            provider: provider,
            time: try PriceFixture.time("2026-11-22"),
            counts: counts
        )
        return try PriceFixture.builtIn().overridden(by: [override]).cost(of: call)
    }

    @Test func `an override wins over the table`() throws {
        let override = try PriceOverride(model: "Claude-Opus-5", input: "1", output: "2", cacheRead: "0.1")
        let cost = try #require(try cost(override, "claude-opus-5", provider: "anthropic"))
        #expect(cost == Cost(amount: Money(nanodollars: 1_400_000), rateKey: "override/claude-opus-5", notes: []))
    }

    /// As rows of a price list do (farion1231/cc-switch#2390).
    @Test(arguments: [
        "claude-opus-6", "claude-opus-6-20261201", "Claude-Opus-6-2026-12-01", "claude-opus-6[1m]",
        "claude-opus-6-latest",
        "claude-opus-6-20261201[1m]",
    ])
    func `a price for a name without a date reaches dated ones`(model: String) throws {
        let override = try PriceOverride(model: "claude-opus-6", input: "1", output: "2")
        #expect(try cost(override, model)?.amount.nanodollars == 3_200_000)
    }

    @Test(arguments: [
        ("claude-sonnet-4-5", "anthropic/claude-sonnet-4-5-20250929"), ("claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5@20250929"),
        ("claude-sonnet-4-5", "vertex_ai/claude-sonnet-4-5@20250929"),
        ("claude-sonnet-4-5", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("claude-sonnet-4-5", "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("gpt-4o", "openai/gpt-4o-2024-08-06"), ("GPT-4o", "openai/gpt-4o"), ("grok-4", "grok-4-0709"),
        ("grok-4", "xai/grok-4-0709"), ("mistral-large", "mistral-large-2411"), ("gpt-4", "gpt-4-0613"),
        ("mistral-large", "mistral-large-latest"),
    ])
    func `a price for a name without a date reaches every dated one, whoever of vendor and cloud dates it`(
        name: String,
        model: String
    ) throws {
        let override = try PriceOverride(model: name, input: "1", output: "2")
        #expect(try cost(override, model)?.rateKey == "override/\(name)".lowercased())
        let table = try PriceFixture.builtIn().overridden(by: [override])
        #expect(table.unmatchedOverrides(among: [model]).isEmpty)
        let exact = try PriceOverride(model: model, input: "3", output: "3")
        #expect(table.overridden(by: [exact]).override(for: model)?.model == exact.model, "the exact name wins")
    }

    @Test(arguments: [
        ("grok-4", "grok-4-fast"), ("gpt-4o", "gpt-4o-mini"), ("gpt-4o", "gpt-4o-mini-2024-07-18"),
        ("gpt-4", "gpt-4-32k-0613"), ("mistral-large", "mistral-large-3099"), ("m", "m-1399"), ("m", "m-0032"),
        ("m", "m0709"), ("m", "m-12011"), ("gpt-4o", "ft:gpt-4o-2024-08-06:org::id"),
        ("claude-sonnet-4", "claude-sonnet-4-5-20250929"), ("gpt-4o", "openrouter/openai/gpt-4o-2024-08-06"),
    ])
    func `a price reaches no other model and no gateway that has a price of its own`(name: String, model: String) throws
    {
        let override = try PriceOverride(model: name, input: "1", output: "2")
        let table = PriceTable.empty.overridden(by: [override])
        #expect(table.override(for: model) == nil)
    }

    /// As rows of a price list do, whose prices these endings leave as they are.
    @Test(arguments: [
        ("claude-opus-6", "claude-opus-6-thinking"), ("claude-opus-6", "claude-opus-6-20261201-thinking"),
        ("claude-opus-6", "anthropic/claude-opus-6-thinking"), ("gpt-7", "gpt-7-codex"), ("gpt-7", "gpt-7-codex-max"),
        ("gpt-7-codex", "gpt-7-codex-max"), ("gpt-7", "gpt-7-codex-2026-12-01"),
        ("claude-opus-5", "claude-opus-5-thinking"),
    ])
    func `a price reaches the names whose ending leaves the price as it is`(name: String, model: String) throws {
        let override = try PriceOverride(model: name, input: "1", output: "2")
        #expect(try cost(override, model)?.amount.nanodollars == 3_200_000)
        let table = try PriceFixture.builtIn().overridden(by: [override])
        #expect(table.unmatchedOverrides(among: [model]).isEmpty)
    }

    @Test func `a row of a price list for the name with its ending comes before a price for another name`() throws {
        let override = try PriceOverride(model: "gpt-5", input: "1", output: "2")
        #expect(try cost(override, "gpt-5-codex", provider: "openai")?.rateKey != "override/gpt-5")
    }

    @Test func `a price for a name with an ending that is meant for another name is near it`() throws {
        let override = try PriceOverride(model: "claude-opus-6", input: "1", output: "2")
        let table = PriceTable.empty.overridden(by: [override])
        for model in ["claude-opus-7-thinking", "claude-opus-7-20261201-thinking"] {
            #expect(table.unmatchedOverrides(among: [model]).map(\.nearest) == [model])
        }
    }

    @Test(arguments: ["claude-opus-5-20260102", "claude-opus-5", "my-claude-opus-5-20260101", "claude-opus-5-fast"])
    func `a price for a dated name reaches no other name`(model: String) throws {
        let override = try PriceOverride(model: "claude-opus-5-20260101", input: "1", output: "2")
        #expect(try cost(override, model)?.rateKey != "override/claude-opus-5-20260101")
    }

    @Test func `of two prices the one for the exact name applies`() throws {
        let overrides = [
            try PriceOverride(model: "m", input: "1", output: "1"),
            try PriceOverride(model: "m-20261201", input: "9", output: "9"),
        ]
        let table = try PriceFixture.builtIn().overridden(by: overrides)
        #expect(table.override(for: "M-20261201")?.model == "m-20261201")
        #expect(table.override(for: "m-20261202")?.model == "m")
        #expect(table.override(for: "n") == nil)
    }

    @Test func `a price reaches a gateway's name of the model only where no list has a price for it`() throws {
        let known = try PriceOverride(model: "claude-opus-5", input: "1", output: "2")
        #expect(try cost(known, "openrouter/anthropic/claude-opus-5")?.rateKey == "anthropic/claude-opus-5")
        let new = try PriceOverride(model: "claude-opus-6", input: "1", output: "2")
        #expect(try cost(new, "openrouter/anthropic/claude-opus-6-20261201")?.amount.nanodollars == 3_200_000)
        let table = try PriceFixture.builtIn().overridden(by: [known, new])
        let models: Set = ["openrouter/anthropic/claude-opus-5", "openrouter/anthropic/claude-opus-6"]
        #expect(table.unmatchedOverrides(among: models).map(\.model) == ["claude-opus-5"])
    }

    /// ccusage/ccusage#1785.
    @Test func `a price that reaches no call is reported with the nearest model`() throws {
        let overrides = [
            try PriceOverride(model: "claude-opus-6", input: "1", output: "1"),
            try PriceOverride(model: "Cluade-Opus-6", input: "9", output: "9"),
            try PriceOverride(model: "llama", input: "0", output: "0"),
        ]
        let table = PriceTable.empty.overridden(by: overrides)
        let unmatched = table.unmatchedOverrides(among: ["claude-opus-6-20261201", "gpt-5.5", "claude-opus-5"])
        #expect(unmatched.map(\.model) == ["Cluade-Opus-6", "llama"])
        #expect(unmatched.map(\.nearest) == ["claude-opus-6-20261201", nil])
        #expect(table.unmatchedOverrides(among: []).isEmpty)
        #expect(PriceTable.empty.unmatchedOverrides(among: ["m"]).isEmpty)
    }

    @Test func `an override prices a local model, also for nothing`() throws {
        #expect(
            try cost(try PriceOverride(model: "llama:70b", input: "0", output: "0"), "llama:70b", provider: "ollama")?
                .amount == .zero
        )
    }

    @Test func `a multiplier alone scales the price of the table`() throws {
        // (1000 × 5 + 2000 × 0.5 + 100 × 25) × 0.85 = 7225 micro-dollars.
        let cost = try #require(
            try cost(try PriceOverride(model: "claude-opus-5", multiplier: "0.85"), "claude-opus-5")
        )
        #expect(cost == Cost(amount: Money(nanodollars: 7_225_000), rateKey: "anthropic/claude-opus-5", notes: []))
        #expect(try self.cost(try PriceOverride(model: "nothing", multiplier: "0.85"), "nothing") == nil)
    }

    @Test func `a multiplier scales the rates beside it`() throws {
        let override = try PriceOverride(model: "m", input: "1", output: "10", cacheRead: "0", multiplier: "1.2")
        #expect(try cost(override, "m")?.amount.nanodollars == 2_400_000)
    }

    @Test(
        arguments: [
            ("", "1", "2", nil, "model"), ("m", nil, nil, nil, "model"), ("m", "1", nil, nil, "output"),
            ("m", nil, "1", nil, "input"),
            ("m", "free", "1", nil, "input"), ("m", "1", "-2", nil, "output"), ("m", "1", "2", "twice", "multiplier"),
        ] as [(String, String?, String?, String?, String)]
    )
    func `a faulty override names the setting`(
        model: String,
        input: String?,
        output: String?,
        multiplier: String?,
        place: String
    ) {
        let error = #expect(throws: PriceTableError.self) {
            try PriceOverride(model: model, input: input, output: output, multiplier: multiplier)
        }
        #expect(error?.place == place)
    }
}
