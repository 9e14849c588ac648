// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import GRDBSQLite
import JSON
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An agent's SQLite database, opened so that the agent never notices.
///
/// With a log of changes beside it (`-wal`) it is read like any reader of SQLite does, which locks out no writer. Without one it is opened
/// as a file that does not change, because a normal reader would leave files in the agent's folder; ``wasWritten()`` says whether that
/// held. Not safe for use from several threads.
final class StoreDatabase {
    private var connection: OpaquePointer?
    /// The statements that were compiled, by their text: a row is read by a statement of its own.
    private var statements: [String: OpaquePointer] = [:]
    private let path: String
    /// What the files were when the database was opened; nil where the log makes every read consistent.
    private let opened: Version?

    /// How long a statement waits for a writer that has the database for itself, in milliseconds.
    private static let timeout: Int32 = 2_000
    /// A text or blob of more bytes is no message of an agent's.
    private static let largestValue: Int32 = 16 << 20

    /// Size and time of the database and of its log.
    private struct Version: Equatable {
        var sizes: [Int64] = []
        var times: [Int64] = []

        init(_ path: String) {
            for file in [path, path + "-wal"] {
                var status = stat()
                guard stat(file, &status) == 0 else { continue }
                sizes.append(Int64(status.st_size))
                times += [
                    Int64(OwnFile.modificationTime(status).tv_sec), Int64(OwnFile.modificationTime(status).tv_nsec),
                ]
            }
        }
    }

    /// Opens a database.
    ///
    /// - Throws: ``FileStream/Failure`` when it cannot be opened or is none.
    init(_ path: String) throws(FileStream.Failure) {
        self.path = path
        var status = stat()
        let hasLog = stat(path + "-wal", &status) == 0 && status.st_size > 0
        opened = hasLog ? nil : Version(path)
        let address = "file:" + Self.escaped(path) + (hasLog ? "?mode=ro" : "?mode=ro&immutable=1")
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(address, &connection, flags, nil) == SQLITE_OK else { throw failure() }
        sqlite3_busy_timeout(connection, Self.timeout)
        sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, Self.largestValue)
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(connection)
    }

    /// How many pages were read from the file so far, those that were in the cache left out.
    var pagesRead: Int {
        var (current, highest) = (Int32(0), Int32(0))
        sqlite3_db_status(connection, SQLITE_DBSTATUS_CACHE_MISS, &current, &highest, 0)
        return Int(current)
    }

    /// Runs queries in one transaction, which sees one state and ends with them.
    func read<Result>(_ body: () throws(FileStream.Failure) -> Result) throws(FileStream.Failure) -> Result {
        try query("BEGIN") { _ in }
        defer { try? query("COMMIT") { _ in } }
        return try body()
    }

    /// Whether the agent wrote since the database was opened, so that what was read may be mixed of two states.
    func wasWritten() -> Bool { opened.map { $0 != Version(path) } ?? false }

    /// The columns of a table; none when there is no such table.
    func columns(of table: String) throws(FileStream.Failure) -> Set<String> {
        var names: Set<String> = []
        try query("SELECT name FROM pragma_table_info(?)", [.text(table)]) { row in
            if let name = row.string(0) { names.insert(name) }
        }
        return names
    }

    /// Whether there is a table; one without the columns that are read is of a version that is not known.
    ///
    /// - Throws: ``FileStream/Failure`` then, so that the file is listed and not passed over in silence.
    func hasTable(_ table: String, with wanted: Set<String>) throws(FileStream.Failure) -> Bool {
        let columns = try columns(of: table)
        if columns.isEmpty { return false }
        if let missing = wanted.subtracting(columns).min() {
            throw FileStream.Failure("its table \(table) has no column \(missing): this version is not known")
        }
        return true
    }

    /// A value that a statement takes.
    enum Argument {
        case number(Int64)
        case text(String)
    }

    /// Runs a query.
    ///
    /// - Parameter body: Receives each row, which is valid during the call.
    func query(
        _ sql: String,
        _ arguments: [Argument] = [],
        _ body: (Row) -> Void
    ) throws(FileStream.Failure) {
        let statement = try compiled(sql)
        // Nothing is held between two queries, so that the agent's writes reach its database.
        defer { sqlite3_reset(statement) }
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        for (position, argument) in arguments.enumerated() {
            switch argument {
            case .number(let number): sqlite3_bind_int64(statement, Int32(position + 1), number)
            case .text(let text): sqlite3_bind_text(statement, Int32(position + 1), text, -1, transient)
            }
        }
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure() }
            body(Row(statement: statement))
        }
    }

    private func compiled(_ sql: String) throws(FileStream.Failure) -> OpaquePointer {
        if let known = statements[sql] { return known }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw failure()
        }
        statements[sql] = statement
        return statement
    }

    /// A row of a query.
    struct Row {
        fileprivate let statement: OpaquePointer

        /// A number; 0 for anything else.
        func number(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

        /// A count of tokens.
        ///
        /// - Throws: ``LineFault/number`` when it is negative, no whole number or beyond belief.
        func count(_ column: Int32) throws(LineFault) -> Int64 {
            let isFraction =
                sqlite3_column_type(statement, column) == SQLITE_FLOAT
                && Int64(exactly: sqlite3_column_double(statement, column)) == nil
            let count = number(column)
            guard !isFraction, (0...JSONScanner.largestCount).contains(count) else { throw .number }
            return count
        }

        /// A text; nil when it is null or empty.
        func string(_ column: Int32) -> String? {
            guard sqlite3_column_type(statement, column) != SQLITE_NULL,
                let bytes = sqlite3_column_text(statement, column)
            else { return nil }
            let count = Int(sqlite3_column_bytes(statement, column))
            guard count > 0 else { return nil }
            return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
        }

        /// The bytes of a text, valid until the row is left; nil when there are none.
        func bytes(_ column: Int32) -> LineBytes? {
            guard let bytes = sqlite3_column_text(statement, column) else { return nil }
            let count = Int(sqlite3_column_bytes(statement, column))
            return count > 0 ? LineBytes(base: bytes, count: count) : nil
        }

    }

    private func failure() -> FileStream.Failure {
        FileStream.Failure("SQLite says: \(connection.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory")")
    }

    /// A path as a part of an address.
    private static func escaped(_ path: String) -> String {
        path.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "%"), 0...32, 127...255:
                text += "%" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            default: text.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
    }
}

/// Reads what is new in an agent's database, piece by piece.
///
/// What an agent's tables mean is a ``DatabaseSchema``; this keeps to the bounds. The rows to be read are listed first, by their numbers alone,
/// and then fetched in pieces whose transactions are short.
final class DatabaseReader: PieceReader {
    private let file: FoundFile
    private let makeSchema: (FoundFile) -> any DatabaseSchema
    private(set) var state: StoreState
    private var schema: (any DatabaseSchema)?
    private(set) var database: StoreDatabase?
    private var rows: ArraySlice<DatabaseRow> = []
    private var hasFacts = false
    private var hasMore = false

    /// As many rows are listed at once; what is beyond them is found by the next scan.
    static let mostRows = 1 << 20

    init(_ file: FoundFile, _ state: ReaderState?, schema: @escaping (FoundFile) -> any DatabaseSchema) {
        (self.file, makeSchema) = (file, schema)
        self.state = StoreState()
        if case .store(let known)? = state { self.state = known }
    }

    func read(into sink: inout RecordSink) throws(FileStream.Failure) -> PieceOutcome {
        let database = try opened()
        guard var schema else { return .done }
        var list = RecordSink(listing: sink.explains)
        var cursor = state.cursor
        try database.read { () throws(FileStream.Failure) in
            if !hasFacts { try schema.readFacts(database, after: state.cursor, into: &list) }
            for row in rows.prefix(RecordSink.recordLimit) {
                try schema.read(row, database, into: &list)
                cursor = max(cursor, row.order)
            }
        }
        hasFacts = true
        self.schema = schema
        // What was read while the agent wrote may be mixed of two states: nothing of it is handed on.
        guard !database.wasWritten() else { return .changed }
        rows = rows.dropFirst(RecordSink.recordLimit)
        state.cursor = cursor
        for (fault, part) in list.takeFaults() { sink.note(fault, part: part) }
        for finding in list.takeFindings() {
            if case .call(let call) = finding, state.begin > 0, call.time.nanoseconds <= state.begin { continue }
            sink.add(finding)
        }
        if let note = schema.note { state.note = note }
        guard rows.isEmpty else { return .more }
        return hasMore ? .changed : .done
    }

    /// The database with the list of its new rows.
    private func opened() throws(FileStream.Failure) -> StoreDatabase {
        if let database { return database }
        let database = try StoreDatabase(file.path)
        var schema = makeSchema(file)
        guard try schema.prepare(database) else { return database }
        rows = try schema.rows(database, state: &state)[...]
        hasMore = rows.count >= Self.mostRows
        (self.database, self.schema) = (database, schema)
        return database
    }
}

/// A row to be read, and its place in the order in which rows change.
struct DatabaseRow: Equatable {
    var id: Int64
    var order: Int64
}

/// What the tables of an agent's database mean.
protocol DatabaseSchema {
    /// A text that is remembered with how far the database was read; nil when it stays as it is.
    var note: String? { get }
    /// Looks which tables there are; false when there are none of the agent's.
    mutating func prepare(_ database: StoreDatabase) throws(FileStream.Failure) -> Bool
    /// The rows that were added or changed since, in the order in which they were, at most ``DatabaseReader/mostRows``.
    func rows(_ database: StoreDatabase, state: inout StoreState) throws(FileStream.Failure) -> [DatabaseRow]
    /// Reads a row.
    mutating func read(
        _ row: DatabaseRow,
        _ database: StoreDatabase,
        into sink: inout RecordSink
    ) throws(FileStream.Failure)
    /// Reads what is new of sessions.
    func readFacts(_ database: StoreDatabase, after: Int64, into sink: inout RecordSink) throws(FileStream.Failure)
}

/// A table whose rows are added and never changed.
///
/// The numbers of the rows begin again when the table was emptied: a text of the newest row that was read, kept as the note, says whether it is still
/// the same.
struct AddedRows {
    var table: String
    /// The column with the number of a row.
    var row: String
    /// The column with a text that no later row of the same number has.
    var mark: String

    /// The rows that were added.
    func list(_ database: StoreDatabase, _ state: inout StoreState) throws(FileStream.Failure) -> [DatabaseRow] {
        if state.cursor > 0 {
            var text: String?
            try database.query("SELECT \(mark) FROM \(table) WHERE \(row) = ?", [.number(state.cursor)]) { found in
                text = found.string(0)
            }
            if text != state.note { state.cursor = 0 }
        }
        var rows: [DatabaseRow] = []
        try database.query(
            "SELECT \(row) FROM \(table) WHERE \(row) > ? ORDER BY \(row) LIMIT \(DatabaseReader.mostRows)",
            [.number(state.cursor)]
        ) { found in
            rows.append(DatabaseRow(id: found.number(0), order: found.number(0)))
        }
        return rows
    }
}
