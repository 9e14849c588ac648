// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Whether a figure of the prompt contains the tokens that came from a cache or went into it.
///
/// This belongs to the attribute (``ExtractionTable/exclusiveInput``), not to the agent: Claude Code 2.1.332 writes
/// `gen_ai.usage.input_tokens` with cached tokens beside its bare `input_tokens` without them.
enum CountingConvention: Sendable {
    /// Input leaves cached tokens out (Anthropic's own).
    case exclusive
    /// Input contains cached tokens (OpenAI, OpenTelemetry).
    case inclusive

    /// Decides for a sender nobody has described.
    ///
    /// Numbers that only fit one reading decide; else the attribute.
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

/// The figures of a record as its sender means them.
struct RawCounts {
    var input: Int64 = 0
    var output: Int64 = 0
    var cacheRead: Int64 = 0
    var cacheWrite: Int64 = 0
    var cacheWrite5m: Int64?
    var cacheWrite1h: Int64?
    var reasoning: Int64 = 0
    var total: Int64?
    /// Whether there is a figure of the prompt.
    var hasInput = false
    /// Whether there is a figure of the answer.
    var hasOutput = false
    /// What the attribute that gave ``input`` means.
    var convention = CountingConvention.inclusive
    /// Whether reasoning comes on top of output (Google's `thoughts_token_count`), not as a part of it.
    var isReasoningApart = false

    /// Whether the provider says that ``input`` leaves cached tokens out.
    var isInputUncached = false

    /// Takes what only the provider's own account tells.
    mutating func fill(from metadata: ProviderMetadata) {
        if cacheRead == 0 { cacheRead = metadata.cacheRead ?? 0 }
        if cacheWrite == 0 { cacheWrite = metadata.cacheWrite ?? 0 }
        cacheWrite5m = cacheWrite5m ?? metadata.cacheWrite5m
        cacheWrite1h = cacheWrite1h ?? metadata.cacheWrite1h
        if reasoning == 0 { reasoning = metadata.reasoning ?? 0 }
        isInputUncached = metadata.anthropicInput == input
    }

    /// Takes what only a usage object in a text has; figures in attributes of their own go first.
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

    /// Whether the lifetimes of cache writes are told apart.
    var knowsCacheLifetimes: Bool { cacheWrite5m != nil || cacheWrite1h != nil }

    /// Whether every figure but the total, which is only compared, can be believed of one call; their sums cannot overflow.
    private var isBelievable: Bool {
        func believe(_ count: Int64) -> Bool { (0...TokenCounts.limit).contains(count) }
        return believe(input) && believe(output) && believe(cacheRead) && believe(cacheWrite)
            && believe(cacheWrite5m ?? 0) && believe(cacheWrite1h ?? 0) && believe(reasoning)
    }

    /// The figures in disjoint buckets; nil when one of them is beyond belief.
    ///
    /// - Parameter convention: How the sender counts; nil to decide by figures and attribute.
    func normalized(_ convention: CountingConvention?) -> TokenCounts? {
        guard isBelievable else { return nil }
        let convention = convention ?? .resolve(self)
        // Older Claude Code builds left the sum at zero and filled only the split.
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
