// SPDX-License-Identifier: Apache-2.0

package import GRDB
package import Usage
import UsageDatabase

/// Prices the calls of all models again whose price may differ under a pricing, a bounded step at a time.
///
/// What is written meanwhile is priced by whatever its sender's pipeline says, behind what was looked at; so it is looked at, too.
package struct Repricing: Sendable {
    private let pricing: Pricing
    private var last: Int64 = 0
    /// The models whose calls are looked at, each with the number of how they are priced afterwards; nil before the first step.
    private var models: [Int64: UInt64]?
    /// How many counted calls have another price now.
    package private(set) var repriced = 0
    package private(set) var isDone = false

    /// How many calls one step prices, and how many it goes through at most.
    private static let (stride, widestStride) = (2_000, 50_000)

    package init(by pricing: Pricing) {
        self.pricing = pricing
    }

    /// Does the next step in the transaction that is open.
    ///
    /// - Returns: The calls that have another price now.
    package mutating func step(_ db: Database, _ writer: inout StoreWriter) throws -> [PricedEntry] {
        let revision = try Revision.next(db)
        let models = try self.models ?? ModelPricing.stale(by: pricing, db)
        self.models = models
        guard !models.isEmpty else {
            isDone = true
            writer.forgetModels()
            return []
        }
        var changed: [PricedEntry] = []
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
            if !call.former.isExpired { changed.append(PricedEntry(entry: entry, price: price)) }
        }
        try tables.writeSums(revision)
        writer.noteChanged(tables.changed)
        if isLast { try finish(models, db) }
        if isDone { writer.forgetModels() }
        return changed
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
