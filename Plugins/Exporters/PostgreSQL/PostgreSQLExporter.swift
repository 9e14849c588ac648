// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Dispatch
import Logging
import OTLP
import Synchronization
import Usage
import UsageDatabase

/// Keeps calls, observations, sessions and records in a PostgreSQL database, which several collectors may share.
///
/// Batches that arrive together are kept in one transaction, committed (`synchronous_commit`) before any of them is acknowledged. One
/// connection writes, some read; readers see the state between two transactions, of whichever collector they were. Safe to use from
/// many tasks.
final class PostgreSQLExporter: Exporter, UsageStore, HealthReporting {
    private let config: PostgreSQLConfig
    let settings: ComponentSettings
    /// The client library; nil for the one that is installed.
    private let library: Libpq?
    private let state = Mutex<State?>(nil)
    private let condition = StoreCondition()

    /// What there is while the exporter runs.
    private struct State {
        var database: SharedDatabase
        var queue: CommitQueue
    }

    init(_ config: PostgreSQLConfig, _ settings: ComponentSettings, library: Libpq? = nil) {
        (self.config, self.settings, self.library) = (config, settings, library)
    }

    func start() async throws(StartError) {
        let library =
            if let library { library } else { try Libpq.load(for: settings.id) }
        let database = SharedDatabase(config, library, settings)
        let result = await database.onWriter { () -> Result<Void, StartError> in
            do throws(StartError) { return .success(try database.open()) } catch { return .failure(error) }
        }
        try result.get()
        state.withLock { $0 = State(database: database, queue: database.makeQueue()) }
    }

    func shutdown() async {
        let running = state.withLock { $0.take() }
        await running?.database.close()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) { _ = try await deliver(batch) }

    func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        let retry = config.retryOnFailure
        let end = DispatchTime.now() + .nanoseconds(Int(clamping: retry.maxElapsedTime.nanoseconds))
        var delay = max(1_000_000, retry.initialInterval.nanoseconds)
        while true {
            do throws(ConsumeError) {
                guard let queue = state.withLock({ $0?.queue }) else {
                    throw .retryable("\(settings.id) is not running")
                }
                let delivery = try await queue.submit(batch)
                if condition.noteWritten() { settings.logger.notice("the store can be written again") }
                return delivery
            } catch {
                guard error.isRetryable, retry.enabled, state.withLock({ $0 != nil }),
                    DispatchTime.now() + .nanoseconds(Int(clamping: delay)) < end,
                    (try? await Task.sleep(for: .nanoseconds(delay))) != nil
                else {
                    note(error)
                    throw error
                }
                delay = min(delay.saturatingAdding(delay), max(delay, retry.maxInterval.nanoseconds))
            }
        }
    }

    var storeIdentity: UInt64? { state.withLock { $0?.database.identity } }

    var trouble: String? { condition.trouble }

    private func note(_ error: ConsumeError) {
        // While it is closed by a reload nothing is wrong.
        guard state.withLock({ $0 != nil }) else { return }
        guard condition.noteFailure(of: .writing, error.message) else { return }
        settings.logger.error("the store cannot be written", metadata: ["reason": "\(error.message)"])
    }
}

// MARK: - Questions and upkeep

extension PostgreSQLExporter {
    func summary(_ query: UsageQuery) async throws -> UsageSummary {
        try await answer { connection, memory in
            try SummaryReader(sums: DatabaseSums(connection: connection), query: query, memory: memory.summaries).run()
        }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try await answer { connection, _ in try StoreReader(connection: connection).page(query) }
    }

    func session(id: String) async throws -> SessionDetail? {
        try await answer { connection, _ in try StoreReader(connection: connection).detail(id: id) }
    }

    func calls(_ query: CallQuery) async throws -> [Call] {
        try await answer { connection, _ in try StoreReader(connection: connection).calls(query) }
    }

    func quality(of period: Period) async throws -> DataQuality {
        try await answer { connection, memory in
            try StoreReader(connection: connection).quality(of: period, memory.quality)
        }
    }

    func changes(since cursor: UsageCursor?) async throws -> UsageChanges {
        try await answer { connection, memory in
            try StoreReader(connection: connection).changes(since: cursor, memory.quality)
        }
    }

    func names(of dimension: UsageDimension) async throws -> Set<String> {
        try await answer { connection, memory in
            try memory.summaries.names(of: dimension, DatabaseSums(connection: connection))
        }
    }

    func unpricedModels() async throws -> [UnpricedModel] {
        try await answer { connection, _ in try StoreReader(connection: connection).unpricedModels() }
    }

    func revision() async throws -> Int64 {
        try await answer { connection, _ in try StoreReader(connection: connection).revision() }
    }

    func reprice(by pricing: Pricing) async throws -> Int {
        var repricing = Repricing(by: pricing)
        while !repricing.isDone {
            try Task.checkCancellation()
            repricing = try await change { [repricing] transaction in
                var next = repricing
                try next.step(transaction)
                return next
            }
        }
        return repricing.repriced
    }

    func compact(before instant: Timestamp) async throws -> Int {
        var compaction = Compaction(before: instant, now: settings.now())
        while !compaction.isDone {
            try Task.checkCancellation()
            // Small steps, so that batches come in between, also those of other collectors.
            compaction = try await change { [compaction] transaction in
                var next = compaction
                try next.step(&transaction)
                return next
            }
        }
        return compaction.removed
    }

    private func database() throws -> SharedDatabase {
        guard let database = state.withLock({ $0?.database }) else { throw StoreError("\(settings.id) is not running") }
        return database
    }

    func answer<Answer: Sendable>(
        _ ask: @escaping @Sendable (PostgresConnection, StoreMemory) throws -> Answer
    ) async throws -> Answer {
        let database = try database()
        return try await noting { try await database.read(ask) }
    }

    /// Runs one step of upkeep in a transaction.
    private func change<Value: Sendable>(
        _ work: @escaping @Sendable (inout OpenTransaction) throws -> Value
    ) async throws -> Value {
        let database = try database()
        return try await noting { try await database.change(work) }
    }

    private func noting<Value>(_ work: () async throws -> Value) async throws -> Value {
        do {
            let value = try await work()
            condition.noteRead()
            return value
        } catch let error as StoreError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let fault = PostgresFault(error)
            if condition.noteFailure(of: fault.isDamage ? .data : .reading, fault.reason) {
                settings.logger.error("the store cannot answer", metadata: ["reason": "\(fault.reason)"])
            }
            throw StoreError(fault.reason)
        }
    }
}

extension ComponentFactory {
    /// A store in a PostgreSQL database, which several collectors may share.
    public static let postgresql = ComponentFactory.exporter(
        "postgresql",
        PostgreSQLConfig.self,
        isStore: true,
        summary: "keeps calls, sessions and records in PostgreSQL, shared by several collectors, and answers queries"
    ) { config, settings in PostgreSQLExporter(config, settings) }
}

/// What is wrong with a store; each sort of failure is logged at most once a minute.
///
/// Safe to use from any thread.
private final class StoreCondition: Sendable {
    private let state = Mutex(State())

    enum Work { case writing, reading, data }

    private struct State {
        var failures: [Work: String] = [:]
        var silenceEnds: [Work: DispatchTime] = [:]
    }

    /// The gravest failure; nil while all is well.
    var trouble: String? {
        state.withLock { $0.failures[.writing] ?? $0.failures[.data] ?? $0.failures[.reading] }
    }

    /// Notes a failure.
    ///
    /// - Returns: Whether it is to be logged.
    func noteFailure(of work: Work, _ reason: String) -> Bool {
        state.withLock { state in
            state.failures[work] = reason
            guard state.silenceEnds[work].map({ DispatchTime.now() >= $0 }) ?? true else { return false }
            state.silenceEnds[work] = .now() + 60
            return true
        }
    }

    /// Notes that a batch was kept.
    ///
    /// - Returns: Whether the one before was not.
    func noteWritten() -> Bool { state.withLock { $0.failures.removeValue(forKey: .writing) != nil } }

    /// Notes that a question was answered.
    func noteRead() { state.withLock { $0.failures[.reading] = nil } }
}
