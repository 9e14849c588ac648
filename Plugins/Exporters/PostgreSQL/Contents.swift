// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage
import UsageDatabase

/// Hands over what the database keeps, page by page in the order of its rows.
struct Contents {
    let connection: PostgresConnection
    /// How much a page has at most.
    var limit = 0

    func page(after cursor: StoreCursor?) throws -> StorePage {
        try StorePage.following(cursor) { section, place, page in
            switch section {
            case .sessions: try addSessions(after: place.first ?? 0, to: &page).map { [$0] }
            case .calls: try addCalls(after: place.first ?? 0, to: &page).map { [$0] }
            case .records: try addBatches(after: place, to: &page)
            }
        }
    }

    private func addSessions(after last: Int64, to page: inout StorePage) throws -> Int64? {
        var next = last
        let rows = try connection.run(
            """
            SELECT \(StoredContents.sessionColumns) FROM sessions
            WHERE ref > $1 AND hidden = 0 ORDER BY ref LIMIT \(limit)
            """,
            [.int(last)]
        )
        page.sessions = try rows.map { row in
            next = row.int(StoredContents.sessionNumber)
            return try SessionUpdate(storedRow: row)
        }
        return page.sessions.count < limit ? nil : next
    }

    private func addCalls(after last: Int64, to page: inout StorePage) throws -> Int64? {
        var next = last
        let rows = try connection.run(
            """
            SELECT ref, session, priced, cost, computed_cost, observations FROM calls
            WHERE ref > $1 ORDER BY ref LIMIT \(limit)
            """,
            [.int(last)]
        )
        page.calls = try rows.map { row in
            next = row.int(0)
            return try StoredCall(row: row, from: 1)
        }
        return page.calls.count < limit ? nil : next
    }

    private func addBatches(after place: [Int64], to page: inout StorePage) throws -> [Int64]? {
        let (day, hash) = place.count == 2 ? (place[0], place[1]) : (Int64.min, Int64.min)
        var found: [(day: Int64, hash: Int64, batch: Batch)] = []
        var size = 0
        try connection.forEachRow(
            "SELECT day, hash, signal, received_at, size, body FROM batches WHERE (day, hash) > ($1, $2) ORDER BY day, hash",
            [.int(day), .int(hash)],
            atOnce: 50
        ) { row in
            if size >= StorePage.largest || found.count >= limit { return false }
            guard
                let stored = StoredBatch(
                    signal: row.text(2),
                    receivedAt: try row.time(3),
                    size: row.int(4),
                    body: row.blob(5)
                )
            else { throw PostgresError.damage("the records of batch \(row.int(1)) of day \(row.int(0)) are damaged") }
            found.append((row.int(0), row.int(1), stored.batch))
            size += Int(clamping: row.int(4))
            return true
        }
        for (day, hash, batch) in found {
            var batch = batch
            _ = try connection.run(
                """
                SELECT s.id, b.positions FROM session_batches b JOIN sessions s ON s.ref = b.session
                WHERE b.day = $1 AND b.hash = $2 ORDER BY s.ref
                """,
                [.int(day), .int(hash)]
            ).map { row in batch.assign(RecordPositions(bytes: row.blob(1)), toSession: row.text(0) ?? "") }
            page.batches.append(batch)
        }
        return found.last.map { [$0.day, $0.hash] }
    }

    func inventory() throws -> StoreInventory {
        let row = try connection.run(
            """
            SELECT (SELECT count(*) FROM sessions WHERE hidden = 0), (SELECT count(*) FROM calls),
                (SELECT count(*) FROM batches), compacted_before FROM state
            """
        ).first
        guard let row else { throw PostgresError.damage("the table state is empty") }
        return StoreInventory(
            sessions: row.int(0),
            calls: row.int(1),
            batches: row.int(2),
            border: CompactionBorder(before: Timestamp(nanoseconds: row.int(3)))
        )
    }
}

extension PostgreSQLExporter {
    func contents(after cursor: StoreCursor?, limit: Int) async throws -> StorePage {
        try await answer { connection, _ in try Contents(connection: connection, limit: limit).page(after: cursor) }
    }

    func inventory() async throws -> StoreInventory {
        try await answer { connection, _ in try Contents(connection: connection).inventory() }
    }
}
