// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import Logging
import OTLP
import Synchronization
import Usage

/// Keeps calls, observations, sessions and records in one SQLite file.
///
/// Batches that arrive together are kept in one transaction, flushed to the disk (`synchronous = FULL`) before any of them is
/// acknowledged. Readers see the state between two transactions.
final class SQLiteExporter: Exporter, UsageStore, HealthReporting {
    private let config: SQLiteConfig
    let settings: ComponentSettings
    private let limits: Checkpoints.Limits
    private let state = Mutex<State?>(nil)
    /// Whether the last batch could not be kept.
    private let isFailing = Atomic(false)

    /// What there is while the exporter runs.
    private struct State {
        var commits: Commits
        var queue: CommitQueue
    }

    init(_ config: SQLiteConfig, _ settings: ComponentSettings, _ limits: Checkpoints.Limits = Checkpoints.Limits()) {
        self.config = config
        self.settings = settings
        self.limits = limits
    }

    func start() async throws(StartError) {
        let file = DatabaseFile(path: config.path(home: settings.home))
        let commits = try Commits(file, keepsRecords: config.records == .all, settings, limits)
        state.withLock { $0 = State(commits: commits, queue: commits.makeQueue()) }
    }

    func shutdown() async {
        let running = state.withLock { $0.take() }
        await running?.commits.close()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        do throws(ConsumeError) {
            guard let queue = state.withLock({ $0?.queue }) else { throw .retryable("\(settings.id) is not running") }
            try await queue.submit(batch)
            settings.counters.add(batch.otlp.recordCount, to: .sent)
            noteSuccess()
        } catch {
            note(error)
            throw error
        }
    }

    var stores: Set<UInt64> { state.withLock { $0?.commits.identity.map { [$0] } ?? [] } }

    var trouble: String? { state.withLock { $0?.commits.trouble } }

    private func noteSuccess() {
        guard isFailing.load(ordering: .relaxed), isFailing.exchange(false, ordering: .relaxed) else { return }
        settings.logger.notice("the store can be written again")
    }

    private func note(_ error: ConsumeError) {
        // While it is closed by a reload nothing is wrong.
        guard state.withLock({ $0 != nil }) else { return }
        isFailing.store(true, ordering: .relaxed)
        settings.logger.error("the store cannot be written", metadata: ["reason": "\(error.message)"])
    }

    /// The transactions of the open database.
    func commits() throws -> Commits {
        guard let commits = state.withLock({ $0?.commits }) else { throw StoreError("\(settings.id) is not running") }
        return commits
    }
}
