// SPDX-License-Identifier: Apache-2.0

import Usage

/// How a calendar month stands against its budget.
struct BudgetReport {
    /// What may be spent.
    let limit: Money
    /// What has been spent so far.
    let used: Money
    /// `used` as a part of `limit`, in billionths.
    let fraction: Int64
    /// What will have been spent at the end of the month if it goes on like this.
    let projected: Money

    init(limit: Money, used: Money, month: Period, now: Timestamp) {
        self.limit = limit
        self.used = used
        fraction = Self.scale(used.nanodollars, by: 1_000_000_000, over: limit.nanodollars)
        let (elapsed, length) = (
            now.nanoseconds - month.start.nanoseconds, month.end.nanoseconds - month.start.nanoseconds
        )
        // In its first instants a month says nothing about its end, and a clock may stand outside of it.
        projected =
            elapsed > 0 && elapsed < length
            ? Money(nanodollars: Self.scale(used.nanodollars, by: length, over: elapsed)) : used
    }

    /// The product over the divisor, rounded to the nearest, without overflow on the way.
    private static func scale(_ value: Int64, by factor: Int64, over divisor: Int64) -> Int64 {
        guard divisor > 0 else { return 0 }
        return Int64(clamping: (Int128(value) * Int128(factor) + Int128(divisor) / 2) / Int128(divisor))
    }
}
