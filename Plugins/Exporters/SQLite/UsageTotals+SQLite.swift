// SPDX-License-Identifier: Apache-2.0

import Usage

extension UsageTotals {
    /// The columns of sums in the order in which they are written and read.
    static let columns = [
        "calls", "unpriced", "uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning",
        "cost",
    ]

    /// The columns as a list.
    static let list = columns.joined(separator: ", ")

    /// Adds a row's new figures to those it has; like every sum it stops at the largest number that can be held.
    static func addition(of figure: (String) -> String) -> String {
        columns.map { "\($0) = min(\($0) + \(figure($0)), \(Int64.max))" }.joined(separator: ", ")
    }

    /// So few that sums over all rows of a table can be added up.
    private static let mostCalls: Int64 = 1 << 40

    /// The figures in the order of the columns.
    var figures: [Int64] {
        [
            calls, unpricedCalls, counts.uncachedInput, counts.cacheRead, counts.cacheWrite5m, counts.cacheWrite1h,
            counts.output, counts.reasoning, cost.nanodollars,
        ]
    }

    /// Reads sums from nine columns.
    ///
    /// - Throws: An error of the database when there are fewer calls than none, or more than any store has.
    init(row: SQLiteRow, from column: Int32) throws {
        self.init()
        calls = try row.number(column, atMost: Self.mostCalls)
        unpricedCalls = try row.number(column + 1, atMost: Self.mostCalls)
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
