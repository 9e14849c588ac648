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
        let quarters =
            query.period.start.nanoseconds / CallTables.quarter..<query.period.end.nanoseconds / CallTables.quarter
        if !quarters.isEmpty {
            let day = CallTables.quartersOfDay
            let days = quarters.lowerBound / day...(quarters.upperBound - 1) / day
            let tally = try memory.read(db, days: days) { contents, eachDay in
                var tally = SummaryTally(query, quarters, contents)
                try eachDay { tally.add($0) }
                tally.write(to: &summary)
                return tally.sessions
            }
            summary.sessionCount = tally.count
            if query.listsSessions { summary.sessions = try dearest(tally) }
        }
        summary.activeSessions = try SessionTable(db: db).activeCount(at: query.now, query.filter)
        return summary
    }

    /// The sessions with the largest costs; of equal ones those whose ids come first.
    private func dearest(_ sums: [(ref: Int64, totals: UsageTotals)]) throws -> [Session] {
        var chosen = sums
        let limit = UsageSummary.maximumSessions
        if sums.count > limit {
            let last = sums.map(\.totals.cost).sorted(by: >)[limit - 1]
            chosen = sums.filter { $0.totals.cost > last }
            var ties = try sums.filter { $0.totals.cost == last }.map { (sum: $0, id: try id($0.ref)) }
            ties.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
            chosen += ties.prefix(limit - chosen.count).map(\.sum)
        }
        let table = SessionTable(db: db)
        var sessions = try chosen.compactMap { sum -> Session? in
            var session = try table.session(sum.ref)
            session?.totals = sum.totals
            return session
        }
        sessions.sort { ($1.totals.cost, $0.id) < ($0.totals.cost, $1.id) }
        return sessions
    }

    private func id(_ ref: Int64) throws -> String {
        var statement = try SQLiteStatement("SELECT id FROM sessions WHERE ref = ?", db)
        statement.bind(ref)
        return try statement.first { $0.text(0) ?? "" } ?? ""
    }
}

/// The sums of a period while they are made; everything is found by small numbers, because there are many rows.
private struct SummaryTally {
    private let contents: SummaryMemory.Contents
    private let period: Period
    private let quarters: Range<Int64>
    private let series: UsageDimension?
    /// For each dimension with a condition, which names are meant.
    private let allowed: [(dimension: UsageDimension, names: [Bool])]
    private var days: [UsageTotals]
    private var byModel: [UsageTotals]
    private var split: [[Int32: UsageTotals]]
    /// For each session its place in ``slots``, -1 for none.
    private var places: [Int32]
    private var slots: [Slot] = []
    /// The bit of each model, -1 for none yet.
    private var bits: [Int32]
    private var bitCount: Int32 = 0
    /// Which models beyond the sixty-fourth a session used.
    private var rareModels: [Int32: Set<Int32>] = [:]
    private var cursor = (quarter: Int64(-1), day: Int?.none)

    private struct Slot {
        var session: Int32
        var models: UInt64 = 0
        var totals = UsageTotals()
    }

    init(_ query: UsageQuery, _ quarters: Range<Int64>, _ contents: SummaryMemory.Contents) {
        (self.contents, self.quarters, period, series) = (contents, quarters, query.period, query.series)
        let filter = query.filter
        allowed = UsageDimension.allCases.filter { !filter[$0].isEmpty }.map { dimension in
            (dimension, contents.names.map { filter.allows($0, as: dimension) })
        }
        days = [UsageTotals](repeating: UsageTotals(), count: query.period.days.count)
        byModel = [UsageTotals](repeating: UsageTotals(), count: contents.names.count)
        split = query.series == nil ? [] : [[Int32: UsageTotals]](repeating: [:], count: days.count)
        places = [Int32](repeating: -1, count: contents.owners.count)
        bits = [Int32](repeating: -1, count: contents.names.count)
    }

    /// Takes in the sums of a day.
    mutating func add(_ rows: [SummaryMemory.Sums]) {
        for row in rows {
            guard quarters.contains(Int64(row.quarter)), let model = contents.model(row.model),
                let owner = contents.owner(row.session), allowed.isEmpty || isAllowed(owner, model)
            else { continue }
            byModel[Int(model)] += row.totals
            add(row.totals, to: row.session, model)
            guard let day = day(of: Int64(row.quarter)) else { continue }
            days[day] += row.totals
            guard let series else { continue }
            split[day][series == .model ? model : owner[series], default: UsageTotals()] += row.totals
        }
    }

    private func isAllowed(_ owner: SummaryMemory.Owner, _ model: Int32) -> Bool {
        allowed.allSatisfy { dimension, names in names[Int(dimension == .model ? model : owner[dimension])] }
    }

    private mutating func add(_ sums: UsageTotals, to session: Int32, _ model: Int32) {
        var place = Int(places[Int(session)])
        if place < 0 {
            place = slots.count
            slots.append(Slot(session: session))
            places[Int(session)] = Int32(place)
        }
        slots[place].totals += sums
        if bits[Int(model)] < 0 {
            bits[Int(model)] = bitCount
            bitCount += 1
        }
        let bit = bits[Int(model)]
        if bit < 64 { slots[place].models |= 1 << UInt64(bit) } else { rareModels[model, default: []].insert(session) }
    }

    /// Rows come in the order of their quarters.
    private mutating func day(of quarter: Int64) -> Int? {
        if cursor.quarter != quarter {
            cursor = (quarter, period.day(of: Timestamp(nanoseconds: quarter * CallTables.quarter)))
        }
        return cursor.day
    }

    /// The sessions that can be named, with their sums.
    var sessions: [(ref: Int64, totals: UsageTotals)] {
        slots.filter { contents.owner($0.session)?.isHidden == false }.map { (Int64($0.session), $0.totals) }
    }

    // MARK: - Answers

    func write(to summary: inout UsageSummary) {
        for (day, totals) in days.enumerated() {
            summary.byDay[day].totals = totals
            summary.totals += totals
        }
        summary.series = split.map { day in
            Dictionary(uniqueKeysWithValues: day.map { (contents.names[Int($0.key)], $0.value) })
        }
        summary.byModel = models()
        summary.unpricedModels = summary.byModel.filter { $0.value.totals.unpricedCalls > 0 }.keys.sorted()
        (summary.byAgent, summary.byProject) = (shares(.agent), shares(.project))
        (summary.byUser, summary.byMachine) = (shares(.user), shares(.machine))
    }

    private func models() -> [String: UsageSummary.Share] {
        var sessions = [Int](repeating: 0, count: 64)
        for slot in slots where contents.owner(slot.session)?.isHidden == false {
            var models = slot.models
            while models != 0 {
                sessions[models.trailingZeroBitCount] += 1
                models &= models - 1
            }
        }
        var shares: [String: UsageSummary.Share] = [:]
        for (name, bit) in bits.enumerated() where bit >= 0 {
            var share = UsageSummary.Share()
            share.totals = byModel[name]
            share.sessions =
                bit < 64
                ? sessions[Int(bit)]
                : (rareModels[Int32(name)] ?? []).count { contents.owner($0)?.isHidden == false }
            shares[contents.names[name]] = share
        }
        return shares
    }

    private func shares(_ dimension: UsageDimension) -> [String: UsageSummary.Share] {
        // Found by small numbers, not by hashes: there may be tens of thousands of sessions.
        var shares = [UsageSummary.Share](repeating: UsageSummary.Share(), count: contents.names.count)
        for slot in slots {
            guard let owner = contents.owner(slot.session) else { continue }
            let name = Int(owner[dimension])
            shares[name].totals += slot.totals
            if !owner.isHidden { shares[name].sessions += 1 }
        }
        // Every row of sums has a call.
        return Dictionary(
            uniqueKeysWithValues: zip(contents.names, shares).filter { $0.1.totals.calls > 0 }.map { ($0.0, $0.1) }
        )
    }
}
