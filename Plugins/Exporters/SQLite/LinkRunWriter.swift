// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// Writes the postings of a run row by row, in their order.
struct LinkRunWriter {
    private let id: Int64
    private let db: Database
    private var filter: LinkFilter
    private var row: [Posting] = []
    private var rows: Int64 = 0
    private var lastRef: Int64 = 0

    /// How many postings stand in a row of the table.
    private static let rowSize = 256

    /// Begins a run of at most about `capacity` postings.
    init(id: Int64, capacity: Int, _ db: Database) {
        (self.id, self.db) = (id, db)
        filter = LinkFilter(capacity: capacity)
        row.reserveCapacity(Self.rowSize)
    }

    mutating func append(_ posting: Posting) throws {
        filter.insert(posting.link)
        lastRef = max(lastRef, posting.ref)
        row.append(posting)
        if row.count == Self.rowSize { try writeRow() }
    }

    /// Writes what is left, and the filter.
    mutating func finish(level: Int64) throws -> LinkRun {
        try writeRow()
        var statement = try SQLiteStatement("INSERT INTO runs (run, level, last_ref, filter) VALUES (?, ?, ?, ?)", db)
        statement.bind(id)
        statement.bind(level)
        statement.bind(lastRef)
        try filter.bytes.withUnsafeBytes { try statement.run(endingWith: $0) }
        return LinkRun(id: id, level: level, lastRef: lastRef, filter: filter)
    }

    private mutating func writeRow() throws {
        guard let first = row.first else { return }
        var statement = try SQLiteStatement("INSERT INTO links (run, first, part, postings) VALUES (?, ?, ?, ?)", db)
        statement.bind(id)
        statement.bind(first.link.rawValue)
        statement.bind(rows)
        try LinkRun.bytes(of: row).withUnsafeBytes { try statement.run(endingWith: $0) }
        rows += 1
        row.removeAll(keepingCapacity: true)
    }
}

/// Reads the postings of a run in their order, with one row of them in memory.
struct LinkRunReader {
    /// The posting that is next; nil behind the last.
    private(set) var head: Posting?
    private let run: Int64
    private let db: Database
    private var row: [Posting] = []
    private var position = 0
    /// The key of the row.
    private var (first, part): (Int64, Int64) = (.min, -1)

    init(run: Int64, _ db: Database) throws {
        (self.run, self.db) = (run, db)
        try advance()
    }

    /// Goes to the next posting.
    mutating func advance() throws {
        if position == row.count { try readRow() }
        guard position < row.count else { return head = nil }
        head = row[position]
        position += 1
    }

    private mutating func readRow() throws {
        var statement = try SQLiteStatement(
            """
            SELECT first, part, postings FROM links WHERE run = ? AND (first, part) > (?, ?)
            ORDER BY first, part LIMIT 1
            """,
            db
        )
        statement.bind(run)
        statement.bind(first)
        statement.bind(part)
        let next = try statement.first { ($0.int(0), $0.int(1), LinkRun.postings(in: $0.blob(2))) }
        position = 0
        guard let next else { return row = [] }
        (first, part, row) = next
    }
}
