// SPDX-License-Identifier: Apache-2.0

import GRDB
import Synchronization
import Usage

/// What summaries have read before: the sums of days and who runs which session.
///
/// A day is read again when its revision has changed, a session when its own has; so a summary of many days reads little but the last.
/// Safe to use from many readers at once, also from readers that see different states of the database.
final class SummaryMemory: Sendable {
    private let contents = Mutex(Contents())

    /// A row of sums.
    struct Sums {
        var quarter: Int32
        var session: Int32
        var model: Int32
        var totals: UsageTotals
    }

    /// Who runs a session, names by their numbers.
    struct Owner {
        var isHidden: Bool
        var names: (agent: Int32, project: Int32, user: Int32, machine: Int32)

        /// The number of a name; there is none for the model.
        subscript(dimension: UsageDimension) -> Int32 {
            switch dimension {
            case .model: 0
            case .agent: names.agent
            case .project: names.project
            case .user: names.user
            case .machine: names.machine
            }
        }
    }

    struct Contents {
        fileprivate var days: [Int64: (changed: Int64, rows: [Sums])] = [:]
        fileprivate var rows = 0
        /// By the number of the row.
        fileprivate(set) var owners: [Owner?] = []
        fileprivate var seen: Int64 = -1
        /// The names of models by the number of the row.
        private var models: [Int32?] = []
        /// All names by their numbers.
        private(set) var names: [String] = []
        private var numbers: [String: Int32] = [:]

        /// Who runs a session.
        func owner(_ session: Int32) -> Owner? { owners.indices.contains(Int(session)) ? owners[Int(session)] : nil }

        /// The number of a model's name.
        func model(_ ref: Int32) -> Int32? { models.indices.contains(Int(ref)) ? models[Int(ref)] : nil }

        fileprivate mutating func set(_ owner: Owner, at ref: Int) {
            if ref >= owners.count { owners += Array(repeating: nil, count: ref + 1 - owners.count) }
            owners[ref] = owner
        }

        fileprivate mutating func set(model name: Int32, at ref: Int) {
            if ref >= models.count { models += Array(repeating: nil, count: ref + 1 - models.count) }
            models[ref] = name
        }

        fileprivate var modelCount: Int { models.count }

        /// The number of a name.
        fileprivate mutating func number(of name: String) -> Int32 {
            if let known = numbers[name] { return known }
            let number = Int32(clamping: names.count)
            names.append(name)
            numbers[name] = number
            return number
        }
    }

    /// How many rows of sums are remembered at most: about 40 megabytes.
    private static let capacity = 400_000

    /// Forgets everything.
    func forget() { contents.withLock { $0 = Contents() } }

    /// Hands over who runs sessions, and then the sums of days, one after the other.
    ///
    /// - Parameters:
    ///   - days: The first and the last day (UTC), counted from 1970.
    func read<Result: Sendable>(
        _ db: Database,
        days: ClosedRange<Int64>,
        _ body: (Contents, _ eachDay: ((borrowing [Sums]) throws -> Void) throws -> Void) throws -> Result
    ) throws -> Result {
        try contents.withLock { contents in
            try contents.noticeOwners(db)
            let found = try Self.revisions(db, days)
            for (day, changed) in found where contents.days[day]?.changed != changed {
                try contents.load(day, changed, db, keeping: days, capacity: Self.capacity)
            }
            let known = contents
            return try body(known) { take in
                for (day, _) in found {
                    if let rows = known.days[day]?.rows { try take(rows) } else { try take(Contents.rows(of: day, db)) }
                }
            }
        }
    }

    private static func revisions(_ db: Database, _ days: ClosedRange<Int64>) throws -> [(Int64, Int64)] {
        var statement = try SQLiteStatement(
            "SELECT day, changed FROM rollup_days WHERE day BETWEEN ? AND ? ORDER BY day",
            db
        )
        statement.bind(days.lowerBound)
        statement.bind(days.upperBound)
        return try statement.rows { ($0.int(0), $0.int(1)) }
    }
}

extension SummaryMemory.Contents {
    /// Reads a day, unless there is no room for it.
    fileprivate mutating func load(
        _ day: Int64,
        _ changed: Int64,
        _ db: Database,
        keeping days: ClosedRange<Int64>,
        capacity: Int
    ) throws {
        rows -= self.days.removeValue(forKey: day)?.rows.count ?? 0
        guard rows < capacity else {
            // Room is made by days that are not asked for now.
            for other in self.days.keys where !days.contains(other) {
                rows -= self.days.removeValue(forKey: other)?.rows.count ?? 0
            }
            guard rows < capacity else { return }
            return try load(day, changed, db, keeping: days, capacity: capacity)
        }
        let read = try Self.rows(of: day, db)
        rows += read.count
        self.days[day] = (changed, read)
    }

    fileprivate static func rows(of day: Int64, _ db: Database) throws -> [SummaryMemory.Sums] {
        var statement = try SQLiteStatement(
            "SELECT quarter, session, model, \(UsageTotals.list) FROM rollup WHERE quarter >= ? AND quarter < ?",
            db
        )
        statement.bind(day * CallTables.quartersOfDay)
        statement.bind((day + 1) * CallTables.quartersOfDay)
        return try statement.rows { row in
            SummaryMemory.Sums(
                quarter: Int32(clamping: row.int(0)),
                session: Int32(clamping: row.int(1)),
                model: Int32(clamping: row.int(2)),
                totals: UsageTotals(row: row, from: 3)
            )
        }
    }

    /// Reads the sessions and models that are new or changed.
    fileprivate mutating func noticeOwners(_ db: Database) throws {
        let newest = try Revision.current(db)
        guard newest != seen else { return }
        // An older state of the database knows nothing new.
        guard newest > seen else { return }
        var sessions = try SQLiteStatement(
            "SELECT ref, hidden, agent, project, user, machine FROM sessions WHERE changed > ?",
            db
        )
        sessions.bind(seen)
        try sessions.forEachRow { row in
            let owner = SummaryMemory.Owner(
                isHidden: row.bool(1),
                names: (
                    number(of: row.text(2) ?? ""), number(of: row.text(3) ?? ""), number(of: row.text(4) ?? ""),
                    number(of: row.text(5) ?? "")
                )
            )
            set(owner, at: Int(row.int(0)))
            return true
        }
        var models = try SQLiteStatement("SELECT ref, name FROM models WHERE ref >= ?", db)
        models.bind(Int64(modelCount))
        try models.forEachRow { row in
            set(model: number(of: row.text(1) ?? ""), at: Int(row.int(0)))
            return true
        }
        seen = newest
    }
}
