// SPDX-License-Identifier: Apache-2.0

import Usage

/// The sums of a period while they are made; everything is found by small numbers, because there are many sessions.
struct SummaryTally {
    private let query: UsageQuery
    private let contents: SummaryMemory.Contents
    private var days: [UsageTotals]
    private var byModel: [UsageTotals]
    private var split: [[Int32: UsageTotals]]
    /// For each session its place in ``slots``, -1 for none.
    private var places: [Int32]
    private var slots: [DaySums.Session] = []
    /// Which models beyond the sixty-fourth a session used.
    private var rareModels: [Int32: Set<Int32>] = [:]

    init(_ query: UsageQuery, _ contents: SummaryMemory.Contents) {
        (self.query, self.contents) = (query, contents)
        days = [UsageTotals](repeating: UsageTotals(), count: query.period.days.count)
        byModel = [UsageTotals](repeating: UsageTotals(), count: contents.modelNames.count)
        split = query.series == nil ? [] : [[Int32: UsageTotals]](repeating: [:], count: days.count)
        places = [Int32](repeating: -1, count: contents.owners.count)
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
        let place = places[Int(part.session)]
        if place < 0 {
            places[Int(part.session)] = Int32(clamping: slots.count)
            slots.append(part)
        } else {
            slots[Int(place)].add(part)
        }
    }

    /// The sessions that can be named, with their sums.
    var sessions: [DaySums.Session] {
        slots.filter { contents.owner($0.session)?.isHidden == false }
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
        let crews = crews()
        func shares(_ dimension: UsageDimension) -> [String: UsageSummary.Share] {
            Self.shares(crews, dimension, contents.names)
        }
        (summary.byAgent, summary.byProject) = (shares(.agent), shares(.project))
        (summary.byUser, summary.byMachine) = (shares(.user), shares(.machine))
    }

    private func models() -> [String: UsageSummary.Share] {
        var sessions = [Int](repeating: 0, count: max(DaySums.bits, byModel.count))
        for slot in slots where contents.owner(slot.session)?.isHidden == false {
            var models = slot.models
            while models != 0 {
                sessions[models.trailingZeroBitCount] += 1
                models &= models - 1
            }
        }
        for (model, users) in rareModels {
            sessions[Int(model)] = users.count { contents.owner($0)?.isHidden == false }
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
        var shares: [Int32: UsageSummary.Share] = [:]
        for (owner, share) in crews {
            shares[owner[dimension], default: UsageSummary.Share()].totals += share.totals
            shares[owner[dimension], default: UsageSummary.Share()].sessions += share.sessions
        }
        return Dictionary(uniqueKeysWithValues: shares.map { (names[Int($0.key)], $0.value) })
    }
}
