// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import OTLP
import Usage

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
        let span = Self.span(of: batch)
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
        var positions = [RecordPositions](repeating: RecordPositions(), count: sessions.count)
        var position = 0
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            if let session = batch.sessions.position(ofRecord: record) { positions[session].append(position) }
            position += 1
        }
        for (session, positions) in zip(sessions, positions) where !positions.bytes.isEmpty {
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
        var events: Set<SessionRecord> = []
        try statement.forEachRow { row in
            guard let signal = row.text(0).flatMap(Signal.init(rawValue:)),
                let body = BodyCompressor.inflated(row.blob(3), to: row.int(2)),
                let otlp = try? OTLPBatch(signal: signal, protobuf: body)
            else { return true }
            let batch = Batch(otlp, receivedAt: try row.time(1))
            for position in RecordPositions(bytes: row.blob(4)) where otlp.records.indices.contains(position) {
                let event = SessionRecord(position, of: batch)
                if !event.name.isEmpty { events.insert(event) }
            }
            return events.count < 4 * SessionDetail.maximumCalls
        }
        return events.sorted { ($0.time, $0.hash) < ($1.time, $1.hash) }.prefix(SessionDetail.maximumCalls).map {
            SessionEvent(time: $0.time, name: $0.name)
        }
    }

    /// The first and the last instant of a batch.
    static func span(of batch: Batch) -> ClosedRange<Timestamp> {
        var range: ClosedRange<Timestamp>?
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            let time = batch.time(ofRecord: record)
            range = min(range?.lowerBound ?? time, time)...max(range?.upperBound ?? time, time)
        }
        return range ?? batch.receivedAt...batch.receivedAt
    }
}

/// A record of a session; equal to another with the same bytes, so that what is sent again in another batch is listed once.
private struct SessionRecord: Hashable {
    let time: Timestamp
    let name: String
    let hash: UInt64

    init(_ record: Int, of batch: Batch) {
        time = batch.time(ofRecord: record)
        name = batch.name(ofRecord: record)
        var hash = StableHash(domain: "record")
        batch.otlp.bytes(of: batch.otlp.records[record].message).withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        self.hash = hash.value
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
            let body = row.int(2) < border.nanoseconds ? nil : BodyCompressor.inflated(row.blob(5), to: row.int(4))
            return (row.text(0), try row.time(1), row.int(2), records, body)
        }
        guard let (signal, receivedAt, lastTime, records, body) = found else { return 0 }
        // A body that cannot be read any more goes with its oldest record.
        guard lastTime >= border.nanoseconds, let body, let signal = signal.flatMap(Signal.init(rawValue:)),
            let otlp = try? OTLPBatch(signal: signal, protobuf: body)
        else {
            try delete(ref)
            return records
        }
        return try shrink(ref, Batch(otlp, receivedAt: receivedAt), border)
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
    private func shrink(_ ref: Int64, _ batch: Batch, _ border: Timestamp) throws -> Int {
        var rest = batch
        var moved: [Int: Int] = [:]
        for record in batch.otlp.records.indices {
            if batch.time(ofRecord: record) < border {
                rest.otlp.overlay.drop(record: record)
            } else {
                moved[record] = moved.count
            }
        }
        let span = Self.span(of: rest)
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
        return batch.otlp.records.count - moved.count
    }

    /// Updates where the records of sessions are.
    private func move(_ positions: [Int: Int], of ref: Int64) throws {
        var statement = try SQLiteStatement("SELECT session, positions FROM session_batches WHERE batch = ?", db)
        statement.bind(ref)
        for (session, former) in try statement.rows({ ($0.int(0), RecordPositions(bytes: $0.blob(1))) }) {
            var next = RecordPositions()
            for position in former { positions[position].map { next.append($0) } }
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

/// Positions of records in a batch, in rising order: the distances between them in bytes of seven bits.
struct RecordPositions: Sequence {
    private(set) var bytes: [UInt8] = []
    private var next = 0

    init() {}

    /// Reads what was stored.
    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Adds a position behind all others.
    mutating func append(_ position: Int) {
        var distance = UInt64(Swift.max(0, position - next))
        next = position + 1
        while distance >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: distance) | 0x80)
            distance >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: distance))
    }

    func makeIterator() -> AnyIterator<Int> {
        var offset = 0
        var next = 0
        return AnyIterator {
            var distance = 0
            var shift = 0
            while offset < bytes.count, shift <= 28 {
                let byte = bytes[offset]
                offset += 1
                distance |= Int(byte & 0x7F) << shift
                shift += 7
                guard byte < 0x80 else { continue }
                defer { next += distance + 1 }
                return next + distance
            }
            return nil
        }
    }
}
