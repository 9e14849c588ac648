// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// Where one link leads.
struct Posting: Comparable {
    var link: LedgerLink
    var ref: Int64

    /// Orders by the hash, so that the postings of one slice stand together.
    static func < (left: Posting, right: Posting) -> Bool {
        left.link.rawValue == right.link.rawValue ? left.ref < right.ref : left.link.rawValue < right.link.rawValue
    }

    /// Postings as pairs of eight bytes, little-endian.
    static func bytes(of postings: some Collection<Posting>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: postings.count * size) { bytes, count in
            for posting in postings {
                let raw = UnsafeMutableRawBufferPointer(bytes)
                raw.storeBytes(of: posting.link.rawValue.littleEndian, toByteOffset: count, as: UInt64.self)
                raw.storeBytes(of: posting.ref.littleEndian, toByteOffset: count + 8, as: Int64.self)
                count += size
            }
        }
    }

    /// Adds what ``bytes(of:)`` gave to a list; an incomplete pair at the end is left out.
    ///
    /// The list grows as a list does: room for these bytes alone, row by row, would copy all rows before them each time.
    static func read(_ bytes: UnsafeRawBufferPointer, _ postings: inout [Posting]) {
        for position in 0..<bytes.count / size { postings.append(Posting(at: position, in: bytes)) }
    }

    /// Adds the calls under a link that are in bytes of postings in order, until there are `limit`.
    static func search(_ bytes: UnsafeRawBufferPointer, _ link: LedgerLink, limit: Int, _ refs: inout Set<Int64>) {
        for position in position(of: link, in: bytes)..<bytes.count / size {
            let found = Posting(at: position, in: bytes)
            guard found.link == link, refs.count < limit else { return }
            refs.insert(found.ref)
        }
    }

    /// The first of some postings in order whose link is not less; nil when all are.
    static func first(in bytes: UnsafeRawBufferPointer, from link: LedgerLink) -> LedgerLink? {
        let position = position(of: link, in: bytes)
        return position < bytes.count / size ? Posting(at: position, in: bytes).link : nil
    }

    private static func position(of link: LedgerLink, in bytes: UnsafeRawBufferPointer) -> Int {
        var (low, high) = (0, bytes.count / size)
        while low < high {
            let middle = (low + high) / 2
            if Posting(at: middle, in: bytes).link < link { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static let size = 16

    private init(at position: Int, in bytes: UnsafeRawBufferPointer) {
        let link = bytes.loadUnaligned(fromByteOffset: position * Self.size, as: UInt64.self)
        let ref = bytes.loadUnaligned(fromByteOffset: position * Self.size + 8, as: Int64.self)
        self.init(link: LedgerLink(rawValue: UInt64(littleEndian: link)), ref: Int64(littleEndian: ref))
    }

    init(link: LedgerLink, ref: Int64) { (self.link, self.ref) = (link, ref) }
}

/// Many postings of one slice in sorted order, written once: rows that fill a page each, found by their first link.
struct LinkRun: Sendable {
    let id: Int64
    let level: Int64
    let count: Int
    let filter: LinkFilter
    /// The first link of each row.
    private let firsts: [UInt64]

    /// How many postings are in a row: with its head it fits into a page of 8,192 bytes.
    private static let rowSize = 500
    /// The rows of a run are numbered from `id << rowBits`.
    private static let rowBits: Int64 = 24

    /// Writes a run.
    ///
    /// - Parameter postings: In order, without repeats.
    init(slice: Int, level: Int64, _ postings: some RandomAccessCollection<Posting>, to db: Database) throws {
        var statement = try SQLiteStatement("SELECT coalesce(max(run), 0) + 1 FROM link_runs", db)
        id = try statement.first { $0.int(0) } ?? 1
        (self.level, count, filter) = (level, postings.count, LinkFilter(postings, level: level))
        var firsts: [UInt64] = []
        var rest = postings[...]
        while let first = rest.first {
            var row = try SQLiteStatement("INSERT INTO link_rows (place, postings) VALUES (?, ?)", db)
            row.bind(id << Self.rowBits | Int64(firsts.count))
            try Posting.bytes(of: rest.prefix(Self.rowSize)).withUnsafeBytes { try row.run(endingWith: $0) }
            firsts.append(first.link.rawValue)
            rest = rest.dropFirst(Self.rowSize)
        }
        self.firsts = firsts
        var run = try SQLiteStatement(
            "INSERT INTO link_runs (run, slice, level, count, last_ref, firsts, filter) VALUES (?, ?, ?, ?, ?, ?, ?)",
            db
        )
        let lastRef = postings.reduce(Int64.min) { max($0, $1.ref) }
        for number in [id, Int64(slice), level, Int64(count), lastRef] { run.bind(number) }
        run.bind(blob: firsts.map(\.littleEndian).withUnsafeBytes { Array($0) })
        try filter.bytes.withUnsafeBytes { try run.run(endingWith: $0) }
    }

    /// Reads a row of the table of runs.
    ///
    /// - Throws: When it is damaged.
    private init(_ row: SQLiteRow) throws {
        (id, level, count) = (row.int(0), row.int(2), Int(row.int(3)))
        let bytes = row.blob(4)
        guard count > 0, bytes.count % 8 == 0, bytes.count / 8 == (count + Self.rowSize - 1) / Self.rowSize,
            let filter = row.withBytes(5, { LinkFilter(bytes: $0) })
        else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "run \(id) of links is damaged") }
        self.filter = filter
        firsts = bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
            }
        }
    }

    /// Calls `body` with the runs of a database and their slices, oldest first.
    static func forEach(_ db: Database, _ body: (LinkRun, _ slice: Int) throws -> Void) throws {
        var statement = try SQLiteStatement(
            "SELECT run, slice, level, count, firsts, filter FROM link_runs ORDER BY run",
            db
        )
        try statement.forEachRow { row in
            try body(LinkRun(row), Int(row.int(1)))
            return true
        }
    }

    /// Writes the filters of all runs again, from their postings.
    static func remakeFilters(_ db: Database) throws {
        for row in try Row.fetchAll(db, sql: "SELECT run, level FROM link_runs") {
            let (id, level): (Int64, Int64) = (row["run"], row["level"])
            var postings: [Posting] = []
            try read(id, db, &postings)
            var statement = try SQLiteStatement("UPDATE link_runs SET filter = ?2 WHERE run = ?1", db)
            statement.bind(id)
            try LinkFilter(postings, level: level).bytes.withUnsafeBytes { try statement.run(endingWith: $0) }
        }
    }

    /// The number of the first row that begins with a link or one after it.
    private func row(from link: LedgerLink) -> Int {
        var (low, high) = (0, firsts.count)
        while low < high {
            let middle = (low + high) / 2
            if firsts[middle] < link.rawValue { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func withRow<Value>(_ row: Int, _ db: Database, _ body: (UnsafeRawBufferPointer) -> Value) throws -> Value?
    {
        var statement = try SQLiteStatement("SELECT postings FROM link_rows WHERE place = ?", db)
        statement.bind(id << Self.rowBits | Int64(row))
        return try statement.first { $0.withBytes(0, body) }
    }

    /// The first link that is not less than another; nil when all are.
    func first(from link: LedgerLink, in db: Database) throws -> LedgerLink? {
        let row = row(from: link)
        // It can be within the row before the first that begins with it.
        if row > 0, let found = try withRow(row - 1, db, { Posting.first(in: $0, from: link) }) ?? nil { return found }
        return row < firsts.count ? LedgerLink(rawValue: firsts[row]) : nil
    }

    /// Adds the calls under a link until there are `limit`.
    func find(_ link: LedgerLink, limit: Int, in db: Database, _ refs: inout Set<Int64>) throws {
        // Postings of one link can go over several rows.
        for row in max(0, row(from: link) - 1)..<firsts.count where firsts[row] <= link.rawValue && refs.count < limit {
            _ = try withRow(row, db) { Posting.search($0, link, limit: limit, &refs) }
        }
    }

    /// Adds all postings in their order.
    func read(_ db: Database, _ postings: inout [Posting]) throws { try Self.read(id, db, &postings) }

    private static func read(_ id: Int64, _ db: Database, _ postings: inout [Posting]) throws {
        var statement = try SQLiteStatement(
            "SELECT postings FROM link_rows WHERE place BETWEEN ? AND ? ORDER BY place",
            db
        )
        statement.bind(id << rowBits)
        statement.bind((id + 1) << rowBits - 1)
        try statement.forEachRow { row in
            row.withBytes(0) { Posting.read($0, &postings) }
            return true
        }
    }

    /// Removes the run.
    func delete(_ db: Database) throws { try Self.delete(id, db) }

    /// Removes a run.
    static func delete(_ id: Int64, _ db: Database) throws {
        try db.execute(
            sql: "DELETE FROM link_rows WHERE place BETWEEN ? AND ?",
            arguments: [id << rowBits, (id + 1) << rowBits - 1]
        )
        try db.execute(sql: "DELETE FROM link_runs WHERE run = ?", arguments: [id])
    }
}
