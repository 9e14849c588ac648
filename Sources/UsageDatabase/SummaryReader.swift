// SPDX-License-Identifier: Apache-2.0

package import Usage

/// Adds up a period from the sums by quarter of an hour.
package struct SummaryReader<Sums: SumsSnapshot> {
    private let sums: Sums
    private let query: UsageQuery
    private let memory: SummaryMemory

    /// Creates a reader of one state of a store.
    package init(sums: Sums, query: UsageQuery, memory: SummaryMemory) {
        (self.sums, self.query, self.memory) = (sums, query, memory)
    }

    /// Answers the question.
    package func run() throws -> UsageSummary {
        var summary = UsageSummary(period: query.period)
        var tally = try memory.tally(sums, query, days: days)
        tally.write(to: &summary)
        if query.listsSessions { summary.sessions = try dearest(tally) }
        summary.activeSessions = try sums.activeSessions(at: query.now, query.filter)
        return summary
    }

    /// The days of the period in quarters of an hour.
    private var days: [Range<Int64>] {
        let borders = query.period.dayStarts.map {
            ($0.nanoseconds + QuarterHour.nanoseconds - 1) / QuarterHour.nanoseconds
        }
        return zip(borders, borders.dropFirst()).map { $0..<max($0, $1) }
    }

    /// The sessions with the largest costs; of equal ones those whose ids come first.
    private func dearest(_ tally: SummaryTally) throws -> [Session] {
        let limit = UsageSummary.maximumSessions
        var (chosen, tied) = tally.dearest()
        if chosen.count + tied.count > limit { tied = try first(limit - chosen.count, of: tied) }
        chosen += tied
        var sessions = try memory.sessions(chosen.map { Int64($0.session) }, sums)
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
            let ids = try sums.sessionIDs(tied.map { Int64($0.session) })
            var named = zip(tied, ids).map { (sum: $0, id: $1) }
            named.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
            return named.prefix(count).map(\.sum)
        }
        // Of many the first are found soonest by going through all ids in their order.
        var places = SparseTable<Int32>()
        for (place, sum) in tied.enumerated() { places[sum.session] = Int32(clamping: place) }
        var found: [DaySums.Session] = []
        try sums.forEachSessionByID { session in
            if let place = places[session] { found.append(tied[Int(place)]) }
            return found.count < count
        }
        return found
    }

    /// How many ids are looked up one by one.
    private static var mostLookUps: Int { 4_000 }
}
