// SPDX-License-Identifier: Apache-2.0

import Synchronization
package import Usage

/// What summaries have read before: the sums of days, also under conditions, who runs which session, and sessions that were listed.
///
/// A day is read again when its revision has changed, a session when its own has; so a summary of many days reads little but the last.
/// Safe to use from many readers at once, also from readers that see different states of the database.
package final class SummaryMemory: Sendable {
    private let contents = Mutex(Contents())

    /// A row of sums.
    package struct Sums {
        var quarter: Int32
        var session: Int32
        var model: Int32
        var totals: UsageTotals

        /// Creates a row.
        ///
        /// - Parameters:
        ///   - quarter: The quarter of an hour since 1970.
        ///   - session: The row of the session.
        ///   - model: The row of the model.
        package init(quarter: Int32, session: Int32, model: Int32, totals: UsageTotals) {
            (self.quarter, self.session, self.model, self.totals) = (quarter, session, model, totals)
        }
    }

    /// Who runs some sessions, as a store has it.
    package struct OwnerRow {
        package var sessions: [Int32]
        var isHidden: Bool
        var names: [String]

        /// Creates a row.
        ///
        /// - Parameters:
        ///   - isHidden: Whether it holds calls without a session.
        ///   - names: A name for each of ``UsageDimension/ofSessions`` in their order; no name is an empty one.
        package init(session: Int32, isHidden: Bool, names: [String]) {
            self.init(sessions: [session], isHidden: isHidden, names: names)
        }

        /// Creates a row of sessions that have the same names.
        package init(sessions: [Int32], isHidden: Bool, names: [String]) {
            (self.sessions, self.isHidden, self.names) = (sessions, isHidden, names)
        }
    }

    /// Who runs a session.
    struct Owner {
        var isHidden: Bool
        /// The number of its names together, the place in ``Contents/ownerGroups``.
        var ownerGroup: Int32
    }

    /// The names of some sessions, by their numbers.
    struct OwnerGroup: Hashable {
        private var numbers = SIMD16<Int32>()

        /// The number of a name; there is none for dimensions of calls.
        subscript(dimension: UsageDimension) -> Int32 {
            get { numbers[dimension.position] }
            set { numbers[dimension.position] = newValue }
        }
    }

    /// How many rows of sums are remembered at most: about 18 megabytes.
    private static let mostRows = 200_000
    /// How many sums of a session on a day are remembered at most: about 13 megabytes.
    private static let mostSums = 150_000
    /// How many sums of a session over the days of a period that are over are remembered at most: about 60 megabytes.
    private let mostFinished: Int
    /// How many sessions are remembered at most.
    private static let mostSessions = 4_096
    /// How many days at the end of a period may still change often.
    private static let openDays = 2

    /// Creates a memory of nothing.
    ///
    /// - Parameter mostFinished: How many sums of a session over days that are over are remembered. A period with more sessions is added up
    ///   again at each question.
    package init(mostFinished: Int = 600_000) { self.mostFinished = mostFinished }

    /// Adds up a period.
    ///
    /// What the days but the last two add up to is remembered, so that a question asked again reads and adds those two, as long as no earlier
    /// day changes.
    ///
    /// - Parameter days: The days in quarters of an hour since 1970.
    func tally(_ state: some SumsSnapshot, _ query: UsageQuery, days: [Range<Int64>]) throws -> SummaryTally {
        try contents.withLock { contents in
            try contents.noticeOwners(state)
            let changes = try Self.changes(state, days)
            let stamps = days.map { day in
                Self.utcDays(day).compactMap { part in changes[part].map { Stamp(day: part, changed: $0) } }
            }
            let (filter, clock) = (query.filter, query.period.clock)
            let known = contents
            var builder = DaySumsBuilder(known, filter, clock, missing: state.missing)
            func add(_ range: Range<Int>, to tally: inout SummaryTally) throws {
                for position in range where !stamps[position].isEmpty {
                    let (day, stamp) = (days[position], stamps[position])
                    let hours = clock.part(of: day)
                    let key = DayKey(quarters: day, filter: filter.isEmpty ? UsageFilter() : filter)
                    if let sums = contents.sums(of: key, stamp, hours) {
                        tally.add(sums, day: position)
                        continue
                    }
                    let rows = try stamp.map { try contents.rows($0, state, keeping: days, capacity: Self.mostRows) }
                    let sums = try builder.sums(of: day, in: rows)
                    contents.keep(sums, of: key, stamp, hours, capacity: Self.mostSums)
                    tally.add(sums, day: position)
                }
            }
            let over = max(0, days.count - Self.openDays)
            let key = Finished.Key(
                days: Array(days[..<over]),
                count: days.count,
                filter: filter.isEmpty ? UsageFilter() : filter,
                clock: clock
            )
            var tally: SummaryTally
            if let base = contents.finished(key, Array(stamps[..<over])) {
                tally = SummaryTally(query, known, base: base)
            } else {
                tally = SummaryTally(query, known)
                try add(0..<over, to: &tally)
                if over > 0, mostFinished > 0, !tally.isWide {
                    let base = tally.finish()
                    contents.keep(Finished(key: key, made: Array(stamps[..<over]), sums: base), capacity: mostFinished)
                    tally = SummaryTally(query, known, base: base)
                }
            }
            try add(over..<days.count, to: &tally)
            return tally
        }
    }

    /// What the days of a period add up to that are over.
    struct Finished {
        struct Key: Hashable {
            var days: [Range<Int64>]
            /// How many days the period has.
            var count: Int
            var filter: UsageFilter
            var clock: LocalClock
        }

        var key: Key
        /// The states it was made from.
        var made: [[Stamp]]
        var sums: SummedDays
    }

    /// The names of a dimension, the empty one left out.
    package func names(of dimension: UsageDimension, _ state: some SumsSnapshot) throws -> Set<String> {
        try contents.withLock { contents in
            // Whose calls they are is in a row for each session, which models there are in a few.
            if dimension == .model { try contents.noticeModels(state) } else { try contents.noticeOwners(state) }
            return contents.names.set(of: dimension)
        }
    }

    /// The sessions of some rows; nil where there is none.
    func sessions(_ refs: [Int64], _ state: some SumsSnapshot) throws -> [Session?] {
        let newest = try state.revision()
        return try contents.withLock { contents in
            // A reader of another state neither takes nor leaves anything.
            guard newest == contents.seen else { return try state.sessions(refs) }
            var found: [Int64: Session] = [:]
            for ref in refs { found[ref] = contents.sessions[ref] }
            // All at once: to a database behind a network each question is a round trip.
            let unknown = refs.filter { found[$0] == nil }
            for (ref, session) in zip(unknown, try state.sessions(unknown)) {
                if contents.sessions.count >= Self.mostSessions { contents.sessions = [:] }
                contents.sessions[ref] = session
                found[ref] = session
            }
            return refs.map { found[$0] }
        }
    }

    /// A day of some time zone, and what of it is added up.
    struct DayKey: Hashable {
        var quarters: Range<Int64>
        var filter: UsageFilter
    }

    /// A day (UTC, counted from 1970) in the state that a revision left.
    struct Stamp: Equatable {
        var day: Int64
        var changed: Int64
    }

    /// The days in which quarters of an hour lie.
    static func utcDays(_ quarters: Range<Int64>) -> [Int64] {
        let day = QuarterHour.countOfDay
        return quarters.isEmpty ? [] : Array(quarters.lowerBound / day...(quarters.upperBound - 1) / day)
    }

    /// When the days last changed; those without a sum are not among them.
    private static func changes(_ state: some SumsSnapshot, _ days: [Range<Int64>]) throws -> [Int64: Int64] {
        guard let first = days.first?.lowerBound, let last = days.last?.upperBound else { return [:] }
        let range = first / QuarterHour.countOfDay...last / QuarterHour.countOfDay
        let changes = try state.changes(of: range)
        try refuseUnlisted(state, range, changes)
        return changes
    }

    /// Refuses sums of days that the table of days lacks: they would be in no answer.
    ///
    /// Asks once for each gap between days with sums, of which there are few.
    private static func refuseUnlisted(_ state: some SumsSnapshot, _ days: ClosedRange<Int64>, _ listed: [Int64: Int64])
        throws
    {
        let known = listed.keys.filter(days.contains).sorted()
        for (before, after) in zip([days.lowerBound - 1] + known, known + [days.upperBound + 1])
        where after - before > 1 {
            if let day = try state.firstDay(in: before + 1..<after) {
                throw state.missing("day", day, namedBy: "the sums")
            }
        }
    }
}

// MARK: - Contents

extension SummaryMemory {
    /// All that is remembered.
    struct Contents {
        private var days: [Int64: (changed: Int64, rows: [Sums])] = [:]
        private var rows = 0
        /// Sums of days of any time zone, each with the states it was made from.
        private var sums: [DayKey: (made: [Stamp], hours: LocalClock, sums: DaySums)] = [:]
        private var summed = 0
        /// What days that are over add up to, that which was asked for last at the end.
        private var finished: [Finished] = []
        /// By the number of the row.
        private(set) var owners = SparseTable<Owner>()
        /// Sessions as they were when the newest revision was seen.
        var sessions: [Int64: Session] = [:]
        /// The newest revision that was noticed.
        private(set) var seen: Int64 = -1
        /// The models by the number of the row; rows of one name are one model.
        private var models = SparseTable<Int32>()
        /// The number of the row of the newest model that was read.
        private var newestModel: Int64 = 0
        /// The names of each dimension by their numbers; those of models by the number of the model.
        var names = DimensionNames()
        /// Each combination of names that a session has.
        private(set) var ownerGroups: [OwnerGroup] = []
        private var ownerGroupsByNames: [OwnerGroup: Int32] = [:]

        /// Who runs a session.
        func owner(_ session: Int32) -> Owner? { owners[session] }

        /// The model of a row.
        func model(_ ref: Int32) -> Int32? { models[ref] }
    }
}

// MARK: - Days

extension SummaryMemory.Contents {
    /// The sums of a day, if they were made from these states.
    func sums(of day: SummaryMemory.DayKey, _ made: [SummaryMemory.Stamp], _ hours: LocalClock) -> DaySums? {
        guard let known = sums[day], known.made == made, known.hours == hours else { return nil }
        return known.sums
    }

    /// Remembers the sums of a day, unless there is no room.
    mutating func keep(
        _ new: DaySums,
        of day: SummaryMemory.DayKey,
        _ made: [SummaryMemory.Stamp],
        _ hours: LocalClock,
        capacity: Int
    ) {
        summed -= sums.removeValue(forKey: day)?.sums.sessions.count ?? 0
        // Other conditions give way, then old days and other time zones.
        if summed + new.sessions.count > capacity { forgetFiltered(but: day.filter) }
        if summed + new.sessions.count > capacity { (sums, summed) = ([:], 0) }
        guard new.sessions.count <= capacity else { return }
        summed += new.sessions.count
        sums[day] = (made, hours, new)
    }

    /// Forgets the sums under conditions, those of one filter left out.
    private mutating func forgetFiltered(but kept: UsageFilter? = nil) {
        sums = sums.filter { $0.key.filter.isEmpty || $0.key.filter == kept }
        summed = sums.values.reduce(0) { $0 + $1.sums.sessions.count }
    }

    /// What days that are over add up to, if it was made from these states.
    mutating func finished(_ key: SummaryMemory.Finished.Key, _ made: [[SummaryMemory.Stamp]]) -> SummedDays? {
        guard let position = finished.firstIndex(where: { $0.key == key }) else { return nil }
        let known = finished.remove(at: position)
        guard known.made == made else { return nil }
        finished.append(known)
        return known.sums
    }

    /// Remembers what days that are over add up to, unless there is no room; those that were not asked for longest give way.
    mutating func keep(_ new: SummaryMemory.Finished, capacity: Int) {
        guard new.sums.slotCount <= capacity else { return }
        var slots = new.sums.slotCount + finished.reduce(0) { $0 + $1.sums.slotCount }
        while let first = finished.first, slots > capacity || finished.count >= Self.mostFinishedPeriods {
            slots -= first.sums.slotCount
            finished.removeFirst()
        }
        finished.append(new)
    }

    /// Of how many periods and conditions at most.
    private static let mostFinishedPeriods = 32

    /// The rows of a day, remembered if there is room.
    mutating func rows(
        _ day: SummaryMemory.Stamp,
        _ state: some SumsSnapshot,
        keeping asked: [Range<Int64>],
        capacity: Int
    ) throws -> [SummaryMemory.Sums] {
        if let known = days[day.day], known.changed == day.changed { return known.rows }
        rows -= days.removeValue(forKey: day.day)?.rows.count ?? 0
        let read = try state.sums(ofDay: day.day)
        // A day with more names than people have is rarely asked for with a condition, for which its rows are remembered.
        guard read.count <= Self.mostRowsOfDay else { return read }
        if rows + read.count > capacity { forgetDays(but: asked) }
        guard rows + read.count <= capacity else { return read }
        rows += read.count
        days[day.day] = (day.changed, read)
        return read
    }

    /// How many rows of one day are remembered at most.
    private static let mostRowsOfDay = 50_000

    /// Makes room by days that are not asked for now.
    private mutating func forgetDays(but asked: [Range<Int64>]) {
        let first = (asked.first?.lowerBound ?? 0) / QuarterHour.countOfDay
        let last = (asked.last?.upperBound ?? 0) / QuarterHour.countOfDay
        for day in days.keys where day < first || day > last { rows -= days.removeValue(forKey: day)?.rows.count ?? 0 }
    }
}

// MARK: - Names

extension SummaryMemory.Contents {
    /// Reads the sessions and models that are new or changed.
    mutating func noticeOwners(_ state: some SumsSnapshot) throws {
        let newest = try state.revision()
        // An older state of the database knows nothing new.
        guard newest > seen else { return }
        var areRenamed = false
        try state.forEachOwner(changedAfter: seen) { row in
            let new = owner(row)
            for session in row.sessions {
                // A condition on names may mean another part of the calls that the session had before.
                if let former = owners[session], former.ownerGroup != new.ownerGroup { areRenamed = true }
                owners[session] = new
                if !sessions.isEmpty { sessions[Int64(session)] = nil }
            }
        }
        if areRenamed {
            forgetFiltered()
            // They hold how many sessions have which names.
            finished = []
        }
        try noticeModels(state)
        seen = newest
    }

    mutating func noticeModels(_ state: some SumsSnapshot) throws {
        try state.forEachModel(after: newestModel) { row, name in
            models[Int32(clamping: row)] = names.number(of: name, as: .model)
            newestModel = row
        }
    }

    private mutating func owner(_ row: SummaryMemory.OwnerRow) -> SummaryMemory.Owner {
        var numbers = SummaryMemory.OwnerGroup()
        for (dimension, name) in zip(UsageDimension.ofSessions, row.names) {
            numbers[dimension] = names.number(of: name, as: dimension)
        }
        if let known = ownerGroupsByNames[numbers] {
            return SummaryMemory.Owner(isHidden: row.isHidden, ownerGroup: known)
        }
        let ownerGroup = Int32(clamping: ownerGroups.count)
        ownerGroups.append(numbers)
        ownerGroupsByNames[numbers] = ownerGroup
        return SummaryMemory.Owner(isHidden: row.isHidden, ownerGroup: ownerGroup)
    }
}

/// The names of each dimension, each with a small number of its own in its dimension.
struct DimensionNames {
    private var tables = [Table](repeating: Table(), count: UsageDimension.allCases.count)

    private struct Table {
        var names: [String] = []
        var numbers: [String: Int32] = [:]
        var set: Set<String>?
    }

    /// The names of a dimension by their numbers.
    subscript(dimension: UsageDimension) -> [String] { tables[dimension.position].names }

    /// The names of a dimension but the empty one; the same set, which compares at once, until there is a new name.
    mutating func set(of dimension: UsageDimension) -> Set<String> {
        if let fixed = dimension.fixedNames { return Set(fixed) }
        let place = dimension.position
        if let known = tables[place].set { return known }
        let set = Set(tables[place].names).subtracting([""])
        tables[place].set = set
        return set
    }

    /// The number of a name, a new one if it has none.
    mutating func number(of name: String, as dimension: UsageDimension) -> Int32 {
        let place = dimension.position
        if let known = tables[place].numbers[name] { return known }
        let number = Int32(clamping: tables[place].names.count)
        tables[place].names.append(name)
        tables[place].numbers[name] = number
        tables[place].set = nil
        return number
    }
}

/// The names of one dimension of sessions after the rules of a question.
struct DimensionReading {
    /// The names by their numbers.
    let names: [String]
    private let groups: [SummaryMemory.OwnerGroup]
    /// The number of each group of owners; nil where the rules change nothing.
    private let byGroup: [Int32]?
    private let dimension: UsageDimension

    init(_ dimension: UsageDimension, _ contents: SummaryMemory.Contents, _ rules: NamingRules) {
        (self.dimension, groups) = (dimension, contents.ownerGroups)
        guard !rules.isSilent(about: dimension) else {
            (names, byGroup) = (contents.names[dimension], nil)
            return
        }
        var table = DimensionNames()
        byGroup = groups.map { group in
            func text(_ dimension: UsageDimension) -> String? {
                let name = contents.names[dimension][Int(group[dimension])]
                return name.isEmpty ? nil : name
            }
            var names = SessionNames()
            (names.user, names.project, names.team) = (text(.user), text(.project), text(.team))
            return table.number(of: rules.name(of: names, in: dimension) ?? "", as: dimension)
        }
        names = table[dimension]
    }

    /// The number of the name that a group of owners has.
    func number(ofGroup group: Int32) -> Int32 { byGroup?[Int(group)] ?? groups[Int(group)][dimension] }
}
