// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import SQLiteUsage
import Usage
import UsageDatabase

/// The tables of the index that say of which lines it is made; all else is in the tables of ``SQLiteUsage``.
struct LineTables {
    let db: Database

    /// Their layout; an index of another one is made again.
    static let tables = DatabaseFile.Tables(
        name: "lines 2",
        sql: """
            -- The files of the store, the one that is appended to without a number, and up to which byte they are in the index. The
            -- hash of the bytes before shows that a file is still the same.
            CREATE TABLE parts (
                part         INTEGER PRIMARY KEY,
                number       INTEGER,
                size         INTEGER NOT NULL,
                tail         INTEGER NOT NULL,
                earliest     INTEGER NOT NULL,
                broken       INTEGER NOT NULL,
                first_broken INTEGER NOT NULL
            );
            -- Where the lines with records of a session begin, and the first sign of it in them.
            CREATE TABLE session_lines (
                part    INTEGER NOT NULL,
                session INTEGER NOT NULL,
                first   INTEGER NOT NULL,
                place   INTEGER NOT NULL,
                PRIMARY KEY (part, session, first, place)
            ) WITHOUT ROWID;
            -- Where the lines with spans begin, and which stretch of time their spans end in.
            CREATE TABLE span_lines (
                part  INTEGER NOT NULL,
                first INTEGER NOT NULL,
                place INTEGER NOT NULL,
                last  INTEGER NOT NULL,
                PRIMARY KEY (part, first, place)
            ) WITHOUT ROWID;
            """
    )

    // MARK: - Files

    /// The files in their order.
    func parts() throws -> [(id: Int32, part: Part)] {
        var statement = try SQLiteStatement(
            """
            SELECT part, number, size, tail, earliest, broken, first_broken FROM parts ORDER BY number IS NULL, number, part
            """,
            db
        )
        return try statement.rows { row in
            var part = Part(path: "", number: row.optionalInt(1))
            (part.end, part.tail) = (try row.number(2), row.uint(3))
            part.earliest = try row.time(4)
            (part.broken, part.firstBroken) = (Int(try row.small(5)), try row.number(6))
            return (try row.small(0), part)
        }
    }

    /// Says up to where the index is true of a file.
    func write(_ part: Part, _ id: Int32) throws {
        var statement = try SQLiteStatement("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)", db)
        statement.bind(Int64(id))
        statement.bind(part.number)
        statement.bind(part.end)
        statement.bind(part.tail)
        for number in [part.earliest.nanoseconds, Int64(part.broken), part.firstBroken] { statement.bind(number) }
        try statement.run()
    }

    /// Forgets a file that is gone.
    func removePart(_ id: Int32) throws { try db.execute(sql: "DELETE FROM parts WHERE part = ?", arguments: [id]) }

    /// Forgets everything.
    func removeAll() throws {
        try db.execute(sql: "DELETE FROM parts; DELETE FROM session_lines; DELETE FROM span_lines")
    }

    // MARK: - Records of sessions

    /// Notes that a line has records of a session.
    func add(session row: Int64, first: Timestamp, part: Int32, offset: Int64) throws {
        var statement = try SQLiteStatement("INSERT OR IGNORE INTO session_lines VALUES (?, ?, ?, ?)", db)
        for number in [Int64(part), row, first.nanoseconds, offset] { statement.bind(number) }
        try statement.run()
    }

    /// The same for a session by its id; one that is not known any more is left out.
    func add(session id: String, first: Timestamp, part: Int32, offset: Int64) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO session_lines SELECT ?, ref, ?, ? FROM sessions WHERE id = ? AND hidden = 0",
            arguments: [part, first.nanoseconds, offset, id]
        )
    }

    /// Notes that a line has spans.
    func add(spans extent: RecordExtent, part: Int32, offset: Int64) throws {
        var statement = try SQLiteStatement("INSERT OR IGNORE INTO span_lines VALUES (?, ?, ?, ?)", db)
        for number in [Int64(part), extent.earliest.nanoseconds, offset, extent.latest.nanoseconds] {
            statement.bind(number)
        }
        try statement.run()
    }

    /// Forgets the records in a file.
    func removeLines(of part: Int32) throws {
        for table in ["session_lines", "span_lines"] {
            try db.execute(sql: "DELETE FROM \(table) WHERE part = ?", arguments: [part])
        }
    }

    /// Forgets the records in files that are none of the store's, such as one that was never finished.
    func removeStrayLines() throws {
        for table in ["session_lines", "span_lines"] {
            try db.execute(sql: "DELETE FROM \(table) WHERE part NOT IN (SELECT part FROM parts)")
        }
    }

    /// The lines with records of a session.
    func lines(of session: String) throws -> [LineRef] {
        var statement = try SQLiteStatement(
            """
            SELECT l.part, l.place, l.first FROM sessions s CROSS JOIN parts p CROSS JOIN session_lines l
            WHERE s.id = ? AND s.hidden = 0 AND l.part = p.part AND l.session = s.ref
            """,
            db
        )
        statement.bind(session)
        return try statement.rows { LineRef(part: try $0.small(0), offset: $0.int(1), first: $0.int(2)) }
    }

    /// The lines with spans around an instant, those that began last first.
    func spanLines(at time: Timestamp) throws -> [LineRef] {
        var statement = try SQLiteStatement(
            """
            SELECT part, place, first FROM (
                SELECT l.part, l.place, l.first, l.last FROM parts p CROSS JOIN span_lines l
                WHERE l.part = p.part AND l.first <= ? ORDER BY l.first DESC LIMIT ?
            ) WHERE last >= ? LIMIT ?
            """,
            db
        )
        statement.bind(time.nanoseconds)
        statement.bind(Int64(CallRecordSearch.maximumCandidates))
        statement.bind(time.nanoseconds)
        statement.bind(Int64(CallRecordSearch.maximumBatches))
        return try statement.rows { LineRef(part: try $0.small(0), offset: $0.int(1), first: $0.int(2)) }
    }
}

/// Where a line with records of a session is.
struct LineRef: Hashable {
    /// The file, by the number it has in the index.
    var part: Int32
    /// Where in the file the line begins.
    var offset: Int64
    /// The first sign of the session in the line, in nanoseconds.
    var first: Int64
}
