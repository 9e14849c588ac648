// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import Usage
import UsageDatabase

/// Writes what the ledger has learned: calls with their observations and, in the same transaction, the sums over them.
struct CallTables {
    let db: Database
    private var insertion: SQLiteStatement
    /// What is bound to it already.
    private var bound = BoundValues()
    /// The observations of a call as they are written, again and again in the same memory.
    private var observations: [UInt8] = []
    private var sums: [RollupKey: UsageTotals] = [:]
    private let border: CompactionBorder
    /// The blocks of calls that were added, removed or changed.
    private(set) var changed: Set<Int64> = []

    /// The newest of ``changed``: new calls are in one block, mostly.
    private var latestChanged: Int64 = -1
    /// The rows of the origins of the latest calls: calls that come together share a few.
    private var recent: [Rows] = []
    private var next = 0

    private struct Rows {
        let origin: SharedOrigin
        let pricing: Pricing?
        let session: Int64
        let model: Int64
    }

    private static let recentCapacity = 8

    /// One quarter of an hour in nanoseconds.
    static let quarter = QuarterHour.nanoseconds

    private struct RollupKey: Hashable {
        var quarter: Int64
        var session: Int64
        var model: Int64
    }

    /// Creates the writer of a transaction.
    ///
    /// - Parameter border: Calls that ended before it are removed by ``removeOld(_:)``.
    init(_ db: Database, _ border: CompactionBorder = .none) throws {
        self.db = db
        self.border = border
        insertion = try SQLiteStatement(Call.insertion, db)
    }

    /// Removes a call with what it had added to the sums.
    mutating func retire(_ entry: LedgerEntry) throws {
        var statement = try SQLiteStatement("DELETE FROM calls WHERE ref = ? \(Self.returning)", db)
        statement.bind(entry.ref)
        changed.insert(QualityParts.block(of: entry.ref))
        try subtract(statement.rows(FormerCall.init(row:)))
    }

    /// Takes the calls of a range of rows that ended before the border out of the answers, and removes those that nothing can be
    /// told from any more.
    ///
    /// - Returns: How many were in answers before.
    mutating func removeOld(_ rows: ClosedRange<Int64>) throws -> Int {
        var statement = try SQLiteStatement(
            "SELECT \(FormerCall.columns), ref, witnesses FROM calls WHERE ref BETWEEN ? AND ? AND time < ?",
            db
        )
        statement.bind(rows.lowerBound)
        statement.bind(rows.upperBound)
        statement.bind(border.instant.nanoseconds)
        let old = try statement.rows { row in
            // What cannot be read is recognised by nothing.
            let isForgotten = [Observation](stored: row.blob(13)).map(border.isForgotten) ?? true
            return (former: try FormerCall(row: row), ref: row.int(12), isForgotten: isForgotten)
        }
        for call in old where call.isForgotten || !call.former.isExpired {
            var change = try SQLiteStatement(
                call.isForgotten
                    ? "DELETE FROM calls WHERE ref = ?"
                    : "UPDATE calls SET session = \(FormerCall.expired) WHERE ref = ?",
                db
            )
            change.bind(call.ref)
            try change.run()
            changed.insert(QualityParts.block(of: call.ref))
        }
        subtract(old.map(\.former))
        return old.count { !$0.former.isExpired }
    }

    /// Gives a call another price.
    ///
    /// - Parameter former: What it had added to the sums, with the sign turned.
    mutating func reprice(_ ref: Int64, _ price: CallPrice, former: FormerCall) throws {
        var statement = try SQLiteStatement(
            "UPDATE calls SET priced = ?, cost = ?, computed_cost = ? WHERE ref = ?",
            db
        )
        statement.bind(price.isPriced)
        statement.bind(price.cost.nanodollars)
        statement.bind(price.computed?.nanodollars)
        statement.bind(ref)
        try statement.run()
        changed.insert(QualityParts.block(of: ref))
        guard former.isCounted else { return }
        var change = UsageTotals()
        change.unpricedCalls = former.totals.unpricedCalls + (price.isPriced ? 0 : 1)
        change.cost = former.totals.cost + price.cost
        add(change, at: former.time, former.session, former.model)
    }

    private mutating func subtract(_ former: [FormerCall]) {
        for call in former where call.isCounted { add(call.totals, at: call.time, call.session, call.model) }
    }

    /// Writes a call.
    ///
    /// - Parameters:
    ///   - isExpired: Whether it is only kept to be recognised.
    ///   - pricing: By what it was priced; nil when that is not known.
    /// - Returns: The number of its row.
    mutating func insert(
        _ entry: borrowing LedgerEntry,
        _ price: CallPrice,
        isExpired: Bool,
        by pricing: Pricing?,
        _ catalog: inout Catalog
    ) throws -> Int64 {
        let (session, model) = try rows(of: entry, isExpired: isExpired, by: pricing, &catalog)
        observations.removeAll(keepingCapacity: true)
        for position in entry.observations.indices { entry.observations[position].encode(into: &observations) }
        bind(entry.call, price, session, model)
        try observations.withUnsafeBytes { try insertion.run(endingWith: $0) }
        if entry.call.isCounted, !isExpired {
            var totals = UsageTotals()
            totals.calls = 1
            totals.counts = entry.call.counts
            totals.cost = price.cost
            totals.unpricedCalls = price.isPriced ? 0 : 1
            add(totals, at: entry.call.time.nanoseconds, session, model)
        }
        let ref = insertion.lastInsertedRow
        let block = QualityParts.block(of: ref)
        if block != latestChanged {
            latestChanged = block
            changed.insert(block)
        }
        return ref
    }

    /// The rows of a call's session and model.
    private mutating func rows(
        of entry: borrowing LedgerEntry,
        isExpired: Bool,
        by pricing: Pricing?,
        _ catalog: inout Catalog
    ) throws -> (session: Int64, model: Int64) {
        if !isExpired {
            for position in recent.indices
            where recent[position].origin.isIdentical(to: entry.call.origin) && recent[position].pricing === pricing {
                return (recent[position].session, recent[position].model)
            }
        }
        let session = isExpired ? FormerCall.expired : try catalog.session(of: entry.call, db)
        let model = try catalog.model(entry.call.model, provider: entry.call.provider, by: pricing, db)
        // A call without a session reports something of the row that stands for it, each time.
        guard !isExpired, entry.call.session != nil else { return (session, model) }
        let rows = Rows(origin: entry.call.origin, pricing: pricing, session: session, model: model)
        if recent.count < Self.recentCapacity {
            recent.append(rows)
        } else {
            recent[next] = rows
            next = (next + 1) % Self.recentCapacity
        }
        return (session, model)
    }

    private mutating func bind(_ call: borrowing Call, _ price: CallPrice, _ session: Int64, _ model: Int64) {
        bound.begin()
        bound.bind(call.time.nanoseconds, to: &insertion)
        bound.bind(Int64(bitPattern: call.id), to: &insertion)
        bound.bind(session, to: &insertion)
        bound.bind(model, to: &insertion)
        bound.bind(call.isCounted ? 1 : 0, to: &insertion)
        bound.bind(call.counts.uncachedInput, to: &insertion)
        bound.bind(call.counts.cacheRead, to: &insertion)
        bound.bind(call.counts.cacheWrite5m, to: &insertion)
        bound.bind(call.counts.cacheWrite1h, to: &insertion)
        bound.bind(call.counts.output, to: &insertion)
        bound.bind(call.counts.reasoning, to: &insertion)
        bound.bind(call.knowsCacheLifetimes ? 1 : 0, to: &insertion)
        bound.bind(price.isPriced ? 1 : 0, to: &insertion)
        bound.bind(price.cost.nanodollars, to: &insertion)
        bound.bind(price.computed?.nanodollars, to: &insertion)
        bound.bind(call.reportedCost?.nanodollars, to: &insertion)
        bound.bind(call.duration, to: &insertion)
        bound.bind(Observation.Source.bits(of: call.sources), to: &insertion)
        bound.bind(Int64(call.observationCount), to: &insertion)
        bound.bind(call.isWeaklyJoined ? 1 : 0, to: &insertion)
        insertion.bind(call.error)
    }

    private mutating func add(_ totals: UsageTotals, at time: Int64, _ session: Int64, _ model: Int64) {
        sums[RollupKey(quarter: time / Self.quarter, session: session, model: model), default: UsageTotals()] += totals
    }

    /// Adds what was written and removed to the sums by quarter of an hour and to those of sessions.
    ///
    /// - Parameter revision: The number of the transaction.
    /// - Returns: The sessions whose sums changed.
    @discardableResult mutating func writeSums(_ revision: Int64) throws -> Set<Int64> {
        var sessions: [Int64: UsageTotals] = [:]
        var days: Set<Int64> = []
        var unpriced: [Int64: Int64] = [:]
        for (key, totals) in sums {
            try write(totals, at: key)
            sessions[key.session, default: UsageTotals()] += totals
            days.insert(key.quarter / Self.quartersOfDay)
            if totals.unpricedCalls != 0 { unpriced[key.model, default: 0] += totals.unpricedCalls }
        }
        for (session, totals) in sessions {
            let figures = totals.figures
            let isGrowing = figures.allSatisfy { $0 >= 0 }
            var statement = try SQLiteStatement(isGrowing ? Self.sessionAddition : Self.sessionSubtraction, db)
            for figure in figures { statement.bind(figure) }
            statement.bind(session)
            try statement.run()
        }
        for day in days {
            var statement = try SQLiteStatement("INSERT OR REPLACE INTO rollup_days (day, changed) VALUES (?, ?)", db)
            statement.bind(day)
            statement.bind(revision)
            try statement.run()
        }
        for (model, calls) in unpriced where calls != 0 {
            var statement = try SQLiteStatement("UPDATE models SET unpriced = unpriced + ? WHERE ref = ?", db)
            statement.bind(calls)
            statement.bind(model)
            try statement.run()
        }
        sums.removeAll()
        return Set(sessions.keys)
    }

    private func write(_ totals: UsageTotals, at key: RollupKey) throws {
        let figures = totals.figures
        let isGrowing = figures.allSatisfy { $0 >= 0 }
        var statement = try SQLiteStatement(isGrowing ? Self.addition : Self.subtraction, db)
        for number in [key.quarter, key.session, key.model] + figures { statement.bind(number) }
        try statement.run()
        guard totals.calls <= 0 else { return }
        var removal = try SQLiteStatement(
            "DELETE FROM rollup WHERE quarter = ? AND session = ? AND model = ? AND calls = 0",
            db
        )
        for number in [key.quarter, key.session, key.model] { removal.bind(number) }
        try removal.run()
    }

    /// How many quarters of an hour a day has.
    static let quartersOfDay = QuarterHour.countOfDay

    private static let returning = "RETURNING \(FormerCall.columns)"

    private static let rollupInsertion = """
        INSERT INTO rollup (quarter, session, model, \(UsageTotals.list)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (quarter, session, model) DO UPDATE SET
        """

    private static let addition = "\(rollupInsertion) \(UsageTotals.addition { "excluded.\($0)" })"
    private static let subtraction = "\(rollupInsertion) \(UsageTotals.subtraction { "excluded.\($0)" })"

    private static let sessionAddition = "UPDATE sessions SET \(UsageTotals.addition { _ in "?" }) WHERE ref = ?"
    private static let sessionSubtraction = "UPDATE sessions SET \(UsageTotals.subtraction { _ in "?" }) WHERE ref = ?"
}

extension Call {
    /// The columns of a call in the order in which they are written.
    private static let columns = """
        time, id, session, model, counted, uncached_input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, \
        knows_cache_lifetimes, priced, cost, computed_cost, reported_cost, duration, sources, witness_count, \
        weakly_joined, error, witnesses
        """

    fileprivate static let insertion =
        "INSERT INTO calls (\(columns)) VALUES (\(Array(repeating: "?", count: 22).joined(separator: ",")))"
}

/// The numbers that the last run of a statement had: what is still there is not bound again, which a dozen of a call's columns are.
private struct BoundValues {
    private var values: [Int64?] = []
    private var position = 0

    /// Begins with the first value of the next run.
    mutating func begin() { position = 0 }

    /// Binds the next value; it must not come after one that is bound otherwise.
    mutating func bind(_ value: Int64?, to statement: inout SQLiteStatement) {
        defer { position += 1 }
        guard position < values.count else {
            values.append(value)
            return statement.bind(value)
        }
        if values[position] == value {
            statement.skip()
        } else {
            values[position] = value
            statement.bind(value)
        }
    }
}
