// SPDX-License-Identifier: Apache-2.0

import Usage

/// What days add up to, whatever a summary is split up by; everything is found by small numbers, because there are many sessions.
///
/// Of days that are over it is remembered as a whole (``SummaryMemory``), and a question adds the newest days beside it: so it looks at
/// the sessions of those days only.
struct SummedDays {
    /// For each day its totals.
    fileprivate(set) var days: [UsageTotals]
    fileprivate var byModel: [UsageTotals] = []
    fileprivate var byHour = [UsageTotals](repeating: UsageTotals(), count: LocalClock.names.count)
    /// For each day what its models and hours have.
    fileprivate var models: [[(model: Int32, totals: UsageTotals)]]
    fileprivate var hours: [[(hour: Int32, totals: UsageTotals)]]
    /// For each day what sessions of the same names have together; nothing where nearly every session has names of its own.
    fileprivate var groups: [[GroupTotals]]
    /// For each session its place in ``slots``.
    fileprivate var places = SparseTable<Int32>()
    fileprivate var slots: [DaySums.Session] = []
    /// Which models beyond the sixty-fourth a session used: the model above, the session below.
    fileprivate var rareModels: [UInt64] = []
    /// How many sessions there are, by group of owners, by model and by hour, those without a name left out.
    fileprivate var sessions = 0
    fileprivate var sessionsByGroup: [Int32] = []
    fileprivate var sessionsByModel = [Int](repeating: 0, count: DaySums.bits)
    fileprivate var sessionsByHour = [Int](repeating: 0, count: LocalClock.names.count)
    /// The places of the dearest sessions, see ``SummaryTally/finish()``.
    fileprivate var dearest: [Int32] = []

    fileprivate struct GroupTotals {
        var group: Int32
        var totals: UsageTotals
    }

    fileprivate init(days count: Int) {
        days = [UsageTotals](repeating: UsageTotals(), count: count)
        (models, hours) = (Array(repeating: [], count: count), Array(repeating: [], count: count))
        groups = [[GroupTotals]](repeating: [], count: count)
    }

    /// How many sessions have a sum.
    var slotCount: Int { slots.count }

    /// What a session has; nil for nothing.
    fileprivate func session(_ session: Int32) -> DaySums.Session? { places[session].map { slots[Int($0)] } }
}

/// The sums of a period while they are made: those of the days that are added, beside those of days that are over.
struct SummaryTally {
    private let query: UsageQuery
    private let contents: SummaryMemory.Contents
    /// What was added up before; nil for nothing.
    ///
    /// A session of an added day has in ``own`` what it has in both.
    private let base: SummedDays?
    private var own: SummedDays
    /// Whether nearly every session has names of its own: adding up equal ones first is in vain then, and nothing is finished.
    let isWide: Bool
    private var split: [[Int32: UsageTotals]]
    /// How the dimension is read by which days are split up; nil for one of calls.
    private let series: DimensionReading?
    /// The totals of groups on the day that is added, and which have some.
    private var groupTotals: [UsageTotals] = []
    private var touched: [Int32] = []

    /// - Parameter base: What some of the days add up to, if that is known.
    init(_ query: UsageQuery, _ contents: SummaryMemory.Contents, base: SummedDays? = nil) {
        (self.query, self.contents, self.base) = (query, contents, base)
        own = SummedDays(days: query.period.days.count)
        own.byModel = [UsageTotals](repeating: UsageTotals(), count: contents.names[.model].count)
        let groups = contents.ownerGroups.count
        isWide = base == nil && groups > Self.mostGroups
        series = query.series.flatMap {
            $0.isOfSession ? DimensionReading($0, contents, query.filter.naming) : nil
        }
        split = query.series == nil ? [] : [[Int32: UsageTotals]](repeating: [:], count: own.days.count)
        if !isWide {
            groupTotals = [UsageTotals](repeating: UsageTotals(), count: groups)
            own.sessionsByGroup = [Int32](repeating: 0, count: groups)
        }
        // What is not used costs nothing, and growing would copy megabytes.
        if base == nil, query.filter.isEmpty { own.slots.reserveCapacity(contents.owners.count) }
    }

    /// With more groups of owners every session is looked at, however often it was.
    static let mostGroups = 20_000

    /// Takes in the sums of a day.
    mutating func add(_ sums: borrowing DaySums, day: Int) {
        for (model, totals) in sums.models {
            own.byModel[Int(model)] += totals
            own.days[day] += totals
        }
        own.models[day] = sums.models
        for (session, model) in sums.rare {
            own.rareModels.append(UInt64(UInt32(bitPattern: model)) << 32 | UInt64(UInt32(bitPattern: session)))
        }
        for (hour, totals) in sums.hours.enumerated() where totals.calls != 0 {
            own.byHour[hour] += totals
            own.hours[day].append((Int32(hour), totals))
        }
        for part in sums.sessions { add(part) }
        guard isWide else { return closeGroups(of: day) }
        guard let series else { return }
        for part in sums.sessions {
            guard let owner = contents.owner(part.session) else { continue }
            split[day][series.number(ofGroup: owner.ownerGroup), default: UsageTotals()] += part.totals
        }
    }

    private mutating func add(_ part: DaySums.Session) {
        guard let owner = contents.owner(part.session) else { return }
        let group = Int(owner.ownerGroup)
        if !isWide {
            // Every sum has a call.
            if groupTotals[group].calls == 0 { touched.append(owner.ownerGroup) }
            groupTotals[group] += part.totals
        }
        let place: Int
        if let known = own.places[part.session] {
            place = Int(known)
        } else {
            place = own.slots.count
            own.places[part.session] = Int32(clamping: place)
            let former = base?.session(part.session)
            own.slots.append(former ?? DaySums.Session(session: part.session))
            if former == nil, !owner.isHidden {
                own.sessions += 1
                if !isWide { own.sessionsByGroup[group] += 1 }
            }
        }
        if !owner.isHidden { count(part, besides: own.slots[place]) }
        own.slots[place].add(part)
    }

    /// Counts a session in the models and hours that it did not have before.
    private mutating func count(_ part: DaySums.Session, besides known: DaySums.Session) {
        var models = part.models & ~known.models
        while models != 0 {
            own.sessionsByModel[models.trailingZeroBitCount] += 1
            models &= models - 1
        }
        var hours = part.hours & ~known.hours
        while hours != 0 {
            own.sessionsByHour[hours.trailingZeroBitCount] += 1
            hours &= hours - 1
        }
    }

    private mutating func closeGroups(of day: Int) {
        own.groups[day] = touched.map { SummedDays.GroupTotals(group: $0, totals: groupTotals[Int($0)]) }
        for group in touched { groupTotals[Int(group)] = UsageTotals() }
        touched.removeAll(keepingCapacity: true)
    }

    /// Everything that was added, to be gone on from.
    mutating func finish() -> SummedDays {
        let (above, tied) = dearestPlaces(UsageSummary.maximumSessions)
        own.dearest = (above + tied).map { Int32(clamping: $0) }
        own.rareModels = Self.unique(own.rareModels)
        return own
    }

    private static func unique(_ pairs: [UInt64]) -> [UInt64] {
        var unique: [UInt64] = []
        for pair in pairs.sorted() where pair != unique.last { unique.append(pair) }
        return unique
    }

    // MARK: - Sessions

    /// Whether a session has a name; calls without a session are kept under rows that have none.
    private func isNamed(_ session: Int32) -> Bool { contents.owner(session)?.isHidden == false }

    /// Calls `body` with what each session has.
    private func forEachSession(_ body: (DaySums.Session) -> Void) {
        for slot in own.slots { body(slot) }
        guard let base else { return }
        for slot in base.slots where own.places[slot.session] == nil { body(slot) }
    }

    /// The sessions with the largest costs, fewer than ``UsageSummary/maximumSessions``, and those that cost as much as the last one that is
    /// wanted.
    func dearest() -> (above: [DaySums.Session], tied: [DaySums.Session]) {
        let limit = UsageSummary.maximumSessions
        guard let base else {
            let (above, tied) = dearestPlaces(limit)
            return (above.map { own.slots[$0] }, tied.map { own.slots[$0] })
        }
        // Sums only grow: one that was not among the dearest of the days that are over has to be of a later day.
        let candidates =
            own.slots.filter { isNamed($0.session) }
            + base.dearest.lazy.map { base.slots[Int($0)] }.filter { own.places[$0.session] == nil }
        let last = Self.largest(limit - 1, of: candidates.map(\.totals.cost.nanodollars))
        return (
            candidates.filter { $0.totals.cost.nanodollars > last },
            candidates.filter { $0.totals.cost.nanodollars == last }
        )
    }

    private func dearestPlaces(_ limit: Int) -> (above: [Int], tied: [Int]) {
        let places = own.slots.indices.filter { isNamed(own.slots[$0].session) }
        func cost(_ place: Int) -> Int64 { own.slots[place].totals.cost.nanodollars }
        let last = Self.largest(limit - 1, of: places.map(cost))
        return (places.filter { cost($0) > last }, places.filter { cost($0) == last })
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
        for day in own.days.indices {
            summary.byDay[day].totals = own.days[day]
            if let base { summary.byDay[day].totals += base.days[day] }
            summary.totals += summary.byDay[day].totals
        }
        summary.sessionCount = own.sessions + (base?.sessions ?? 0)
        splitDays()
        writeModels(to: &summary)
        writeHours(to: &summary)
        let ownerGroups = isWide ? nil : ownerGroups()
        var sums = SumsByName()
        for dimension in UsageDimension.ofSessions {
            writeOwners(dimension, ownerGroups, &sums, to: &summary)
        }
    }

    /// Writes what each model has; a session counts once in the others, however many of them it used.
    private mutating func writeModels(to summary: inout UsageSummary) {
        let names = contents.names[.model]
        var byModel = own.byModel
        if let base { for (model, totals) in base.byModel.enumerated() { byModel[model] += totals } }
        let listed = Listed(byModel, names)
        var sessions = [Int](repeating: 0, count: listed.count)
        if listed.others < 0 {
            for model in byModel.indices.prefix(DaySums.bits) where listed.places[model] >= 0 {
                sessions[Int(listed.places[model])] += own.sessionsByModel[model] + (base?.sessionsByModel[model] ?? 0)
            }
        }
        var inOthers: Set<Int32> = []
        func add(_ model: Int, _ session: Int32) {
            let place = listed.places[model]
            guard place >= 0 else { return }
            if place != listed.others || inOthers.insert(session).inserted { sessions[Int(place)] += 1 }
        }
        if listed.others >= 0 {
            forEachSession { slot in
                guard isNamed(slot.session) else { return }
                var models = slot.models
                while models != 0 {
                    add(models.trailingZeroBitCount, slot.session)
                    models &= models - 1
                }
            }
        }
        for pair in Self.unique(own.rareModels + (base?.rareModels ?? [])) {
            let session = Int32(truncatingIfNeeded: pair)
            if isNamed(session) { add(Int(pair >> 32), session) }
        }
        summary.byModel = listed.shares(byModel, sessions: sessions)
        let unpriced = byModel.indices.filter { byModel[$0].unpricedCalls > 0 }
        summary.unpricedModels = ListedNames.unpriced(
            unpriced,
            calls: { byModel[$0].unpricedCalls },
            name: { names[$0] }
        )
        if query.series == .model { summary.series = listed.series(split) }
    }

    private func writeHours(to summary: inout UsageSummary) {
        var (byHour, sessions) = (own.byHour, own.sessionsByHour)
        if let base {
            for hour in byHour.indices {
                byHour[hour] += base.byHour[hour]
                sessions[hour] += base.sessionsByHour[hour]
            }
        }
        let listed = Listed(byHour, LocalClock.names)
        summary[by: .hour] = listed.shares(byHour, sessions: listed.sums(sessions))
        if query.series == .hour { summary.series = listed.series(split) }
    }

    /// Splits each day up as the question wants.
    private mutating func splitDays() {
        guard let dimension = query.series else { return }
        for days in [base, own].compactMap(\.self) {
            for day in split.indices {
                func add(_ totals: UsageTotals, to name: Int32) { split[day][name, default: UsageTotals()] += totals }
                if dimension == .model { for each in days.models[day] { add(each.totals, to: each.model) } }
                if dimension == .hour { for each in days.hours[day] { add(each.totals, to: each.hour) } }
                guard !isWide, let series else { continue }
                for each in days.groups[day] { add(each.totals, to: series.number(ofGroup: each.group)) }
            }
        }
    }

    /// What sessions of the same names have together: there are at most as many of those as of sessions.
    private func ownerGroups() -> [UsageSummary.Share] {
        var shares = [UsageSummary.Share](repeating: UsageSummary.Share(), count: contents.ownerGroups.count)
        for days in [base, own].compactMap(\.self) {
            for each in days.groups.joined() { shares[Int(each.group)].totals += each.totals }
            for (group, sessions) in days.sessionsByGroup.enumerated() { shares[group].sessions += Int(sessions) }
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
            for slot in own.slots {
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
