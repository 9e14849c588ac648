// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import OTLP
import Usage

/// Writes every record of a batch as OTLP/JSON.
struct RecordTables {
    let db: Database
    private var origins: [Int: (ref: Int64, hash: UInt64)] = [:]

    init(_ db: Database) {
        self.db = db
    }

    /// Writes the records; `sessions` holds the row of each session of the batch.
    mutating func insert(_ batch: Batch, sessions: [Int64]) throws {
        let otlp = batch.otlp
        for record in otlp.records.indices where otlp.isLive(record: record) {
            let entry = otlp.records[record]
            let origin = try origin(of: entry.scope, in: otlp)
            var writer = OTLPJSONWriter()
            writer.writeRecord(record, of: otlp)
            let body = writer.finish()
            var hash = StableHash(domain: "record")
            hash.combine(origin.hash)
            body.withUnsafeBytes { hash.combine(bytes: $0.bytes) }
            var statement = try SQLiteStatement(
                "INSERT OR IGNORE INTO records (time, id, signal, session, name, origin, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
                db
            )
            statement.bind(time(of: record, batch).nanoseconds)
            statement.bind(hash.value)
            statement.bind(batch.signal.rawValue)
            let position = batch.sessionOfRecord.isEmpty ? -1 : Int(batch.sessionOfRecord[record])
            statement.bind(position < 0 ? nil : sessions[position])
            statement.bind(name(of: record, in: otlp))
            statement.bind(origin.ref)
            statement.bind(text: body)
            try statement.run()
        }
    }

    /// The same instant that `tokens` takes for a sign of the session, so that a session's bounds hold its records.
    private func time(of record: Int, _ batch: Batch) -> Timestamp {
        let entry = batch.otlp.records[record]
        if let time = Timestamp(unixNano: entry.endTime) { return time }
        if batch.signal == .logs, case .string(let text)? = batch.otlp.attribute(.eventTimestamp, record: record),
            let time = Timestamp(iso8601: batch.otlp.string(text))
        {
            return time
        }
        return Timestamp(unixNano: entry.startTime) ?? batch.receivedAt
    }

    private func name(of record: Int, in otlp: OTLPBatch) -> String {
        let entry = otlp.records[record]
        if let metric = entry.metric { return otlp.string(otlp.metrics[metric].name) }
        if otlp.signal == .logs, case .string(let name)? = otlp.attribute(.eventName, record: record) {
            return otlp.string(name)
        }
        return otlp.string(entry.name)
    }

    /// The row of a scope with its resource, added when it is new.
    private mutating func origin(of scope: Int, in otlp: OTLPBatch) throws -> (ref: Int64, hash: UInt64) {
        if let known = origins[scope] { return known }
        var resourceWriter = OTLPJSONWriter()
        resourceWriter.writeResource(otlp.scopes[scope].resource, of: otlp)
        let resourceText = resourceWriter.finish()
        var scopeWriter = OTLPJSONWriter()
        scopeWriter.writeScope(scope, of: otlp)
        let scopeText = scopeWriter.finish()
        var hash = StableHash(domain: "origin")
        resourceText.withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        scopeText.withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        var insertion = try SQLiteStatement(
            "INSERT OR IGNORE INTO origins (hash, resource, scope) VALUES (?, ?, ?)",
            db
        )
        insertion.bind(hash.value)
        insertion.bind(text: resourceText)
        insertion.bind(text: scopeText)
        try insertion.run()
        var statement = try SQLiteStatement("SELECT ref FROM origins WHERE hash = ?", db)
        statement.bind(hash.value)
        let origin = (ref: try statement.first { $0.int(0) } ?? 0, hash: hash.value)
        origins[scope] = origin
        return origin
    }
}
