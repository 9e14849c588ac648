// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
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
            return try await database.pool.read { db in try SummaryReader(db: db, query: query, memory: memory).run() }
        }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try await commits().answer { try await $0.pool.read { db in try SessionTable(db: db).page(query) } }
    }

    func session(id: String) async throws -> SessionDetail? {
        try await commits().answer { try await $0.pool.read { db in try SessionTable(db: db).detail(id: id) } }
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
            return try await database.pool.read { db in try memory.names(of: dimension, db) }
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

/// Adds up a period from the sums by quarter of an hour.
struct SummaryReader {
    let db: Database
    let query: UsageQuery
    let memory: SummaryMemory

    func run() throws -> UsageSummary {
        var summary = UsageSummary(period: query.period)
        var tally = try memory.read(db, days: days, query.filter, query.period.clock) { contents, eachDay in
            var tally = SummaryTally(query, contents)
            try eachDay { tally.add($1, day: $0) }
            return tally
        }
        tally.write(to: &summary)
        if query.listsSessions { summary.sessions = try dearest(tally) }
        summary.activeSessions = try SessionTable(db: db).activeCount(at: query.now, query.filter)
        return summary
    }

    /// The days of the period in quarters of an hour.
    private var days: [Range<Int64>] {
        let borders = query.period.dayStarts.map { ($0.nanoseconds + CallTables.quarter - 1) / CallTables.quarter }
        return zip(borders, borders.dropFirst()).map { $0..<max($0, $1) }
    }

    /// The sessions with the largest costs; of equal ones those whose ids come first.
    private func dearest(_ tally: SummaryTally) throws -> [Session] {
        let limit = UsageSummary.maximumSessions
        var (chosen, tied) = tally.dearest(limit)
        if chosen.count + tied.count > limit { tied = try first(limit - chosen.count, of: tied) }
        chosen += tied
        var sessions = try memory.sessions(chosen.map { Int64($0.session) }, db)
        for (position, sum) in chosen.enumerated() { sessions[position]?.totals = sum.totals }
        let found = sessions.compactMap(\.self)
        // Places are sorted, not sessions: those are large.
        let order = found.indices.sorted {
            (found[$1].totals.cost, found[$0].id) < (found[$0].totals.cost, found[$1].id)
        }
        return order.map { found[$0] }
    }

    /// So many sessions of those that cost the same, in the order of their ids.
    private func first(_ count: Int, of tied: [DaySums.Session]) throws -> [DaySums.Session] {
        guard tied.count > Self.mostLookUps else {
            var named = try tied.map { (sum: $0, id: try id($0.session)) }
            named.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
            return named.prefix(count).map(\.sum)
        }
        // Of many the first are found soonest by going through all ids in their order.
        let sums = Dictionary(uniqueKeysWithValues: tied.map { (Int64($0.session), $0) })
        var found: [DaySums.Session] = []
        var statement = try SQLiteStatement("SELECT ref FROM sessions WHERE hidden = 0 ORDER BY id", db)
        try statement.forEachRow { row in
            if let sum = sums[row.int(0)] { found.append(sum) }
            return found.count < count
        }
        return found
    }

    /// How many ids are looked up one by one.
    private static let mostLookUps = 4_000

    private func id(_ ref: Int32) throws -> String {
        var statement = try SQLiteStatement("SELECT id FROM sessions WHERE ref = ?", db)
        statement.bind(Int64(ref))
        return try statement.first { $0.text(0) ?? "" } ?? ""
    }
}

/// Prices every call anew, a bounded step at a time.
struct Repricing: Sendable {
    private let pricing: Pricing
    private var last: Int64 = 0
    /// How many counted calls have another price now.
    private(set) var repriced = 0
    private(set) var isDone = false

    /// How many calls one step looks at.
    private static let stride = 2_000

    init(by pricing: Pricing) {
        self.pricing = pricing
    }

    /// Does the next step in the transaction that is open.
    ///
    /// - Returns: The blocks of calls that changed.
    mutating func step(_ db: Database) throws -> Set<Int64> {
        let revision = try Revision.next(db)
        var tables = try CallTables(db)
        let found = try calls(db)
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
        last = found.last?.ref ?? last
        isDone = found.count < Self.stride
        return tables.changed
    }

    private struct StoredCall {
        var ref: Int64
        var former: FormerCall
        var price: CallPrice
        var observations: [UInt8]
    }

    private func calls(_ db: Database) throws -> [StoredCall] {
        var statement = try SQLiteStatement(
            "SELECT \(FormerCall.columns), computed_cost, ref, witnesses FROM calls WHERE ref > ? ORDER BY ref LIMIT \(Self.stride)",
            db
        )
        statement.bind(last)
        return try statement.rows { row in
            let price = CallPrice(
                cost: try row.money(5),
                isPriced: row.bool(4),
                computed: row.optionalInt(12).map(Money.init(nanodollars:))
            )
            return StoredCall(
                ref: row.int(13),
                former: try FormerCall(row: row),
                price: price,
                observations: row.blob(14)
            )
        }
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
