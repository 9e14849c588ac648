// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Dispatch
import Files
import SQLiteUsage
import Synchronization
import Usage

/// Keeps every batch as a line of JSON in plain files, and what it learned from them in an index beside them.
///
/// Batches that arrive together are written and flushed to the disk as one before any of them is acknowledged. The lines are
/// the truth: what the index lacks at a start is read from them.
final class JSONLExporter: Exporter, UsageStore, HealthReporting {
    private let config: JSONLConfig
    private let settings: ComponentSettings
    private let calls: StorageCalls
    private let running = Mutex<Running?>(nil)
    /// Distinguishes this opening of the store from others (``StoredLines``).
    private let opening = Int64.random(in: 1 ... .max)

    private struct Running {
        var store: JSONLStore
        var queue: CommitQueue
    }

    init(_ config: JSONLConfig, _ settings: ComponentSettings, _ calls: StorageCalls) {
        self.config = config
        self.settings = settings
        self.calls = calls
    }

    func start() async throws(StartError) {
        let failure: StartError? = await withCheckedContinuation { continuation in
            // Reading lines back may take a while and blocks.
            DispatchQueue.global().async { continuation.resume(returning: self.open()) }
        }
        if let failure { throw failure }
    }

    /// Opens the store; returns why it cannot be opened.
    private func open() -> StartError? {
        do {
            let store = try JSONLStore(config, settings, calls)
            running.withLock { $0 = Running(store: store, queue: store.makeCommitQueue()) }
            return nil
        } catch let error as FileError {
            return startError(error)
        } catch {
            let reason = StoreFault(error) { StoreFault.hasRoom(beside: config.path(home: settings.home)) }.reason
            return StartError(.inputOutput, "\(settings.id): the index of the lines cannot be opened: \(reason)")
        }
    }

    func shutdown() async {
        let former = running.withLock { running in
            defer { running = nil }
            return running
        }
        await former?.store.close()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) { _ = try await deliver(batch) }

    func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        guard let queue = running.withLock({ $0?.queue }) else { throw .retryable("\(settings.id) is not running") }
        return try await queue.submit(batch)
    }

    var storeIdentity: UInt64? { running.withLock { $0?.store.identity } }

    var trouble: String? { running.withLock { $0?.store.trouble } }

    /// The open store.
    private func store() throws -> JSONLStore {
        guard let store = running.withLock({ $0?.store }) else { throw StoreError("\(settings.id) is not running") }
        return store
    }

    private func startError(_ failure: FileError) -> StartError {
        if failure.isLocked {
            return StartError(
                .inputOutput,
                "\(settings.id): \(config.path(home: settings.home)) is in use by another process; stop it or name another path"
            )
        }
        let reason: StartError.Reason = failure.isPermission ? .permission : .inputOutput
        return StartError(reason, "\(settings.id): \(failure.path) cannot be used: \(failure.reason)")
    }

    // MARK: - Questions

    func summary(_ query: UsageQuery) async throws -> UsageSummary {
        try await store().answer { try await $0.summary(query) }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try await store().answer { try await $0.sessions(query) }
    }

    func calls(_ query: CallQuery) async throws -> [Call] {
        try await store().answer { try await $0.calls(query) }
    }

    func session(id: String) async throws -> SessionDetail? {
        let store = try store()
        return try await store.answer { index in
            guard var detail = try await index.session(id: id) else { return nil }
            detail.events = try await store.events(of: id, index)
            return detail
        }
    }

    func call(_ id: UInt64, ofSession session: String) async throws -> CallDetail? {
        let (store, keepsRecords) = (try store(), config.records == .all)
        return try await store.answer { index in
            guard var detail = try await index.call(id, ofSession: session, keepsRecords: keepsRecords) else {
                return nil
            }
            detail.records = try await store.records(for: detail.evidence, of: session, index)
            return detail
        }
    }

    func quality(of period: Period) async throws -> DataQuality {
        try await store().answer { try await $0.quality(of: period) }
    }

    func changes(since cursor: UsageCursor?) async throws -> UsageChanges {
        try await store().answer { try await $0.changes(since: cursor) }
    }

    func contents(after cursor: StoreCursor?, limit: Int) async throws -> StorePage {
        let store = try store()
        return try await store.answer { index in
            try await store.contents(after: cursor, limit: limit, opening: opening, index)
        }
    }

    func inventory() async throws -> StoreInventory { try await store().answer { try await $0.inventory() } }

    func names(of dimension: UsageDimension) async throws -> Set<String> {
        try await store().answer { try await $0.names(of: dimension) }
    }

    func unpricedModels() async throws -> [UnpricedModel] {
        try await store().answer { try await $0.unpricedModels() }
    }

    func reprice(by pricing: Pricing) async throws -> Int { try await store().reprice(by: pricing) }

    func revision() async throws -> Int64 {
        let store = try store()
        return try await store.answer { try await $0.revision() } &+ store.revisionBase
    }

    func compact(before instant: Timestamp) async throws -> Int { try await store().compact(before: instant) }
}

extension ComponentFactory {
    /// A store of JSON lines; files are opened at the start.
    public static let jsonl = jsonl(calls: .system)

    /// A store that reaches its files in another way.
    static func jsonl(calls: StorageCalls) -> ComponentFactory {
        .exporter(
            "jsonl",
            JSONLConfig.self,
            isStore: true,
            summary: "keeps calls, sessions and records as JSON lines and answers queries"
        ) { config, settings in JSONLExporter(config, settings, calls) }
    }
}
