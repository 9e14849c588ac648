// SPDX-License-Identifier: Apache-2.0

import OTLP
import Testing
import Usage

/// The provider's usage in a span of the Vercel AI SDK.
struct ProviderMetadataTests {
    private static func counts(_ input: Int64, _ metadata: String) throws -> TokenCounts? {
        try spanObservation([
            "ai.usage.inputTokens": .int(input), "ai.usage.outputTokens": 7, "ai.model.id": "m",
            "ai.response.providerMetadata": .string(metadata),
        ])?.counts
    }

    @Test func `Anthropic's metadata has the cache, its lifetimes, and an input without it`() throws {
        let metadata = """
            {"anthropic":{"usage":{"input_tokens":900,"cache_read_input_tokens":100,"cache_creation_input_tokens": 60,
            "cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":20}}}}
            """
        let expected = TokenCounts(uncachedInput: 900, cacheRead: 100, cacheWrite5m: 40, cacheWrite1h: 20, output: 7)
        #expect(try Self.counts(900, metadata) == expected)
    }

    @Test func `OpenAI's metadata has cached tokens that are part of the input, and reasoning`() throws {
        let expected = TokenCounts(uncachedInput: 60, cacheRead: 40, output: 7, reasoning: 5)
        #expect(try Self.counts(100, #"{"openai":{"cachedPromptTokens":40,"reasoningTokens":5}}"#) == expected)
        let asText = #"{"openai":"{\"cachedPromptTokens\":\"40\",\"reasoningTokens\":5}"}"#
        #expect(try Self.counts(100, asText) == expected)
    }

    @Test(arguments: [
        "", "{", #"{"cachedPromptTokens":}"#, #"{"cachedPromptTokens":"some"}"#, #"{"cachedPromptTokens":-4}"#,
        #"{"cachedPromptTokens":12345678901234567890}"#, #"{"text":"cachedPromptTokens"}"#,
    ])
    func `damaged metadata has no figures`(metadata: String) throws {
        #expect(try Self.counts(100, metadata) == TokenCounts(uncachedInput: 100, output: 7))
    }
}
