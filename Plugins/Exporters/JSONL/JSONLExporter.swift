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
        let found = try store().shelf.withLock { contents -> (SessionDetail, SessionLines)? in
            guard let (detail, lines) = contents.book.detail(id: id) else { return nil }
            return (detail, try SessionLines(of: id, lines, in: contents.parts))
        }
        guard let found else { return nil }
        let lines = found.1
        var detail = found.0
        detail.events = try await read(lines) { $0.read($1, from: $2) }
        return detail
    }

    func call(_ id: UInt64, ofSession session: String) async throws -> CallDetail? {
        let keepsRecords = config.records == .all
        let found = try store().shelf.withLock { contents -> (CallDetail, SessionLines)? in
            guard let (detail, lines) = contents.book.call(id, of: session, keepsRecords: keepsRecords) else {
                return nil
            }
            return (detail, try SessionLines(of: session, lines, in: contents.parts))
        }
        guard let found else { return nil }
        let lines = found.1
        var detail = found.0
        let evidence = detail.evidence
        detail.records = try await read(lines) { $0.records(for: evidence, in: $1, from: $2) }
        return detail
    }

    /// The lines with records of a session, with their files.
    ///
    /// The files are opened with the state that names them, so that a compaction cannot take them away before they are read.
    private struct SessionLines: Sendable {
        let session: String
        let places: [LineRef]
        let files: [Int32: ReadableFile]

        init(of session: String, _ places: [LineRef], in parts: PartList) throws {
            (self.session, self.places) = (session, places)
            var files: [Int32: ReadableFile] = [:]
            for part in Set(places.map(\.part)) {
                files[part] = try parts[part].flatMap { try ReadableFile.ifPresent($0.path) }
            }
            self.files = files
        }
    }

    /// Reads lines on a thread that may block; a damaged line is noted and refused.
    private func read<Found: Sendable>(
        _ lines: SessionLines,
        _ read: @escaping @Sendable (inout EventReader, [LineRef], [Int32: ReadableFile]) -> [Found]
    ) async throws -> [Found] {
        guard !lines.places.isEmpty else { return [] }
        let (found, damage) = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var reader = EventReader(session: lines.session)
                let found = read(&reader, lines.places, lines.files)
                continuation.resume(returning: (found, reader.damage))
            }
        }
        if let damage {
            try store().damage.note(damage)
            throw StoreError("a line with records of the session cannot be read; see the log for its file")
        }
        return found
    }

    func quality(of period: Period) async throws -> DataQuality {
        try store().shelf.withLock { $0.book.quality(of: period) }
    }

    func changes(since cursor: UsageCursor?) async throws -> UsageChanges {
        try store().shelf.withLock { $0.book.changes(since: cursor) }
    }

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
