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
        let tally = try memory.read(db, days: days, query.filter) { contents, eachDay in
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
        if chosen.count + tied.count > limit {
            var named = try tied.map { (sum: $0, id: try id($0.session)) }
            named.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
            tied = named.prefix(limit - chosen.count).map(\.sum)
        }
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

    private func id(_ ref: Int32) throws -> String {
        var statement = try SQLiteStatement("SELECT id FROM sessions WHERE ref = ?", db)
        statement.bind(Int64(ref))
        return try statement.first { $0.text(0) ?? "" } ?? ""
    }
}
