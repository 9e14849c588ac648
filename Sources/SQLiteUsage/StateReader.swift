// SPDX-License-Identifier: Apache-2.0

package import GRDB
import Usage
import UsageDatabase

/// Reads everything that a database knows of calls and sessions, some at a time, for a store that writes it down elsewhere.
///
/// All of it must be read from one state of the database. Not for several threads at once.
package struct StateReader {
    private let db: Database
    private var lastCall: Int64 = 0
    private var lastSession: Int64 = 0

    /// How many calls or sessions a step has.
    private static let step = 500

    package init(_ db: Database) {
        self.db = db
    }

    /// Some calls, and some that are only kept to be recognised; nil when there are no more.
    package mutating func nextCalls() throws -> LoggedChange? {
        var statement = try SQLiteStatement(
            "SELECT ref, session, priced, cost, computed_cost, witnesses FROM calls WHERE ref > ? ORDER BY ref LIMIT \(Self.step)",
            db
        )
        statement.bind(lastCall)
        var change = LoggedChange()
        var isEmpty = true
        try statement.forEachRow { row in
            (lastCall, isEmpty) = (row.int(0), false)
            guard let observations = [Observation](stored: row.blob(5)),
                let entry = LedgerEntry(ref: lastCall, observations: observations)
            else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT,
                    message: "the observations of call \(lastCall) are damaged"
                )
            }
            if row.int(1) == FormerCall.expired {
                change.expired.append(entry)
            } else {
                let computed = row.optionalInt(4).map(Money.init(nanodollars:))
                let price = CallPrice(cost: try row.money(3), isPriced: row.bool(2), computed: computed)
                change.calls.append(PricedEntry(entry: entry, price: price))
            }
            return true
        }
        return isEmpty ? nil : change
    }

    /// What was reported of some sessions; nil when there are no more.
    package mutating func nextSessions() throws -> LoggedChange? {
        let found = try SessionTable(db: db).updates(after: lastSession, atMost: Self.step)
        guard let last = found.last else { return nil }
        lastSession = last.ref
        var change = LoggedChange()
        // A row that was only made for a call says nothing.
        change.sessions = found.filter { $0.update.lastSeen >= $0.update.firstSeen }.map { ($0.update, $0.isSighted) }
        return change
    }
}
