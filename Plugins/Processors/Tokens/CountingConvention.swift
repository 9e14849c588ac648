// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// How a sender counts: whether its input contains cached tokens, and its output reasoning.
enum CountingConvention: Sendable {
    /// Input leaves cached tokens out; output contains reasoning (Anthropic's own).
    case exclusive
    /// Input contains cached tokens; output contains reasoning (OpenAI, OpenTelemetry).
    case inclusive
    /// Input contains cached tokens; reasoning comes on top of output (Gemini).
    case inclusiveReasoningApart

    /// Decides for a sender nobody has described.
    ///
    /// Numbers that only fit one reading decide; else the name of the attribute: names of Anthropic's API leave cached tokens
    /// out, names of the conventions contain them.
    static func resolve(_ raw: RawCounts) -> CountingConvention {
        let cached = raw.cacheRead + raw.cacheWrite
        if cached > raw.input || raw.isInputUncached { return .exclusive }
        if let total = raw.total, cached > 0 {
            if total == raw.input + raw.output { return .inclusive }
            if total == raw.input + raw.output + cached { return .exclusive }
        }
        switch raw.inputKey {
        case .inputTokens, .genAIUsageDetailsInputTokens: return .exclusive
        default: return .inclusive
        }
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
    /// Which attribute gave ``input``.
    var inputKey = AttributeKey.unknown

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
    /// - Parameter convention: How the sender counts; nil when only the figures can tell.
    func normalized(_ convention: CountingConvention?) -> TokenCounts? {
        guard isBelievable else { return nil }
        let convention = convention ?? .resolve(self)
        // Older Claude Code builds left the sum at zero and filled only the split.
        let write = max(cacheWrite, (cacheWrite5m ?? 0) + (cacheWrite1h ?? 0))
        let hour = min(cacheWrite1h ?? cacheWrite5m.map { write - min($0, write) } ?? 0, write)
        var counts = TokenCounts(
            cacheRead: cacheRead,
            cacheWrite5m: write - hour,
            cacheWrite1h: hour,
            output: output,
            reasoning: reasoning
        )
        switch convention {
        case .exclusive:
            counts.uncachedInput = input
        case .inclusive:
            counts.uncachedInput = max(0, input - cacheRead - write)
        case .inclusiveReasoningApart:
            counts.uncachedInput = max(0, input - cacheRead - write)
            counts.output = output + reasoning
        }
        counts.reasoning = min(counts.reasoning, counts.output)
        return counts
    }
}
