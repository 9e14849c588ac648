// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// The usage of a call that is one value in one attribute: the provider's own object, or what a library made of it.
///
/// Langfuse, MLflow, LangSmith, LiteLLM and Logfire write some or all of their figures only like this, as a text that a program
/// printed (``PrintedObject``) or as a list of keys and values.
struct UsageObject {
    /// The numbers by their names; those of objects inside are joined by dots (`prompt_tokens_details.cached_tokens`).
    private let numbers: [String: Double]
    /// Whether there is something that was not read.
    private let isBroken: Bool

    /// An attribute that holds such a text.
    struct Source: Sendable {
        let key: AttributeKey
        /// Whether a flat `cache_read_input_tokens` beside `input_tokens` is Anthropic's own account, which leaves cached tokens out of
        /// the input.
        var isProvidersOwn = false
    }

    /// In order of precedence.
    static let sources = [
        Source(key: .langfuseObservationUsageDetails, isProvidersOwn: true),
        Source(key: .mlflowChatTokenUsage),
        Source(key: .langsmithMetadataUsageMetadata),
        Source(key: .metadataUsageObject),
        Source(key: .genAIUsageRaw, isProvidersOwn: true),
    ]

    /// The keys of ``sources``.
    static let keys: KeyGroup = [
        .langfuseObservationUsageDetails, .mlflowChatTokenUsage, .langsmithMetadataUsageMetadata, .metadataUsageObject,
        .genAIUsageRaw,
    ]

    /// Reads a text.
    init(_ text: ArraySlice<UInt8>) {
        let printed = PrintedObject(text)
        (numbers, isBroken) = (printed.numbers, printed.isUnread)
    }

    /// Reads the value of an attribute; nil when it can hold no object or nothing is there.
    init?(_ value: AttributeValue, in batch: OTLPBatch) {
        switch value {
        case .string(let text) where !text.isEmpty: self.init(batch.bytes(of: text))
        case .keyValueList: self.init(Array(batch.text(of: value).utf8)[...])
        case .string, .empty, .bool, .int, .double, .bytes, .array: return nil
        }
    }

    /// Whether figures may have been lost: something was not read, or no name of a number is known.
    func isUnread(_ counts: RawCounts) -> Bool {
        isBroken || !counts.hasFigures && numbers.contains { $0.value > 0 }
    }

    /// The largest of the figures under several names for one thing.
    private func count(_ names: [String]) -> Int64? {
        names.compactMap { numbers[$0] }.filter { $0 >= 0 }.max().flatMap(Int64.init(exactly:))
    }

    // MARK: - Figures

    /// The figures of a call.
    func counts(of source: Source) -> RawCounts {
        if isOfParts { return sumOfParts() }
        var raw = RawCounts()
        if let input = count(Self.input) {
            raw.input = input
            raw.hasInput = true
        }
        if let output = count(Self.output) {
            raw.output = output
            raw.hasOutput = true
        }
        let isAnthropic =
            numbers["input_tokens"] != nil
            && (numbers["cache_read_input_tokens"] ?? numbers["cache_creation_input_tokens"]) != nil
        raw.convention = source.isProvidersOwn && isAnthropic ? .exclusive : .inclusive
        raw.cacheRead = count(Self.cacheRead) ?? 0
        raw.cacheWrite = count(Self.cacheWrite) ?? 0
        raw.cacheWrite5m = count(Self.cacheWrite5m)
        raw.cacheWrite1h = count(Self.cacheWrite1h)
        raw.reasoning = count(Self.reasoning) ?? 0
        if let thoughts = count(Self.thoughts) {
            raw.reasoning = thoughts
            raw.isReasoningApart = true
        }
        raw.total = count(Self.total)
        return raw
    }

    /// The cost of the call: the total, else the sum of its parts; nil when none is above zero.
    var cost: Double? {
        let cost = numbers["total"] ?? numbers.values.reduce(0, +)
        return cost > 0 ? cost : nil
    }

    private static let input = [
        "prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "prompt_token_count", "promptTokenCount",
    ]
    private static let output = [
        "completion_tokens", "output_tokens", "completionTokens", "outputTokens", "candidates_token_count",
        "candidatesTokenCount",
    ]
    private static let total = ["total_tokens", "totalTokens", "total_token_count", "totalTokenCount"]
    private static let cacheRead = [
        "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens", "input_token_details.cache_read",
        "cache_read_input_tokens", "cached_content_token_count", "cachedContentTokenCount", "prompt_cache_hit_tokens",
    ]
    private static let cacheWrite = [
        "prompt_tokens_details.cache_creation_tokens", "prompt_tokens_details.cache_write_tokens",
        "input_tokens_details.cache_write_tokens", "input_token_details.cache_creation", "cache_creation_input_tokens",
    ]
    private static let cacheWrite5m = [
        "cache_creation.ephemeral_5m_input_tokens", "input_token_details.ephemeral_5m_input_tokens",
        "prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
    ]
    private static let cacheWrite1h = [
        "cache_creation.ephemeral_1h_input_tokens", "input_token_details.ephemeral_1h_input_tokens",
        "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
        "cache_creation_input_tokens_above_1hr",
    ]
    private static let reasoning = [
        "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens",
        "output_token_details.reasoning",
    ]
    /// Google counts them in addition to the answer's tokens, not among them.
    private static let thoughts = ["thoughts_token_count", "thoughtsTokenCount"]

    // MARK: - Disjoint parts

    /// Whether the figures are Langfuse's parts (`input`, `input_cache_read`, `output_reasoning`), which are added up.
    private var isOfParts: Bool {
        numbers["input"] != nil || numbers["output"] != nil
    }

    /// The sums of Langfuse's parts: each name that begins with `input` or `output` is a part of the prompt or the answer.
    ///
    /// Anthropic's own names for cached tokens next to them are parts, too, as Langfuse documents for `usage_details`, unless the total
    /// shows that the input includes them.
    private func sumOfParts() -> RawCounts {
        var raw = RawCounts()
        (raw.hasInput, raw.convention) = (true, .inclusive)
        addAnthropicParts(to: &raw)
        for (name, number) in numbers {
            guard number >= 0, let tokens = Int64(exactly: number), tokens <= TokenCounts.limit else { continue }
            if name.hasPrefix("input") {
                raw.input += tokens
                if name.contains("ephemeral_5m") {
                    raw.cacheWrite5m = (raw.cacheWrite5m ?? 0) + tokens
                } else if name.contains("ephemeral_1h") {
                    raw.cacheWrite1h = (raw.cacheWrite1h ?? 0) + tokens
                } else if name.contains("cache_creation") || name.contains("cache_write") {
                    raw.cacheWrite += tokens
                } else if name.contains("cache") {
                    raw.cacheRead += tokens
                }
            } else if name.hasPrefix("output") {
                (raw.output, raw.hasOutput) = (raw.output + tokens, true)
                if name.contains("reasoning") || name.contains("thinking") { raw.reasoning += tokens }
            }
        }
        // The sums and the figures by lifetime are parts, too; the written tokens are the sum of all of them.
        if let split = [raw.cacheWrite5m, raw.cacheWrite1h].compactMap(\.self).reduce(nil, { ($0 ?? 0) + $1 }) {
            raw.cacheWrite += split
        }
        return raw
    }

    private func addAnthropicParts(to raw: inout RawCounts) {
        func count(_ name: String) -> Int64 {
            guard let number = numbers[name], number >= 0 else { return 0 }
            // Any implausible part is as good as another: none makes a call.
            return Int64(exactly: number).map { min($0, TokenCounts.limit + 1) } ?? 0
        }
        let (read, written) = (count("cache_read_input_tokens"), count("cache_creation_input_tokens"))
        guard read + written > 0 else { return }
        (raw.cacheRead, raw.cacheWrite) = (read, written)
        if numbers["total"] ?? -1 != (numbers["input"] ?? 0) + (numbers["output"] ?? 0) { raw.input += read + written }
    }
}
