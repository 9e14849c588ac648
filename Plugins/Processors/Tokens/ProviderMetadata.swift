// SPDX-License-Identifier: Apache-2.0

/// The provider's usage of a call, which the Vercel AI SDK passes on as JSON text (`ai.response.providerMetadata`).
///
/// Each provider has an object of its own in it, and Anthropic its whole account inside that, so figures are found by the last part of
/// their names. A damaged text has none.
struct ProviderMetadata {
    private var numbers: [String: Double] = [:]
    /// Whether figures may have been lost.
    let isUnread: Bool

    init(_ text: ArraySlice<UInt8>) {
        let printed = PrintedObject(text)
        isUnread = printed.isUnread
        for (name, number) in printed.numbers {
            let last = name.split(separator: ".").last.map(String.init) ?? name
            numbers[last] = max(numbers[last] ?? number, number)
        }
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
        names.lazy.compactMap { numbers[$0] }.first.flatMap(Int64.init(exactly:)).flatMap { $0 < 0 ? nil : $0 }
    }
}
