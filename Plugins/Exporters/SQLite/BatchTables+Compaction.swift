// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import OTLP
import Usage

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

    /// Writes a batch anew without its old records.
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

    /// Tells sessions where their records stand now.
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
