// SPDX-License-Identifier: Apache-2.0

/// The provider's usage of a call, which the Vercel AI SDK passes on as JSON text (`ai.response.providerMetadata`).
///
/// Only whole numbers under well-known names are searched; the text is not parsed, and a damaged one has no figures.
struct ProviderMetadata {
    private let text: [UInt8]

    /// A longer text is not the usage of a call.
    private static let longestText = 1 << 16

    init(_ text: ArraySlice<UInt8>) {
        self.text = text.count <= Self.longestText ? Array(text) : []
    }

    /// Prompt tokens as Anthropic counts them: without cached ones.
    var anthropicInput: Int64? { number(["input_tokens"]) }
    var cacheRead: Int64? { number(["cacheReadInputTokens", "cache_read_input_tokens", "cachedPromptTokens"]) }
    var cacheWrite: Int64? {
        number(["cacheCreationInputTokens", "cache_creation_input_tokens", "cacheWriteInputTokens"])
    }
    var cacheWrite5m: Int64? { number(["ephemeral_5m_input_tokens"]) }
    var cacheWrite1h: Int64? { number(["ephemeral_1h_input_tokens"]) }
    var reasoning: Int64? { number(["reasoningTokens"]) }

    /// The number of the first of several names that has one.
    private func number(_ names: [String]) -> Int64? {
        names.lazy.compactMap { number(behind: Array("\"\($0)\"".utf8)) }.first
    }

    private func number(behind name: [UInt8]) -> Int64? {
        var start = 0
        while let range = text[start...].firstRange(of: name) {
            start = range.upperBound
            var rest = text[start...].drop(while: Self.isSpace)
            guard rest.popFirst() == UInt8(ascii: ":") else { continue }
            let digits = rest.drop(while: Self.isSpace).prefix { (48...57).contains($0) }
            guard (1...15).contains(digits.count) else { continue }
            return digits.reduce(0) { $0 * 10 + Int64($1) - 48 }
        }
        return nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
