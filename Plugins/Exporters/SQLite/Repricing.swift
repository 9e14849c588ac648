// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

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
            FROM models m WHERE m.unpriced > 0 GROUP BY m.name ORDER BY m.name
            """,
            db
        )
        let models = try statement.rows { row in
            UnpricedModel(
                model: row.text(0) ?? "",
                calls: row.int(1),
                lastSeenAt: try row.time(2)
            )
        }
        return ListedNames.bounded(models)
    }
}
