// SPDX-License-Identifier: Apache-2.0

import Usage

/// Sums over calls that are exact whatever senders claim, so that what was added can be taken away again.
struct ExactTotals {
    private(set) var calls: Int64 = 0
    private(set) var unpriced: Int64 = 0
    private var uncachedInput: Int128 = 0
    private var cacheRead: Int128 = 0
    private var cacheWrite5m: Int128 = 0
    private var cacheWrite1h: Int128 = 0
    private var output: Int128 = 0
    private var reasoning: Int128 = 0
    private(set) var cost: Int128 = 0

    init() {}

    /// The sums over one call.
    init(_ counts: TokenCounts, _ price: CallPrice) {
        calls = 1
        unpriced = price.isPriced ? 0 : 1
        uncachedInput = Int128(counts.uncachedInput)
        cacheRead = Int128(counts.cacheRead)
        cacheWrite5m = Int128(counts.cacheWrite5m)
        cacheWrite1h = Int128(counts.cacheWrite1h)
        output = Int128(counts.output)
        reasoning = Int128(counts.reasoning)
        cost = Int128(price.cost.nanodollars)
    }

    /// Every token once.
    var tokens: Int128 { uncachedInput + cacheRead + cacheWrite5m + cacheWrite1h + output }

    static func += (left: inout ExactTotals, right: ExactTotals) { left.add(right, sign: 1) }

    static func -= (left: inout ExactTotals, right: ExactTotals) { left.add(right, sign: -1) }

    private mutating func add(_ other: ExactTotals, sign: Int128) {
        calls += Int64(truncatingIfNeeded: sign) * other.calls
        unpriced += Int64(truncatingIfNeeded: sign) * other.unpriced
        uncachedInput += sign * other.uncachedInput
        cacheRead += sign * other.cacheRead
        cacheWrite5m += sign * other.cacheWrite5m
        cacheWrite1h += sign * other.cacheWrite1h
        output += sign * other.output
        reasoning += sign * other.reasoning
        cost += sign * other.cost
    }

    /// The sums as answers have them; each stops at the largest number that can be held.
    var totals: UsageTotals {
        var totals = UsageTotals()
        totals.calls = calls
        totals.unpricedCalls = unpriced
        totals.counts = TokenCounts(
            uncachedInput: Int64(clamping: uncachedInput),
            cacheRead: Int64(clamping: cacheRead),
            cacheWrite5m: Int64(clamping: cacheWrite5m),
            cacheWrite1h: Int64(clamping: cacheWrite1h),
            output: Int64(clamping: output),
            reasoning: Int64(clamping: reasoning)
        )
        totals.cost = Money(nanodollars: Int64(clamping: cost))
        return totals
    }
}
