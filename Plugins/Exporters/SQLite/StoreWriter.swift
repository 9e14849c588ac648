// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import Usage

/// Writes batches, and remembers between transactions what saves reading: the newest links and calls, the rows of sessions.
///
/// A transaction that fails leaves its traces in memory, so whoever runs one must then ``forget()``.
struct StoreWriter: Sendable {
    private let keepsRecords: Bool
    private var links: LinkIndex?
    private var recent = RecentEntries()
    private var catalog = Catalog()
    /// What the database says about changes by others (`PRAGMA data_version`).
    private var version: Int64 = -1
    /// The blocks of calls that the transaction changed.
    private var changed: Set<Int64> = []

    init(keepsRecords: Bool) {
        self.keepsRecords = keepsRecords
    }

    /// Drops all that is remembered; it is read from the database again when it is needed.
    mutating func forget() {
        self = StoreWriter(keepsRecords: keepsRecords)
    }

    /// Notes that the transaction changed calls of some blocks.
    mutating func noteChanged(_ blocks: Set<Int64>) { changed.formUnion(blocks) }

    /// The blocks of calls that the transaction changed, noted until they are taken.
    mutating func takeChanged() -> Set<Int64> {
        defer { changed.removeAll() }
        return changed
    }

    /// Keeps batches, in the transaction that is open.
    ///
    /// - Returns: How many calls are new, and how many records are older than what compaction removed.
    mutating func write(_ batches: [Batch], to db: Database) throws -> (calls: NewCalls, refused: Int) {
        try noticeOthers(db)
        let (revision, compacted) = try Revision.nextState(db)
        let border = compacted.applying(to: batches)
        let (batches, refused) = border.admit(batches)
        catalog.revision = revision
        var links = try self.links.take() ?? LinkIndex(db)
        let (change, moved) = try writeCalls(of: batches, to: db, &links, revision, border)
        let bodies = BodyCompressor()
        let tables = BatchTables(db: db)
        for batch in batches {
            let sessions = try batch.sessions.map { try catalog.session($0, db) }
            if keepsRecords { try tables.insert(batch, sessions: sessions, bodies) }
        }
        // The parts of their calls have the former names.
        for session in try catalog.flush(db) { noteChanged(try SessionTable(db: db).blocks(of: session)) }
        for session in moved { try SessionTable(db: db).mark(session, changedIn: revision) }
        try links.flush(db)
        self.links = links
        return (NewCalls(in: border.visible(change), of: batches), refused)
    }

    /// Another process may have written since, such as a command while the collector runs: then what is remembered is no longer true.
    private mutating func noticeOthers(_ db: Database) throws {
        var statement = try SQLiteStatement("PRAGMA data_version", db)
        let version = try statement.first { $0.int(0) } ?? -1
        if version != self.version { forget() }
        self.version = version
    }

    /// - Returns: What changes, and the sessions whose calls are others now though the batches may not name them.
    private mutating func writeCalls(
        of batches: [Batch],
        to db: Database,
        _ links: inout LinkIndex,
        _ revision: Int64,
        _ border: CompactionBorder
    ) throws -> (change: LedgerChange, moved: Set<Int64>) {
        let deliveries = batches.map(\.observations)
        guard deliveries.contains(where: { !$0.isEmpty }) else { return (LedgerChange(), []) }
        // All that came in, not only what changed something: the bounds of a session must not depend on what came first.
        for delivery in deliveries {
            for position in delivery.indices { catalog.note(delivery[position]) }
        }
        var change = try Ledger.absorb(deliveries, into: LedgerTables(db: db, links: links, recent: recent))
        guard !change.isEmpty else { return (change, []) }
        var calls = try CallTables(db, border)
        for entry in change.retired {
            try calls.retire(entry)
            entry.forEachLink { links.remove($0, entry.ref) }
            recent.remove(entry.ref)
        }
        let pricing = batches.lazy.compactMap(\.pricing).last
        for position in change.entries.indices {
            let ref = try calls.insert(change.entries[position], pricing: pricing, &catalog)
            change.entries[position].ref = ref
            change.entries[position].forEachLink { links.insert($0, ref) }
            recent.insert(change.entries[position].observations, ref)
        }
        noteChanged(calls.changed)
        let sessions = try calls.writeSums(revision)
        return (change, change.retired.isEmpty ? [] : sessions)
    }
}
