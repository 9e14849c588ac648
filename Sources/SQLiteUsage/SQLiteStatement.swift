// SPDX-License-Identifier: Apache-2.0

package import GRDB
import GRDBSQLite
import Usage
import UsageDatabase

/// A prepared statement of a connection, bound through SQLite's C functions: GRDB's own way of passing arguments costs twice the
/// time of an insert.
///
/// Values are bound in order; the statement belongs to the connection's cache and is reset after each use, so that it can be used
/// again within the transaction.
package struct SQLiteStatement {
    private let statement: OpaquePointer
    private let connection: OpaquePointer?
    private var position: Int32 = 0

    /// The statement for `sql`, which should be a constant so that it is prepared once.
    package init(_ sql: String, _ db: Database) throws {
        statement = try db.cachedStatement(sql: sql).sqliteStatement
        connection = db.sqliteConnection
    }

    /// Leaves the next value as it was in the last run: SQLite keeps what is bound.
    mutating func skip() { position += 1 }

    package mutating func bind(_ value: Int64) {
        position += 1
        sqlite3_bind_int64(statement, position, value)
    }

    package mutating func bind(_ value: UInt64) { bind(Int64(bitPattern: value)) }

    package mutating func bind(_ value: Bool) { bind(value ? 1 : Int64(0)) }

    package mutating func bind(_ value: Int64?) {
        guard let value else { return bindNull() }
        bind(value)
    }

    package mutating func bind(_ value: String?) {
        guard var value else { return bindNull() }
        position += 1
        value.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) { characters in
                _ = sqlite3_bind_text(
                    statement,
                    position,
                    characters.baseAddress,
                    Int32(clamping: characters.count),
                    Self.transient
                )
            }
        }
    }

    package mutating func bind(blob bytes: [UInt8]) {
        position += 1
        guard !bytes.isEmpty else { return _ = sqlite3_bind_zeroblob(statement, position, 0) }
        bytes.withUnsafeBytes { bytes in
            _ = sqlite3_bind_blob64(statement, position, bytes.baseAddress, UInt64(bytes.count), Self.transient)
        }
    }

    private mutating func bindNull() {
        position += 1
        sqlite3_bind_null(statement, position)
    }

    /// The number of the row that the connection inserted last.
    package var lastInsertedRow: Int64 { connection.map { sqlite3_last_insert_rowid($0) } ?? 0 }

    /// Runs a statement that returns no rows.
    package mutating func run() throws {
        defer { reset() }
        _ = try step()
    }

    /// Runs a statement that returns no rows and whose last value is bytes, which are not copied.
    package mutating func run(endingWith bytes: UnsafeRawBufferPointer) throws {
        position += 1
        let last = position
        // An empty buffer may have no address, which would be a null.
        if bytes.isEmpty {
            sqlite3_bind_zeroblob(statement, last, 0)
        } else {
            sqlite3_bind_blob64(statement, last, bytes.baseAddress, UInt64(bytes.count), nil)
        }
        defer { sqlite3_bind_null(statement, last) }
        try run()
    }

    /// Runs the statement and reads each row.
    package mutating func rows<Value>(_ read: (SQLiteRow) throws -> Value) throws -> [Value] {
        defer { reset() }
        var values: [Value] = []
        while try step() { values.append(try read(SQLiteRow(statement: statement))) }
        return values
    }

    /// Runs the statement and hands over each row until `body` says that it wants no more.
    package mutating func forEachRow(_ body: (SQLiteRow) throws -> Bool) throws {
        defer { reset() }
        while try step() {
            guard try body(SQLiteRow(statement: statement)) else { return }
        }
    }

    /// Runs the statement and reads its first row.
    package mutating func first<Value>(_ read: (SQLiteRow) throws -> Value) throws -> Value? {
        defer { reset() }
        return try step() ? try read(SQLiteRow(statement: statement)) : nil
    }

    private func step() throws -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let message = connection.map { String(cString: sqlite3_errmsg($0)) }
            let extended = connection.map { sqlite3_extended_errcode($0) } ?? code
            sqlite3_reset(statement)
            throw DatabaseError(resultCode: ResultCode(rawValue: extended), message: message)
        }
    }

    private mutating func reset() {
        sqlite3_reset(statement)
        position = 0
    }

    /// Tells SQLite to copy what is bound (`SQLITE_TRANSIENT`, a cast that Swift cannot import).
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}

/// The present row of a statement; valid until the next step.
package struct SQLiteRow: SQLRow {
    fileprivate let statement: OpaquePointer

    package func int(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    /// Says that a figure is none that this program wrote: the rows of a damaged page can hold anything.
    package func outOfRange(_ column: Int32) -> any Error {
        let name = sqlite3_column_name(statement, column).map { String(cString: $0) } ?? "column \(column)"
        return DatabaseError(resultCode: .SQLITE_CORRUPT, message: "\(name) is out of range")
    }

    package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    package func blob(_ column: Int32) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(statement, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement, column))))
    }

    /// Calls `body` with the bytes of a column, which are valid until the next step.
    package func withBytes<Value>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        let bytes = sqlite3_column_blob(statement, column)
        return try body(
            UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(sqlite3_column_bytes(statement, column)))
        )
    }

    package func text(_ column: Int32) -> String? {
        guard let bytes = sqlite3_column_text(statement, column) else { return nil }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
