// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// Adds up a period from the sums by quarter of an hour.
struct SummaryReader {
    let db: Database
    let query: UsageQuery
    let memory: SummaryMemory

    func run() throws -> UsageSummary {
        var summary = UsageSummary(period: query.period)
        let sessions = try memory.read(db, days: days, query.filter) { contents, eachDay in
            var tally = SummaryTally(query, contents)
            try eachDay { tally.add($1, day: $0) }
            tally.write(to: &summary)
            return tally.sessions
        }
        summary.sessionCount = sessions.count
        if query.listsSessions { summary.sessions = try dearest(sessions) }
        summary.activeSessions = try SessionTable(db: db).activeCount(at: query.now, query.filter)
        return summary
    }

    /// The days of the period in quarters of an hour.
    private var days: [Range<Int64>] {
        let borders = query.period.dayStarts.map { ($0.nanoseconds + CallTables.quarter - 1) / CallTables.quarter }
        return zip(borders, borders.dropFirst()).map { $0..<max($0, $1) }
    }

    /// The sessions with the largest costs; of equal ones those whose ids come first.
    private func dearest(_ sums: [DaySums.Session]) throws -> [Session] {
        let limit = UsageSummary.maximumSessions
        var chosen = sums
        if sums.count > limit {
            let last = Self.largest(limit - 1, of: sums.map(\.totals.cost.nanodollars))
            chosen = sums.filter { $0.totals.cost.nanodollars > last }
            var ties = try sums.filter { $0.totals.cost.nanodollars == last }.map { (sum: $0, id: try id($0.session)) }
            ties.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
            chosen += ties.prefix(limit - chosen.count).map(\.sum)
        }
        var sessions = try memory.sessions(chosen.map { Int64($0.session) }, db)
        for (position, sum) in chosen.enumerated() { sessions[position]?.totals = sum.totals }
        let found = sessions.compactMap(\.self)
        // Places are sorted, not sessions: those are large.
        let order = found.indices.sorted {
            (found[$1].totals.cost, found[$0].id) < (found[$0].totals.cost, found[$1].id)
        }
        return order.map { found[$0] }
    }

    /// The amount with so many larger ones before it, found without sorting them all.
    static func largest(_ rank: Int, of amounts: [Int64]) -> Int64 {
        var (rank, candidates) = (rank, amounts)
        // By chance, so that no order of the amounts makes it slow.
        while let pivot = candidates.randomElement() {
            let larger = candidates.filter { $0 > pivot }
            let equal = candidates.count { $0 == pivot }
            if rank < larger.count {
                candidates = larger
            } else if rank < larger.count + equal {
                return pivot
            } else {
                rank -= larger.count + equal
                candidates.removeAll { $0 >= pivot }
            }
        }
        return .min
    }

    private func id(_ ref: Int32) throws -> String {
        var statement = try SQLiteStatement("SELECT id FROM sessions WHERE ref = ?", db)
        statement.bind(Int64(ref))
        return try statement.first { $0.text(0) ?? "" } ?? ""
    }
}
