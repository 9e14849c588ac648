// SPDX-License-Identifier: Apache-2.0

/// The tokens of one model call in disjoint buckets, as every price list bills them.
///
/// The buckets never overlap: a token read from a cache is not part of ``uncachedInput``. ``reasoning`` is the one exception: it
/// says how many of the ``output`` tokens were reasoning and is never added to a total.
public struct TokenCounts: Sendable, Hashable, Codable {
    /// Prompt tokens billed at the full input rate.
    public var uncachedInput: Int64
    /// Prompt tokens read from a cache.
    public var cacheRead: Int64
    /// Prompt tokens written to a cache with the short lifetime (five minutes at Anthropic, thirty at OpenAI), or of unknown lifetime.
    public var cacheWrite5m: Int64
    /// Prompt tokens written to a cache with the one-hour lifetime.
    public var cacheWrite1h: Int64
    /// Tokens the model produced, reasoning included.
    public var output: Int64
    /// The part of ``output`` that was reasoning.
    public var reasoning: Int64

    /// Creates counts; every bucket that is left out is zero.
    public init(
        uncachedInput: Int64 = 0,
        cacheRead: Int64 = 0,
        cacheWrite5m: Int64 = 0,
        cacheWrite1h: Int64 = 0,
        output: Int64 = 0,
        reasoning: Int64 = 0
    ) {
        self.uncachedInput = uncachedInput
        self.cacheRead = cacheRead
        self.cacheWrite5m = cacheWrite5m
        self.cacheWrite1h = cacheWrite1h
        self.output = output
        self.reasoning = reasoning
    }

    /// Cache writes of every lifetime; like every sum here it stops at the largest number that can be held.
    public var cacheWrite: Int64 { cacheWrite5m.saturatingAdding(cacheWrite1h) }

    /// The whole prompt: what context-size tiers are compared with.
    public var prompt: Int64 { uncachedInput.saturatingAdding(cacheRead).saturatingAdding(cacheWrite) }

    /// Every token of the call once.
    public var total: Int64 { prompt.saturatingAdding(output) }

    /// Whether nothing was counted.
    public var isZero: Bool { total == 0 }

    /// Whether no count is negative, as none is that a sender may report.
    public var isValid: Bool {
        min(min(uncachedInput, cacheRead), min(cacheWrite5m, cacheWrite1h), min(output, reasoning)) >= 0
    }

    /// The largest count that is believed of one call; a larger one is a broken sender and would endanger sums.
    public static let limit: Int64 = 1 << 40

    /// The sum of each bucket; it stops at the largest number that can be held.
    public func adding(_ other: TokenCounts) -> TokenCounts {
        TokenCounts(
            uncachedInput: uncachedInput.saturatingAdding(other.uncachedInput),
            cacheRead: cacheRead.saturatingAdding(other.cacheRead),
            cacheWrite5m: cacheWrite5m.saturatingAdding(other.cacheWrite5m),
            cacheWrite1h: cacheWrite1h.saturatingAdding(other.cacheWrite1h),
            output: output.saturatingAdding(other.output),
            reasoning: reasoning.saturatingAdding(other.reasoning)
        )
    }

    /// The larger figures of two accounts of one call, whose counts only ever grow.
    ///
    /// The larger prompt wins with its whole split into buckets, and of equal prompts the one that knows more of its share in caches:
    /// a library that does not report caches has the whole prompt in the first bucket, and the larger of each bucket would be a prompt
    /// that was never sent (OpenInference beside a library with `gen_ai.usage.cache_read.input_tokens`: 900 and 400 + 500 are not 1,400).
    ///
    /// Commutative, associative and idempotent.
    public func maximum(_ other: TokenCounts) -> TokenCounts {
        var larger = promptRank < other.promptRank ? other : self
        (larger.output, larger.reasoning) = (max(output, other.output), max(reasoning, other.reasoning))
        return larger
    }

    /// Which of two splits of a prompt is believed; equal ranks are equal splits.
    private var promptRank: (Int64, Int64, Int64, Int64) {
        (prompt, cacheRead.saturatingAdding(cacheWrite), cacheWrite, cacheWrite1h)
    }
}
