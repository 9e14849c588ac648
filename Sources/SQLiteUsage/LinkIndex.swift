// SPDX-License-Identifier: Apache-2.0

import GRDB
import Synchronization
import Usage

/// Finds calls by the links of their observations: a small log-structured index.
///
/// New links stay in memory (``LinkTail``) and are written as one row a commit. When enough have gathered they become sorted runs
/// (``LinkRun``), one for each slice of the hashes; of one slice, runs of a level are merged into one of the next, without end. So
/// links, which come in no order, are never written one by one into a large tree, how many runs are asked grows with the logarithm
/// of the calls, and a merge is of a slice only: no commit waits for a long one. Each commit merges in proportion to what it adds.
///
/// Measured against `CREATE TABLE (link, ref) WITHOUT ROWID`, whose inserts of one commit came in key order, in commits of 50 calls: the
/// table alone takes 53 µs of CPU a call with 100,000 calls, 72 with a million and 85 with ten million, since nearly each of the five
/// links of a call changes a page of its own, and 4 to 5 µs a question, of which a call asks about seven.
///
/// Postings may be stale: a call that was retired leaves them behind. Code that follows one checks that the call carries the link.
struct LinkIndex: Sendable {
    private var tail = LinkTail()
    private var slices = [LinkSlice](repeating: LinkSlice(), count: Self.sliceCount)
    /// Levels with enough runs for a merge.
    private var due: [(slice: Int, level: Int64)] = []
    /// How many postings may be merged for what was added.
    private var credit = 0
    /// What this transaction adds to the tail.
    private var added: [Posting] = []
    private let tailCapacity: Int
    /// What runs hold of the cells that were asked for.
    private let cells = CellKinds()

    private static let sliceBits: UInt64 = 6
    private static let sliceCount = 1 << sliceBits
    /// How many runs of a level are merged into one of the next.
    private static let fanIn = 8
    /// How many postings are merged for each that is added: as many as there are levels with 70 million calls.
    private static let mergesOfPosting = 6

    /// Reads the tail and the filters.
    ///
    /// - Parameter tailCapacity: How many links are gathered before they are sorted into runs: by default as many as its tables hold
    ///     without growing, two megabytes with what sorting them takes.
    init(_ db: Database, tailCapacity: Int = 24_000) throws {
        self.tailCapacity = tailCapacity
        try LinkRun.forEach(db) { run, slice in
            guard slices.indices.contains(slice) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "run \(run.id) of links is in no slice")
            }
            append(run, to: slice)
        }
        var postings: [Posting] = []
        var statement = try SQLiteStatement("SELECT postings FROM link_tail ORDER BY seq", db)
        try statement.forEachRow { row in
            row.withBytes(0) { Posting.read($0, &postings) }
            return true
        }
        for posting in postings { _ = tail.insert(posting.link, posting.ref) }
    }

    /// Whether a posting of a link is there, stale ones included.
    func holds(_ link: LedgerLink, _ db: Database) throws -> Bool {
        if tail.contains(link) { return true }
        let (slice, probe) = (Self.slice(of: link), LinkFilter.Probe(link))
        guard slices[slice].mayHold(probe) else { return false }
        // What a filter takes for possible is looked up: to take it for true would cost the ledger far more than a page.
        return try slices[slice].first(probe, where: { try $0.first(from: link, in: db) == link })
    }

    /// Of some links those of which a posting is there.
    ///
    /// The links are asked for in one tight loop: then the processor waits for the memory of several at once, and a question takes a
    /// fifth of the time.
    func held(among links: [LedgerLink], _ db: Database) throws -> Set<LedgerLink> {
        var held: Set<LedgerLink> = []
        for link in links where slices[Self.slice(of: link)].mayHold(LinkFilter.Probe(link)) || tail.contains(link) {
            if try holds(link, db) { held.insert(link) }
        }
        return held
    }

    /// Of some cells those that hold observations, with the sets of kinds of ids that these may know.
    func kinds(in cells: [MatchBucket], _ db: Database) throws -> [MatchBucket: UInt8] {
        var held: [MatchBucket: UInt8] = [:]
        for cell in cells {
            let link = cell.link
            guard slices[Self.slice(of: link)].mayHold(LinkFilter.Probe(link)) || tail.kinds(in: link) != 0 else {
                continue
            }
            let kinds = try kinds(in: cell, db)
            if kinds != 0 { held[cell] = kinds }
        }
        return held
    }

    /// Which sets of kinds of ids the observations in a cell may know, a bit for each.
    func kinds(in cell: MatchBucket, _ db: Database) throws -> UInt8 {
        let link = cell.link
        let (slice, probe) = (Self.slice(of: link), LinkFilter.Probe(link))
        let kinds = tail.kinds(in: link)
        guard slices[slice].mayHold(probe) else { return kinds }
        if let known = cells[link] { return kinds | known }
        var found: UInt8 = 0
        _ = try slices[slice].first(probe) { run in
            // The links of a cell are neighbours, in the order of their kinds.
            var next = link.rawValue | 8
            while next <= link.rawValue | 15, let first = try run.first(from: LedgerLink(rawValue: next), in: db),
                first.cell == link
            {
                found |= 1 << first.kinds
                next = first.rawValue + 1
            }
            return found == .max
        }
        cells[link] = found
        return kinds | found
    }

    /// The calls that stand under a link, or once did; at most about `limit`.
    func refs(_ link: LedgerLink, limit: Int, _ db: Database) throws -> Set<Int64> {
        var refs: Set<Int64> = []
        tail.forEach(link) { if refs.count < limit { refs.insert($0) } }
        _ = try slices[Self.slice(of: link)].first(LinkFilter.Probe(link)) { run in
            if refs.count < limit { try run.find(link, limit: limit, in: db, &refs) }
            return refs.count >= limit
        }
        return refs
    }

    /// Calls `body` with the calls under a link that are in memory.
    func forEachNew(_ link: LedgerLink, _ body: (Int64) throws -> Void) rethrows { try tail.forEach(link, body) }

    /// Makes a call findable.
    mutating func insert(_ link: LedgerLink, _ ref: Int64) {
        if tail.insert(link, ref) { added.append(Posting(link: link, ref: ref)) }
    }

    /// Forgets where a link led as far as that is cheap; in runs the posting stays behind.
    mutating func remove(_ link: LedgerLink, _ ref: Int64) { tail.remove(link, ref) }

    /// Writes what the transaction has added, and merges runs in proportion to it.
    mutating func flush(_ db: Database) throws {
        if tail.count >= tailCapacity {
            try LinkIndex.write(tail.sorted, level: 0, to: db) { append($0, to: $1) }
            cells.forget()
            try db.execute(sql: "DELETE FROM link_tail")
            tail = LinkTail()
        } else if !added.isEmpty {
            var statement = try SQLiteStatement("INSERT INTO link_tail (postings) VALUES (?)", db)
            try Posting.bytes(of: added).withUnsafeBytes { try statement.run(endingWith: $0) }
        }
        credit = due.isEmpty ? 0 : credit + added.count * Self.mergesOfPosting
        added.removeAll(keepingCapacity: true)
        while credit > 0, !due.isEmpty {
            let (slice, level) = due.removeFirst()
            credit -= try merge(slice, level, db)
        }
    }

    /// Writes sorted postings as runs, one for each slice, and calls `body` with each.
    private static func write(
        _ postings: [Posting],
        level: Int64,
        to db: Database,
        _ body: (LinkRun, _ slice: Int) -> Void
    ) throws {
        var rest = postings[...]
        while let first = rest.first {
            let slice = slice(of: first.link)
            let end = rest.firstIndex { Self.slice(of: $0.link) != slice } ?? rest.endIndex
            body(try LinkRun(slice: slice, level: level, rest[..<end], to: db), slice)
            rest = rest[end...]
        }
    }

    private mutating func append(_ run: LinkRun, to slice: Int) {
        slices[slice].append(run)
        if slices[slice].runs.count(where: { $0.level == run.level }) == Self.fanIn { due.append((slice, run.level)) }
    }

    /// Makes one run of the runs of a level; postings of calls that compaction has removed are left behind.
    ///
    /// - Returns: How many postings they had.
    private mutating func merge(_ slice: Int, _ level: Int64, _ db: Database) throws -> Int {
        let group = slices[slice].runs.filter { $0.level == level }
        var postings: [Posting] = []
        postings.reserveCapacity(group.reduce(0) { $0 + $1.count })
        for run in group {
            try run.read(db, &postings)
            try run.delete(db)
        }
        let count = postings.count
        let oldest = try Int64.fetchOne(db, sql: "SELECT min(ref) FROM calls") ?? .max
        postings.removeAll { $0.ref < oldest }
        // Sorted stretches one after the other: Swift's sort finds and merges them.
        postings.sort()
        slices[slice].remove(level: level)
        guard !postings.isEmpty else { return count }
        append(try LinkRun(slice: slice, level: level + 1, postings, to: db), to: slice)
        return count
    }

    private static func slice(of link: LedgerLink) -> Int {
        Int(truncatingIfNeeded: link.rawValue >> (64 - sliceBits))
    }

    // MARK: - Older layouts

    /// Brings a database from runs over all links, as versions before 0.2 wrote them, to runs of slices.
    static func migrate(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE link_runs (
                    run INTEGER PRIMARY KEY, slice INTEGER NOT NULL, level INTEGER NOT NULL, count INTEGER NOT NULL,
                    last_ref INTEGER NOT NULL, firsts BLOB NOT NULL, filter BLOB NOT NULL
                );
                CREATE TABLE link_rows (place INTEGER PRIMARY KEY, postings BLOB NOT NULL);
                """
        )
        // A slice of a run has as many postings as a run of a slice on the same level.
        for row in try Row.fetchAll(db, sql: "SELECT run, level FROM runs ORDER BY run") {
            var postings: [Posting] = []
            var statement = try SQLiteStatement("SELECT postings FROM links WHERE run = ?", db)
            statement.bind(row["run"] as Int64)
            try statement.forEachRow { row in
                row.withBytes(0) { Posting.read($0, &postings) }
                return true
            }
            // They were ordered by the signed number.
            postings.sort()
            try write(postings, level: row["level"], to: db) { _, _ in }
        }
        try db.execute(sql: "DROP TABLE links; DROP TABLE runs")
    }
}

/// Which sets of kinds of ids the runs hold of cells, a bit for each: asked again for each call of a cell that has many.
///
/// It must be told when there are new runs; that some are merged makes no difference.
private final class CellKinds: Sendable {
    private let kinds = Mutex((table: LinkTable(), count: 0))

    /// How many cells are remembered at most.
    private static let capacity = 4_096

    subscript(cell: LedgerLink) -> UInt8? {
        get { kinds.withLock { kinds in kinds.table[cell].map { UInt8(truncatingIfNeeded: $0) } } }
        set {
            kinds.withLock { kinds in
                if kinds.count >= Self.capacity { kinds = (LinkTable(), 0) }
                kinds.table[cell] = newValue.map(Int64.init)
                kinds.count += 1
            }
        }
    }

    func forget() {
        kinds.withLock { kinds in
            if kinds.count > 0 { kinds = (LinkTable(), 0) }
        }
    }
}

/// Where the newest links lead, in memory; nearly always to one call each.
struct LinkTail: Sendable {
    private var first = LinkTable()
    /// Further calls under a link that has one in ``first``.
    private var more: [LedgerLink: Set<Int64>] = [:]
    /// Which sets of kinds of ids the links of a cell stand for, a bit for each.
    private var cells = LinkTable()

    /// How many links there are, with their repeats.
    private(set) var count = 0

    func contains(_ link: LedgerLink) -> Bool { first[link] != nil }

    /// Which sets of kinds of ids updates of a cell may know, a bit for each of the eight.
    func kinds(in cell: LedgerLink) -> UInt8 { UInt8(truncatingIfNeeded: cells[cell] ?? 0) }

    /// - Returns: Whether this was new.
    mutating func insert(_ link: LedgerLink, _ ref: Int64) -> Bool {
        let known = first.value(of: link, orInsert: ref)
        if let known {
            guard known != ref, more[link, default: []].insert(ref).inserted else { return false }
        } else if let cell = link.cell {
            cells.formUnion(1 << Int64(link.kinds), under: cell)
        }
        count += 1
        return true
    }

    mutating func remove(_ link: LedgerLink, _ ref: Int64) {
        if first[link] == ref {
            first[link] = more[link]?.popFirst()
            count -= 1
        } else if more[link]?.remove(ref) != nil {
            count -= 1
        }
        if more[link]?.isEmpty == true { more[link] = nil }
    }

    func forEach(_ link: LedgerLink, _ body: (Int64) throws -> Void) rethrows {
        guard let ref = first[link] else { return }
        try body(ref)
        guard !more.isEmpty else { return }
        try more[link]?.forEach(body)
    }

    /// All links with where they lead, in the order of a run.
    var sorted: [Posting] {
        var all: [Posting] = []
        all.reserveCapacity(count)
        first.forEach { all.append(Posting(link: $0, ref: $1)) }
        for (link, refs) in more { all += refs.map { Posting(link: link, ref: $0) } }
        return all.sorted()
    }
}

/// The runs of one slice of the hashes, oldest first.
struct LinkSlice: Sendable {
    private(set) var runs: [LinkRun] = []
    /// The filters of the runs, which hold them, one after the other.
    private var filters: [LinkFilter.Lines] = []

    mutating func append(_ run: LinkRun) {
        runs.append(run)
        filters.append(run.filter.lines)
    }

    /// Takes away the runs of a level.
    mutating func remove(level: Int64) {
        runs.removeAll { $0.level == level }
        filters = runs.map(\.filter.lines)
    }

    /// Whether a run may hold a link; false is certain.
    @inline(__always)
    func mayHold(_ probe: LinkFilter.Probe) -> Bool { last(before: filters.count, mayHold: probe) != nil }

    /// Whether a condition is true of one of the runs that may hold a link, asked from the newest on.
    func first(_ probe: LinkFilter.Probe, where isWanted: (LinkRun) throws -> Bool) rethrows -> Bool {
        var position = filters.count
        while let next = last(before: position, mayHold: probe) {
            if try isWanted(runs[next]) { return true }
            position = next
        }
        return false
    }

    /// The newest run before a position that may hold a link; nil is certain.
    @inline(__always)
    private func last(before position: Int, mayHold probe: LinkFilter.Probe) -> Int? {
        filters.withUnsafeBufferPointer { filters in
            var position = position
            while position > 0 {
                position -= 1
                if probe.mayBe(in: filters[position]) { return position }
            }
            return nil
        }
    }
}
