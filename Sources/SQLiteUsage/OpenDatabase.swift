// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import Dispatch
package import GRDB
import GRDBSQLite
package import Logging
import Synchronization
package import Usage
import UsageDatabase

/// A database that is open: its connections, its checkpoints, and all that is remembered of it.
///
/// What is remembered belongs to one file: where another takes its place, there is another of these. Safe to use from any thread.
package final class OpenDatabase: Sendable {
    let pool: DatabasePool
    /// The number by which the store is known again.
    package let identity: UInt64
    package let files: StoreFiles
    /// What summaries have read before.
    private let memory = SummaryMemory()
    /// What questions about the quality of data have read before.
    private let quality = QualityMemory()
    private let upkeep: QualityUpkeep
    private let writer = Mutex(StoreWriter())
    private let checkpoints: Checkpoints
    private let log: LogSize

    /// Takes over a database that was opened.
    ///
    /// - Parameters:
    ///   - commits: Where its transactions happen.
    ///   - packing: How many seconds after a change the sums of blocks of calls are packed.
    package init(
        _ opened: DatabaseFile.Opened,
        _ file: DatabaseFile,
        _ limits: Checkpoints.Limits,
        commits: DispatchQueue,
        logger: Logger,
        packing: Double = 10
    ) {
        (pool, identity, files) = (opened.pool, opened.identity, opened.files)
        let checkpoints = Checkpoints(file, files, limits, commits: commits, logger: logger)
        self.checkpoints = checkpoints
        log = LogSize(pageSize: opened.pageSize, files: files, checkpoints: checkpoints)
        upkeep = QualityUpkeep(delay: packing)
        pool.writeWithoutTransaction { [log] in log.watch($0) }
        // A database of an older version has none.
        upkeep.schedule(self)
    }

    // MARK: - Questions

    /// The cost of a period, by dimensions.
    package func summary(_ query: UsageQuery) async throws -> UsageSummary {
        try await pool.read { [memory] db in
            try SummaryReader(sums: DatabaseSums(db: db), query: query, memory: memory).run()
        }
    }

    /// A page of sessions.
    package func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try await pool.read { try SessionTable(db: $0).page(query) }
    }

    /// A session with its calls, and with the events that are in the database.
    package func session(id: String) async throws -> SessionDetail? {
        try await pool.read { try SessionTable(db: $0).detail(id: id) }
    }

    /// A counted call of a session with what it was made of, and the records that are in the database.
    ///
    /// - Parameter keepsRecords: Whether the store keeps records, in the database or elsewhere.
    package func call(_ id: UInt64, ofSession session: String, keepsRecords: Bool) async throws -> CallDetail? {
        try await pool.read { try SessionTable(db: $0).call(id, of: session, keepsRecords: keepsRecords) }
    }

    /// The counted calls of a range of time.
    package func calls(_ query: CallQuery) async throws -> [Call] {
        try await pool.read { try SessionTable(db: $0).calls(query) }
    }

    /// The counted calls of the blocks that changed since a reader asked last.
    package func changes(since cursor: UsageCursor?) async throws -> UsageChanges {
        try await pool.read { [quality] in try ChangesQuery(db: $0, cursor: cursor, memory: quality).run() }
    }

    /// How well the calls of a period are known.
    package func quality(of period: Period) async throws -> DataQuality {
        try await pool.read { [quality] in try QualityReader(QualityTables(db: $0), period, quality).run() }
    }

    /// The names of a dimension.
    package func names(of dimension: UsageDimension) async throws -> Set<String> {
        try await pool.read { [memory] in try memory.names(of: dimension, DatabaseSums(db: $0)) }
    }

    /// Models of counted calls without a price.
    package func unpricedModels() async throws -> [UnpricedModel] { try await pool.read(UnpricedQuery.run) }

    /// The number of the newest transaction.
    package func revision() async throws -> Int64 { try await pool.read(Revision.current) }

    /// A page of what the database keeps, see ``Contents``.
    package func contents(after cursor: StoreCursor?, limit: Int) async throws -> StorePage {
        try await pool.read { try Contents(db: $0, limit: limit).page(after: cursor) }
    }

    /// How much the database keeps.
    package func inventory() async throws -> StoreInventory {
        try await pool.read { try Contents(db: $0).inventory() }
    }

    /// Reads one state of the database where the thread may block.
    package func readNow<Value>(_ body: (Database) throws -> Value) throws -> Value { try pool.read(body) }

    // MARK: - Transactions

    /// Runs a transaction; what the writer remembers is dropped if it fails.
    package func change<Value: Sendable>(
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
    package func changeNow<Value: Sendable>(_ work: (Database, inout StoreWriter) throws -> Value) throws -> Value {
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
            let changed = writer.takeChanged()
            try QualityTables(db: db).remove(changed)
            // Before the commit, so that no reader sees it without knowing what it changed.
            quality.note(changed, in: try Revision.current(db))
            if !changed.isEmpty { upkeep.schedule(self) }
            return value
        }
    }

    /// Packs the sums of blocks of calls in a transaction of its own, which changes no answer.
    func packQuality(of blocks: [Int64]) throws {
        try pool.write { try QualityTables(db: $0).pack(blocks) }
        quality.forget(blocks)
    }

    private func forget() {
        writer.withLock { $0.forget() }
        quality.forget()
    }

    /// Moves the whole log into the database and cuts it, if no reader is in the way.
    package func cutLog() async throws {
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
    package func saveLog() throws {
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
    package func isTruncated() throws -> Bool {
        guard let header = pool.writeWithoutTransaction({ DatabaseHeader($0) }) else { return true }
        return try header.size > files.size()
    }

    /// Closes all connections; transactions and readers under way are waited for.
    ///
    /// - Parameter isWhole: Whether the log is moved into the database before, so that it is all in one file. SQLite itself does
    ///   so for the last connection only if that one writes, and the pool's last one only reads.
    package func close(isWhole: Bool) {
        upkeep.close()
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
