// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Logging
import SQLiteUsage
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
    private let packing: Double
    private let state = Mutex<State?>(nil)
    /// Whether the last batch could not be kept.
    private let isFailing = Atomic(false)

    /// What there is while the exporter runs.
    private struct State {
        var commits: Commits
        var queue: CommitQueue
    }

    /// - Parameter packing: How many seconds after a change the sums of blocks of calls are packed.
    init(
        _ config: SQLiteConfig,
        _ settings: ComponentSettings,
        _ limits: Checkpoints.Limits = Checkpoints.Limits(),
        packing: Double = 10
    ) {
        self.config = config
        self.settings = settings
        self.limits = limits
        self.packing = packing
    }

    func start() async throws(StartError) {
        let file = DatabaseFile(path: config.path(home: settings.home))
        let commits = try Commits(file, keepsRecords: config.records == .all, settings, limits, packing)
        state.withLock { $0 = State(commits: commits, queue: commits.makeQueue()) }
    }

    func shutdown() async {
        let running = state.withLock { $0.take() }
        await running?.commits.close()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) { _ = try await deliver(batch) }

    func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        do throws(ConsumeError) {
            guard let queue = state.withLock({ $0?.queue }) else { throw .retryable("\(settings.id) is not running") }
            let delivery = try await queue.submit(batch)
            noteSuccess()
            return delivery
        } catch {
            note(error)
            throw error
        }
    }

    var storeIdentity: UInt64? { state.withLock { $0?.commits.identity } }

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

// MARK: - Queries

extension SQLiteExporter {
    func summary(_ query: UsageQuery) async throws -> UsageSummary {
        try await commits().answer { try await $0.summary(query) }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try await commits().answer { try await $0.sessions(query) }
    }

    func session(id: String) async throws -> SessionDetail? {
        try await commits().answer { try await $0.session(id: id) }
    }

    func call(_ id: UInt64, ofSession session: String) async throws -> CallDetail? {
        let keepsRecords = config.records == .all
        return try await commits().answer {
            try await $0.call(id, ofSession: session, keepsRecords: keepsRecords)
        }
    }

    func calls(_ query: CallQuery) async throws -> [Call] {
        try await commits().answer { try await $0.calls(query) }
    }

    func changes(since cursor: UsageCursor?) async throws -> UsageChanges {
        try await commits().answer { try await $0.changes(since: cursor) }
    }

    func contents(after cursor: StoreCursor?, limit: Int) async throws -> StorePage {
        try await commits().answer { try await $0.contents(after: cursor, limit: limit) }
    }

    func inventory() async throws -> StoreInventory { try await commits().answer { try await $0.inventory() } }

    var otherUser: String? {
        guard state.withLock({ $0 == nil }) else { return nil }
        return Contents.process(using: config.path(home: settings.home)).map { "process \($0)" }
    }

    func quality(of period: Period) async throws -> DataQuality {
        try await commits().answer { try await $0.quality(of: period) }
    }

    func names(of dimension: UsageDimension) async throws -> Set<String> {
        try await commits().answer { try await $0.names(of: dimension) }
    }

    func unpricedModels() async throws -> [UnpricedModel] {
        try await commits().answer { try await $0.unpricedModels() }
    }

    func revision() async throws -> Int64 {
        let commits = try commits()
        return try await commits.answer { try await $0.revision() } &+ commits.revisionBase
    }

    func reprice(by pricing: Pricing) async throws -> Int {
        try await commits().answer { database in
            var repricing = Repricing(by: pricing)
            while !repricing.isDone {
                try Task.checkCancellation()
                repricing = try await database.change { [repricing] db, writer in
                    var next = repricing
                    _ = try next.step(db, &writer)
                    return next
                }
            }
            return repricing.repriced
        }
    }

    func compact(before instant: Timestamp) async throws -> Int {
        try await commits().answer { database in
            var compaction = Compaction(before: instant, now: settings.now())
            while !compaction.isDone {
                try Task.checkCancellation()
                // Small steps, so that batches come in between.
                compaction = try await database.change { [compaction] db, writer in
                    var next = compaction
                    try next.step(db, &writer)
                    return next
                }
            }
            // What was given back leaves the file once the log is in it; if readers are in the way, the next checkpoint does it.
            try? await database.cutLog()
            return compaction.removed
        }
    }
}

extension ComponentFactory {
    /// A store in a SQLite file, which is opened at the start.
    public static let sqlite = ComponentFactory.exporter(
        "sqlite",
        SQLiteConfig.self,
        isStore: true,
        summary: "keeps calls, sessions and records in a SQLite file and answers queries"
    ) { config, settings in SQLiteExporter(config, settings) }
}
