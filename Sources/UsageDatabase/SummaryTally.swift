// SPDX-License-Identifier: Apache-2.0

import Usage

/// The sums of a period while they are made; everything is found by small numbers, because there are many sessions.
struct SummaryTally {
    private let query: UsageQuery
    private let contents: SummaryMemory.Contents
    private var days: [UsageTotals]
    private var byModel: [UsageTotals]
    private var byHour = [UsageTotals](repeating: UsageTotals(), count: LocalClock.names.count)
    private var split: [[Int32: UsageTotals]]
    /// How the dimension is read by which days are split up; nil for one of calls.
    private let series: DimensionReading?
    /// For each session its place in ``slots``.
    private var places = SparseTable<Int32>()
    private var slots: [DaySums.Session] = []
    /// Which models beyond the sixty-fourth a session used: the model above, the session below.
    private var rareModels: [UInt64] = []

    init(_ query: UsageQuery, _ contents: SummaryMemory.Contents) {
        (self.query, self.contents) = (query, contents)
        days = [UsageTotals](repeating: UsageTotals(), count: query.period.days.count)
        byModel = [UsageTotals](repeating: UsageTotals(), count: contents.names[.model].count)
        series = query.series.flatMap {
            $0.isOfSession ? DimensionReading($0, contents, query.filter.naming) : nil
        }
        split = query.series == nil ? [] : [[Int32: UsageTotals]](repeating: [:], count: days.count)
        // What is not used costs nothing, and growing would copy megabytes.
        slots.reserveCapacity(contents.owners.count)
    }

    /// Takes in the sums of a day.
    mutating func add(_ sums: borrowing DaySums, day: Int) {
        for (model, totals) in sums.models {
            byModel[Int(model)] += totals
            days[day] += totals
            if query.series == .model { split[day][model, default: UsageTotals()] += totals }
        }
        for (session, model) in sums.rare {
            rareModels.append(UInt64(UInt32(bitPattern: model)) << 32 | UInt64(UInt32(bitPattern: session)))
        }
        for (hour, totals) in sums.hours.enumerated() where totals.calls != 0 {
            byHour[hour] += totals
            if query.series == .hour { split[day][Int32(hour), default: UsageTotals()] += totals }
        }
        for part in sums.sessions { add(part) }
        guard let series else { return }
        for part in sums.sessions {
            guard let owner = contents.owner(part.session) else { continue }
            split[day][series.number(ofGroup: owner.ownerGroup), default: UsageTotals()] += part.totals
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

    mutating func write(to summary: inout UsageSummary) {
        for (day, totals) in days.enumerated() {
            summary.byDay[day].totals = totals
            summary.totals += totals
        }
        summary.sessionCount = slots.count { isNamed($0.session) }
        writeModels(to: &summary)
        writeHours(to: &summary)
        // Where nearly every session has names of its own, adding up equal ones first is in vain.
        let ownerGroups = contents.ownerGroups.count * 2 > slots.count ? nil : ownerGroups()
        var sums = SumsByName()
        for dimension in UsageDimension.ofSessions {
            writeOwners(dimension, ownerGroups, &sums, to: &summary)
        }
    }

    /// Writes what each model has; a session counts once in the others, however many of them it used.
    private mutating func writeModels(to summary: inout UsageSummary) {
        let names = contents.names[.model]
        let listed = Listed(byModel, names)
        rareModels.sort()
        var sessions = [Int](repeating: 0, count: listed.count)
        var isInOthers = [Bool](repeating: false, count: slots.count)
        func add(_ model: Int, _ slot: Int) {
            let place = listed.places[model]
            guard place >= 0 else { return }
            if place != listed.others {
                sessions[Int(place)] += 1
                return
            }
            if !isInOthers[slot] { sessions[Int(place)] += 1 }
            isInOthers[slot] = true
        }
        for (position, slot) in slots.enumerated() where isNamed(slot.session) {
            var models = slot.models
            while models != 0 {
                add(models.trailingZeroBitCount, position)
                models &= models - 1
            }
        }
        var latest: UInt64?
        for pair in rareModels where pair != latest {
            latest = pair
            let session = Int32(truncatingIfNeeded: pair)
            if isNamed(session), let place = places[session] { add(Int(pair >> 32), Int(place)) }
        }
        summary.byModel = listed.shares(byModel, sessions: sessions)
        let byModel = byModel
        let unpriced = byModel.indices.filter { byModel[$0].unpricedCalls > 0 }
        summary.unpricedModels = ListedNames.unpriced(
            unpriced,
            calls: { byModel[$0].unpricedCalls },
            name: { names[$0] }
        )
        if query.series == .model { summary.series = listed.series(split) }
    }

    private func writeHours(to summary: inout UsageSummary) {
        let listed = Listed(byHour, LocalClock.names)
        var sessions = [Int](repeating: 0, count: byHour.count)
        for slot in slots where isNamed(slot.session) {
            for hour in sessions.indices where slot.hours & 1 << UInt32(hour) != 0 { sessions[hour] += 1 }
        }
        summary[by: .hour] = listed.shares(byHour, sessions: listed.sums(sessions))
        if query.series == .hour { summary.series = listed.series(split) }
    }

    /// What sessions of the same names have together: there are at most as many of those as of sessions.
    private func ownerGroups() -> [UsageSummary.Share] {
        var shares = [UsageSummary.Share](repeating: UsageSummary.Share(), count: contents.ownerGroups.count)
        for slot in slots {
            guard let owner = contents.owner(slot.session) else { continue }
            shares[Int(owner.ownerGroup)].totals += slot.totals
            if !owner.isHidden { shares[Int(owner.ownerGroup)].sessions += 1 }
        }
        return shares
    }

    private func writeOwners(
        _ dimension: UsageDimension,
        _ ownerGroups: [UsageSummary.Share]?,
        _ sums: inout SumsByName,
        to summary: inout UsageSummary
    ) {
        let reading = DimensionReading(dimension, contents, query.filter.naming)
        sums.begin(reading.names.count)
        if let ownerGroups {
            // Every sum has a call.
            for (group, share) in ownerGroups.enumerated() where share.totals.calls > 0 {
                sums.add(share.totals, sessions: share.sessions, to: reading.number(ofGroup: Int32(clamping: group)))
            }
        } else {
            for slot in slots {
                guard let owner = contents.owner(slot.session) else { continue }
                sums.add(slot.totals, sessions: owner.isHidden ? 0 : 1, to: reading.number(ofGroup: owner.ownerGroup))
            }
        }
        let listed = Listed(sums.totals, reading.names)
        summary[by: dimension] = listed.shares(sums.totals, sessions: listed.sums(sums.sessions))
        if query.series == dimension { summary.series = listed.series(split) }
    }
}

/// What each name of a dimension has, by its number; for one dimension after the other in the same memory.
private struct SumsByName {
    private(set) var totals: [UsageTotals] = []
    private(set) var sessions: [Int] = []

    /// Begins with a dimension of so many names.
    mutating func begin(_ count: Int) {
        totals.removeAll(keepingCapacity: true)
        totals.append(contentsOf: repeatElement(UsageTotals(), count: count))
        sessions.removeAll(keepingCapacity: true)
        sessions.append(contentsOf: repeatElement(0, count: count))
    }

    mutating func add(_ more: UsageTotals, sessions number: Int, to name: Int32) {
        totals[Int(name)] += more
        sessions[Int(name)] += number
    }
}

/// Which names of a dimension an answer lists (``ListedNames``), found by the numbers of the names.
private struct Listed {
    /// For each number of a name its place in the answer.
    private(set) var places: [Int32]
    /// The names in the answer.
    private var names: [String] = []
    /// The place of what is not listed; -1 when everything is.
    private(set) var others: Int32 = -1

    /// - Parameters:
    ///   - totals: What each name has; one without a call is not in the answer.
    ///   - texts: The names.
    init(_ totals: [UsageTotals], _ texts: [String]) {
        places = [Int32](repeating: -1, count: totals.count)
        let used = totals.count { $0.calls > 0 }
        guard used > ListedNames.most else {
            for number in totals.indices where totals[number].calls > 0 { append(texts[number], number) }
            return
        }
        var ranking = LargestNames(ListedNames.most)
        for number in totals.indices where totals[number].calls > 0 {
            ranking.offer(totals[number], number) { texts[number] }
        }
        for number in ranking.places { append(texts[number], number) }
        others = Int32(names.count)
        names.append(ListedNames.other)
        for number in totals.indices where totals[number].calls > 0 && places[number] < 0 { places[number] = others }
    }

    private mutating func append(_ name: String, _ number: Int) {
        places[number] = Int32(names.count)
        names.append(name)
    }

    /// How many names the answer has.
    var count: Int { names.count }

    /// Adds up figures of names to those of the answer.
    func sums(_ figures: [Int]) -> [Int] {
        var sums = [Int](repeating: 0, count: count)
        for (number, place) in places.enumerated() where place >= 0 { sums[Int(place)] += figures[number] }
        return sums
    }

    /// What each name of the answer has.
    func shares(_ totals: [UsageTotals], sessions: [Int]) -> [String: UsageSummary.Share] {
        var shares = [UsageSummary.Share](repeating: UsageSummary.Share(), count: count)
        for (number, place) in places.enumerated() where place >= 0 { shares[Int(place)].totals += totals[number] }
        for place in shares.indices { shares[place].sessions = sessions[place] }
        return Dictionary(uniqueKeysWithValues: zip(names, shares))
    }

    /// Days by the names of the answer.
    func series(_ days: [[Int32: UsageTotals]]) -> [[String: UsageTotals]] {
        days.map { day in
            day.reduce(into: [:]) { sums, value in
                let place = places[Int(value.key)]
                if place >= 0 { sums[names[Int(place)], default: UsageTotals()] += value.value }
            }
        }
    }
}
