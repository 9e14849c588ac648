// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import Files
package import GRDB
import Usage
import UsageDatabase

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Hands over what the database keeps, page by page in the order of its rows.
package struct Contents {
    private let db: Database
    private let limit: Int

    /// - Parameter limit: How much a page has at most.
    package init(db: Database, limit: Int = 0) { (self.db, self.limit) = (db, limit) }

    /// The page after a place.
    package func page(after cursor: StoreCursor?) throws -> StorePage {
        try StorePage.following(cursor) { section, place, page in
            let last = place.first ?? 0
            let next =
                switch section {
                case .sessions: try addSessions(after: last, to: &page)
                case .calls: try addCalls(after: last, to: &page)
                case .records: try addBatches(after: last, to: &page)
                }
            return next.map { [$0] }
        }
    }

    /// Adds the sessions after a row; returns the last row, or nil when there are no more.
    package func addSessions(after last: Int64, to page: inout StorePage) throws -> Int64? {
        var statement = try SQLiteStatement(
            """
            SELECT \(StoredContents.sessionColumns) FROM sessions
            WHERE ref > ? AND hidden = 0 ORDER BY ref LIMIT \(limit)
            """,
            db
        )
        statement.bind(last)
        var next = last
        page.sessions = try statement.rows { row in
            next = row.int(StoredContents.sessionNumber)
            return try SessionUpdate(storedRow: row)
        }
        return page.sessions.count < limit ? nil : next
    }

    /// Adds the calls after a row; returns the last row, or nil when there are no more.
    package func addCalls(after last: Int64, to page: inout StorePage) throws -> Int64? {
        var statement = try SQLiteStatement(
            """
            SELECT ref, session, priced, cost, computed_cost, witnesses FROM calls
            WHERE ref > ? ORDER BY ref LIMIT \(limit)
            """,
            db
        )
        statement.bind(last)
        var next = last
        page.calls = try statement.rows { row in
            next = row.int(0)
            return try StoredCall(row: row, from: 1)
        }
        return page.calls.count < limit ? nil : next
    }

    private func addBatches(after last: Int64, to page: inout StorePage) throws -> Int64? {
        var statement = try SQLiteStatement(
            "SELECT ref, signal, received_at, size, body FROM batches WHERE ref > ? ORDER BY ref",
            db
        )
        statement.bind(last)
        var (next, size) = (Int64?.none, 0)
        try statement.forEachRow { row in
            if size >= StorePage.largest || page.batches.count >= limit { return false }
            let (ref, length) = (row.int(0), row.int(3))
            guard
                let stored = StoredBatch(
                    signal: row.text(1),
                    receivedAt: try row.time(2),
                    size: length,
                    body: row.blob(4)
                )
            else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the records of batch \(ref) are damaged")
            }
            var batch = stored.batch
            for (session, positions) in try sessions(of: ref) { batch.assign(positions, toSession: session) }
            page.batches.append(batch)
            (next, size) = (ref, size + Int(clamping: length))
            return true
        }
        return next
    }

    private func sessions(of batch: Int64) throws -> [(String, RecordPositions)] {
        var statement = try SQLiteStatement(
            """
            SELECT s.id, b.positions FROM session_batches b JOIN sessions s ON s.ref = b.session
            WHERE b.batch = ? ORDER BY s.ref
            """,
            db
        )
        statement.bind(batch)
        return try statement.rows { ($0.text(0) ?? "", RecordPositions(bytes: $0.blob(1))) }
    }

    /// How much there is.
    package func inventory() throws -> StoreInventory {
        var statement = try SQLiteStatement(
            """
            SELECT (SELECT count(*) FROM sessions WHERE hidden = 0), (SELECT count(*) FROM calls),
                (SELECT count(*) FROM batches), compacted_before FROM revision
            """,
            db
        )
        let found = try statement.first { row in
            StoreInventory(
                sessions: row.int(0),
                calls: row.int(1),
                batches: row.int(2),
                border: CompactionBorder(before: Timestamp(nanoseconds: row.int(3)))
            )
        }
        return found ?? StoreInventory(sessions: 0, calls: 0, batches: 0, border: .none)
    }

    /// The process that has a database open: SQLite keeps a shared lock on one byte of the index of the log as long as a connection is open
    /// (`UNIX_SHM_DMS` in its os_unix.c).
    ///
    /// Must not be asked while this process has it open: closing a descriptor of the file would end its own lock.
    package static func process(using path: String) -> Int32? {
        guard let descriptor = try? OwnFile.open("\(path)-shm", .updating) else { return nil }
        defer { close(descriptor) }
        var lock = flock()
        (lock.l_type, lock.l_whence, lock.l_start, lock.l_len) = (Int16(F_WRLCK), Int16(SEEK_SET), 128, 1)
        guard fcntl(descriptor, F_GETLK, &lock) == 0, lock.l_type != Int16(F_UNLCK) else { return nil }
        return lock.l_pid
    }
}
