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
        var tally = try memory.read(db, days: days, query.filter) { contents, eachDay in
            var tally = SummaryTally(query, contents)
            try eachDay { tally.add($1, day: $0) }
            return tally
        }
        tally.write(to: &summary)
        if query.listsSessions { summary.sessions = try dearest(tally) }
        summary.activeSessions = try SessionTable(db: db).activeCount(at: query.now, query.filter)
        return summary
    }

    /// The days of the period in quarters of an hour.
    private var days: [Range<Int64>] {
        let borders = query.period.dayStarts.map { ($0.nanoseconds + CallTables.quarter - 1) / CallTables.quarter }
        return zip(borders, borders.dropFirst()).map { $0..<max($0, $1) }
    }

    /// The sessions with the largest costs; of equal ones those whose ids come first.
    private func dearest(_ tally: SummaryTally) throws -> [Session] {
        let limit = UsageSummary.maximumSessions
        var (chosen, tied) = tally.dearest(limit)
        if chosen.count + tied.count > limit { tied = try first(limit - chosen.count, of: tied) }
        chosen += tied
        var sessions = try memory.sessions(chosen.map { Int64($0.session) }, db)
        for (position, sum) in chosen.enumerated() { sessions[position]?.totals = sum.totals }
        let found = sessions.compactMap(\.self)
        // Places are sorted, not sessions: those are large.
        let order = found.indices.sorted {
            (found[$1].totals.cost, found[$0].id) < (found[$0].totals.cost, found[$1].id)
        }
        return order.map { found[$0] }
    }

    /// So many sessions of those that cost the same, in the order of their ids.
    private func first(_ count: Int, of tied: [DaySums.Session]) throws -> [DaySums.Session] {
        guard tied.count > Self.mostLookUps else {
            var named = try tied.map { (sum: $0, id: try id($0.session)) }
            named.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
            return named.prefix(count).map(\.sum)
        }
        // Of many the first are found soonest by going through all ids in their order.
        let sums = Dictionary(uniqueKeysWithValues: tied.map { (Int64($0.session), $0) })
        var found: [DaySums.Session] = []
        var statement = try SQLiteStatement("SELECT ref FROM sessions WHERE hidden = 0 ORDER BY id", db)
        try statement.forEachRow { row in
            if let sum = sums[row.int(0)] { found.append(sum) }
            return found.count < count
        }
        return found
    }

    /// How many ids are looked up one by one.
    private static let mostLookUps = 4_000

    private func id(_ ref: Int32) throws -> String {
        var statement = try SQLiteStatement("SELECT id FROM sessions WHERE ref = ?", db)
        statement.bind(Int64(ref))
        return try statement.first { $0.text(0) ?? "" } ?? ""
    }
}
