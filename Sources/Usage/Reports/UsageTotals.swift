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

    /// Adds other sums.
    public static func += (left: inout UsageTotals, right: UsageTotals) {
        left.calls += right.calls
        left.unpricedCalls += right.unpricedCalls
        left.counts = left.counts.adding(right.counts)
        left.cost += right.cost
    }
}

extension TokenCounts {
    /// The sum of each bucket; it stops at the largest number that can be held.
    public func adding(_ other: TokenCounts) -> TokenCounts {
        func sum(_ left: Int64, _ right: Int64) -> Int64 {
            let (value, overflow) = left.addingReportingOverflow(right)
            return overflow ? .max : value
        }
        return TokenCounts(
            uncachedInput: sum(uncachedInput, other.uncachedInput),
            cacheRead: sum(cacheRead, other.cacheRead),
            cacheWrite5m: sum(cacheWrite5m, other.cacheWrite5m),
            cacheWrite1h: sum(cacheWrite1h, other.cacheWrite1h),
            output: sum(output, other.output),
            reasoning: sum(reasoning, other.reasoning)
        )
    }
}
