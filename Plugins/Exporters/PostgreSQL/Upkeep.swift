// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage
import UsageDatabase

/// Prices the calls again of all models that a pricing may price otherwise than they are, a bounded step at a time.
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
    private static let (stride, widestStride) = (2_000, Int64(50_000))

    init(by pricing: Pricing) { self.pricing = pricing }

    /// Does the next step in the transaction that is open.
    mutating func step(_ transaction: OpenTransaction) throws {
        let connection = transaction.connection
        let models = try self.models ?? ModelPricing.stale(by: pricing, connection)
        self.models = models
        guard !models.isEmpty else { return isDone = true }
        let bound = last + Self.widestStride
        let rows = try connection.run(
            """
            SELECT \(FormerCall.columns), computed_cost, ref, observations FROM calls
            WHERE ref > $1 AND ref <= $3 AND model = ANY($2) ORDER BY ref LIMIT \(Self.stride)
            """,
            [.int(last), .ints(models.keys.sorted()), .int(bound)]
        )
        var calls = CallTable(connection)
        var (refs, priced, costs, computed) = ([Int64](), [Int64](), [Int64](), PostgresArray.ints())
        for row in rows.all {
            let ref = row.int(13)
            last = ref
            guard let observations = [Observation](stored: row.blob(14)),
                let entry = LedgerEntry(ref: ref, observations: observations)
            else { throw PostgresError.damage("the observations of call \(ref) are damaged") }
            let former = CallPrice(
                cost: try row.money(5),
                isPriced: row.bool(4),
                computed: row.optionalInt(12).map(Money.init(nanodollars:))
            )
            let price = pricing.price(entry.call)
            guard price != former else { continue }
            let call = try FormerCall(row: row)
            refs.append(ref)
            priced.append(price.isPriced ? 1 : 0)
            costs.append(price.cost.nanodollars)
            computed.append(price.computed?.nanodollars)
            calls.changed.insert(QualityParts.block(of: ref))
            guard call.isCounted else { continue }
            repriced += 1
            var change = UsageTotals()
            change.unpricedCalls = call.totals.unpricedCalls + (price.isPriced ? 0 : 1)
            change.cost = call.totals.cost + price.cost
            calls.add(change, at: call.time, call.session, call.model)
        }
        if !refs.isEmpty {
            try connection.run(
                """
                UPDATE calls c SET priced = u.priced, cost = u.cost, computed_cost = u.computed
                FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS u (ref, priced, cost, computed)
                WHERE c.ref = u.ref
                """,
                [.ints(refs), .ints(priced), .ints(costs), computed.value]
            )
        }
        try calls.writeSums(transaction.revision)
        guard rows.count < Self.stride else { return }
        last = bound
        if bound >= transaction.lastCall { try finish(models, connection) }
    }

    /// Notes how the calls of the models are priced now; models that others have begun to price in another way meanwhile come next.
    private mutating func finish(_ models: [Int64: UInt64], _ connection: PostgresConnection) throws {
        for (model, fingerprint) in models { try ModelPricing.set(fingerprint, ofModel: model, connection) }
        self.models = try ModelPricing.stale(by: pricing, connection)
        last = 0
        isDone = self.models?.isEmpty ?? true
    }
}

/// Removes what ended before an instant, a bounded step at a time.
struct Compaction: Sendable {
    private let compacted: CompactionBorder
    private let now: Timestamp
    private var stage = Stage.calls(after: 0)
    /// How many records and calls were removed.
    private(set) var removed = 0

    private enum Stage: Equatable {
        case calls(after: Int64)
        case partitions
        case batches
        case rest
        case links(part: Int64)
        case done
    }

    /// How many rows of calls one step looks at.
    private static let stride: Int64 = 5_000
    /// In how many steps stale links are looked for; they are spread evenly over all numbers.
    private static let linkParts: Int64 = 64
    /// A part has 2 to the power of this many numbers.
    private static let linkPartBits: UInt64 = 58

    init(before instant: Timestamp, now: Timestamp) {
        self.now = now
        compacted = CompactionBorder(before: instant)
    }

    var isDone: Bool { stage == .done }

    /// Does the next step in the transaction that is open.
    mutating func step(_ transaction: inout OpenTransaction) throws {
        // With the first step: what it removes must not come in again behind it.
        transaction.border = transaction.border.after(compacted, now: now)
        let connection = transaction.connection
        switch stage {
        case .calls(let last): try removeCalls(after: last, transaction)
        case .partitions: try dropPartitions(connection)
        case .batches:
            if let more = try RecordTable(connection).removeOld(before: compacted.instant, atMost: 100) {
                removed += more
            } else {
                stage = .rest
            }
        case .rest: try removeRest(connection)
        case .links(let part): try removeLinks(part, connection)
        case .done: break
        }
    }

    /// Calls and their sums go together, so that a summary in between is right, too.
    private mutating func removeCalls(after last: Int64, _ transaction: OpenTransaction) throws {
        let connection = transaction.connection
        let border = compacted.instant.nanoseconds
        let bound = last + min(Self.stride, .max - last)
        let rows = try connection.run(
            """
            SELECT \(FormerCall.columns), ref, observations FROM calls
            WHERE ref > $1 AND ref <= $2 AND time < $3 ORDER BY ref
            """,
            [.int(last), .int(bound), .int(border)]
        )
        var calls = CallTable(connection, compacted)
        var (forgotten, expired) = ([Int64](), [Int64]())
        for row in rows.all {
            let (former, ref) = (try FormerCall(row: row), row.int(12))
            // What cannot be read is recognised by nothing.
            let isForgotten = [Observation](stored: row.blob(13)).map(compacted.isForgotten) ?? true
            if isForgotten { forgotten.append(ref) } else if !former.isExpired { expired.append(ref) }
            if isForgotten || !former.isExpired { calls.changed.insert(QualityParts.block(of: ref)) }
            calls.subtract(former)
            if !former.isExpired { removed += 1 }
        }
        try connection.run("DELETE FROM calls WHERE ref = ANY($1)", [.ints(forgotten)])
        try connection.run(
            "UPDATE calls SET session = \(FormerCall.expired) WHERE ref = ANY($1)",
            [.ints(expired)]
        )
        try calls.writeSums(transaction.revision)
        // Rows may be far apart; the next step starts at the next that there is.
        let next = try connection.run("SELECT min(ref) FROM calls WHERE ref > $1", [.int(bound)]).first?.optionalInt(0)
        stage = next.map { .calls(after: $0 - 1) } ?? .partitions
    }

    private mutating func dropPartitions(_ connection: PostgresConnection) throws {
        let border = compacted.instant.nanoseconds / RecordTable.day
        for day in try DayPartitions.days(connection) where day < border {
            removed += try DayPartitions.drop(day, before: compacted.instant, connection) ?? 0
        }
        stage = .batches
    }

    private mutating func removeRest(_ connection: PostgresConnection) throws {
        let border = compacted.instant.nanoseconds
        try connection.run(
            """
            DELETE FROM sessions s WHERE last_seen_at < $1 AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.session = s.ref)
            """,
            [.int(border)]
        )
        try connection.run(
            """
            DELETE FROM rollup_days d WHERE day < $1 AND NOT EXISTS
                (SELECT 1 FROM rollup WHERE quarter >= d.day * 96 AND quarter < d.day * 96 + 96)
            """,
            [.int(border / QuarterHour.nanoseconds / QuarterHour.countOfDay)]
        )
        try connection.run(
            "DELETE FROM packed_days p WHERE NOT EXISTS (SELECT 1 FROM rollup_days d WHERE d.day = p.day)"
        )
        try QualityTables(connection: connection).beginAgainIfDue()
        stage = .links(part: 0)
    }

    /// Removes links of calls that are gone, a part of all links after the other.
    private mutating func removeLinks(_ part: Int64, _ connection: PostgresConnection) throws {
        // Parts of all 64-bit numbers, the negative ones first.
        let start = Int64(bitPattern: UInt64(part) << Self.linkPartBits ^ 1 << 63)
        let end = start | ((1 << Int64(Self.linkPartBits)) - 1)
        try connection.run(
            """
            DELETE FROM links l WHERE link >= $1 AND link <= $2
                AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.ref = l.ref)
            """,
            [.int(start), .int(end)]
        )
        stage = part + 1 >= Self.linkParts ? .done : .links(part: part + 1)
    }
}

/// Packs the sums of days that are over, so that a summary of many days reads a value for each of them.
///
/// A day that changes is valid from its rows until it is packed again.
enum DayPacking {
    /// How many days are packed at once.
    private static let most: Int64 = 32

    /// Packs some days in one state of the database.
    ///
    /// - Returns: How many days were packed.
    static func step(_ connection: PostgresConnection, today: Int64) throws -> Int {
        let days = try connection.run(
            """
            SELECT d.day, d.changed FROM rollup_days d LEFT JOIN packed_days p ON p.day = d.day
            WHERE d.day < $1 AND p.changed IS DISTINCT FROM d.changed ORDER BY d.day DESC LIMIT $2
            """,
            [.int(today), .int(most)]
        ).map { ($0.int(0), $0.int(1)) }
        let sums = DatabaseSums(connection: connection)
        var packed = 0
        for (day, changed) in days {
            guard let bytes = PackedDay.bytes(try sums.rows(ofDay: day), ofDay: day) else { continue }
            try connection.run(
                """
                INSERT INTO packed_days AS p (day, changed, sums) VALUES ($1, $2, $3)
                ON CONFLICT (day) DO UPDATE SET changed = excluded.changed, sums = excluded.sums
                """,
                [.int(day), .int(changed), .blob(bytes)]
            )
            packed += 1
        }
        return packed
    }
}
