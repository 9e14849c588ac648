// SPDX-License-Identifier: Apache-2.0

import Usage

/// The sums of a period while they are made; everything is found by small numbers, because there are many sessions.
struct SummaryTally {
    private let query: UsageQuery
    private let contents: SummaryMemory.Contents
    private var days: [UsageTotals]
    private var byModel: [UsageTotals]
    private var split: [[Int32: UsageTotals]]
    /// For each session its place in ``slots``.
    private var places = SparseTable<Int32>()
    private var slots: [DaySums.Session] = []
    /// Which models beyond the sixty-fourth a session used.
    private var rareModels: [Int32: Set<Int32>] = [:]

    init(_ query: UsageQuery, _ contents: SummaryMemory.Contents) {
        (self.query, self.contents) = (query, contents)
        days = [UsageTotals](repeating: UsageTotals(), count: query.period.days.count)
        byModel = [UsageTotals](repeating: UsageTotals(), count: contents.modelNames.count)
        split = query.series == nil ? [] : [[Int32: UsageTotals]](repeating: [:], count: days.count)
        // What is not used costs nothing, and growing would copy megabytes.
        slots.reserveCapacity(contents.owners.count)
    }

    /// Takes in the sums of a day.
    mutating func add(_ sums: borrowing DaySums, day: Int) {
        for (model, totals) in sums.models {
            byModel[Int(model)] += totals
            days[day] += totals
            if query.series == .model { split[day][contents.modelNames[Int(model)], default: UsageTotals()] += totals }
        }
        for (session, model) in sums.rare { rareModels[model, default: []].insert(session) }
        for part in sums.sessions { add(part) }
        guard let series = query.series, series != .model else { return }
        for part in sums.sessions {
            guard let owner = contents.owner(part.session) else { continue }
            split[day][owner[series], default: UsageTotals()] += part.totals
        }
    }

    private mutating func add(_ part: DaySums.Session) {
        if let place = places[part.session] {
            slots[Int(place)].add(part)
        } else {
            places[part.session] = Int32(clamping: slots.count)
            slots.append(part)
        }
    }

    // MARK: - Sessions

    /// Whether a session has a name; calls without a session are kept under rows that have none.
    private func isNamed(_ session: Int32) -> Bool { contents.owner(session)?.isHidden == false }

    /// The sessions with the largest costs, fewer than a limit, and those that cost as much as the last one that is wanted.
    func dearest(_ limit: Int) -> (above: [DaySums.Session], tied: [DaySums.Session]) {
        let places = slots.indices.filter { isNamed(slots[$0].session) }
        func cost(_ place: Int) -> Int64 { slots[place].totals.cost.nanodollars }
        let last = Self.largest(limit - 1, of: places.map(cost))
        return (
            places.filter { cost($0) > last }.map { slots[$0] }, places.filter { cost($0) == last }.map { slots[$0] }
        )
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

    // MARK: - Answers

    func write(to summary: inout UsageSummary) {
        for (day, totals) in days.enumerated() {
            summary.byDay[day].totals = totals
            summary.totals += totals
        }
        summary.sessionCount = slots.count { isNamed($0.session) }
        summary.series = split.map { day in
            Dictionary(uniqueKeysWithValues: day.map { (contents.names[Int($0.key)], $0.value) })
        }
        summary.byModel = models()
        summary.unpricedModels = summary.byModel.filter { $0.value.totals.unpricedCalls > 0 }.keys.sorted()
        let crews = crews()
        func shares(_ dimension: UsageDimension) -> [String: UsageSummary.Share] {
            Self.shares(crews, dimension, contents.names)
        }
        (summary.byAgent, summary.byProject) = (shares(.agent), shares(.project))
        (summary.byUser, summary.byMachine) = (shares(.user), shares(.machine))
    }

    private func models() -> [String: UsageSummary.Share] {
        var sessions = [Int](repeating: 0, count: max(DaySums.bits, byModel.count))
        for slot in slots where isNamed(slot.session) {
            var models = slot.models
            while models != 0 {
                sessions[models.trailingZeroBitCount] += 1
                models &= models - 1
            }
        }
        for (model, users) in rareModels {
            sessions[Int(model)] = users.count { isNamed($0) }
        }
        var shares: [String: UsageSummary.Share] = [:]
        for (model, totals) in byModel.enumerated() where totals.calls > 0 {
            var share = UsageSummary.Share()
            (share.totals, share.sessions) = (totals, sessions[model])
            shares[contents.names[Int(contents.modelNames[model])]] = share
        }
        return shares
    }

    /// What sessions of the same agent, project, user and machine have together: there are far fewer of those than of sessions.
    private func crews() -> [(owner: SummaryMemory.Owner, share: UsageSummary.Share)] {
        var shares = [UsageSummary.Share](repeating: UsageSummary.Share(), count: contents.crews.count)
        for slot in slots {
            guard let owner = contents.owner(slot.session) else { continue }
            shares[Int(owner.crew)].totals += slot.totals
            if !owner.isHidden { shares[Int(owner.crew)].sessions += 1 }
        }
        // Every sum has a call.
        return zip(contents.crews, shares).filter { $0.1.totals.calls > 0 }.map { ($0, $1) }
    }

    private static func shares(
        _ crews: [(owner: SummaryMemory.Owner, share: UsageSummary.Share)],
        _ dimension: UsageDimension,
        _ names: [String]
    ) -> [String: UsageSummary.Share] {
        var shares = [UsageSummary.Share](repeating: UsageSummary.Share(), count: names.count)
        for (owner, share) in crews {
            shares[Int(owner[dimension])].totals += share.totals
            shares[Int(owner[dimension])].sessions += share.sessions
        }
        return Dictionary(uniqueKeysWithValues: zip(names, shares).filter { $0.1.totals.calls > 0 })
    }
}
