// SPDX-License-Identifier: Apache-2.0

import CollectorKit
package import GRDB
package import Usage

/// Removes what ended before an instant, a bounded step at a time.
package struct Compaction: Sendable {
    private let compacted: CompactionBorder
    private let now: Timestamp
    private var border: Int64 { compacted.instant.nanoseconds }
    private var stage = Stage.calls(after: 0)
    /// How many records and calls were removed.
    package private(set) var removed = 0

    private enum Stage: Equatable {
        case calls(after: Int64)
        case batches
        case rest
        case space
        case done
    }

    /// How many rows one step looks at.
    private static let stride: Int64 = 5_000

    package init(before instant: Timestamp, now: Timestamp) {
        self.now = now
        compacted = CompactionBorder(before: instant)
    }

    package var isDone: Bool { stage == .done }

    /// Does the next step in the transaction that is open.
    package mutating func step(_ db: Database, _ writer: inout StoreWriter) throws {
        writer.forget()
        let (revision, known) = try Revision.nextState(db)
        // With the first step: what it removes must not come in again behind it.
        let border = known.after(compacted, now: now)
        if border != known { try Revision.note(border, db) }
        switch stage {
        case .calls(let last): writer.noteChanged(try removeCalls(after: last, db, revision))
        case .batches: try removeBatches(db)
        case .rest: try removeRest(db)
        case .space: try giveBack(db)
        case .done: break
        }
    }

    /// Calls and their sums go together, so that a summary in between is right, too.
    ///
    /// - Returns: The blocks of calls that changed.
    private mutating func removeCalls(after last: Int64, _ db: Database, _ revision: Int64) throws -> Set<Int64> {
        guard let newest = try Int64.fetchOne(db, sql: "SELECT max(ref) FROM calls"), last < newest else {
            stage = .batches
            return []
        }
        var calls = try CallTables(db, compacted)
        // The numbers of damaged rows can be as large as any.
        let (end, isOverflow) = last.addingReportingOverflow(Self.stride)
        let bound = isOverflow ? .max : end
        removed += try calls.removeOld(last + 1...bound)
        try calls.writeSums(revision)
        // Rows may be far apart; the next step starts at the next that there is.
        let next = try Int64.fetchOne(
            db,
            sql: "SELECT min(ref) FROM calls WHERE ref > ?",
            arguments: [bound]
        )
        stage = next.map { .calls(after: $0 - 1) } ?? .batches
        return calls.changed
    }

    private mutating func removeBatches(_ db: Database) throws {
        var statement = try SQLiteStatement("SELECT ref FROM batches WHERE first_time < ? LIMIT 100", db)
        statement.bind(border)
        let refs = try statement.rows { $0.int(0) }
        let tables = BatchTables(db: db)
        for ref in refs { removed += try tables.removeOld(from: ref, before: Timestamp(nanoseconds: border)) }
        if refs.isEmpty { stage = .rest }
    }

    private mutating func removeRest(_ db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM sessions WHERE last_seen_at < ? AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.session = sessions.ref)
                """,
            arguments: [border]
        )
        // Runs all of whose calls are gone.
        let first = try Int64.fetchOne(db, sql: "SELECT min(ref) FROM calls") ?? .max
        let runs = try Int64.fetchAll(db, sql: "SELECT run FROM link_runs WHERE last_ref < ?", arguments: [first])
        for run in runs { try LinkRun.delete(run, db) }
        if first == .max { try db.execute(sql: "DELETE FROM link_tail") }
        try db.execute(
            sql: "DELETE FROM rollup_days WHERE day < ? AND NOT EXISTS (SELECT 1 FROM rollup WHERE quarter / 96 = day)",
            arguments: [border / CallTables.quarter / CallTables.quartersOfDay]
        )
        try QualityTables(db: db).beginAgainIfDue()
        stage = .space
    }

    /// Gives empty pages at the end of the file back to the disk, some at a time.
    private mutating func giveBack(_ db: Database) throws {
        let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        try db.execute(sql: "PRAGMA incremental_vacuum(\(Self.pages))")
        let rest = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        if rest == 0 || rest == free { stage = .done }
    }

    /// How many pages one step gives back: eight megabytes.
    private static let pages = 2_048
}
