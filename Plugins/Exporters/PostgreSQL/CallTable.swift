// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage
import UsageDatabase

/// Writes what the ledger has learned: calls with their observations and, in the same transaction, the sums over them.
///
/// Collects everything that a transaction changes, and writes each table with one statement of arrays: a row costs 6 µs of the server so,
/// 13 µs by statements of their own.
struct CallTable {
    private let connection: PostgresConnection
    private let border: CompactionBorder
    private var columns = CallColumns()
    private var removed: [Int64] = []
    private var links = (link: PostgresArray.ints(), kinds: PostgresArray.ints(), ref: PostgresArray.ints())
    private var sums: [SumsKey: UsageTotals] = [:]
    /// The blocks of calls that were added, removed or changed.
    var changed: Set<Int64> = []

    private struct SumsKey: Hashable, Comparable {
        var quarter: Int64
        var session: Int64
        var model: Int64

        static func < (left: SumsKey, right: SumsKey) -> Bool {
            (left.quarter, left.session, left.model) < (right.quarter, right.session, right.model)
        }
    }

    /// - Parameter border: Calls that ended before it are not counted.
    init(_ connection: PostgresConnection, _ border: CompactionBorder = .none) {
        (self.connection, self.border) = (connection, border)
    }

    /// Takes a call out of the sums; a call that stays in the table under its number is put in again.
    mutating func retire(_ call: LedgerReader.StoredCall, isRemoved: Bool) {
        changed.insert(QualityParts.block(of: call.entry.ref))
        if isRemoved { removed.append(call.entry.ref) }
        subtract(call.former)
    }

    /// Takes what a call added out of the sums.
    mutating func subtract(_ former: FormerCall) {
        guard former.isCounted else { return }
        add(former.totals, at: former.time, former.session, former.model)
    }

    /// Takes in a call under its number.
    ///
    /// - Parameters:
    ///   - former: What was under the number; nil for nothing.
    ///   - price: What it costs.
    mutating func put(
        _ entry: LedgerEntry,
        former: LedgerEntry?,
        _ price: CallPrice,
        session: Int64,
        model: Int64
    ) {
        let call = entry.call
        let isExpired = border.isExpired(call.time)
        let session = isExpired ? FormerCall.expired : session
        changed.insert(QualityParts.block(of: entry.ref))
        columns.append(entry, price, session, model)
        putLinks(of: entry, besides: former)
        guard call.isCounted, !isExpired else { return }
        var totals = UsageTotals()
        totals.calls = 1
        totals.counts = call.counts
        totals.cost = price.cost
        totals.unpricedCalls = price.isPriced ? 0 : 1
        add(totals, at: call.time.nanoseconds, session, model)
    }

    private mutating func putLinks(of entry: LedgerEntry, besides former: LedgerEntry?) {
        var known: Set<UInt64> = []
        former?.forEachLink { known.insert($0.rawValue) }
        entry.forEachLink { link in
            guard known.insert(link.rawValue).inserted else { return }
            links.link.append(Int64(bitPattern: (link.cell ?? link).rawValue))
            links.kinds.append(link.cell == nil ? 0 : Int64(link.kinds))
            links.ref.append(entry.ref)
        }
    }

    mutating func add(_ totals: UsageTotals, at time: Int64, _ session: Int64, _ model: Int64) {
        let key = SumsKey(quarter: time / QuarterHour.nanoseconds, session: session, model: model)
        sums[key, default: UsageTotals()] += totals
    }

    // MARK: - Writing

    /// Writes the calls and their links.
    mutating func writeCalls() throws {
        if !removed.isEmpty {
            try connection.run("DELETE FROM calls WHERE ref = ANY($1)", [.ints(removed.sorted())])
        }
        if columns.count > 0 { try connection.run(CallColumns.upsert, columns.values) }
        if links.ref.count > 0 {
            try connection.run(
                "INSERT INTO links (link, kinds, ref) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])",
                [links.link.value, links.kinds.value, links.ref.value]
            )
        }
        (removed, columns) = ([], CallColumns())
        links = (PostgresArray.ints(), PostgresArray.ints(), PostgresArray.ints())
    }

    /// Writes the sums by quarter of an hour and those of sessions, and which days and blocks changed.
    ///
    /// - Parameters:
    ///   - revision: The number of the transaction.
    ///   - marks: Whether the sessions count as changed: their newest model may be another one.
    mutating func writeSums(_ revision: Int64, marks: Bool = false) throws {
        try writeBlocks(revision)
        guard !sums.isEmpty else { return }
        let keys = sums.keys.sorted()
        var rows = SumsColumns(keys: 3)
        var emptied: [SumsKey] = []
        var sessions: [Int64: UsageTotals] = [:]
        var unpriced: [Int64: Int64] = [:]
        for key in keys {
            let totals = sums[key] ?? UsageTotals()
            rows.append([key.quarter, key.session, key.model], totals)
            if totals.calls <= 0 { emptied.append(key) }
            sessions[key.session, default: UsageTotals()] += totals
            if totals.unpricedCalls != 0 { unpriced[key.model, default: 0] += totals.unpricedCalls }
        }
        try connection.run(Self.rollupUpsert, rows.values)
        if !emptied.isEmpty { try removeEmpty(emptied) }
        var perSession = SumsColumns(keys: 1)
        for (session, totals) in sessions.sorted(by: { $0.key < $1.key }) { perSession.append([session], totals) }
        try connection.run(Self.sessionAddition, perSession.values + [.int(marks ? revision : 0)])
        let days = Set(keys.map { $0.quarter / QuarterHour.countOfDay })
        try connection.run(
            """
            INSERT INTO rollup_days (day, changed) SELECT day, $2 FROM unnest($1::bigint[]) day
            ON CONFLICT (day) DO UPDATE SET changed = excluded.changed
            """,
            [.ints(days.sorted()), .int(revision)]
        )
        try writeUnpriced(unpriced.filter { $0.value != 0 })
        sums.removeAll()
    }

    private mutating func writeBlocks(_ revision: Int64) throws {
        guard !changed.isEmpty else { return }
        try connection.run(
            """
            INSERT INTO call_blocks (block, changed) SELECT block, $2 FROM unnest($1::bigint[]) block
            ON CONFLICT (block) DO UPDATE SET changed = excluded.changed
            """,
            [.ints(changed.sorted()), .int(revision)]
        )
        changed = []
    }

    private func removeEmpty(_ keys: [SumsKey]) throws {
        try connection.run(
            """
            DELETE FROM rollup r USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS k (quarter, session, model)
            WHERE r.quarter = k.quarter AND r.session = k.session AND r.model = k.model AND r.calls = 0
            """,
            [.ints(keys.map(\.quarter)), .ints(keys.map(\.session)), .ints(keys.map(\.model))]
        )
    }

    private func writeUnpriced(_ unpriced: [Int64: Int64]) throws {
        guard !unpriced.isEmpty else { return }
        let models = unpriced.keys.sorted()
        try connection.run(
            """
            UPDATE models m SET unpriced = m.unpriced + u.calls FROM unnest($1::bigint[], $2::bigint[]) AS u (ref, calls)
            WHERE m.ref = u.ref
            """,
            [.ints(models), .ints(models.map { unpriced[$0] ?? 0 })]
        )
    }

    private static let rollupUpsert = """
        INSERT INTO rollup AS r (quarter, session, model, \(UsageTotals.list)) SELECT * FROM unnest(\(SumsColumns.arrays(12)))
        ON CONFLICT (quarter, session, model) DO UPDATE SET \(UsageTotals.addition("r", "excluded"))
        """

    private static let sessionAddition = """
        UPDATE sessions s SET changed = greatest(s.changed, $11), \(UsageTotals.addition("s", "u"))
        FROM unnest(\(SumsColumns.arrays(10))) AS u (ref, \(UsageTotals.list)) WHERE s.ref = u.ref
        """
}

/// Rows of sums with their keys as arrays.
private struct SumsColumns {
    private var arrays: [PostgresArray]
    private let keys: Int

    init(keys: Int) {
        self.keys = keys
        arrays = (0..<keys + UsageTotals.columns.count).map { _ in PostgresArray.ints() }
    }

    mutating func append(_ key: [Int64], _ totals: UsageTotals) {
        for (place, number) in (key + totals.figures).enumerated() { arrays[place].append(number) }
    }

    var values: [PostgresValue] { arrays.map(\.value) }

    static func arrays(_ count: Int) -> String { (1...count).map { "$\($0)::bigint[]" }.joined(separator: ", ") }
}

/// The columns of calls as arrays.
private struct CallColumns {
    private(set) var count = 0
    private var numbers = numberNames.map { _ in PostgresArray.ints() }
    private var error = PostgresArray.texts()
    private var observations = PostgresArray.blobs()

    private static let numberNames = [
        "ref", "time", "id", "session", "model", "counted", "uncached_input", "cache_read", "cache_write_5m",
        "cache_write_1h", "output", "reasoning", "knows_cache_lifetimes", "priced", "cost", "computed_cost",
        "reported_cost", "duration", "sources", "observation_count", "weakly_joined",
    ]

    mutating func append(_ entry: LedgerEntry, _ price: CallPrice, _ session: Int64, _ model: Int64) {
        let call = entry.call
        count += 1
        let figures: [Int64?] = [
            entry.ref, call.time.nanoseconds, Int64(bitPattern: call.id), session, model, call.isCounted ? 1 : 0,
            call.counts.uncachedInput, call.counts.cacheRead, call.counts.cacheWrite5m, call.counts.cacheWrite1h,
            call.counts.output, call.counts.reasoning, call.knowsCacheLifetimes ? 1 : 0, price.isPriced ? 1 : 0,
            price.cost.nanodollars, price.computed?.nanodollars, call.reportedCost?.nanodollars, call.duration,
            Observation.Source.bits(of: call.sources), Int64(call.observationCount),
            call.isWeaklyJoined ? 1 : 0,
        ]
        for (place, figure) in figures.enumerated() { numbers[place].append(figure) }
        error.append(call.error)
        observations.append(entry.observations.encoded)
    }

    var values: [PostgresValue] { numbers.map(\.value) + [error.value, observations.value] }

    static let upsert: String = {
        let names = numberNames + ["error", "observations"]
        let arrays =
            numberNames.indices.map { "$\($0 + 1)::bigint[]" }
            + ["$\(numberNames.count + 1)::text[]", "$\(numberNames.count + 2)::bytea[]"]
        return """
            INSERT INTO calls (\(names.joined(separator: ", "))) SELECT * FROM unnest(\(arrays.joined(separator: ", ")))
            ON CONFLICT (ref) DO UPDATE SET \(names.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            """
    }()
}

extension UsageTotals {
    /// Adds the figures of one row to those of another; like every sum it stops at the largest number that can be held.
    ///
    /// A sum that stopped there goes to zero at least when calls go. One that is negative already is damage and stays so, for its reader.
    static func addition(_ row: String, _ other: String) -> String {
        columns.map { column in
            let (have, more) = ("\(row).\(column)", "\(other).\(column)")
            return """
                \(column) = CASE WHEN \(more) < 0 THEN greatest(\(have) + \(more), least(\(have), 0))
                    WHEN \(have) > \(Int64.max) - \(more) THEN \(Int64.max) ELSE \(have) + \(more) END
                """
        }.joined(separator: ", ")
    }
}
