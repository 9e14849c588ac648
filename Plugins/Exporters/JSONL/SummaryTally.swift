// SPDX-License-Identifier: Apache-2.0

import Usage

/// The sums of a period while they are made; everything is found by small numbers, because there may be as many names as calls.
struct SummaryTally {
    private let query: UsageQuery
    private var totals = ExactTotals()
    private var days: [ExactTotals]
    /// What each model has, by its number.
    private var byModel: [Int32: ExactTotals] = [:]
    /// What each session has, hidden ones too, by its number.
    private var bySession: [Int32: ExactTotals] = [:]
    /// Which models each session used: the model above, the session below.
    private var uses: [UInt64] = []
    /// Days by the number of the model or session, when they are to be split.
    private var split: [[Int32: ExactTotals]]

    init(_ query: UsageQuery) {
        self.query = query
        days = [ExactTotals](repeating: ExactTotals(), count: query.period.days.count)
        split = query.series == nil ? [] : [[Int32: ExactTotals]](repeating: [:], count: query.period.days.count)
    }

    /// Takes in what a session has with a model in a quarter of an hour.
    mutating func add(_ sums: ExactTotals, _ key: UsageBook.RollupKey, _ day: Int?, _ book: borrowing UsageBook) {
        guard let session = book.sessions[key.session] else { return }
        if !query.filter.isEmpty {
            guard query.filter.allowsOwner(of: session.sighting),
                query.filter.allows(book.models[key.model], as: .model)
            else { return }
        }
        totals += sums
        byModel[key.model, default: ExactTotals()] += sums
        bySession[key.session, default: ExactTotals()] += sums
        uses.append(UInt64(UInt32(bitPattern: key.model)) << 32 | UInt64(UInt32(bitPattern: key.session)))
        guard let day else { return }
        days[day] += sums
        guard let series = query.series else { return }
        split[day][series == .model ? key.model : session.owner[series], default: ExactTotals()] += sums
    }

    mutating func write(to summary: inout UsageSummary, _ book: borrowing UsageBook) {
        summary.totals = totals.totals
        for (day, totals) in days.enumerated() { summary.byDay[day].totals = totals.totals }
        writeModels(to: &summary, book)
        for dimension in UsageDimension.allCases where dimension != .model {
            writeOwners(dimension, to: &summary, book)
        }
        for (number, _) in bySession where book.sessions[number]?.isHidden == false { summary.sessionCount += 1 }
        if query.listsSessions { summary.sessions = dearest(book) }
    }

    /// Writes what each model has; a session counts once in the others, however many of them it used.
    private mutating func writeModels(to summary: inout UsageSummary, _ book: borrowing UsageBook) {
        // An empty name and none are one.
        var listed = Listed(byModel) { [models = book.models] in models[$0] ?? "" }
        uses.sort()
        var latest: UInt64?
        var others: Set<Int32> = []
        for use in uses where use != latest {
            latest = use
            let (model, session) = (Int32(truncatingIfNeeded: use >> 32), Int32(truncatingIfNeeded: use))
            guard book.sessions[session]?.isHidden == false else { continue }
            if !listed.isListed(model), !others.insert(session).inserted { continue }
            listed.addSession(to: model)
        }
        summary.byModel = listed.shares
        var unpriced: [String: Int64] = [:]
        for (model, totals) in byModel where totals.totals.unpricedCalls > 0 {
            unpriced[book.models[model] ?? "", default: 0] += totals.totals.unpricedCalls
        }
        let none = Timestamp(nanoseconds: 0)
        let models = unpriced.map { UnpricedModel(model: $0, calls: $1, lastSeenAt: none) }
        summary.unpricedModels = ListedNames.bounded(models.sorted { $0.model < $1.model }).map(\.model)
        if query.series == .model { summary.series = listed.series(split) }
    }

    private func writeOwners(_ dimension: UsageDimension, to summary: inout UsageSummary, _ book: borrowing UsageBook) {
        var totals: [Int32: ExactTotals] = [:]
        for (number, sums) in bySession {
            guard let owner = book.sessions[number]?.owner else { continue }
            totals[owner[dimension], default: ExactTotals()] += sums
        }
        var listed = Listed(totals) { [names = book.sessions.names[dimension] ?? NameTable()] in names[$0] ?? "" }
        for (number, _) in bySession {
            guard let session = book.sessions[number], !session.isHidden else { continue }
            listed.addSession(to: session.owner[dimension])
        }
        switch dimension {
        case .model: break
        case .agent: summary.byAgent = listed.shares
        case .project: summary.byProject = listed.shares
        case .user: summary.byUser = listed.shares
        case .machine: summary.byMachine = listed.shares
        }
        if query.series == dimension { summary.series = listed.series(split) }
    }

    /// The sessions with the largest costs; of equal ones those whose ids come first.
    private func dearest(_ book: borrowing UsageBook) -> [Session] {
        var ranking = LargestNames(UsageSummary.maximumSessions, keepsOther: true)
        let sessions = book.sessions
        for (number, sums) in bySession where sessions[number]?.isHidden == false {
            ranking.offer((Int64(clamping: sums.cost), 0, 0), Int(number)) { sessions[number]?.sighting.id ?? "" }
        }
        return ranking.sortedPlaces.compactMap { place in
            let number = Int32(clamping: place)
            var session = sessions[number]?.session(book.models)
            session?.totals = bySession[number]?.totals ?? UsageTotals()
            return session
        }
    }
}

/// What the names of a dimension have in an answer (``ListedNames``).
private struct Listed {
    private var names: [Int32: String] = [:]
    private(set) var shares: [String: UsageSummary.Share] = [:]
    private let hasOthers: Bool

    /// - Parameters:
    ///   - totals: What each name has, by its number.
    ///   - name: The name of a number; two numbers may have one.
    init(_ totals: [Int32: ExactTotals], name: (Int32) -> String) {
        var sums: [String: ExactTotals] = [:]
        hasOthers = totals.count > ListedNames.most && Self.chosen(totals, name, &names)
        for (number, figures) in totals {
            if !hasOthers { names[number] = name(number) }
            sums[names[number] ?? ListedNames.other, default: ExactTotals()] += figures
        }
        shares = sums.mapValues { sums in
            var share = UsageSummary.Share()
            share.totals = sums.totals
            return share
        }
    }

    /// Notes the names that are listed; false when all are.
    private static func chosen(
        _ totals: [Int32: ExactTotals],
        _ name: (Int32) -> String,
        _ names: inout [Int32: String]
    ) -> Bool {
        // No name and an empty one have two numbers and are one name.
        let unnamed = totals.keys.filter { name($0).isEmpty }
        guard totals.count - max(0, unnamed.count - 1) > ListedNames.most else { return false }
        var ranking = LargestNames(ListedNames.most)
        for (number, figures) in totals where !unnamed.contains(number) {
            ranking.offer(figures.totals, Int(number)) { name(number) }
        }
        if let first = unnamed.first {
            let together = unnamed.reduce(into: ExactTotals()) { $0 += totals[$1] ?? ExactTotals() }
            ranking.offer(together.totals, Int(first)) { "" }
        }
        for place in ranking.places { names[Int32(clamping: place)] = name(Int32(clamping: place)) }
        if let first = unnamed.first, names[first] != nil { for number in unnamed { names[number] = "" } }
        return true
    }

    /// Whether a name is listed by itself.
    func isListed(_ number: Int32) -> Bool { names[number] != nil }

    /// Counts a session.
    mutating func addSession(to number: Int32) { shares[names[number] ?? ListedNames.other]?.sessions += 1 }

    /// Days by the names of the answer.
    func series(_ days: [[Int32: ExactTotals]]) -> [[String: UsageTotals]] {
        days.map { day in
            var sums: [String: ExactTotals] = [:]
            for (number, figures) in day { sums[names[number] ?? ListedNames.other, default: ExactTotals()] += figures }
            return sums.mapValues(\.totals)
        }
    }
}
