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

    /// Adds a row's new figures of which some are negative, because calls go.
    ///
    /// A sum that stopped at the largest number goes to zero at least. One that is negative already is damage and stays so, for its
    /// next reader.
    static func subtraction(of figure: (String) -> String) -> String {
        columns.map { "\($0) = min(max(\($0) + \(figure($0)), min(\($0), 0)), \(Int64.max))" }.joined(separator: ", ")
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
    /// - Throws: An error of the database when a sum is negative, or counts more calls than any store has.
    init(row: SQLiteRow, from column: Int32) throws {
        self.init()
        calls = try row.number(column, atMost: Self.mostCalls)
        unpricedCalls = try row.number(column + 1, atMost: Self.mostCalls)
        counts = TokenCounts(
            uncachedInput: try row.number(column + 2),
            cacheRead: try row.number(column + 3),
            cacheWrite5m: try row.number(column + 4),
            cacheWrite1h: try row.number(column + 5),
            output: try row.number(column + 6),
            reasoning: try row.number(column + 7)
        )
        cost = Money(nanodollars: try row.number(column + 8))
    }
}
