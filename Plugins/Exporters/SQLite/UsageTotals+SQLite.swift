// SPDX-License-Identifier: Apache-2.0

import Usage

extension UsageTotals {
    /// The columns of sums in the order in which they are written and read.
    static let columns = [
        "calls", "unpriced", "uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning",
        "cost",
    ]

    /// The sums of the rollup's rows `r` that a query groups.
    ///
    /// SQLite's own `sum` fails when it overflows, so a sender of absurd figures could make a store unable to answer. High and low
    /// halves are summed apart; what they make together is exact and stops at the largest number that can be held.
    static let sums = columns.map { column in
        "min(sum(r.\(column) >> 24) * 16777216 + sum(r.\(column) & 16777215), \(Int64.max)) AS \(column)"
    }.joined(separator: ", ")

    /// Reads sums from nine columns.
    init(row: SQLiteRow, from column: Int32) {
        self.init()
        calls = row.int(column)
        unpricedCalls = row.int(column + 1)
        counts = TokenCounts(
            uncachedInput: row.int(column + 2),
            cacheRead: row.int(column + 3),
            cacheWrite5m: row.int(column + 4),
            cacheWrite1h: row.int(column + 5),
            output: row.int(column + 6),
            reasoning: row.int(column + 7)
        )
        cost = Money(nanodollars: row.int(column + 8))
    }
}
