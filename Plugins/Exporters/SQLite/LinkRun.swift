// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// Where one link leads.
struct Posting: Comparable {
    var link: LedgerLink
    var ref: Int64

    /// Orders as the database does: by the signed number that a link is there.
    static func < (left: Posting, right: Posting) -> Bool {
        let (mine, theirs) = (Int64(bitPattern: left.link.rawValue), Int64(bitPattern: right.link.rawValue))
        return (mine, left.ref) < (theirs, right.ref)
    }
}

/// Many postings in sorted order, written once: rows of 256 each, found by their first link.
struct LinkRun: Sendable {
    let id: Int64
    let level: Int64
    /// The newest call that a posting leads to.
    let lastRef: Int64
    private let filter: LinkFilter

    /// How many postings stand in a row of the table.
    private static let rowSize = 256

    /// Writes a run.
    ///
    /// - Parameter postings: In order, without repeats.
    init(id: Int64, level: Int64, postings: [Posting], to db: Database) throws {
        self.id = id
        self.level = level
        lastRef = postings.lazy.map(\.ref).max() ?? 0
        var filter = LinkFilter(capacity: postings.count)
        for posting in postings { filter.insert(posting.link) }
        self.filter = filter
        for (part, start) in stride(from: 0, to: postings.count, by: Self.rowSize).enumerated() {
            let row = postings[start..<min(postings.count, start + Self.rowSize)]
            var statement = try SQLiteStatement(
                "INSERT INTO links (run, first, part, postings) VALUES (?, ?, ?, ?)",
                db
            )
            statement.bind(id)
            statement.bind(postings[start].link.rawValue)
            statement.bind(Int64(part))
            statement.bind(blob: Self.bytes(of: row))
            try statement.run()
        }
        var statement = try SQLiteStatement("INSERT INTO runs (run, level, last_ref, filter) VALUES (?, ?, ?, ?)", db)
        statement.bind(id)
        statement.bind(level)
        statement.bind(lastRef)
        statement.bind(blob: filter.bytes)
        try statement.run()
    }

    private init(id: Int64, level: Int64, lastRef: Int64, filter: LinkFilter) {
        (self.id, self.level, self.lastRef, self.filter) = (id, level, lastRef, filter)
    }

    /// The runs of a database, oldest first.
    static func all(_ db: Database) throws -> [LinkRun] {
        var statement = try SQLiteStatement("SELECT run, level, last_ref, filter FROM runs ORDER BY run", db)
        return try statement.rows { row in
            guard let filter = LinkFilter(bytes: row.blob(3)) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the filter of run \(row.int(0)) is damaged")
            }
            return LinkRun(id: row.int(0), level: row.int(1), lastRef: row.int(2), filter: filter)
        }
    }

    /// Whether a link may be in the run; false is certain.
    func mayHold(_ link: LedgerLink) -> Bool { filter.mayContain(link) }

    /// Adds the calls under a link until there are `limit`.
    func find(_ link: LedgerLink, limit: Int, in db: Database, _ refs: inout Set<Int64>) throws {
        var statement = try SQLiteStatement(
            "SELECT first, postings FROM links WHERE run = ? AND first <= ? ORDER BY first DESC, part DESC",
            db
        )
        statement.bind(id)
        statement.bind(link.rawValue)
        // Postings of one link can go over several rows; the one that begins before the link is the last to look at.
        try statement.forEachRow { row in
            Self.search(row.blob(1), link, limit: limit, &refs)
            return row.uint(0) == link.rawValue && refs.count < limit
        }
    }

    /// All postings, in order.
    func postings(_ db: Database) throws -> [Posting] {
        var statement = try SQLiteStatement("SELECT postings FROM links WHERE run = ? ORDER BY first, part", db)
        statement.bind(id)
        return try statement.rows { Self.postings(in: $0.blob(0)) }.flatMap(\.self)
    }

    /// Removes the run.
    func delete(_ db: Database) throws {
        try db.execute(sql: "DELETE FROM links WHERE run = ?", arguments: [id])
        try db.execute(sql: "DELETE FROM runs WHERE run = ?", arguments: [id])
    }

    // MARK: - Rows

    /// Postings as pairs of eight bytes, little-endian.
    static func bytes(of postings: some Collection<Posting>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(postings.count * 16)
        for posting in postings {
            withUnsafeBytes(of: posting.link.rawValue.littleEndian) { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: posting.ref.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// Reads back what ``bytes(of:)`` gave; an incomplete pair at the end is left out.
    static func postings(in bytes: [UInt8]) -> [Posting] {
        bytes.withUnsafeBytes { bytes in (0..<bytes.count / 16).map { posting($0, in: bytes) } }
    }

    private static func posting(_ position: Int, in bytes: UnsafeRawBufferPointer) -> Posting {
        let link = bytes.loadUnaligned(fromByteOffset: position * 16, as: UInt64.self)
        let ref = bytes.loadUnaligned(fromByteOffset: position * 16 + 8, as: Int64.self)
        return Posting(link: LedgerLink(rawValue: UInt64(littleEndian: link)), ref: Int64(littleEndian: ref))
    }

    private static func search(_ bytes: [UInt8], _ link: LedgerLink, limit: Int, _ refs: inout Set<Int64>) {
        bytes.withUnsafeBytes { bytes in
            var (low, high) = (0, bytes.count / 16)
            let wanted = Posting(link: link, ref: .min)
            while low < high {
                let middle = (low + high) / 2
                if posting(middle, in: bytes) < wanted { low = middle + 1 } else { high = middle }
            }
            for position in low..<bytes.count / 16 {
                let found = posting(position, in: bytes)
                guard found.link == link, refs.count < limit else { return }
                refs.insert(found.ref)
            }
        }
    }
}
