// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import GRDB
import Logging
import OTLP
import Synchronization
import Usage
import UsageDatabase

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
        try await commits().answer { database in
            let memory = database.memory
            return try await database.pool.read { db in
                try SummaryReader(sums: DatabaseSums(db: db), query: query, memory: memory).run()
            }
        }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try await commits().answer { try await $0.pool.read { db in try SessionTable(db: db).page(query) } }
    }

    func session(id: String) async throws -> SessionDetail? {
        try await commits().answer { try await $0.pool.read { db in try SessionTable(db: db).detail(id: id) } }
    }

    func calls(_ query: CallQuery) async throws -> [Call] {
        try await commits().answer { try await $0.pool.read { db in try SessionTable(db: db).calls(query) } }
    }

    func changes(since cursor: UsageCursor?) async throws -> UsageChanges {
        try await commits().answer { database in
            let memory = database.quality
            return try await database.pool.read { db in
                try ChangesQuery(db: db, cursor: cursor, memory: memory).run()
            }
        }
    }

    func contents(after cursor: StoreCursor?, limit: Int) async throws -> StorePage {
        try await commits().answer { database in
            try await database.pool.read { db in try Contents(db: db, limit: limit).page(after: cursor) }
        }
    }

    func inventory() async throws -> StoreInventory {
        try await commits().answer { try await $0.pool.read { db in try Contents(db: db).inventory() } }
    }

    var otherUser: String? {
        guard state.withLock({ $0 == nil }) else { return nil }
        return Contents.process(using: config.path(home: settings.home)).map { "process \($0)" }
    }

    func quality(of period: Period) async throws -> DataQuality {
        try await commits().answer { database in
            let memory = database.quality
            return try await database.pool.read { db in try QualityQuery(db: db, period: period, memory: memory).run() }
        }
    }

    func names(of dimension: UsageDimension) async throws -> Set<String> {
        try await commits().answer { database in
            let memory = database.memory
            return try await database.pool.read { db in try memory.names(of: dimension, DatabaseSums(db: db)) }
        }
    }

    func unpricedModels() async throws -> [UnpricedModel] {
        try await commits().answer { try await $0.pool.read { db in try UnpricedQuery.run(db) } }
    }

    func revision() async throws -> Int64 {
        let commits = try commits()
        let current = try await commits.answer { try await $0.pool.read { db in try Revision.current(db) } }
        return current &+ commits.revisionBase
    }

    func reprice(by pricing: Pricing) async throws -> Int {
        try await commits().answer { database in
            var repricing = Repricing(by: pricing)
            while !repricing.isDone {
                try Task.checkCancellation()
                repricing = try await database.change { [repricing] db, writer in
                    var next = repricing
                    writer.noteChanged(try next.step(db))
                    if next.isDone { writer.forgetModels() }
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
                    writer.forget()
                    var next = compaction
                    writer.noteChanged(try next.step(db))
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

/// Prices the calls of all models again whose price may differ under a pricing, a bounded step at a time.
///
/// What is written meanwhile is priced by whatever its sender's pipeline says, behind what was looked at; so it is looked at, too.
struct Repricing: Sendable {
    private let pricing: Pricing
    private var last: Int64 = 0
    /// The models whose calls are looked at, each with the number of how they are priced afterwards; nil before the first step.
    private var models: [Int64: UInt64]?
    /// How many counted calls have another price now.
    private(set) var repriced = 0
    private(set) var isDone = false

    /// How many calls one step prices, and how many it goes through at most.
    private static let (stride, widestStride) = (2_000, 50_000)

    init(by pricing: Pricing) {
        self.pricing = pricing
    }

    /// Does the next step in the transaction that is open.
    ///
    /// - Returns: The blocks of calls that changed.
    mutating func step(_ db: Database) throws -> Set<Int64> {
        let revision = try Revision.next(db)
        let models = try self.models ?? ModelPricing.stale(by: pricing, db)
        self.models = models
        guard !models.isEmpty else {
            isDone = true
            return []
        }
        var tables = try CallTables(db)
        let (found, isLast) = try calls(of: models, db)
        for call in found {
            let observations = [Observation](stored: call.observations)
            guard let entry = observations.flatMap({ LedgerEntry(ref: call.ref, observations: $0) }) else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT,
                    message: "the observations of call \(call.ref) are damaged"
                )
            }
            let price = pricing.price(entry.call)
            guard price != call.price else { continue }
            try tables.reprice(call.ref, price, former: call.former)
            if call.former.isCounted { repriced += 1 }
        }
        try tables.writeSums(revision)
        if isLast { try finish(models, db) }
        return tables.changed
    }

    /// Notes how the calls of the models are priced now; models that others have begun to price in another way meanwhile come next.
    private mutating func finish(_ models: [Int64: UInt64], _ db: Database) throws {
        for (model, fingerprint) in models { try ModelPricing.set(fingerprint, ofModel: model, db) }
        self.models = try ModelPricing.stale(by: pricing, db)
        last = 0
        isDone = self.models?.isEmpty ?? true
    }

    private struct StoredCall {
        var ref: Int64
        var former: FormerCall
        var price: CallPrice
        var observations: [UInt8]
    }

    /// The next calls of some models, and whether there are no more.
    private mutating func calls(of models: [Int64: UInt64], _ db: Database) throws -> ([StoredCall], isLast: Bool) {
        var statement = try SQLiteStatement(
            "SELECT \(FormerCall.columns), computed_cost, ref, witnesses FROM calls WHERE ref > ? ORDER BY ref",
            db
        )
        statement.bind(last)
        var (found, count) = ([StoredCall](), 0)
        var isLast = true
        try statement.forEachRow { row in
            guard found.count < Self.stride, count < Self.widestStride else {
                isLast = false
                return false
            }
            (last, count) = (row.int(13), count + 1)
            guard models[row.int(2)] != nil else { return true }
            let price = CallPrice(
                cost: try row.money(5),
                isPriced: row.bool(4),
                computed: row.optionalInt(12).map(Money.init(nanodollars:))
            )
            found.append(
                StoredCall(ref: last, former: try FormerCall(row: row), price: price, observations: row.blob(14))
            )
            return true
        }
        return (found, isLast)
    }
}

/// Models of counted calls without a price; the newest of these calls is found by an index of them alone.
enum UnpricedQuery {
    static func run(_ db: Database) throws -> [UnpricedModel] {
        var statement = try SQLiteStatement(
            """
            SELECT m.name, sum(m.unpriced),
                max((SELECT max(c.time) FROM calls c WHERE c.model = m.ref AND c.counted = 1 AND c.priced = 0))
            FROM models m WHERE m.unpriced <> 0 GROUP BY m.name ORDER BY m.name
            """,
            db
        )
        let models = try statement.rows { row in
            UnpricedModel(
                model: row.text(0) ?? "",
                calls: try row.number(1),
                lastSeenAt: try row.time(2)
            )
        }
        return ListedNames.bounded(models)
    }
}
