// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage
import UsageDatabase

/// Reads the counted calls of the blocks that changed since a reader asked last.
struct ChangesQuery {
    let db: Database
    let cursor: UsageCursor?
    let memory: QualityMemory

    func run() throws -> UsageChanges {
        var last = try SQLiteStatement("SELECT coalesce(max(ref), 0) FROM calls", db)
        let page = memory.page(
            after: cursor,
            at: try Revision.current(db),
            lastCall: try last.first { $0.int(0) } ?? 0
        )
        var statement = try SQLiteStatement(
            """
            SELECT c.id, c.time, c.uncached_input, c.cache_read, c.cache_write_5m, c.cache_write_1h, c.output, c.reasoning,
                c.priced, c.cost, c.duration, m.name, s.agent, s.project, s.user, s.machine, s.team, s.branch, s.parent
            FROM calls c JOIN models m ON m.ref = c.model JOIN sessions s ON s.ref = c.session
            WHERE c.ref BETWEEN ? AND ? AND c.counted AND c.session <> \(CallTables.expired)
            """,
            db
        )
        var blocks: [Int64: [CountedCall]] = [:]
        for block in page.blocks {
            let numbers = QualityParts.calls(of: block)
            statement.bind(numbers.lowerBound)
            statement.bind(numbers.upperBound)
            blocks[block] = try statement.rows(CountedCall.init(row:))
        }
        return UsageChanges(beginsAgain: page.beginsAgain, blocks: blocks, next: page.next)
    }
}

extension CountedCall {
    fileprivate init(row: SQLiteRow) throws {
        self.init(
            id: row.uint(0),
            time: try row.time(1),
            counts: TokenCounts(
                uncachedInput: try row.number(2),
                cacheRead: try row.number(3),
                cacheWrite5m: try row.number(4),
                cacheWrite1h: try row.number(5),
                output: try row.number(6),
                reasoning: try row.number(7)
            ),
            price: CallPrice(cost: try row.money(9), isPriced: row.bool(8), computed: nil)
        )
        duration = row.optionalInt(10)
        model = row.name(11)
        (names.agent, names.project, names.user) = (row.text(12), row.text(13), row.text(14))
        (names.machine, names.team, names.branch) = (row.text(15), row.text(16), row.text(17))
        names.isSubagent = row.text(18) != nil
    }
}
