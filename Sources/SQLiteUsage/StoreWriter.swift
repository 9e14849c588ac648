// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import GRDB
package import Usage
import UsageDatabase

/// A call with its price and all its observations.
package struct PricedEntry: Sendable {
    package var entry: LedgerEntry
    package var price: CallPrice

    package init(entry: LedgerEntry, price: CallPrice) {
        (self.entry, self.price) = (entry, price)
    }
}

/// What became of a group of batches.
package struct LearnedBatches {
    /// The batches, without what is older than the latest compaction.
    package fileprivate(set) var batches: [Batch]
    package fileprivate(set) var deliveries: [Delivery] = []
    /// How many records are older than what compaction removed.
    package let refused: Int
    /// The row of each session of each batch.
    package fileprivate(set) var sessions: [[Int64]] = []
    /// What was new in them; only for a store that asks for it.
    package fileprivate(set) var news: LearnedChange?
}

/// What was new in a group of batches: all that a log must hold so that the database can be made from it again.
package struct LearnedChange {
    /// The calls that are new or stand differently now.
    package fileprivate(set) var calls: [PricedEntry] = []
    /// The same of calls that are too old to count and are only kept so that late observations find them.
    package fileprivate(set) var expired: [LedgerEntry] = []
    /// The ids of the calls that are gone.
    package fileprivate(set) var retired: [UInt64] = []
    /// What observations report about sessions that was not known.
    package fileprivate(set) var notes: [SessionUpdate] = []
    /// Of each session of each batch, whether the batch reports something of it that was not known.
    package fileprivate(set) var isNews: [[Bool]] = []
}

/// What was known to a store at some time, as its log has it.
package struct LoggedChange {
    package var sessions: [(update: SessionUpdate, isSighted: Bool)] = []
    package var calls: [PricedEntry] = []
    package var expired: [LedgerEntry] = []
    package var retired: [UInt64] = []

    package init() {}
}

/// Writes what batches report, and remembers between transactions what saves reading: the newest links and calls, the rows of sessions.
///
/// A transaction that fails leaves its traces in memory, so its caller must then call ``forget()``.
package struct StoreWriter: Sendable {
    private var links: LinkIndex?
    private var recent = RecentEntries()
    private var catalog = Catalog()
    /// What the database says about changes by others (`PRAGMA data_version`).
    private var version: Int64 = -1
    /// The blocks of calls that the transaction changed.
    private var changed: Set<Int64> = []

    package init() {}

    /// Drops all that is remembered; it is read from the database again when it is needed.
    package mutating func forget() { self = StoreWriter() }

    /// Forgets how models are priced, because the transaction changes it.
    mutating func forgetModels() { catalog.forgetModels() }

    /// Notes that the transaction changed calls of some blocks.
    mutating func noteChanged(_ blocks: Set<Int64>) { changed.formUnion(blocks) }

    /// The blocks of calls that the transaction changed, noted until they are taken.
    mutating func takeChanged() -> Set<Int64> {
        defer { changed.removeAll() }
        return changed
    }

    /// Another process may have written since, such as a command while the collector runs: then what is remembered is no longer true.
    private mutating func noticeOthers(_ db: Database) throws {
        var statement = try SQLiteStatement("PRAGMA data_version", db)
        let version = try statement.first { $0.int(0) } ?? -1
        if version != self.version { forget() }
        self.version = version
    }

    // MARK: - Batches

    /// Keeps batches with their records, in the transaction that is open.
    package mutating func write(_ batches: [Batch], keepsRecords: Bool, to db: Database) throws -> LearnedBatches {
        let learned = try learn(batches, to: db)
        guard keepsRecords else { return learned }
        let (bodies, tables) = (BodyCompressor(), BatchTables(db: db))
        for (batch, sessions) in zip(learned.batches, learned.sessions) {
            try tables.insert(batch, sessions: sessions, bodies)
        }
        return learned
    }

    /// Keeps what batches report of calls and sessions, in the transaction that is open.
    ///
    /// - Parameter findsNews: Whether what was new is returned, too.
    package mutating func learn(_ batches: [Batch], to db: Database, findsNews: Bool = false) throws -> LearnedBatches {
        try noticeOthers(db)
        let (revision, compacted) = try Revision.nextState(db)
        let border = compacted.applying(to: batches)
        let (batches, refused) = border.admit(batches)
        var learned = LearnedBatches(batches: batches, refused: refused)
        catalog.revision = revision
        if findsNews {
            var news = LearnedChange()
            for batch in batches {
                news.isNews.append(try batch.sessions.map { try catalog.isNews($0, isSighted: !$0.isImplied, db) })
            }
            learned.news = news
        }
        var links = try self.links.take() ?? LinkIndex(db)
        let (change, moved) = try writeCalls(to: db, &learned, &links, revision, border)
        for batch in batches {
            learned.sessions.append(try batch.sessions.map { try catalog.session($0, isSighted: !$0.isImplied, db) })
        }
        try writeSessions(moved, to: db, revision)
        try links.flush(db)
        self.links = links
        learned.deliveries = Delivery.each(of: batches, in: border.visible(change))
        return learned
    }

    /// - Returns: What changes, and the sessions whose calls are others now though the batches may not name them.
    private mutating func writeCalls(
        to db: Database,
        _ learned: inout LearnedBatches,
        _ links: inout LinkIndex,
        _ revision: Int64,
        _ border: CompactionBorder
    ) throws -> (change: LedgerChange, moved: Set<Int64>) {
        let deliveries = learned.batches.map(\.observations)
        let copied = learned.batches.flatMap(\.copiedCalls)
        guard !copied.isEmpty || deliveries.contains(where: { !$0.isEmpty }) else { return (LedgerChange(), []) }
        // All that came in, not only what changed something: the bounds of a session must not depend on what came first.
        for delivery in deliveries {
            for position in delivery.indices { catalog.note(delivery[position]) }
        }
        if learned.news != nil { learned.news?.notes = try catalog.news(db) }
        var change = try Ledger.absorb(
            deliveries,
            adopting: copied,
            into: LedgerTables(db: db, links: links, recent: recent)
        )
        guard !change.isEmpty else { return (change, []) }
        var calls = try CallTables(db)
        for entry in change.retired { try retire(entry, &calls, &links) }
        let pricing = learned.batches.lazy.compactMap(\.pricing).last
        for position in change.entries.indices {
            let price = pricing?.price(change.entries[position].call) ?? .none
            let isExpired = border.isExpired(change.entries[position].call.time)
            change.entries[position].ref = try insert(
                change.entries[position],
                price,
                isExpired: isExpired,
                by: pricing,
                &calls,
                &links
            )
            guard learned.news != nil else { continue }
            if isExpired {
                learned.news?.expired.append(change.entries[position])
            } else {
                learned.news?.calls.append(PricedEntry(entry: change.entries[position], price: price))
            }
        }
        if learned.news != nil {
            let present = Set(change.entries.map(\.call.id))
            learned.news?.retired = change.retired.map(\.call.id).filter { !present.contains($0) }
        }
        noteChanged(calls.changed)
        let sessions = try calls.writeSums(revision)
        return (change, change.retired.isEmpty ? [] : sessions)
    }

    private func retire(_ entry: LedgerEntry, _ calls: inout CallTables, _ links: inout LinkIndex) throws {
        try calls.retire(entry)
        entry.forEachLink { links.remove($0, entry.ref) }
        recent.remove(entry.ref)
    }

    /// - Returns: The number of the call.
    private mutating func insert(
        _ entry: borrowing LedgerEntry,
        _ price: CallPrice,
        isExpired: Bool,
        by pricing: Pricing?,
        _ calls: inout CallTables,
        _ links: inout LinkIndex
    ) throws -> Int64 {
        let ref = try calls.insert(entry, price, isExpired: isExpired, by: pricing, &catalog)
        entry.forEachLink { links.insert($0, ref) }
        recent.insert(entry.observations, ref)
        return ref
    }

    /// Writes what was noted of sessions.
    ///
    /// - Parameter moved: Those whose calls are others now.
    private mutating func writeSessions(_ moved: Set<Int64>, to db: Database, _ revision: Int64) throws {
        // The parts of their calls have the former names.
        for session in try catalog.flush(db) { noteChanged(try SessionTable(db: db).blocks(of: session)) }
        for session in moved { try SessionTable(db: db).mark(session, changedIn: revision) }
    }

    // MARK: - Logged changes

    /// Keeps what a log says, in its order, in the transaction that is open: a call takes the place of one with its id.
    ///
    /// - Returns: The rows of the sessions of each change.
    package mutating func restore(_ changes: [LoggedChange], to db: Database) throws -> [[Int64]] {
        try noticeOthers(db)
        let revision = try Revision.next(db)
        catalog.revision = revision
        var links = try self.links.take() ?? LinkIndex(db)
        var calls = try CallTables(db)
        var rows: [[Int64]] = []
        for change in changes {
            rows.append(
                try change.sessions.map { try catalog.session($0.update, isSighted: $0.isSighted, db) }
            )
            for former in try former(of: change, db, links) { try retire(former, &calls, &links) }
            for kept in change.calls {
                _ = try insert(kept.entry, kept.price, isExpired: false, by: nil, &calls, &links)
            }
            for entry in change.expired { _ = try insert(entry, .none, isExpired: true, by: nil, &calls, &links) }
        }
        noteChanged(calls.changed)
        try writeSessions(try calls.writeSums(revision), to: db, revision)
        try links.flush(db)
        self.links = links
        return rows
    }

    /// The calls that a logged change takes away or replaces.
    ///
    /// An observation belongs to one call, so each of them shares an observation with a call of the change.
    private func former(of change: LoggedChange, _ db: Database, _ links: LinkIndex) throws -> [LedgerEntry] {
        let entries = change.calls.map(\.entry) + change.expired
        guard !entries.isEmpty else { return [] }
        let ids = Set(entries.map(\.call.id) + change.retired)
        let tables = LedgerTables(db: db, links: links, recent: recent)
        var found: [Int64: LedgerEntry] = [:]
        for entry in entries {
            for position in entry.observations.indices {
                let link = entry.observations[position].identifyingLink
                for former in try tables.entries(linkedBy: link, limit: .max) where ids.contains(former.call.id) {
                    found[former.ref] = former
                }
            }
        }
        return found.values.sorted { $0.ref < $1.ref }
    }

    /// Removes all calls and sessions, in the transaction that is open: what a log says from now on is everything.
    package mutating func removeAll(_ db: Database) throws {
        forget()
        for table in Self.tables { try db.execute(sql: "DELETE FROM \(table)") }
        try Revision.note(.none, db)
    }

    private static let tables = [
        "calls", "sessions", "models", "rollup", "rollup_days", "link_runs", "link_rows", "link_tail", "batches",
        "session_batches", "quality_blocks", "quality_owners",
    ]
}

extension CallPrice {
    /// That of a call that nothing has priced.
    static var none: CallPrice { CallPrice(cost: .zero, isPriced: false, computed: nil) }
}
