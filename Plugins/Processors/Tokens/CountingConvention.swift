// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Whether a prompt figure includes the tokens read from or written to a cache.
///
/// The convention belongs to the attribute (``ExtractionTable/exclusiveInput``), not to the agent: Claude Code 2.1.332 writes
/// `gen_ai.usage.input_tokens` with cached tokens next to its own `input_tokens` without them.
enum CountingConvention: Sendable {
    /// Input excludes cached tokens (Anthropic's API).
    case exclusive
    /// Input includes cached tokens (OpenAI, OpenTelemetry).
    case inclusive

    /// Determines the convention of an unknown sender.
    ///
    /// When the figures fit only one convention, that one; otherwise that of the attribute.
    static func resolve(_ raw: RawCounts) -> CountingConvention {
        let cached = raw.cacheRead + raw.cacheWrite
        if cached > raw.input || raw.isInputUncached { return .exclusive }
        if let total = raw.total, cached > 0 {
            let sum = raw.input + raw.output + (raw.isReasoningApart ? raw.reasoning : 0)
            if total == sum { return .inclusive }
            if total == sum + cached { return .exclusive }
        }
        return raw.convention
    }
}

/// The figures of a record as the sender wrote them.
struct RawCounts {
    var input: Int64 = 0
    var output: Int64 = 0
    var cacheRead: Int64 = 0
    var cacheWrite: Int64 = 0
    var cacheWrite5m: Int64?
    var cacheWrite1h: Int64?
    var reasoning: Int64 = 0
    var total: Int64?
    /// Whether there is a prompt figure.
    var hasInput = false
    /// Whether there is an output figure.
    var hasOutput = false
    /// The convention of the attribute that gave ``input``.
    var convention = CountingConvention.inclusive
    /// Whether reasoning is in addition to the output (Google's `thoughts_token_count`), not included in it.
    var isReasoningApart = false

    /// Whether the provider states that ``input`` excludes cached tokens.
    var isInputUncached = false

    /// Adds figures that only the provider's own metadata has.
    mutating func fill(from metadata: ProviderMetadata) {
        if cacheRead == 0 { cacheRead = metadata.cacheRead ?? 0 }
        if cacheWrite == 0 { cacheWrite = metadata.cacheWrite ?? 0 }
        cacheWrite5m = cacheWrite5m ?? metadata.cacheWrite5m
        cacheWrite1h = cacheWrite1h ?? metadata.cacheWrite1h
        if reasoning == 0 { reasoning = metadata.reasoning ?? 0 }
        isInputUncached = metadata.anthropicInput == input
    }

    /// Adds figures that only a usage object in a text has; figures in separate attributes take precedence.
    mutating func fill(from object: RawCounts) {
        if !hasInput, object.hasInput { (input, hasInput, convention) = (object.input, true, object.convention) }
        if !hasOutput, object.hasOutput {
            (output, hasOutput, isReasoningApart) = (object.output, true, object.isReasoningApart)
            if object.isReasoningApart { reasoning = object.reasoning }
        }
        if cacheRead == 0 { cacheRead = object.cacheRead }
        if cacheWrite == 0 { cacheWrite = object.cacheWrite }
        cacheWrite5m = cacheWrite5m ?? object.cacheWrite5m
        cacheWrite1h = cacheWrite1h ?? object.cacheWrite1h
        if reasoning == 0 { reasoning = object.reasoning }
        total = total ?? object.total
    }

    /// Whether any figure of a call is known.
    var hasFigures: Bool {
        hasInput || hasOutput || cacheRead > 0 || cacheWrite > 0 || (cacheWrite5m ?? 0) > 0 || (cacheWrite1h ?? 0) > 0
            || reasoning > 0
    }

    /// Whether the lifetimes of cache writes are distinguished.
    var knowsCacheLifetimes: Bool { cacheWrite5m != nil || cacheWrite1h != nil }

    /// Whether every figure except the total, which is only compared, is plausible for one call; their sums cannot overflow.
    private var isBelievable: Bool {
        func believe(_ count: Int64) -> Bool { (0...TokenCounts.limit).contains(count) }
        return believe(input) && believe(output) && believe(cacheRead) && believe(cacheWrite)
            && believe(cacheWrite5m ?? 0) && believe(cacheWrite1h ?? 0) && believe(reasoning)
    }

    /// The figures in disjoint buckets; nil when one of them is implausible.
    ///
    /// - Parameter convention: The sender's convention; nil to determine it from figures and attribute.
    func normalized(_ convention: CountingConvention?) -> TokenCounts? {
        guard isBelievable else { return nil }
        let convention = convention ?? .resolve(self)
        // Older Claude Code builds set only the two parts and left the sum at zero.
        let write = max(cacheWrite, (cacheWrite5m ?? 0) + (cacheWrite1h ?? 0))
        let hour = min(cacheWrite1h ?? cacheWrite5m.map { write - min($0, write) } ?? 0, write)
        var counts = TokenCounts(
            uncachedInput: convention == .exclusive ? input : max(0, input - cacheRead - write),
            cacheRead: cacheRead,
            cacheWrite5m: write - hour,
            cacheWrite1h: hour,
            output: isReasoningApart ? output + reasoning : output,
            reasoning: reasoning
        )
        counts.reasoning = min(counts.reasoning, counts.output)
        return counts
    }
}
