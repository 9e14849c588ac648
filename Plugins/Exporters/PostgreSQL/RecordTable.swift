// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage
import UsageDatabase

/// Keeps the records of batches as the OTLP bytes they came in, and which of them belong to which session.
///
/// Days lie in partitions of their own, which compaction drops as a whole; days far from the present, and those for which no partition
/// can be made, lie together in `batches_other`.
struct RecordTable {
    private let connection: PostgresConnection
    private var rows: [Row] = []

    private struct Row {
        var day: Int64
        var hash: UInt64
        var signal: String
        var receivedAt: Int64
        var span: ClosedRange<Timestamp>
        var records: Int64
        var size: Int64
        var body: [UInt8]
        var positions: [(session: Int64, positions: RecordPositions)]
    }

    /// One day in nanoseconds.
    static let day: Int64 = 86_400_000_000_000

    init(_ connection: PostgresConnection) { self.connection = connection }

    /// Takes in a batch.
    ///
    /// - Parameters:
    ///   - sessions: The row of each session of the batch.
    ///   - bodies: Makes its body smaller.
    mutating func put(_ batch: Batch, sessions: [Int64], _ bodies: BodyCompressor) {
        guard batch.otlp.recordCount > 0 else { return }
        let body = batch.otlp.encoded()
        let span = batch.timeSpan
        let hash = body.withUnsafeBytes { Checksum.of($0, seed: Self.seed) }
        let day = span.lowerBound.nanoseconds / Self.day
        // The same batch may come twice in one transaction.
        guard !rows.contains(where: { $0.hash == hash && $0.day == day }) else { return }
        rows.append(
            Row(
                day: day,
                hash: hash,
                signal: batch.signal.rawValue,
                receivedAt: batch.receivedAt.nanoseconds,
                span: span,
                records: Int64(batch.otlp.recordCount),
                size: Int64(body.count),
                body: bodies.withCompressed(body) { Array($0) },
                positions: sessions.isEmpty
                    ? [] : zip(sessions, RecordPositions.ofSessions(of: batch)).map { ($0, $1) }
            )
        )
    }

    /// Begins the hash by which a batch is known again.
    private static let seed: UInt64 = 0x6261_7463_6820_0001

    /// Writes the batches; one that is sent again is the same row.
    mutating func write(_ partitions: inout DayPartitions) throws {
        guard !rows.isEmpty else { return }
        for day in Set(rows.map(\.day)).sorted() { try partitions.make(day, connection) }
        var (numbers, signals, bodies) = (
            (0..<7).map { _ in PostgresArray.ints() }, PostgresArray.texts(), PostgresArray.blobs()
        )
        for row in rows {
            let figures = [
                row.day, Int64(bitPattern: row.hash), row.receivedAt, row.span.lowerBound.nanoseconds,
                row.span.upperBound.nanoseconds, row.records, row.size,
            ]
            for (place, figure) in figures.enumerated() { numbers[place].append(figure) }
            signals.append(row.signal)
            bodies.append(row.body)
        }
        let added = try connection.run(
            """
            INSERT INTO batches (day, hash, received_at, first_time, last_time, records, size, signal, body) SELECT * FROM unnest(
                $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::bytea[])
            ON CONFLICT (day, hash) DO NOTHING RETURNING hash
            """,
            numbers.map(\.value) + [signals.value, bodies.value]
        )
        try writePositions(Set(added.map { $0.uint(0) }))
        rows = []
    }

    private func writePositions(_ added: Set<UInt64>) throws {
        var (session, day, hash, positions) = (
            PostgresArray.ints(), PostgresArray.ints(), PostgresArray.ints(), PostgresArray.blobs()
        )
        for row in rows where added.contains(row.hash) {
            for part in row.positions where !part.positions.bytes.isEmpty {
                session.append(part.session)
                day.append(row.day)
                hash.append(Int64(bitPattern: row.hash))
                positions.append(part.positions.bytes)
            }
        }
        guard session.count > 0 else { return }
        try connection.run(
            """
            INSERT INTO session_batches (session, day, hash, positions)
                SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])
            ON CONFLICT (session, day, hash) DO UPDATE SET positions = excluded.positions
            """,
            [session.value, day.value, hash.value, positions.value]
        )
    }

    // MARK: - Reading

    /// The named records of a session in order of time.
    func events(of session: Int64) throws -> [SessionEvent] {
        var events = SessionEvents()
        try connection.forEachRow(
            """
            SELECT b.signal, b.received_at, b.size, b.body, s.positions FROM session_batches s
                JOIN batches b ON b.day = s.day AND b.hash = s.hash
            WHERE s.session = $1 ORDER BY s.day, s.hash
            """,
            [.int(session)],
            atOnce: 50
        ) { row in
            let stored = try StoredBatch(row: row)
            if let stored { events.add(RecordPositions(bytes: row.blob(4)), of: stored) }
            return !events.isFull
        }
        return events.all
    }

    /// The records that a call of a session was made of.
    func records(of session: Int64, for evidence: CallEvidence) throws -> [CallRecord] {
        var search = CallRecordSearch(for: evidence)
        try findLogs(of: session, &search)
        for time in search.spanTimes where !search.hasSpans { try findSpans(at: time, &search) }
        return search.records
    }

    private func findLogs(of session: Int64, _ search: inout CallRecordSearch) throws {
        guard let span = search.logTimes else { return }
        try connection.forEachRow(
            """
            SELECT b.signal, b.received_at, b.size, b.body, s.positions FROM session_batches s
                JOIN batches b ON b.day = s.day AND b.hash = s.hash
            WHERE s.session = $1 AND b.first_time <= $2 AND b.last_time >= $3 ORDER BY s.day, s.hash
            """,
            [.int(session), .int(span.upperBound.nanoseconds), .int(span.lowerBound.nanoseconds)],
            atOnce: 50
        ) { row in
            let stored = try StoredBatch(row: row)
            guard let stored else { return true }
            for position in RecordPositions(bytes: row.blob(4)) { search.look(at: position, of: stored.batch) }
            return !search.isFull
        }
    }

    /// Looks into the batches that have spans around an instant and began on its day or the one before, those that began last first.
    private func findSpans(at time: Timestamp, _ search: inout CallRecordSearch) throws {
        let day = time.nanoseconds / Self.day
        try connection.forEachRow(
            """
            SELECT received_at, size, body FROM batches
            WHERE day IN ($1, $2) AND signal = 'traces' AND first_time <= $3 AND last_time >= $3 ORDER BY first_time DESC LIMIT $4
            """,
            [
                .int(day - 1), .int(day), .int(time.nanoseconds), .int(Int64(CallRecordSearch.maximumBatches)),
            ],
            atOnce: 10
        ) { row in
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

    // MARK: - Compaction

    /// Removes records that ended before an instant from some batches that have one, and batches without a record left.
    ///
    /// - Returns: How many records were removed; nil when there was no such batch any more.
    func removeOld(before border: Timestamp, atMost limit: Int64) throws -> Int? {
        let found = try connection.run(
            """
            SELECT day, hash, signal, received_at, last_time, records, size,
                CASE WHEN last_time >= $1 THEN body ELSE '' END FROM batches
            WHERE day <= $2 AND first_time < $1 ORDER BY day LIMIT $3
            """,
            [.int(border.nanoseconds), .int(border.nanoseconds / Self.day), .int(limit)]
        )
        guard found.count > 0 else { return nil }
        var removed = 0
        var whole: (days: [Int64], hashes: [Int64]) = ([], [])
        _ = try found.map { row in
            let (day, hash) = (row.int(0), row.int(1))
            let stored =
                row.int(4) < border.nanoseconds
                ? nil
                : StoredBatch(
                    signal: row.text(2),
                    receivedAt: try row.time(3),
                    size: row.int(6),
                    body: row.blob(7)
                )
            if let stored {
                removed += try shrink(day, hash, stored, border)
            } else {
                // A body that cannot be read any more goes with its oldest record.
                whole.days.append(day)
                whole.hashes.append(hash)
                removed += Int(clamping: row.int(5))
            }
        }
        for table in ["session_batches", "batches"] where !whole.days.isEmpty {
            try connection.run(
                """
                DELETE FROM \(table) b USING unnest($1::bigint[], $2::bigint[]) AS k (day, hash)
                WHERE b.day = k.day AND b.hash = k.hash
                """,
                [.ints(whole.days), .ints(whole.hashes)]
            )
        }
        return removed
    }

    /// Writes a batch again without its old records; its hash stays, so that it is known when it is sent again.
    private func shrink(_ day: Int64, _ hash: Int64, _ stored: StoredBatch, _ border: Timestamp) throws -> Int {
        let (rest, moved) = stored.records(from: border)
        let (span, body) = (rest.timeSpan, rest.otlp.encoded())
        try connection.run(
            """
            UPDATE batches SET first_time = $1, last_time = $2, records = $3, size = $4, body = $5
            WHERE day = $6 AND hash = $7
            """,
            [
                .int(span.lowerBound.nanoseconds), .int(span.upperBound.nanoseconds), .int(Int64(moved.count)),
                .int(Int64(body.count)), .blob(BodyCompressor().withCompressed(body) { Array($0) }), .int(day),
                .int(hash),
            ]
        )
        let rows = try connection.run(
            "SELECT session, positions FROM session_batches WHERE day = $1 AND hash = $2",
            [.int(day), .int(hash)]
        ).map { ($0.int(0), RecordPositions(bytes: $0.blob(1))) }
        for (session, former) in rows {
            let next = former.moved(moved)
            let key: [PostgresValue] = [.int(session), .int(day), .int(hash)]
            if next.bytes.isEmpty {
                try connection.run("DELETE FROM session_batches WHERE session = $1 AND day = $2 AND hash = $3", key)
            } else {
                try connection.run(
                    "UPDATE session_batches SET positions = $4 WHERE session = $1 AND day = $2 AND hash = $3",
                    key + [.blob(next.bytes)]
                )
            }
        }
        return stored.batch.otlp.records.count - moved.count
    }
}

/// The partitions of records by day.
struct DayPartitions {
    private var known: Set<Int64>?
    /// Whether partitions may be made.
    private let mayMake: Bool
    private let now: @Sendable () -> Timestamp
    /// Days that share a partition with others.
    private var shared: Set<Int64> = []

    /// How far from the present a day may be that gets a partition of its own: a sender could name any day.
    private static let window: ClosedRange<Int64> = -31...2

    init(mayMake: Bool, now: @escaping @Sendable () -> Timestamp) { (self.mayMake, self.now) = (mayMake, now) }

    /// Drops what is remembered after a transaction that failed.
    mutating func forget() { (known, shared) = (nil, []) }

    /// Makes the partition of a day if it should have one of its own.
    mutating func make(_ day: Int64, _ connection: PostgresConnection) throws {
        guard mayMake, Self.window.contains(day - now().nanoseconds / RecordTable.day), !shared.contains(day) else {
            return
        }
        var known = try self.known ?? Set(Self.days(connection))
        defer { self.known = known }
        guard !known.contains(day) else { return }
        // Rows of the day that came when it was far away stay where they are, and the day with them.
        let isShared = try connection.run("SELECT 1 FROM batches_other WHERE day = $1 LIMIT 1", [.int(day)]).count > 0
        guard !isShared else { return _ = shared.insert(day) }
        try connection.execute("SAVEPOINT partition; SET LOCAL lock_timeout = 500")
        do throws(PostgresError) {
            for table in ["batches", "session_batches"] {
                try connection.execute(
                    "CREATE TABLE IF NOT EXISTS \(table)_\(day) PARTITION OF \(table) FOR VALUES FROM (\(day)) TO (\(day + 1))"
                )
            }
            try connection.execute("ALTER TABLE batches_\(day) ALTER body SET STORAGE EXTERNAL")
            try connection.execute("RELEASE SAVEPOINT partition")
            known.insert(day)
        } catch {
            guard connection.isOpen else { throw error }
            // Readers hold the table, or the user may not: the rows have a place all the same.
            try connection.execute("ROLLBACK TO SAVEPOINT partition")
            shared.insert(day)
        }
    }

    /// The days that have a partition.
    static func days(_ connection: PostgresConnection) throws -> [Int64] {
        try connection.run(
            """
            SELECT substr(c.relname::text, 9) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = to_regclass('batches') AND c.relname <> 'batches_other'
            """
        ).map { $0.text(0) ?? "" }.compactMap { Int64($0) }
    }

    /// Drops the partition of a day if all its records ended before an instant.
    ///
    /// - Returns: How many records it had; nil when it stays.
    static func drop(_ day: Int64, before border: Timestamp, _ connection: PostgresConnection) throws -> Int? {
        let found = try connection.run(
            "SELECT coalesce(sum(records), 0)::bigint, coalesce(max(last_time), 0) FROM batches WHERE day = $1",
            [.int(day)]
        ).first
        guard let found, found.int(1) < border.nanoseconds else { return nil }
        try connection.execute("SAVEPOINT partition; SET LOCAL lock_timeout = 500")
        do throws(PostgresError) {
            try connection.execute("DROP TABLE session_batches_\(day); DROP TABLE batches_\(day)")
            try connection.execute("RELEASE SAVEPOINT partition")
            return Int(clamping: found.int(0))
        } catch {
            guard connection.isOpen else { throw error }
            try connection.execute("ROLLBACK TO SAVEPOINT partition")
            return nil
        }
    }
}
