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
            WHERE c.ref BETWEEN ? AND ? AND c.counted AND c.session <> \(FormerCall.expired)
            """,
            db
        )
        var blocks: [Int64: [CountedCall]] = [:]
        for block in page.blocks {
            let numbers = QualityParts.calls(of: block)
            statement.bind(numbers.lowerBound)
            statement.bind(numbers.upperBound)
            blocks[block] = try statement.rows { try CountedCall(row: $0) }
        }
        return UsageChanges(beginsAgain: page.beginsAgain, blocks: blocks, next: page.next)
    }
}
