// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import OTLP
import Usage
import UsageDatabase

/// Keeps the records of a batch as the OTLP bytes they came in, and which of them belong to which session.
struct BatchTables {
    let db: Database

    /// Writes a batch; one that is sent again is the same row.
    ///
    /// - Parameters:
    ///   - sessions: The row of each session of the batch.
    ///   - bodies: Makes its body smaller.
    func insert(_ batch: Batch, sessions: [Int64], _ bodies: BodyCompressor) throws {
        let otlp = batch.otlp
        guard otlp.recordCount > 0 else { return }
        let body = otlp.encoded()
        let span = batch.timeSpan
        var statement = try SQLiteStatement(
            """
            INSERT OR IGNORE INTO batches (hash, signal, received_at, first_time, last_time, records, size, body) \
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            db
        )
        statement.bind(Checksum.of(body, seed: Self.seed))
        statement.bind(batch.signal.rawValue)
        statement.bind(batch.receivedAt.nanoseconds)
        statement.bind(span.lowerBound.nanoseconds)
        statement.bind(span.upperBound.nanoseconds)
        statement.bind(Int64(otlp.recordCount))
        statement.bind(Int64(body.count))
        try bodies.withCompressed(body) { try statement.run(endingWith: $0) }
        guard db.changesCount > 0 else { return }
        try insertSessions(of: batch, sessions, ref: db.lastInsertedRowID)
    }

    /// Begins the hash by which a batch is known again.
    private static let seed: UInt64 = 0x6261_7463_6820_0001

    private func insertSessions(of batch: Batch, _ sessions: [Int64], ref: Int64) throws {
        guard !sessions.isEmpty else { return }
        for (session, positions) in zip(sessions, RecordPositions.ofSessions(of: batch)) where !positions.bytes.isEmpty
        {
            var statement = try SQLiteStatement(
                "INSERT OR REPLACE INTO session_batches (session, batch, positions) VALUES (?, ?, ?)",
                db
            )
            statement.bind(session)
            statement.bind(ref)
            statement.bind(blob: positions.bytes)
            try statement.run()
        }
    }

    /// The named records of a session in order of time, at most ``SessionDetail/maximumCalls``.
    func events(of session: Int64) throws -> [SessionEvent] {
        var statement = try SQLiteStatement(
            """
            SELECT b.signal, b.received_at, b.size, b.body, s.positions FROM session_batches s JOIN batches b ON b.ref = s.batch
            WHERE s.session = ? ORDER BY s.batch
            """,
            db
        )
        statement.bind(session)
        var events = SessionEvents()
        try statement.forEachRow { row in
            let stored = try StoredBatch(row: row)
            if let stored { events.add(RecordPositions(bytes: row.blob(4)), of: stored) }
            return !events.isFull
        }
        return events.all
    }
}

extension BatchTables {
    /// The records that a call of a session was made of.
    func records(of session: Int64, for evidence: CallEvidence) throws -> [CallRecord] {
        var search = CallRecordSearch(for: evidence)
        try findLogs(of: session, &search)
        for time in search.spanTimes where !search.hasSpans { try findSpans(at: time, &search) }
        return search.records
    }

    private func findLogs(of session: Int64, _ search: inout CallRecordSearch) throws {
        guard let span = search.logTimes else { return }
        var statement = try SQLiteStatement(
            """
            SELECT b.signal, b.received_at, b.size, b.body, s.positions FROM session_batches s JOIN batches b ON b.ref = s.batch
            WHERE s.session = ? AND b.first_time <= ? AND b.last_time >= ? ORDER BY s.batch
            """,
            db
        )
        statement.bind(session)
        statement.bind(span.upperBound.nanoseconds)
        statement.bind(span.lowerBound.nanoseconds)
        try statement.forEachRow { row in
            let stored = try StoredBatch(row: row)
            guard let stored else { return true }
            for position in RecordPositions(bytes: row.blob(4)) { search.look(at: position, of: stored.batch) }
            return !search.isFull
        }
    }

    /// Looks into the batches that have spans around an instant, those that began last first.
    private func findSpans(at time: Timestamp, _ search: inout CallRecordSearch) throws {
        // Bodies are on pages of their own, so that a candidate costs no more than its times.
        var statement = try SQLiteStatement(
            """
            SELECT received_at, size, body FROM (
                SELECT ref, last_time, signal FROM batches WHERE first_time <= ? ORDER BY first_time DESC LIMIT ?
            ) c CROSS JOIN batches b USING (ref) WHERE c.last_time >= ? AND c.signal = 'traces' LIMIT ?
            """,
            db
        )
        statement.bind(time.nanoseconds)
        statement.bind(Int64(CallRecordSearch.maximumCandidates))
        statement.bind(time.nanoseconds)
        statement.bind(Int64(CallRecordSearch.maximumBatches))
        try statement.forEachRow { row in
            let signal = Signal.traces.rawValue
            let stored = StoredBatch(
                signal: signal,
                receivedAt: try row.time(0),
                size: row.int(1),
                body: row.blob(2)
            )
            if let stored { search.look(in: stored.batch) }
            return !search.hasSpans
        }
    }
}

// MARK: - Compaction

extension BatchTables {
    /// Removes the records of a batch that ended before an instant, and the batch when none is left.
    ///
    /// - Returns: How many records were removed.
    func removeOld(from ref: Int64, before border: Timestamp) throws -> Int {
        var statement = try SQLiteStatement(
            "SELECT signal, received_at, last_time, records, size, body FROM batches WHERE ref = ?",
            db
        )
        statement.bind(ref)
        let found = try statement.first { row in
            let records = Int(try row.small(3))
            guard row.int(2) >= border.nanoseconds else { return (records, StoredBatch?.none) }
            let stored = StoredBatch(
                signal: row.text(0),
                receivedAt: try row.time(1),
                size: row.int(4),
                body: row.blob(5)
            )
            return (records, stored)
        }
        guard let (records, stored) = found else { return 0 }
        // A body that cannot be read any more goes with its oldest record.
        guard let stored else {
            try delete(ref)
            return records
        }
        return try shrink(ref, stored, border)
    }

    private func delete(_ ref: Int64) throws {
        for sql in ["DELETE FROM session_batches WHERE batch = ?", "DELETE FROM batches WHERE ref = ?"] {
            var statement = try SQLiteStatement(sql, db)
            statement.bind(ref)
            try statement.run()
        }
    }

    /// Writes a batch again without its old records.
    ///
    /// Its hash stays, so that it is known when it is sent again.
    private func shrink(_ ref: Int64, _ batch: StoredBatch, _ border: Timestamp) throws -> Int {
        let (rest, moved) = batch.records(from: border)
        let span = rest.timeSpan
        var statement = try SQLiteStatement(
            "UPDATE batches SET first_time = ?1, last_time = ?2, records = ?3, size = ?5, body = ?6 WHERE ref = ?4",
            db
        )
        statement.bind(span.lowerBound.nanoseconds)
        statement.bind(span.upperBound.nanoseconds)
        statement.bind(Int64(moved.count))
        statement.bind(ref)
        let body = rest.otlp.encoded()
        statement.bind(Int64(body.count))
        try BodyCompressor().withCompressed(body) { try statement.run(endingWith: $0) }
        try move(moved, of: ref)
        return batch.batch.otlp.records.count - moved.count
    }

    /// Updates where the records of sessions are.
    private func move(_ positions: [Int: Int], of ref: Int64) throws {
        var statement = try SQLiteStatement("SELECT session, positions FROM session_batches WHERE batch = ?", db)
        statement.bind(ref)
        for (session, former) in try statement.rows({ ($0.int(0), RecordPositions(bytes: $0.blob(1))) }) {
            let next = former.moved(positions)
            var change = try SQLiteStatement(
                next.bytes.isEmpty
                    ? "DELETE FROM session_batches WHERE session = ?1 AND batch = ?2"
                    : "UPDATE session_batches SET positions = ?3 WHERE session = ?1 AND batch = ?2",
                db
            )
            change.bind(session)
            change.bind(ref)
            if !next.bytes.isEmpty { change.bind(blob: next.bytes) }
            try change.run()
        }
    }
}
