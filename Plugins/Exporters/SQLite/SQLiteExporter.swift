// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import CollectorKit
import FoundationEssentials
import GRDB
import OTLP
import Synchronization
import Usage

/// Keeps calls, observations, sessions and records in one SQLite file.
///
/// Batches that arrive together are kept in one transaction, flushed to the disk (`synchronous = FULL`) before any of them is
/// acknowledged. Readers see the state between two transactions.
final class SQLiteExporter: Exporter, UsageStore {
    private let config: SQLiteConfig
    private let settings: ComponentSettings
    private let database = Mutex<DatabasePool?>(nil)
    private let queue = Mutex<CommitQueue?>(nil)

    init(_ config: SQLiteConfig, _ settings: ComponentSettings) {
        self.config = config
        self.settings = settings
    }

    func start() async throws(StartError) {
        let pool = try DatabaseFile(path: config.path.path).open(id: settings.id)
        let keepsRecords = config.records == .all
        database.withLock { $0 = pool }
        queue.withLock {
            $0 = CommitQueue { batches in
                // A task of its own: a sender that gives up must not take the batches of others with it.
                await Task { await Self.commit(batches, to: pool, keepsRecords: keepsRecords) }.value
            }
        }
    }

    func shutdown() async {
        queue.withLock { $0 = nil }
        let pool = database.withLock { pool in
            defer { pool = nil }
            return pool
        }
        // Waits for the transaction under way; readers are interrupted.
        try? pool?.close()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        do throws(ConsumeError) {
            guard let queue = queue.withLock({ $0 }) else { throw .retryable("\(settings.id) is not running") }
            try await queue.submit(batch)
            settings.counters.add(batch.otlp.recordCount, to: .sent)
        } catch {
            settings.counters.add(batch.otlp.recordCount, to: .failed)
            throw error
        }
    }

    /// The open database.
    func pool() throws -> DatabasePool {
        guard let pool = database.withLock({ $0 }) else { throw StoreError("\(settings.id) is not running") }
        return pool
    }

    /// Keeps a group in one transaction; if that fails, each batch by itself, so that one cannot spoil the others.
    private static func commit(
        _ batches: [Batch],
        to pool: DatabasePool,
        keepsRecords: Bool
    ) async -> [Result<Void, ConsumeError>] {
        do {
            try await pool.write { db in try write(batches, to: db, keepsRecords: keepsRecords) }
            return batches.map { _ in .success(()) }
        } catch {
            let failure = ConsumeError(storing: error)
            guard batches.count > 1, !failure.isRetryable else { return batches.map { _ in .failure(failure) } }
            var results: [Result<Void, ConsumeError>] = []
            for batch in batches {
                results += await commit([batch], to: pool, keepsRecords: keepsRecords)
            }
            return results
        }
    }

    private static func write(_ batches: [Batch], to db: Database, keepsRecords: Bool) throws {
        var catalog = Catalog(db)
        let observations = batches.flatMap(\.observations)
        // All that came in, not only what changed something: the bounds of a session must not depend on what came first.
        for observation in observations { catalog.note(observation) }
        let change = try Ledger.absorb(observations, into: LedgerTables(db: db))
        var calls = CallTables(db)
        try calls.apply(change, pricing: batches.lazy.compactMap(\.pricing).last, &catalog)
        for batch in batches {
            let sessions = try batch.sessions.map { try catalog.session($0) }
            guard keepsRecords else { continue }
            var records = RecordTables(db)
            try records.insert(batch, sessions: sessions)
        }
        try catalog.flush()
    }
}

extension ConsumeError {
    /// What a failure of the database means to a sender: full disks and lost rights pass, everything else does not.
    init(storing error: any Error) {
        guard let error = error as? DatabaseError else {
            self = .retryable("the store is closing", after: 5)
            return
        }
        switch error.resultCode {
        case .SQLITE_FULL: self = .retryable("the disk of the store is full; free some space", after: 10)
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN:
            self = .retryable("the store cannot be written; check the rights of its file and folder", after: 10)
        case .SQLITE_IOERR, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_ABORT,
            .SQLITE_MISUSE:
            self = .retryable("the store cannot be written now (\(error.resultCode))", after: 5)
        default:
            self = .permanent("the store refuses the batch (\(error.resultCode))")
        }
    }
}
