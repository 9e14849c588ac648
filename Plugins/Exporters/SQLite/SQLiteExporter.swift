// SPDX-License-Identifier: Apache-2.0

import CollectorKit
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
    private let state = Mutex<State?>(nil)
    /// What summaries have read before.
    let memory = SummaryMemory()

    /// What there is while the exporter runs.
    private struct State {
        var commits: Commits
        var queue: CommitQueue
    }

    init(_ config: SQLiteConfig, _ settings: ComponentSettings) {
        self.config = config
        self.settings = settings
    }

    func start() async throws(StartError) {
        let pool = try DatabaseFile(path: config.path(home: settings.home)).open(id: settings.id)
        let commits = Commits(pool: pool, keepsRecords: config.records == .all)
        state.withLock { $0 = State(commits: commits, queue: commits.makeQueue()) }
    }

    func shutdown() async {
        let running = state.withLock { $0.take() }
        // Waits for the transaction under way; readers are interrupted.
        try? running?.commits.pool.close()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        do throws(ConsumeError) {
            guard let queue = state.withLock({ $0?.queue }) else { throw .retryable("\(settings.id) is not running") }
            try await queue.submit(batch)
            settings.counters.add(batch.otlp.recordCount, to: .sent)
        } catch {
            settings.counters.add(batch.otlp.recordCount, to: .failed)
            throw error
        }
    }

    /// The transactions of the open database.
    func commits() throws -> Commits {
        guard let commits = state.withLock({ $0?.commits }) else { throw StoreError("\(settings.id) is not running") }
        return commits
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
