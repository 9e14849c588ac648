// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Dispatch
import Files
import OTLP
import Synchronization
import Usage

/// Keeps every batch as a line of JSON in plain files, and what it learned from them in memory.
///
/// Batches that arrive together are written and flushed to the disk as one before any of them is acknowledged. What the files hold
/// is read back at the start.
final class JSONLExporter: Exporter, UsageStore, HealthReporting {
    private let config: JSONLConfig
    private let settings: ComponentSettings
    private let calls: StorageCalls
    private let running = Mutex<Running?>(nil)
    /// Distinguishes this opening of the store from others (``Contents``).
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
        let failure: FileError? = await withCheckedContinuation { continuation in
            // Reading back may take a while and blocks.
            DispatchQueue.global().async { continuation.resume(returning: self.open()) }
        }
        if let failure { throw startError(failure) }
    }

    /// Opens the store; returns why it cannot be opened.
    private func open() -> FileError? {
        do throws(FileError) {
            let store = try JSONLStore(config, settings, calls)
            running.withLock { $0 = Running(store: store, queue: store.makeCommitQueue()) }
            return nil
        } catch {
            return error
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

    var trouble: String? { running.withLock { $0?.store.damage.trouble } }

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

    // MARK: - Prompt

    func summary(_ query: UsageQuery) async throws -> UsageSummary {
        try store().shelf.withLock { $0.book.summary(query) }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try store().shelf.withLock { $0.book.page(query) }
    }

    func calls(_ query: CallQuery) async throws -> [Call] {
        try store().shelf.withLock { $0.book.calls(query) }
    }

    func session(id: String) async throws -> SessionDetail? {
        let store = try store()
        let found = try store.shelf.withLock { contents -> (SessionDetail, [LineRef], [Int32: ReadableFile])? in
            guard let (detail, lines) = contents.book.detail(id: id) else { return nil }
            var files: [Int32: ReadableFile] = [:]
            // Opened here, so that a compaction cannot take them away before they are read.
            for part in Set(lines.map(\.part)) {
                files[part] = try contents.parts[part].flatMap { try ReadableFile.ifPresent($0.path) }
            }
            return (detail, lines, files)
        }
        guard let (known, lines, files) = found else { return nil }
        guard !lines.isEmpty else { return known }
        var detail = known
        let (events, damage) = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var reader = EventReader(session: id)
                let events = reader.read(lines, from: files)
                continuation.resume(returning: (events, reader.damage))
            }
        }
        if let damage {
            store.damage.note(damage)
            throw StoreError("a line with records of the session cannot be read; see the log for its file")
        }
        detail.events = events
        return detail
    }

    func quality(of period: Period) async throws -> DataQuality {
        try store().shelf.withLock { $0.book.quality(of: period) }
    }

    func changes(since cursor: UsageCursor?) async throws -> UsageChanges {
        try store().shelf.withLock { $0.book.changes(since: cursor) }
    }

    func contents(after cursor: StoreCursor?, limit: Int) async throws -> StorePage {
        try Contents(shelf: store().shelf, opening: opening, limit: limit).page(after: cursor)
    }

    func inventory() async throws -> StoreInventory { try Contents(shelf: store().shelf, opening: opening).inventory() }

    func names(of dimension: UsageDimension) async throws -> Set<String> {
        try store().shelf.withLock { $0.book.names(of: dimension) }
    }

    func unpricedModels() async throws -> [UnpricedModel] {
        try store().shelf.withLock { $0.book.unpricedModels() }
    }

    func reprice(by pricing: Pricing) async throws -> Int { try await store().reprice(by: pricing) }

    func revision() async throws -> Int64 { try store().shelf.withLock { $0.book.revision } }

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
