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
        var names: Names
        /// The number of these names together.
        var ownerGroup: Int32

        struct Names: Hashable {
            var agent: Int32
            var project: Int32
            var user: Int32
            var machine: Int32
        }

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
    func read<Result: Sendable>(
        _ db: Database,
        days: [Range<Int64>],
        _ filter: UsageFilter,
        _ body: (Contents, _ eachDay: ((Int, borrowing DaySums) throws -> Void) throws -> Void) throws -> Result
    ) throws -> Result {
        try contents.withLock { contents in
            try contents.noticeOwners(db)
            let changes = try Self.changes(db, days)
            let known = contents
            var builder = DaySumsBuilder(known, filter)
            return try body(known) { take in
                for (position, day) in days.enumerated() {
                    let parts = Self.utcDays(day).filter { changes[$0] != nil }
                    guard !parts.isEmpty else { continue }
                    let stamp = parts.map { Stamp(day: $0, changed: changes[$0] ?? 0) }
                    if filter.isEmpty, let sums = contents.sums(of: day, stamp) {
                        try take(position, sums)
                        continue
                    }
                    let rows = try stamp.map { try contents.rows($0, db, keeping: days, capacity: Self.mostRows) }
                    let sums = builder.sums(of: day, in: rows)
                    if filter.isEmpty { contents.keep(sums, of: day, stamp, capacity: Self.mostSums) }
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
        return Dictionary(rows, uniquingKeysWith: max)
    }
}
