// SPDX-License-Identifier: Apache-2.0

import Usage

/// The sums of a period while they are made; everything is found by small numbers, because there may be as many names as calls.
struct SummaryTally {
    private let query: UsageQuery
    private var totals = ExactTotals()
    private var days: [ExactTotals]
    /// What each model has.
    private var byModel: NumberedSums
    /// What each session has, hidden ones too.
    private var bySession: NumberedSums
    /// Which models each session used: the model above, the session below.
    private var uses: [UInt64] = []
    private var byHour = [ExactTotals](repeating: ExactTotals(), count: LocalClock.names.count)
    /// The hours in which each session has a call, as bits.
    private var hours: [Int32: UInt32] = [:]
    /// Days by the number of the name, when they are to be split.
    private var split: [[Int32: ExactTotals]]
    /// How the dimension is read by which days are split up; nil for one of calls.
    private let series: DimensionReading?

    init(_ query: UsageQuery, _ book: borrowing UsageIndex) {
        self.query = query
        days = [ExactTotals](repeating: ExactTotals(), count: query.period.days.count)
        byModel = NumberedSums(count: book.models.count)
        bySession = NumberedSums(count: book.sessions.slots.count)
        series = query.series.flatMap {
            $0.isOfSession ? DimensionReading($0, book.sessions, query.filter.naming) : nil
        }
        split = query.series == nil ? [] : [[Int32: ExactTotals]](repeating: [:], count: query.period.days.count)
    }

    /// Takes in what a session has with a model in a quarter of an hour.
    mutating func add(
        _ sums: ExactTotals,
        _ key: UsageIndex.RollupKey,
        _ day: Int?,
        _ hour: Int,
        _ book: borrowing UsageIndex
    ) {
        guard let owner = book.sessions.owners[Int(key.session)] else { return }
        if !query.filter.isEmpty {
            guard let session = book.sessions[key.session], query.filter.allows(session.update.names),
                query.filter.allows(book.models[key.model], as: .model)
            else { return }
        }
        totals += sums
        byModel.add(sums, to: key.model)
        bySession.add(sums, to: key.session)
        byHour[hour] += sums
        hours[key.session, default: 0] |= 1 << UInt32(hour)
        uses.append(UInt64(UInt32(bitPattern: key.model)) << 32 | UInt64(UInt32(bitPattern: key.session)))
        guard let day else { return }
        days[day] += sums
        guard let dimension = query.series else { return }
        let name = series?.number(key.session, owner) ?? (dimension == .model ? key.model : Int32(hour))
        split[day][name, default: ExactTotals()] += sums
    }

    mutating func write(to summary: inout UsageSummary, _ book: borrowing UsageIndex) {
        summary.totals = totals.totals
        for (day, totals) in days.enumerated() { summary.byDay[day].totals = totals.totals }
        writeModels(to: &summary, book)
        writeHours(to: &summary, book)
        for dimension in UsageDimension.ofSessions { writeOwners(dimension, to: &summary, book) }
        let owners = book.sessions.owners
        summary.sessionCount = bySession.numbers.count { owners[Int($0)]?.isHidden == false }
        if query.listsSessions { summary.sessions = dearest(book) }
    }

    /// Writes what each model has; a session counts once in the others, however many of them it used.
    private mutating func writeModels(to summary: inout UsageSummary, _ book: borrowing UsageIndex) {
        let (models, owners) = (book.models, book.sessions.owners)
        // An empty name and none are one.
        var listed = Listed(byModel, count: models.count) { models[$0] ?? "" }
        uses.sort()
        var latest: UInt64?
        var isInOthers = [Bool](repeating: false, count: owners.count)
        for use in uses where use != latest {
            latest = use
            let (model, session) = (Int32(truncatingIfNeeded: use >> 32), Int(Int32(truncatingIfNeeded: use)))
            guard owners[session]?.isHidden == false else { continue }
            if listed.isOther(model) {
                if isInOthers[session] { continue }
                isInOthers[session] = true
            }
            listed.addSession(to: model)
        }
        summary.byModel = listed.shares
        var unpriced: [String: Int64] = [:]
        for (number, sums) in zip(byModel.numbers, byModel.sums) where sums.unpriced > 0 {
            unpriced[models[number] ?? "", default: 0] += sums.unpriced
        }
        let unpricedModels = Array(unpriced)
        summary.unpricedModels = ListedNames.unpriced(
            Array(unpricedModels.indices),
            calls: { unpricedModels[$0].value },
            name: { unpricedModels[$0].key }
        )
        if query.series == .model { summary.series = listed.series(split) }
    }

    private func writeHours(to summary: inout UsageSummary, _ book: borrowing UsageIndex) {
        var sums = NumberedSums(count: byHour.count)
        for (hour, totals) in byHour.enumerated() where totals.calls > 0 { sums.add(totals, to: Int32(hour)) }
        var listed = Listed(sums, count: byHour.count) { LocalClock.names[Int($0)] }
        for (session, bits) in hours where book.sessions.owners[Int(session)]?.isHidden == false {
            for hour in byHour.indices where bits & 1 << UInt32(hour) != 0 { listed.addSession(to: Int32(hour)) }
        }
        summary[by: .hour] = listed.shares
        if query.series == .hour { summary.series = listed.series(split) }
    }

    private func writeOwners(_ dimension: UsageDimension, to summary: inout UsageSummary, _ book: borrowing UsageIndex)
    {
        let reading = DimensionReading(dimension, book.sessions, query.filter.naming)
        let (names, owners) = (reading.names, book.sessions.owners)
        var totals = NumberedSums(count: names.count)
        for (number, sums) in zip(bySession.numbers, bySession.sums) {
            if let owner = owners[Int(number)] { totals.add(sums, to: reading.number(number, owner)) }
        }
        var listed = Listed(totals, count: names.count) { names[$0] ?? "" }
        for number in bySession.numbers {
            guard let owner = owners[Int(number)], !owner.isHidden else { continue }
            listed.addSession(to: reading.number(number, owner))
        }
        summary[by: dimension] = listed.shares
        if query.series == dimension { summary.series = listed.series(split) }
    }

    /// The sessions with the largest costs; of equal ones those whose ids come first.
    private func dearest(_ book: borrowing UsageIndex) -> [Session] {
        let (sessions, owners) = (book.sessions, book.sessions.owners)
        var ranking = LargestNames(UsageSummary.maximumSessions, keepsOther: true)
        for (place, number) in bySession.numbers.enumerated() where owners[Int(number)]?.isHidden == false {
            ranking.offer((Int64(clamping: bySession.sums[place].cost), 0, 0), place) {
                sessions.slots[Int(number)]?.update.id ?? ""
            }
        }
        return ranking.sortedPlaces.compactMap { place in
            var session = sessions[bySession.numbers[place]]?.session(book.models)
            session?.totals = bySession.sums[place].totals
            return session
        }
    }
}

/// The names of one dimension of sessions after the rules of a question.
private struct DimensionReading {
    /// The names by their numbers.
    let names: NameTable
    /// The number of each session; nil where the rules change nothing.
    private let bySession: [Int32]?
    private let dimension: UsageDimension

    init(_ dimension: UsageDimension, _ sessions: SessionRegister, _ rules: NamingRules) {
        self.dimension = dimension
        guard !rules.isSilent(about: dimension) else {
            (names, bySession) = (sessions.names[dimension] ?? NameTable(), nil)
            return
        }
        var table = NameTable()
        bySession = sessions.slots.map { session in
            session.map { table.number(of: rules.name(of: $0.update.names, in: dimension)) } ?? -1
        }
        names = table
    }

    /// The number of a session's name.
    func number(_ session: Int32, _ owner: SessionOwner) -> Int32 { bySession?[Int(session)] ?? owner[dimension] }
}

/// Sums by small numbers, those that have none left out.
private struct NumberedSums {
    private var places: [Int32]
    private(set) var numbers: [Int32] = []
    /// The sums in the order of ``numbers``.
    private(set) var sums: [ExactTotals] = []

    /// - Parameter count: How many numbers there are.
    init(count: Int) {
        places = [Int32](repeating: -1, count: count)
    }

    mutating func add(_ more: ExactTotals, to number: Int32) {
        let place = places[Int(number)]
        if place >= 0 { return sums[Int(place)] += more }
        places[Int(number)] = Int32(clamping: numbers.count)
        numbers.append(number)
        sums.append(more)
    }
}

/// What the names of a dimension have in an answer (``ListedNames``).
private struct Listed {
    /// For each number the place of its name in the answer.
    private var places: [Int32]
    private var names: [String] = []
    private var totals: [ExactTotals] = []
    private var sessions: [Int] = []
    /// The place of what is not listed; -1 when everything is.
    private var others: Int32 = -1

    /// - Parameters:
    ///   - figures: What each name has.
    ///   - count: How many numbers there are.
    ///   - name: The name of a number; no name and an empty one have two numbers and are one name.
    init(_ figures: NumberedSums, count: Int, name: (Int32) -> String) {
        places = [Int32](repeating: -1, count: count)
        let unnamed = figures.numbers.indices.filter { name(figures.numbers[$0]).isEmpty }
        let isUnnamed = Set(unnamed)
        let nameless = unnamed.reduce(into: ExactTotals()) { $0 += figures.sums[$1] }
        if figures.numbers.count - max(0, unnamed.count - 1) > ListedNames.most {
            var ranking = LargestNames(ListedNames.most)
            for (position, number) in figures.numbers.enumerated() where !isUnnamed.contains(position) {
                ranking.offer(figures.sums[position].totals, position) { name(number) }
            }
            if !unnamed.isEmpty { ranking.offer(nameless.totals, unnamed[0]) { "" } }
            for position in ranking.places { list([position], name(figures.numbers[position]), figures) }
            if let first = unnamed.first, places[Int(figures.numbers[first])] >= 0 {
                for position in unnamed { places[Int(figures.numbers[position])] = places[Int(figures.numbers[first])] }
            }
            others = append(ListedNames.other)
        } else {
            for position in figures.numbers.indices where !isUnnamed.contains(position) {
                list([position], name(figures.numbers[position]), figures)
            }
            if !unnamed.isEmpty { list(unnamed, "", figures) }
        }
        for (position, number) in figures.numbers.enumerated() {
            if places[Int(number)] < 0 { places[Int(number)] = others }
            totals[Int(places[Int(number)])] += figures.sums[position]
        }
    }

    private mutating func list(_ positions: [Int], _ name: String, _ figures: NumberedSums) {
        let place = append(name)
        for position in positions { places[Int(figures.numbers[position])] = place }
    }

    private mutating func append(_ name: String) -> Int32 {
        names.append(name)
        totals.append(ExactTotals())
        sessions.append(0)
        return Int32(names.count - 1)
    }

    /// Whether a name is not listed by itself.
    func isOther(_ number: Int32) -> Bool { places[Int(number)] == others }

    /// Counts a session.
    mutating func addSession(to number: Int32) {
        let place = places[Int(number)]
        if place >= 0 { sessions[Int(place)] += 1 }
    }

    /// What each name of the answer has.
    var shares: [String: UsageSummary.Share] {
        var shares: [String: UsageSummary.Share] = [:]
        for (place, name) in names.enumerated() {
            var share = UsageSummary.Share()
            (share.totals, share.sessions) = (totals[place].totals, sessions[place])
            shares[name] = share
        }
        return shares
    }

    /// Days by the names of the answer.
    func series(_ days: [[Int32: ExactTotals]]) -> [[String: UsageTotals]] {
        days.map { day in
            var sums: [String: ExactTotals] = [:]
            for (number, figures) in day where places[Int(number)] >= 0 {
                sums[names[Int(places[Int(number)])], default: ExactTotals()] += figures
            }
            return sums.mapValues(\.totals)
        }
    }
}
