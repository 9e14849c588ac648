// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Logging
import SendingQueue
import Usage
import UsageDatabase

/// Keeps calls, observations, sessions and records in a PostgreSQL database, which several collectors may share.
///
/// Batches that arrive together are kept in one transaction, committed (`synchronous_commit`) before any of them is acknowledged; with a
/// queue on the disk a batch is acknowledged when it is there. One connection writes, some read; readers see the state between two
/// transactions, of whichever collector they were. Safe to use from many tasks.
final class PostgreSQLExporter: Exporter, UsageStore, HealthReporting {
    private let config: PostgreSQLConfig
    let settings: ComponentSettings
    /// The client library; nil for the one that is installed.
    private let library: Libpq?
    private let keeping: BatchKeeping
    /// How other collectors of the database see this one.
    private let host: String
    private let version: String
    /// How often it says that it lives.
    private let announcement: Duration
    /// The queue in front of the database; nil without one.
    private let queue: QueuedExporter?

    init(
        _ config: PostgreSQLConfig,
        _ settings: ComponentSettings,
        host: String = "",
        version: String = "development",
        announcement: Duration = .seconds(30),
        library: Libpq? = nil
    ) {
        (self.config, self.settings, self.library) = (config, settings, library)
        (self.host, self.version, self.announcement) = (host, version, announcement)
        let keeping = BatchKeeping(settings)
        self.keeping = keeping
        queue =
            config.sendingQueue.enabled ? QueuedExporter(config, settings) { await keeping.keepAll($0) } : nil
    }

    func start() async throws(StartError) {
        let library =
            if let library { library } else { try Libpq.load(for: settings.id) }
        let database = SharedDatabase(config, library, settings)
        let identity = queue.map { _ in IdentityFile(config, settings) }
        let result = await database.onWriter { () -> Result<Void, StartError> in
            do throws(StartError) {
                // With a queue the database may be away: what comes in waits.
                return .success(try database.open(mayBeAway: identity != nil))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
        keeping.start(database, identity)
        keeping.collectors.start(every: announcement) { [host, version] in
            let others = try await database.duty { try $0.announce(host: host, version: version) }
            // What fails now is done the next time; until then the sums are read from their rows.
            _ = try? await database.pack()
            return others
        }
        do throws(StartError) {
            try await queue?.start()
        } catch {
            await keeping.stop()
            throw error
        }
        keeping.noteIdentity()
    }

    func shutdown() async {
        await queue?.shutdown()
        await keeping.stop()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) { _ = try await deliver(batch) }

    func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        guard let queue else { return try await keeping.keepNow(batch, config.retryOnFailure) }
        if let pricing = batch.pricing { settings.shared.provide(pricing) }
        try await queue.consume(batch)
        return .unkept
    }

    func adopt(_ batch: Batch) async throws(ConsumeError) {
        _ = try await keeping.keepNow(batch, config.retryOnFailure)
    }

    var queueing: (any Queueing)? { queue }

    var storeIdentity: UInt64? { keeping.identity }

    var trouble: String? { keeping.condition.trouble ?? queue?.trouble }
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

    func call(_ id: UInt64, ofSession session: String) async throws -> CallDetail? {
        let keepsRecords = config.records == .all
        return try await answer { connection, _ in
            try StoreReader(connection: connection).call(id, of: session, keepsRecords: keepsRecords)
        }
    }

    func calls(_ query: CallQuery) async throws -> [Call] {
        try await answer { connection, _ in try StoreReader(connection: connection).calls(query) }
    }

    func quality(of period: Period) async throws -> DataQuality {
        try await answer { connection, memory in
            try QualityReader(QualityTables(connection: connection), period, memory.quality).run()
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
        try await endUpkeep()
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
        try await endUpkeep()
        return compaction.removed
    }

    // MARK: - Duties

    func take(_ duty: StoreDuty) async throws -> StoreTerm? {
        let database = try database()
        let (isHeld, memo) = try await noting {
            try await database.duty { try $0.take(duty.rawValue, milliseconds: Duties.term) }
        }
        return isHeld ? StoreTerm(isShared: true, memo: memo) : nil
    }

    func leave(_ memo: [UInt8], of duty: StoreDuty) async throws -> Bool {
        let database = try database()
        return try await noting { try await database.duty { try $0.leave(memo, of: duty.rawValue) } }
    }

    func memo(of duty: StoreDuty) async throws -> [UInt8]? {
        try await answer { connection, _ in try Duties.memo(of: duty.rawValue, connection) }
    }

    var otherCollectors: [StoreCollector] { keeping.collectors.all }

    private func database() throws -> SharedDatabase {
        guard let database = keeping.database else { throw StoreError("\(settings.id) is not running") }
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
        return try await noting {
            while true {
                do {
                    return try await database.change(work)
                } catch let elsewhere as UpkeepElsewhere {
                    let host = elsewhere.host ?? "unknown"
                    settings.logger.debug("another collector does upkeep", metadata: ["host": "\(host)"])
                    try await Task.sleep(for: Self.upkeepPause)
                }
            }
        }
    }

    /// How long a collector waits before it asks again whether another one still does upkeep.
    private static let upkeepPause = Duration.milliseconds(500)

    private func endUpkeep() async throws {
        let database = try database()
        try await noting { try await database.duty { try $0.giveBack(Duties.upkeep) } }
    }

    private func noting<Value>(_ work: () async throws -> Value) async throws -> Value {
        do {
            let value = try await work()
            keeping.condition.noteRead()
            return value
        } catch let error as StoreError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let fault = PostgresFault(error)
            if keeping.condition.noteFailure(of: fault.isDamage ? .data : .reading, fault.reason) {
                settings.logger.error("the store cannot answer", metadata: ["reason": "\(fault.reason)"])
            }
            throw StoreError(fault.reason)
        }
    }
}

extension ComponentFactory {
    /// A store in a PostgreSQL database, which several collectors may share.
    ///
    /// - Parameters:
    ///   - host: The name of this machine, for the other collectors of the database.
    ///   - version: That of the program, for the same.
    public static func postgresql(host: String? = nil, version: String = "development") -> ComponentFactory {
        .exporter(
            "postgresql",
            PostgreSQLConfig.self,
            isStore: true,
            summary:
                "keeps calls, sessions and records in PostgreSQL, shared by several collectors, and answers queries"
        ) { config, settings in PostgreSQLExporter(config, settings, host: host ?? "", version: version) }
    }
}
