// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// Finds calls by the links of their witnesses: a small log-structured index.
///
/// New links stay in memory (``LinkTail``) and are written as one row a commit. When enough have gathered they become a sorted
/// ``LinkRun``; several runs are merged into a larger one. So links, which come in no order, are never written one by one into a
/// large tree, and what a run does not hold its filter says without a look at the disk.
///
/// Postings may be stale: a call that was retired leaves them behind. Whoever follows one checks that the call carries the link.
struct LinkIndex: Sendable {
    private var tail = LinkTail()
    private var runs: [LinkRun]
    /// What this transaction adds to the tail.
    private var added: [Posting] = []
    private let tailCapacity: Int

    /// How many runs of a level are merged into one of the next.
    private static let fanIn = 8
    /// The level whose runs are left as they are, so that no merge takes long.
    private static let topLevel: Int64 = 1

    /// Reads the tail and the filters.
    ///
    /// - Parameter tailCapacity: How many links are gathered before they are sorted into a run: by default as many as its tables hold
    ///     without growing, two megabytes with what sorting them takes.
    init(_ db: Database, tailCapacity: Int = 24_000) throws {
        self.tailCapacity = tailCapacity
        runs = try LinkRun.all(db)
        var statement = try SQLiteStatement("SELECT postings FROM link_tail ORDER BY seq", db)
        for postings in try statement.rows({ LinkRun.postings(in: $0.blob(0)) }) {
            for posting in postings { _ = tail.insert(posting.link, posting.ref) }
        }
    }

    /// Whether a call may stand under a link; false is certain.
    func mayHold(_ link: LedgerLink) -> Bool {
        tail.contains(link) || runs.contains { $0.mayHold(link) }
    }

    /// Which sets of kinds of ids the sightings in a cell may know, a bit for each.
    func kinds(in cell: ResemblanceCell) -> UInt8 {
        var kinds = tail.kinds(in: cell)
        let link = cell.link
        for run in runs where run.mayHold(link) {
            for link in cell.links where run.mayHold(link) { kinds |= 1 << link.kinds }
        }
        return kinds
    }

    /// The calls that stand under a link, or once did; at most about `limit`.
    func refs(_ link: LedgerLink, limit: Int, _ db: Database) throws -> Set<Int64> {
        var refs: Set<Int64> = []
        tail.forEach(link) { if refs.count < limit { refs.insert($0) } }
        for run in runs where refs.count < limit && run.mayHold(link) {
            try run.find(link, limit: limit, in: db, &refs)
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

    /// Writes what the transaction has added.
    mutating func flush(_ db: Database) throws {
        if tail.count >= tailCapacity {
            runs.append(try LinkRun(id: nextRun(db), level: 0, postings: tail.sorted, to: db))
            try db.execute(sql: "DELETE FROM link_tail")
            tail = LinkTail()
            try merge(level: 0, db)
        } else if !added.isEmpty {
            var statement = try SQLiteStatement("INSERT INTO link_tail (postings) VALUES (?)", db)
            try LinkRun.bytes(of: added).withUnsafeBytes { try statement.run(endingWith: $0) }
        }
        added.removeAll(keepingCapacity: true)
    }

    /// Makes one run of a level's runs when they are enough; postings of calls that compaction has removed are left behind.
    private mutating func merge(level: Int64, _ db: Database) throws {
        let group = runs.filter { $0.level == level }
        guard level < Self.topLevel, group.count >= Self.fanIn else { return }
        let oldest = try Int64.fetchOne(db, sql: "SELECT min(ref) FROM calls") ?? .max
        let merged = try LinkRun(id: nextRun(db), level: level + 1, merging: group, oldest: oldest, in: db)
        for run in group { try run.delete(db) }
        runs.removeAll { $0.level == level }
        runs.append(merged)
        try merge(level: level + 1, db)
    }

    private func nextRun(_ db: Database) throws -> Int64 {
        var statement = try SQLiteStatement("SELECT coalesce(max(run), 0) + 1 FROM runs", db)
        return try statement.first { $0.int(0) } ?? 1
    }
}
