// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import GRDB
import GRDBSQLite
import Logging
import Synchronization
import Usage
import UsageDatabase

/// A database that is open: its connections, its checkpoints, and all that is remembered of it.
///
/// What is remembered belongs to one file: where another takes its place, there is another of these. Safe to use from any thread.
final class OpenDatabase: Sendable {
    let pool: DatabasePool
    /// The number by which the store is known again.
    let identity: UInt64
    let files: StoreFiles
    /// What summaries have read before.
    let memory = SummaryMemory()
    /// What questions about the quality of data have read before.
    let quality = QualityMemory()
    private let writer: Mutex<StoreWriter>
    private let checkpoints: Checkpoints
    private let log: LogSize

    init(
        _ opened: DatabaseFile.Opened,
        _ path: String,
        keepsRecords: Bool,
        _ limits: Checkpoints.Limits,
        commits: DispatchQueue,
        logger: Logger
    ) {
        (pool, identity, files) = (opened.pool, opened.identity, opened.files)
        writer = Mutex(StoreWriter(keepsRecords: keepsRecords))
        let checkpoints = Checkpoints(path, files, limits, commits: commits, logger: logger)
        self.checkpoints = checkpoints
        log = LogSize(pageSize: opened.pageSize, files: files, checkpoints: checkpoints)
        pool.writeWithoutTransaction { [log] in log.watch($0) }
    }

    // MARK: - Transactions

    /// Runs a transaction; what the writer remembers is dropped if it fails.
    func change<Value: Sendable>(
        _ work: @escaping @Sendable (Database, inout StoreWriter) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.write { [self] db in try run(work, db) }
        } catch {
            forget()
            throw error
        }
    }

    /// The same where the thread may block.
    func changeNow<Value: Sendable>(_ work: (Database, inout StoreWriter) throws -> Value) throws -> Value {
        do {
            return try pool.write { db in try run(work, db) }
        } catch {
            forget()
            throw error
        }
    }

    private func run<Value: Sendable>(_ work: (Database, inout StoreWriter) throws -> Value, _ db: Database) throws
        -> Value
    {
        try writer.withLock { writer in
            let value = try work(db, &writer)
            // Before the commit, so that no reader sees it without knowing what it changed.
            quality.note(writer.takeChanged(), in: try Revision.current(db))
            return value
        }
    }

    private func forget() {
        writer.withLock { $0.forget() }
        quality.forget()
    }

    /// Moves the whole log into the database and cuts it, if no reader is in the way.
    func cutLog() async throws {
        try await pool.writeWithoutTransaction { [files] db in
            try files.duringCheckpoint {
                let result = try db.checkpoint(.truncate)
                return result.walFrameCount == result.checkpointedFrameCount
            }
        }
    }

    /// Moves the whole log into the database, through the writer, whose log may have lost its name.
    ///
    /// - Throws: When not all of it could be moved.
    func saveLog() throws {
        try pool.writeWithoutTransaction { [files] db in
            try files.duringCheckpoint {
                let result = try db.checkpoint(.full)
                guard result.walFrameCount == result.checkpointedFrameCount else {
                    throw DatabaseError(resultCode: .SQLITE_BUSY, message: "readers are in the way")
                }
                return true
            }
        }
    }

    /// Whether the database has fewer pages than its first page says: others have cut it.
    func isTruncated() throws -> Bool {
        guard let header = pool.writeWithoutTransaction({ DatabaseHeader($0) }) else { return true }
        return try header.size > files.size()
    }

    /// Closes all connections; transactions and readers under way are waited for.
    ///
    /// - Parameter isWhole: Whether the log is moved into the database before, so that it is all in one file. SQLite itself does
    ///   so for the last connection only if that one writes, and the pool's last one only reads.
    func close(isWhole: Bool) {
        checkpoints.close()
        if isWhole {
            pool.writeWithoutTransaction { db in
                // Another program that uses the database is not waited for: the log is left to it.
                try? db.execute(sql: "PRAGMA busy_timeout = 0")
                _ = try? db.checkpoint(.passive)
                _ = try? db.checkpoint(.truncate)
            }
        }
        try? pool.close()
    }
}

/// The size of the log after each commit, as SQLite reports it to the connection that writes.
private final class LogSize: Sendable {
    private let pageSize: Int64
    private let files: StoreFiles
    private let checkpoints: Checkpoints

    init(pageSize: Int64, files: StoreFiles, checkpoints: Checkpoints) {
        (self.pageSize, self.files, self.checkpoints) = (pageSize, files, checkpoints)
    }

    /// Receives the commits of a connection, which must not outlive this.
    func watch(_ db: Database) {
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<LogSize>.fromOpaque(context).takeUnretainedValue().note(pages: Int(pages))
                return SQLITE_OK
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    /// A log has a head of 32 bytes, and one of 24 before each page.
    private func note(pages: Int) {
        files.committed(logSize: 32 + Int64(pages) * (24 + pageSize))
        checkpoints.noteCommit(pages: pages)
    }
}

/// The first bytes of a database file, read through SQLite's own descriptor: to close one of ours would take away its locks.
private struct DatabaseHeader {
    /// The size of the file as its first page has it.
    let size: Int64

    /// nil when the file has no such page any more.
    init?(_ db: Database) {
        var file: UnsafeMutablePointer<sqlite3_file>?
        let code = withUnsafeMutablePointer(to: &file) {
            sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, $0)
        }
        guard code == SQLITE_OK, let file, let read = file.pointee.pMethods?.pointee.xRead else { return nil }
        var bytes = [UInt8](repeating: 0, count: 100)
        guard read(file, &bytes, Int32(bytes.count), 0) == SQLITE_OK, bytes.starts(with: "SQLite format 3\0".utf8)
        else {
            return nil
        }
        func number(_ range: Range<Int>) -> Int64 { bytes[range].reduce(0) { $0 << 8 | Int64($1) } }
        // A page of 65,536 bytes is written as 1.
        let pageSize = number(16..<18) == 1 ? 65_536 : number(16..<18)
        size = number(28..<32) * pageSize
    }
}

/// Writes batches, and remembers between transactions what saves reading: the newest links and calls, the rows of sessions.
///
/// A transaction that fails leaves its traces in memory, so its caller must then call ``forget()``.
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

    /// Forgets how models are priced, because the transaction changes it.
    mutating func forgetModels() { catalog.forgetModels() }

    /// Notes that the transaction changed calls of some blocks.
    mutating func noteChanged(_ blocks: Set<Int64>) { changed.formUnion(blocks) }

    /// The blocks of calls that the transaction changed, noted until they are taken.
    mutating func takeChanged() -> Set<Int64> {
        defer { changed.removeAll() }
        return changed
    }

    /// Keeps batches, in the transaction that is open.
    ///
    /// - Returns: What became of each batch, and how many records are older than what compaction removed.
    mutating func write(_ batches: [Batch], to db: Database) throws -> (deliveries: [Delivery], refused: Int) {
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
        return (Delivery.each(of: batches, in: border.visible(change)), refused)
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
        let copied = batches.flatMap(\.copiedCalls)
        guard !copied.isEmpty || deliveries.contains(where: { !$0.isEmpty }) else { return (LedgerChange(), []) }
        // All that came in, not only what changed something: the bounds of a session must not depend on what came first.
        for delivery in deliveries {
            for position in delivery.indices { catalog.note(delivery[position]) }
        }
        let tables = LedgerTables(db: db, links: links, recent: recent)
        var change = try Ledger.absorb(deliveries, adopting: copied, into: tables)
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
