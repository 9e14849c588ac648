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

    /// Writes a run.
    ///
    /// - Parameter postings: In order, without repeats.
    init(id: Int64, level: Int64, postings: [Posting], to db: Database) throws {
        var writer = LinkRunWriter(id: id, capacity: postings.count, db)
        for posting in postings { try writer.append(posting) }
        self = try writer.finish(level: level)
    }

    /// Makes one run of several; postings of calls before the oldest that is kept are left behind.
    init(id: Int64, level: Int64, merging runs: [LinkRun], oldest: Int64, in db: Database) throws {
        var writer = LinkRunWriter(id: id, capacity: runs.reduce(0) { $0 + $1.filter.capacity }, db)
        var readers = try runs.map { try LinkRunReader(run: $0.id, db) }
        // What is next in each, beside them: they are compared far more often than a row is read.
        var heads = readers.map(\.head)
        while let next = Self.least(heads), let posting = heads[next] {
            if posting.ref >= oldest { try writer.append(posting) }
            try readers[next].advance()
            heads[next] = readers[next].head
        }
        self = try writer.finish(level: level)
    }

    /// Where the smallest posting is; nil when there is none.
    private static func least(_ heads: [Posting?]) -> Int? {
        var least: (place: Int, posting: Posting)?
        for (place, head) in heads.enumerated() {
            guard let head else { continue }
            if let known = least, !(head < known.posting) { continue }
            least = (place, head)
        }
        return least?.place
    }

    init(id: Int64, level: Int64, lastRef: Int64, filter: LinkFilter) {
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
