// SPDX-License-Identifier: Apache-2.0

/// What one token of each bucket costs; nil is not published, which is not the same as free.
public struct Rates: Sendable, Hashable {
    /// An uncached prompt token.
    public var input: Rate?
    /// A token of the answer.
    public var output: Rate?
    /// A prompt token read from a cache.
    public var cacheRead: Rate?
    /// A prompt token written to a cache with the base lifetime.
    public var cacheWrite: Rate?
    /// A prompt token written to a cache with the one-hour lifetime.
    public var cacheWrite1h: Rate?
    /// A token of reasoning, where it has a rate of its own.
    public var reasoning: Rate?

    /// Creates rates; what is left out is not published.
    public init(
        input: Rate? = nil,
        output: Rate? = nil,
        cacheRead: Rate? = nil,
        cacheWrite: Rate? = nil,
        cacheWrite1h: Rate? = nil
    ) {
        self.input = input
        self.output = output
        self.cacheRead = cacheRead
        self.cacheWrite = cacheWrite
        self.cacheWrite1h = cacheWrite1h
    }

    /// The rates in the order of the price file.
    static var columns: [WritableKeyPath<Rates, Rate?>] {
        [\.input, \.output, \.cacheRead, \.cacheWrite, \.cacheWrite1h, \.reasoning]
    }

    /// Whether nothing is published.
    var isEmpty: Bool { self == Rates() }

    /// Whether neither the prompt nor the answer costs anything, as far as it is published.
    var isZero: Bool { (input ?? .free) == .free && (output ?? .free) == .free }

    /// Replaces every rate that `other` publishes.
    mutating func overlay(_ other: Rates) {
        input = other.input ?? input
        output = other.output ?? output
        cacheRead = other.cacheRead ?? cacheRead
        cacheWrite = other.cacheWrite ?? cacheWrite
        cacheWrite1h = other.cacheWrite1h ?? cacheWrite1h
        reasoning = other.reasoning ?? reasoning
    }
}

/// Rates that replace the list price of a whole request under a condition.
public struct PriceTier: Sendable, Hashable {
    /// The service tier to which the rates belong.
    public var serviceTier: ServiceTier
    /// The size of the prompt in tokens above which they hold; zero for every size.
    public var threshold: Int64
    /// Whether a prompt of exactly the threshold already belongs to the tier, as at xAI.
    public var isInclusive: Bool
    /// The rates; one that is nil stays what it was below the tier.
    public var rates: Rates

    /// Whether a request with a prompt of so many tokens is billed at this tier.
    func holds(prompt: Int64) -> Bool {
        threshold == 0 || prompt > threshold || (isInclusive && prompt == threshold)
    }
}
