// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage

@Suite struct PriceMatchTests {
    private static let now = "2026-11-22"

    @Test(
        arguments: [
            ("claude-sonnet-5", nil, "anthropic/claude-sonnet-5"),
            ("Claude-Sonnet-5", "Anthropic", "anthropic/claude-sonnet-5"),
            ("claude-opus-5[1m]", "anthropic", "anthropic/claude-opus-5"),
            ("claude-opus-4.8", nil, "anthropic/claude-opus-4-8"),
            ("claude-opus-4-8-20260401", "anthropic", "anthropic/claude-opus-4-8"),
            ("claude-opus-4-7-20260416", "anthropic", "anthropic/claude-opus-4-7-20260416"),
            ("claude-3-5-haiku-latest", "anthropic", "anthropic/claude-3-5-haiku"),
            ("claude-3.5-haiku-20241022", nil, "anthropic/claude-3-5-haiku"),
            ("claude-opus-4-1-20250805", nil, "anthropic/claude-opus-4-1"),
            ("claude-opus-4-0", "anthropic", "anthropic/claude-opus-4"),
            ("claude-sonnet-4-20250514[1m]", nil, "anthropic/claude-sonnet-4"),
            ("anthropic/claude-opus-5", nil, "anthropic/claude-opus-5"),
            ("openrouter/anthropic/claude-opus-4.8", nil, "anthropic/claude-opus-4-8"),
            ("anthropic/claude-opus-4.8", "openrouter", "anthropic/claude-opus-4-8"),
            ("claude-opus-5", "some-gateway", "anthropic/claude-opus-5"),
            ("us.anthropic.claude-opus-4-8", "aws.bedrock", "bedrock/us.anthropic.claude-opus-4-8"),
            ("us.anthropic.claude-opus-4-8", nil, "bedrock/us.anthropic.claude-opus-4-8"),
            ("us.anthropic.claude-opus-4-8-v1:0", "aws.bedrock", "bedrock/us.anthropic.claude-opus-4-8"),
            ("ca.anthropic.claude-opus-4-8", "bedrock", "bedrock/anthropic.claude-opus-4-8"),
            (
                "bedrock/global.anthropic.claude-sonnet-4-5-20250929-v1:0", nil,
                "bedrock/global.anthropic.claude-sonnet-4-5-20250929-v1:0"
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-8", nil,
                "bedrock/us.anthropic.claude-opus-4-8"
            ),
            (
                "bedrock/us.anthropic.claude-opus-4.8-20260401-v1:0:200k[1m]", nil,
                "bedrock/us.anthropic.claude-opus-4-8"
            ),
            ("anthropic.claude-fable-9-v1:0", "aws.bedrock", nil),
            ("claude-opus-4-5@20251101", "gcp.vertex_ai", "vertex_ai/claude-opus-4-5@20251101"),
            ("claude-opus-4-5@20251101", nil, "vertex_ai/claude-opus-4-5@20251101"),
            ("claude-sonnet-5@20260101", "vertex_ai", "vertex_ai/claude-sonnet-5"),
            ("claude-opus-4-8", "github.copilot", "github_copilot/claude-opus-4.8"),
            ("claude-opus-4.8-fast", "github-copilot", "github_copilot/claude-opus-4.8-fast"),
            ("perplexity/anthropic/claude-opus-4-6", nil, "perplexity/anthropic/claude-opus-4-6"),
            ("gpt-5.2-codex", "openai", "openai/gpt-5.2-codex"),
            ("gpt-5.1-2025-11-13", "openai", "openai/gpt-5.1-2025-11-13"),
            ("gpt-5.2-codex-2026-01-14", "openai", "openai/gpt-5.2-codex"),
            ("openai/gpt-5.1", nil, "openai/gpt-5.1"),
            ("gpt-5.1", "azure.ai.openai", "azure/gpt-5.1"),
            ("azure/eu/gpt-5.6-terra", nil, "azure/eu/gpt-5.6-terra"),
            ("gpt-5.6", "openai", "openai/gpt-5.6#2026-08-21"),
            ("gpt-5.6", "github_copilot", "openai/gpt-5.6#2026-08-21"),
            ("gpt-5.3-codex-spark", "github_copilot", "github_copilot/gpt-5.3-codex"),
            ("gpt-5.3-codex-spark", "openai", "openai/gpt-5.3-codex"),
            ("codex-auto-review", "openai", "openai/gpt-5.5#2026-04-23"),
            ("gpt-5.5-codex", "openai", "openai/gpt-5.5"), ("gpt-5.5-codex", "azure", "azure/gpt-5.5"),
            ("gpt-5.6-codex", nil, "openai/gpt-5.6#2026-08-21"),
            ("gpt-5.5-codex-max", "openai", "openai/gpt-5.5"),
            ("gpt-5.2-codex-max", "openai", "openai/gpt-5.2-codex"),
            ("gpt-5.1-codex-max", "azure", "azure/gpt-5.1-codex-max"),
            ("claude-opus-5-thinking", nil, "anthropic/claude-opus-5"),
            ("claude-opus-5-20260724-thinking", nil, "anthropic/claude-opus-5"),
            ("openrouter/anthropic/claude-opus-4.8-thinking", nil, "anthropic/claude-opus-4-8"),
            ("claude-sonnet-4-5-20250929-thinking", "anthropic", "anthropic/claude-sonnet-4-5-20250929#2026-04-30"),
            ("ft:gpt-4o-2024-08-06:acme::Ab12", "openai", "openai/ft:gpt-4o-2024-08-06"),
            ("gemini-2.5-pro-001", "gcp.gen_ai", "gemini/gemini-2.5-pro"),
            ("models/gemini-2.5-pro", nil, "gemini/gemini-2.5-pro"),
            ("google/gemini-2.5-pro", "openrouter", "gemini/gemini-2.5-pro"),
            ("gemini-2.5-flash-preview-09-2025", nil, "vertex_ai/gemini-2.5-flash-preview-09-2025"),
            ("grok-4.5", "xai", "xai/grok-4.5"),
            ("MiniMax-M3", nil, "minimax/minimax-m3"),
            ("devstral-latest", "mistral_ai", "mistral/devstral-latest"),
            ("kimi-k2.5", "moonshotai", "moonshot/kimi-k2.5"),
            ("@cf/qwen/qwq-32b", "cloudflare", "cloudflare/@cf/qwen/qwq-32b"),
            ("openai/gpt-oss-120b", "groq", "groq/openai/gpt-oss-120b"),
        ] as [(String, String?, String?)]
    )
    func `a decorated name finds its row`(model: String, provider: String?, rateKey: String?) throws {
        let entry = try PriceFixture.builtIn().entry(
            model: model,
            provider: provider,
            at: try PriceFixture.time(Self.now)
        )
        #expect(entry?.rateKey == rateKey)
    }

    @Test(
        arguments: [
            ("unknown", nil), ("<synthetic>", nil), ("", nil), ("claude", nil), ("claude-opus", nil),
            ("claude-opus-4-8-preview", nil),
            ("my-claude-opus-4-8", nil), ("claude-opus-4-80", nil), ("claude-sonnet-4.5.1", nil),
            ("gpt-5.1-codex-maximum", "openai"), ("gpt-99-codex", "openai"), ("gpt--codex", "openai"),
            ("gpt-codex", nil),
            ("claude-opus-5-thinking-high", nil), ("claude-thinking", nil), ("my-gpt-5.5-codex", nil),
            ("gpt-5", "ollama"), ("ollama/deepseek-chat", nil), ("gpt-5.1-fast", "openai"),
            ("claude-haiku-4-5-fast", "anthropic"),
            ("glm-5-2", nil), ("deepseek-v4-flash-0731", nil), ("claude opus 5", nil), ("claude-opus-5\t", nil),
            ("gpt-oss-120b", nil),
            ("claude-opus-5-12345678", nil), ("/", nil), ("@", nil), (String(repeating: "a/", count: 200), nil),
            (String(repeating: "claude-1-", count: 28), nil),
        ] as [(String, String?)]
    )
    func `a name that is not known exactly stays unpriced`(model: String, provider: String?) throws {
        #expect(try PriceFixture.builtIn().history(model: model, provider: provider) == nil)
    }

    @Test func `a name that ends in fast is billed with the factor of fast mode`() throws {
        let call = PricedCall(
            model: "claude-opus-5-fast",
            time: try PriceFixture.time(Self.now),
            counts: TokenCounts(uncachedInput: 1_000)
        )
        #expect(try PriceFixture.builtIn().cost(of: call)?.amount.nanodollars == 10_000_000)
    }

    @Test(
        arguments: [
            ("2025-08-01", nil), ("2025-08-07", "openai/gpt-5#2025-08-07"),
            ("2025-12-31", "openai/gpt-5.2-codex#2025-12-11"),
            ("2026-04-23", "openai/gpt-5.5#2026-04-23"),
        ] as [(String, String?)]
    )
    func `the reviewer of Codex is billed as the model of its day`(time: String, rateKey: String?) throws {
        let entry = try PriceFixture.builtIn().entry(
            model: "codex-auto-review",
            provider: "openai",
            at: try PriceFixture.time(time)
        )
        #expect(entry?.rateKey == rateKey)
    }

    @Test func `every alias can be shown, with the report that taught it`() {
        let aliases = PriceTable.aliases
        #expect(aliases.allSatisfy { !$0.source.isEmpty && $0.name != $0.model })
        let pairs = aliases.map { "\($0.name) > \($0.model)" }
        #expect(
            Set(["gpt-5.6 > gpt-5.6-sol", "gpt-*-codex > gpt-*", "gpt-*-codex-max > gpt-*-codex"]).isSubset(of: pairs)
        )
        #expect(pairs.contains("claude-*-thinking > claude-*"))
        #expect(aliases.count { $0.name == "codex-auto-review" } == 7)
    }

    @Test func `rates of zero price a call only when they are marked free and the provider is named`() throws {
        let time = try PriceFixture.time(Self.now)
        let table = try PriceFixture.table(
            "deepseek deepseek-gift chat - - 0 0 - - - - free",
            "deepseek deepseek-stub chat - - 0 0 - - - - -"
        )
        #expect(table.entry(model: "deepseek-gift", provider: "deepseek", at: time)?.rates.input == .free)
        #expect(table.entry(model: "deepseek-gift", provider: nil, at: time) == nil)
        #expect(table.entry(model: "deepseek/deepseek-gift", provider: nil, at: time) == nil)
        #expect(table.entry(model: "deepseek-gift", provider: "openrouter", at: time) == nil)
        #expect(table.entry(model: "deepseek-stub", provider: "deepseek", at: time) == nil)
    }

    @Test func `a cache finds the same, also what is unpriced, and stays small`() throws {
        let table = try PriceFixture.builtIn()
        var cache = PriceCache(table: table, capacity: 3)
        let time = try PriceFixture.time(Self.now)
        for model in [
            "claude-opus-5", "nothing", "gpt-5.1", "a", "b", "c", "claude-opus-5", "nothing", "claude-opus-5",
        ] {
            let call = PricedCall(model: model, time: time, counts: TokenCounts(uncachedInput: 7, output: 3))
            #expect(cache.cost(of: call) == table.cost(of: call))
        }
    }

    @Test func `calls that share an origin are priced as by its texts, also when many origins take turns`() throws {
        let table = try PriceFixture.builtIn()
        let pricing = Pricing(table: table)
        let time = try PriceFixture.time(Self.now)
        let models = ["claude-opus-5", nil, "nothing", "gpt-5.1", "claude-sonnet-5"]
        let origins = (0..<20).map { number in
            var origin = CallOrigin()
            (origin.session, origin.model) = ("s\(number)", models[number % models.count])
            return SharedOrigin(origin)
        }
        let counts = TokenCounts(uncachedInput: 7_000, output: 300)
        for position in [0, 1, 2, 3, 4, 0, 1, 2, 3, 4] + Array(0..<20) + Array((0..<20).reversed()) {
            var call = Call(id: 1, time: time, counts: counts)
            call.origin = origins[position]
            call.knowsCacheLifetimes = true
            let expected = call.model.flatMap { model in
                table.cost(of: PricedCall(model: model, time: time, counts: counts))?.amount
            }
            #expect(pricing.price(call).computed == expected)
        }
    }

    @Test(arguments: [
        ("claude-sonet-5", "claude-sonnet-5"), ("gpt5.1", "gpt-5.1"), ("anthropic/claude-opus-5.9", "claude-opus-5"),
    ])
    func `an unpriced name gets suggestions`(model: String, first: String) throws {
        let suggestions = try PriceFixture.builtIn().suggestions(for: model)
        #expect(suggestions.contains(first))
        #expect(suggestions.count <= 3)
    }

    @Test func `a name like no other gets no suggestions`() throws {
        #expect(try PriceFixture.builtIn().suggestions(for: "completely-different-model-of-tomorrow") == [])
    }

    @Test(
        arguments: [
            ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", true),
            ("claude-sonnet-4.5", "claude-sonnet-4-5-20250929", true),
            ("gpt-5", "GPT-5", true), ("gpt-5-2025-08-07", "gpt-5", true),
            ("claude-opus-4-5[1m]", "claude-opus-4.5", true),
            ("claude-sonnet-4-20250514", "claude-sonnet-4-20250929", false), ("gpt-5", "gpt-5-mini", false),
            ("claude-sonnet-4-5", "claude-opus-4-5", false), ("", "gpt-5", false),
        ]
    )
    func `two names of one model differ in a date, in dots or in the size of the context`(
        left: String,
        right: String,
        areOne: Bool
    ) {
        #expect(ModelName.areOne(left, right) == areOne && ModelName.areOne(right, left) == areOne)
    }
}
