// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// Writes what the ledger has learned: observations, calls and, in the same transaction, the sums over them.
struct CallTables {
    let db: Database
    private var sums: [RollupKey: UsageTotals] = [:]

    /// One quarter of an hour in nanoseconds.
    static let quarter: Int64 = 900_000_000_000

    private struct RollupKey: Hashable {
        var quarter: Int64
        var session: Int64
        var model: Int64
    }

    init(_ db: Database) {
        self.db = db
    }

    /// Applies a change; calls are priced by `pricing`, and stay unpriced without one.
    mutating func apply(_ change: LedgerChange, pricing: Pricing?, _ catalog: inout Catalog) throws {
        let tables = LedgerTables(db: db)
        for former in change.replaced { try tables.unlink(former) }
        for observation in change.observations {
            try observation.insert(db)
            try tables.link(observation)
        }
        for call in change.retired { try retire(call) }
        for var call in change.calls {
            call.price = pricing?.price(call) ?? CallPrice(cost: .zero, isPriced: false, computed: nil)
            try insert(call, &catalog)
        }
        try writeSums()
    }

    private mutating func insert(_ call: Call, _ catalog: inout Catalog) throws {
        let session = try catalog.session(of: call)
        let model = try catalog.model(call.model, provider: call.provider)
        var statement = try SQLiteStatement(Call.insertion, db)
        statement.bind(call.time.nanoseconds)
        statement.bind(call.id)
        statement.bind(session)
        statement.bind(model)
        statement.bind(call.isCounted)
        let counts = call.counts
        for count in [
            counts.uncachedInput, counts.cacheRead, counts.cacheWrite5m, counts.cacheWrite1h, counts.output,
            counts.reasoning,
        ] {
            statement.bind(count)
        }
        statement.bind(call.knowsCacheLifetimes)
        statement.bind(call.price?.isPriced ?? false)
        statement.bind(call.price?.cost.nanodollars ?? 0)
        statement.bind(call.price?.computed?.nanodollars)
        statement.bind(call.reportedCost?.nanodollars)
        statement.bind(call.terms.isFast)
        statement.bind(call.terms.serviceTier)
        statement.bind(call.terms.geography)
        statement.bind(call.terms.webSearches)
        statement.bind(call.duration)
        statement.bind(call.error)
        statement.bind(call.sources.reduce(Int64(0)) { $0 | 1 << Int64($1.rawValue) })
        try statement.run()
        guard call.isCounted else { return }
        var totals = UsageTotals()
        totals.calls = 1
        totals.counts = counts
        totals.cost = call.price?.cost ?? .zero
        totals.unpricedCalls = call.price?.isPriced == true ? 0 : 1
        add(totals, at: call.time.nanoseconds, session, model)
    }

    private mutating func retire(_ call: Call) throws {
        var statement = try SQLiteStatement(
            """
            DELETE FROM calls WHERE time = ? AND id = ? RETURNING session, model, counted, priced, cost, uncached_input, cache_read, \
            cache_write_5m, cache_write_1h, output, reasoning
            """,
            db
        )
        statement.bind(call.time.nanoseconds)
        statement.bind(call.id)
        let former = try statement.rows { row in (row.int(0), row.int(1), row.bool(2), UsageTotals(retiring: row)) }
        for (session, model, isCounted, totals) in former where isCounted {
            add(totals, at: call.time.nanoseconds, session, model)
        }
    }

    private mutating func add(_ totals: UsageTotals, at time: Int64, _ session: Int64, _ model: Int64) {
        sums[RollupKey(quarter: time / Self.quarter, session: session, model: model), default: UsageTotals()] += totals
    }

    private mutating func writeSums() throws {
        for (key, totals) in sums {
            var statement = try SQLiteStatement(Self.addition, db)
            for number in [key.quarter, key.session, key.model, totals.calls, totals.unpricedCalls] {
                statement.bind(number)
            }
            let counts = totals.counts
            for count in [
                counts.uncachedInput, counts.cacheRead, counts.cacheWrite5m, counts.cacheWrite1h, counts.output,
                counts.reasoning,
            ] {
                statement.bind(count)
            }
            statement.bind(totals.cost.nanodollars)
            try statement.run()
            var removal = try SQLiteStatement(
                "DELETE FROM rollup WHERE quarter = ? AND session = ? AND model = ? AND calls = 0",
                db
            )
            for number in [key.quarter, key.session, key.model] { removal.bind(number) }
            if totals.calls <= 0 { try removal.run() }
        }
        sums.removeAll()
    }

    /// Adds to a row of sums; like every sum it stops at the largest number that can be held.
    private static let addition: String = {
        let figures = UsageTotals.columns.map { "\($0) = min(\($0) + excluded.\($0), \(Int64.max))" }
        return """
            INSERT INTO rollup (quarter, session, model, \(UsageTotals.columns.joined(separator: ", ")))
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (quarter, session, model) DO UPDATE SET \(figures.joined(separator: ", "))
            """
    }()
}

extension UsageTotals {
    /// What a call that is taken away had added, with the sign turned.
    fileprivate init(retiring row: SQLiteRow) {
        self.init()
        calls = -1
        unpricedCalls = row.bool(3) ? 0 : -1
        cost = Money(nanodollars: -row.int(4))
        counts = TokenCounts(
            uncachedInput: -row.int(5),
            cacheRead: -row.int(6),
            cacheWrite5m: -row.int(7),
            cacheWrite1h: -row.int(8),
            output: -row.int(9),
            reasoning: -row.int(10)
        )
    }
}

extension Call {
    /// The columns of a call in the order in which they are written.
    static let columns = """
        time, id, session, model, counted, uncached_input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, \
        knows_cache_lifetimes, priced, cost, computed_cost, reported_cost, fast, service_tier, geography, web_searches, duration, \
        error, sources
        """

    fileprivate static let insertion =
        "INSERT OR REPLACE INTO calls (\(columns)) VALUES (\(Array(repeating: "?", count: 23).joined(separator: ",")))"
}
