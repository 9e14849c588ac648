// SPDX-License-Identifier: Apache-2.0

/// Sums over calls.
public struct UsageTotals: Sendable, Hashable {
    /// How many calls.
    public var calls: Int64 = 0
    /// How many of them have no price and are not in ``cost``.
    public var unpricedCalls: Int64 = 0
    /// The tokens of all of them.
    public var counts = TokenCounts()
    /// The cost of those with a price.
    public var cost = Money.zero

    /// Creates sums over nothing.
    public init() {}

    /// Whether a sum is as large as can be held: the true one may be larger.
    public var isSaturated: Bool {
        [counts.uncachedInput, counts.cacheRead, counts.cacheWrite, counts.output, counts.total, cost.nanodollars]
            .contains(.max)
    }

    /// Adds other sums; each stops at the largest number that can be held.
    public static func += (left: inout UsageTotals, right: UsageTotals) {
        left.calls = left.calls.saturatingAdding(right.calls)
        left.unpricedCalls = left.unpricedCalls.saturatingAdding(right.unpricedCalls)
        left.counts = left.counts.adding(right.counts)
        left.cost += right.cost
    }
}
