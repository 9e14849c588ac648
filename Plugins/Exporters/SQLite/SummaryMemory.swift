// SPDX-License-Identifier: Apache-2.0

import GRDB
import Synchronization
import Usage

/// What summaries have read before: the sums of days, who runs which session, and sessions that were listed.
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
        /// The numbers of its names by the positions of the dimensions of sessions.
        var names: Names
        /// The number of these names together.
        var ownerGroup: Int32

        typealias Names = SIMD16<Int32>

        /// The number of a name; there is none for dimensions of calls.
        subscript(dimension: UsageDimension) -> Int32 { names[dimension.position] }
    }

    /// How many rows of sums are remembered at most: about 35 megabytes.
    private static let mostRows = 400_000
    /// How many sums of a session on a day are remembered at most: about 18 megabytes.
    private static let mostSums = 200_000
    /// How many sessions are remembered at most.
    private static let mostSessions = 4_096

    /// Forgets everything.
    func forget() { contents.withLock { $0 = Contents() } }

    /// Hands over who runs sessions, and then the sums of days, one after the other.
    ///
    /// - Parameters:
    ///   - days: The days in quarters of an hour since 1970.
    ///   - filter: What is added up.
    ///   - clock: The hours of the days.
    func read<Result: Sendable>(
        _ db: Database,
        days: [Range<Int64>],
        _ filter: UsageFilter,
        _ clock: LocalClock,
        _ body: (Contents, _ eachDay: ((Int, borrowing DaySums) throws -> Void) throws -> Void) throws -> Result
    ) throws -> Result {
        try contents.withLock { contents in
            try contents.noticeOwners(db)
            let changes = try Self.changes(db, days)
            let known = contents
            var builder = DaySumsBuilder(known, filter, clock)
            return try body(known) { take in
                for (position, day) in days.enumerated() {
                    let parts = Self.utcDays(day).filter { changes[$0] != nil }
                    guard !parts.isEmpty else { continue }
                    let stamp = parts.map { Stamp(day: $0, changed: changes[$0] ?? 0) }
                    let hours = clock.part(of: day)
                    if filter.isEmpty, let sums = contents.sums(of: day, stamp, hours) {
                        try take(position, sums)
                        continue
                    }
                    let rows = try stamp.map { try contents.rows($0, db, keeping: days, capacity: Self.mostRows) }
                    let sums = try builder.sums(of: day, in: rows)
                    if filter.isEmpty { contents.keep(sums, of: day, stamp, hours, capacity: Self.mostSums) }
                    try take(position, sums)
                }
            }
        }
    }

    /// The names of a dimension, the empty one left out.
    func names(of dimension: UsageDimension, _ db: Database) throws -> Set<String> {
        try contents.withLock { contents in
            try contents.noticeOwners(db)
            return contents.names.set(of: dimension)
        }
    }

    /// The sessions of some rows; nil where there is none.
    func sessions(_ refs: [Int64], _ db: Database) throws -> [Session?] {
        let table = SessionTable(db: db)
        let newest = try Revision.current(db)
        return try contents.withLock { contents in
            // A reader of another state neither takes nor leaves anything.
            guard newest == contents.seen else { return try refs.map(table.session) }
            return try refs.map { ref in
                if let known = contents.sessions[ref] { return known }
                let session = try table.session(ref)
                if contents.sessions.count >= Self.mostSessions { contents.sessions = [:] }
                contents.sessions[ref] = session
                return session
            }
        }
    }

    /// A day (UTC, counted from 1970) in the state that a revision left.
    struct Stamp: Equatable {
        var day: Int64
        var changed: Int64
    }

    /// The days in which quarters of an hour lie.
    static func utcDays(_ quarters: Range<Int64>) -> [Int64] {
        let day = CallTables.quartersOfDay
        return quarters.isEmpty ? [] : Array(quarters.lowerBound / day...(quarters.upperBound - 1) / day)
    }

    /// When the days last changed; those without a sum are not among them.
    private static func changes(_ db: Database, _ days: [Range<Int64>]) throws -> [Int64: Int64] {
        guard let first = days.first?.lowerBound, let last = days.last?.upperBound else { return [:] }
        var statement = try SQLiteStatement("SELECT day, changed FROM rollup_days WHERE day BETWEEN ? AND ?", db)
        statement.bind(first / CallTables.quartersOfDay)
        statement.bind(last / CallTables.quartersOfDay)
        let rows = try statement.rows { ($0.int(0), $0.int(1)) }
        // A damaged table can have a day twice.
        let changes = Dictionary(rows, uniquingKeysWith: max)
        try refuseUnlisted(db, first / CallTables.quartersOfDay...last / CallTables.quartersOfDay, changes)
        return changes
    }

    /// Refuses sums of days that the table of days lacks: they would be in no answer.
    ///
    /// Asks once for each gap between days with sums, of which there are few.
    private static func refuseUnlisted(_ db: Database, _ days: ClosedRange<Int64>, _ listed: [Int64: Int64]) throws {
        let known = listed.keys.filter(days.contains).sorted()
        for (before, after) in zip([days.lowerBound - 1] + known, known + [days.upperBound + 1])
        where after - before > 1 {
            var statement = try SQLiteStatement(
                "SELECT quarter FROM rollup WHERE quarter >= ? AND quarter < ? LIMIT 1",
                db
            )
            statement.bind((before + 1) * CallTables.quartersOfDay)
            statement.bind(after * CallTables.quartersOfDay)
            if let quarter = try statement.first({ $0.int(0) }) {
                throw DatabaseError.missing("day", quarter / CallTables.quartersOfDay, namedBy: "the sums")
            }
        }
    }
}

// MARK: - Contents

extension SummaryMemory {
    /// All that is remembered.
    struct Contents {
        private var days: [Int64: (changed: Int64, rows: [Sums])] = [:]
        private var rows = 0
        /// Sums of days of any time zone, each with the states it was made from.
        private var sums: [Range<Int64>: (made: [Stamp], hours: LocalClock, sums: DaySums)] = [:]
        private var summed = 0
        /// By the number of the row.
        private(set) var owners = SparseTable<Owner>()
        /// Sessions as they were when the newest revision was seen.
        var sessions: [Int64: Session] = [:]
        /// The newest revision that was noticed.
        private(set) var seen: Int64 = -1
        /// The models by the number of the row; rows of one name are one model.
        private var models = SparseTable<Int32>()
        /// The number of the row of the newest model that was read.
        private var newestModel: Int64 = 0
        /// The names of each dimension by their numbers; those of models by the number of the model.
        var names = DimensionNames()
        /// An owner for each combination of names.
        private(set) var ownerGroups: [Owner] = []
        private var ownerGroupsByNames: [Owner.Names: Int32] = [:]

        /// Who runs a session.
        func owner(_ session: Int32) -> Owner? { owners[session] }

        /// The model of a row.
        func model(_ ref: Int32) -> Int32? { models[ref] }
    }
}

// MARK: - Days

extension SummaryMemory.Contents {
    /// The sums of a day, if they were made from these states.
    func sums(of day: Range<Int64>, _ made: [SummaryMemory.Stamp], _ hours: LocalClock) -> DaySums? {
        guard let known = sums[day], known.made == made, known.hours == hours else { return nil }
        return known.sums
    }

    /// Remembers the sums of a day, unless there is no room.
    mutating func keep(
        _ new: DaySums,
        of day: Range<Int64>,
        _ made: [SummaryMemory.Stamp],
        _ hours: LocalClock,
        capacity: Int
    ) {
        summed -= sums.removeValue(forKey: day)?.sums.sessions.count ?? 0
        // Old days and other time zones give way.
        if summed + new.sessions.count > capacity { (sums, summed) = ([:], 0) }
        guard new.sessions.count <= capacity else { return }
        summed += new.sessions.count
        sums[day] = (made, hours, new)
    }

    /// The rows of a day, remembered if there is room.
    mutating func rows(_ day: SummaryMemory.Stamp, _ db: Database, keeping asked: [Range<Int64>], capacity: Int) throws
        -> [SummaryMemory.Sums]
    {
        if let known = days[day.day], known.changed == day.changed { return known.rows }
        rows -= days.removeValue(forKey: day.day)?.rows.count ?? 0
        let read = try Self.rows(of: day.day, db)
        // A day with more names than people have is rarely asked for with a condition, for which its rows are remembered.
        guard read.count <= Self.mostRowsOfDay else { return read }
        if rows + read.count > capacity { forgetDays(but: asked) }
        guard rows + read.count <= capacity else { return read }
        rows += read.count
        days[day.day] = (day.changed, read)
        return read
    }

    /// How many rows of one day are remembered at most.
    private static let mostRowsOfDay = 50_000

    /// Makes room by days that are not asked for now.
    private mutating func forgetDays(but asked: [Range<Int64>]) {
        let first = (asked.first?.lowerBound ?? 0) / CallTables.quartersOfDay
        let last = (asked.last?.upperBound ?? 0) / CallTables.quartersOfDay
        for day in days.keys where day < first || day > last {
            rows -= days.removeValue(forKey: day)?.rows.count ?? 0
        }
    }

    private static func rows(of day: Int64, _ db: Database) throws -> [SummaryMemory.Sums] {
        var statement = try SQLiteStatement(
            "SELECT quarter, session, model, \(UsageTotals.list) FROM rollup WHERE quarter >= ? AND quarter < ?",
            db
        )
        statement.bind(day * CallTables.quartersOfDay)
        statement.bind((day + 1) * CallTables.quartersOfDay)
        return try statement.rows { row in
            SummaryMemory.Sums(
                quarter: try row.small(0),
                session: try row.small(1),
                model: try row.small(2),
                totals: try UsageTotals(row: row, from: 3)
            )
        }
    }
}

// MARK: - Names

extension SummaryMemory.Contents {
    /// Reads the sessions and models that are new or changed.
    mutating func noticeOwners(_ db: Database) throws {
        let newest = try Revision.current(db)
        // An older state of the database knows nothing new.
        guard newest > seen else { return }
        var sessions = try SQLiteStatement(
            "SELECT s.ref, s.hidden, \(Self.nameColumns) FROM sessions s WHERE s.changed > ?",
            db
        )
        sessions.bind(seen)
        try sessions.forEachRow { row in
            owners[try row.small(0)] = owner(row)
            self.sessions[row.int(0)] = nil
            return true
        }
        var models = try SQLiteStatement("SELECT ref, name FROM models WHERE ref > ? ORDER BY ref", db)
        models.bind(newestModel)
        try models.forEachRow { row in
            self.models[try row.small(0)] = names.number(of: row.text(1) ?? "", as: .model)
            newestModel = row.int(0)
            return true
        }
        seen = newest
    }

    /// A column for each dimension of sessions, in their order.
    private static let nameColumns = UsageDimension.ofSessions.map(\.column).joined(separator: ", ")

    private mutating func owner(_ row: SQLiteRow) -> SummaryMemory.Owner {
        var numbers = SummaryMemory.Owner.Names()
        for (place, dimension) in UsageDimension.ofSessions.enumerated() {
            numbers[dimension.position] = names.number(of: row.text(Int32(2 + place)) ?? "", as: dimension)
        }
        let names = numbers
        let ownerGroup = ownerGroupsByNames[names] ?? Int32(clamping: ownerGroups.count)
        let owner = SummaryMemory.Owner(isHidden: row.bool(1), names: names, ownerGroup: ownerGroup)
        if Int(ownerGroup) == ownerGroups.count {
            ownerGroups.append(owner)
            ownerGroupsByNames[names] = ownerGroup
        }
        return owner
    }
}

/// The names of each dimension, each with a small number of its own in its dimension.
struct DimensionNames {
    private var tables = [Table](repeating: Table(), count: UsageDimension.allCases.count)

    private struct Table {
        var names: [String] = []
        var numbers: [String: Int32] = [:]
        var set: Set<String>?
    }

    /// The names of a dimension by their numbers.
    subscript(dimension: UsageDimension) -> [String] { tables[dimension.position].names }

    /// The names of a dimension but the empty one; the same set, which compares at once, until there is a new name.
    mutating func set(of dimension: UsageDimension) -> Set<String> {
        if let fixed = dimension.fixedNames { return Set(fixed) }
        let place = dimension.position
        if let known = tables[place].set { return known }
        let set = Set(tables[place].names).subtracting([""])
        tables[place].set = set
        return set
    }

    /// The number of a name, a new one if it has none.
    mutating func number(of name: String, as dimension: UsageDimension) -> Int32 {
        let place = dimension.position
        if let known = tables[place].numbers[name] { return known }
        let number = Int32(clamping: tables[place].names.count)
        tables[place].names.append(name)
        tables[place].numbers[name] = number
        tables[place].set = nil
        return number
    }
}

/// The names of one dimension of sessions after the rules of a question.
struct DimensionReading {
    /// The names by their numbers.
    let names: [String]
    /// The number of each group of owners; nil where the rules change nothing.
    private let byGroup: [Int32]?
    private let dimension: UsageDimension

    init(_ dimension: UsageDimension, _ contents: SummaryMemory.Contents, _ rules: NamingRules) {
        self.dimension = dimension
        guard !rules.isSilent(about: dimension) else {
            (names, byGroup) = (contents.names[dimension], nil)
            return
        }
        var table = DimensionNames()
        byGroup = contents.ownerGroups.map { group in
            var names = SessionNames()
            func text(_ dimension: UsageDimension) -> String? {
                let name = contents.names[dimension][Int(group[dimension])]
                return name.isEmpty ? nil : name
            }
            (names.user, names.project, names.team) = (text(.user), text(.project), text(.team))
            return table.number(of: rules.name(of: names, in: dimension) ?? "", as: dimension)
        }
        names = table[dimension]
    }

    /// The number of an owner's name.
    func number(_ owner: SummaryMemory.Owner) -> Int32 { byGroup?[Int(owner.ownerGroup)] ?? owner[dimension] }
}
