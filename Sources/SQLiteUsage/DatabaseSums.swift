// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage
import UsageDatabase

/// A state of the database as summaries read it.
struct DatabaseSums: SumsSnapshot {
    let db: Database

    func revision() throws -> Int64 { try Revision.current(db) }

    func changes(of days: ClosedRange<Int64>) throws -> [Int64: Int64] {
        var statement = try SQLiteStatement("SELECT day, changed FROM rollup_days WHERE day BETWEEN ? AND ?", db)
        statement.bind(days.lowerBound)
        statement.bind(days.upperBound)
        // A damaged table can have a day twice.
        return Dictionary(try statement.rows { ($0.int(0), $0.int(1)) }, uniquingKeysWith: max)
    }

    func firstDay(in days: Range<Int64>) throws -> Int64? {
        var statement = try SQLiteStatement("SELECT quarter FROM rollup WHERE quarter >= ? AND quarter < ? LIMIT 1", db)
        statement.bind(days.lowerBound * QuarterHour.countOfDay)
        statement.bind(days.upperBound * QuarterHour.countOfDay)
        return try statement.first { $0.int(0) / QuarterHour.countOfDay }
    }

    func sums(ofDay day: Int64) throws -> [SummaryMemory.Sums] {
        var statement = try SQLiteStatement(
            "SELECT quarter, session, model, \(UsageTotals.list) FROM rollup WHERE quarter >= ? AND quarter < ?",
            db
        )
        statement.bind(day * QuarterHour.countOfDay)
        statement.bind((day + 1) * QuarterHour.countOfDay)
        return try statement.rows { row in
            SummaryMemory.Sums(
                quarter: try row.small(0),
                session: try row.small(1),
                model: try row.small(2),
                totals: try UsageTotals(row: row, from: 3)
            )
        }
    }

    func forEachOwner(changedAfter revision: Int64, _ body: (SummaryMemory.OwnerRow) throws -> Void) throws {
        var statement = try SQLiteStatement(
            "SELECT s.ref, s.hidden, \(Self.names) FROM sessions s WHERE s.changed > ?",
            db
        )
        statement.bind(revision)
        // Sessions of the same names are handed over together: making texts of each would take three times as long.
        var (places, owners, key) = ([[UInt8]: Int](), [SummaryMemory.OwnerRow](), [UInt8]())
        try statement.forEachRow { row in
            key.removeAll(keepingCapacity: true)
            key.append(row.bool(1) ? 1 : 0)
            for column in UsageDimension.ofSessions.indices {
                row.withBytes(Int32(2 + column)) { bytes in
                    withUnsafeBytes(of: Int32(clamping: bytes.count)) { key.append(contentsOf: $0) }
                    key.append(contentsOf: bytes)
                }
            }
            let session = try row.small(0)
            if let place = places[key] {
                owners[place].sessions.append(session)
            } else {
                let names = UsageDimension.ofSessions.indices.map { row.text(Int32(2 + $0)) ?? "" }
                places[key] = owners.count
                owners.append(SummaryMemory.OwnerRow(session: session, isHidden: row.bool(1), names: names))
            }
            return true
        }
        for owner in owners { try body(owner) }
    }

    /// A column for each dimension of sessions, in their order.
    private static let names = UsageDimension.ofSessions.map(\.column).joined(separator: ", ")

    func forEachModel(after row: Int64, _ body: (_ row: Int64, _ name: String) throws -> Void) throws {
        var statement = try SQLiteStatement("SELECT ref, name FROM models WHERE ref > ? ORDER BY ref", db)
        statement.bind(row)
        try statement.forEachRow { row in
            try body(Int64(try row.small(0)), row.text(1) ?? "")
            return true
        }
    }

    func sessions(_ rows: [Int64]) throws -> [Session?] {
        let table = SessionTable(db: db)
        return try rows.map(table.session)
    }

    func sessionIDs(_ rows: [Int64]) throws -> [String] {
        try rows.map { row in
            var statement = try SQLiteStatement("SELECT id FROM sessions WHERE ref = ?", db)
            statement.bind(row)
            return try statement.first { $0.text(0) ?? "" } ?? ""
        }
    }

    func forEachSessionByID(_ body: (_ row: Int32) throws -> Bool) throws {
        var statement = try SQLiteStatement("SELECT ref FROM sessions WHERE hidden = 0 ORDER BY id", db)
        try statement.forEachRow { try body(Int32(clamping: $0.int(0))) }
    }

    func activeSessions(at now: Timestamp, _ filter: UsageFilter) throws -> Int {
        try SessionTable(db: db).activeCount(at: now, filter)
    }

    func missing(_ kind: String, _ row: Int64, namedBy referrer: String) -> any Error {
        DatabaseError.missing(kind, row, namedBy: referrer)
    }
}
