// SPDX-License-Identifier: Apache-2.0

/// The observations that one change touches: what comes in, and the stored calls that are connected with it.
struct LedgerWorkingSet<Index: LedgerIndex> {
    let index: Index
    /// The state as it will be, by identity.
    private var current: [UInt64: Observation] = [:]
    /// The state as it is in the store, by identity.
    private var stored: [UInt64: Observation] = [:]
    /// The stored calls that were looked at.
    private var entries: [Int64: LedgerEntry] = [:]
    /// The stored call to which a stored observation belongs.
    private var homes: [UInt64: Int64] = [:]
    private var changed: Set<UInt64> = []
    /// The identities in ``changed``, in the order in which they changed.
    private var order: [UInt64] = []
    /// Everything connected with a change, once ``close()`` has looked.
    private var connected: Set<UInt64> = []
    private var overfullBuckets = OverfullBuckets()
    /// What changes at borders of cells, by the cell behind them.
    private var visitors: [MatchBucket: Set<UInt64>] = [:]
    /// What is at the borders that were looked at.
    private var zones: [MatchBucket: BucketBoundary] = [:]
    /// What changes under links of ids beside which a stronger id decides, by identity.
    private var decided: [LedgerLink: Set<UInt64>] = [:]
    /// Keys under which so many calls with stronger ids lie that none of them can be distinguished from another.
    private var overfull: Set<UInt64> = []
    private var askedKeys: Set<UInt64> = []

    init(index: Index) {
        self.index = index
    }

    var hasChanges: Bool { !changed.isEmpty }

    /// Takes in an observation; a repeat without anything new is dropped here.
    mutating func take(_ observation: Observation) throws {
        if current[observation.id] == nil { try load(observation) }
        guard var known = current[observation.id] else {
            current[observation.id] = observation
            markChanged(observation.id)
            return
        }
        guard known.merge(observation) else { return }
        current[observation.id] = known
        markChanged(observation.id)
    }

    /// Flags spans whose descendants report usage, among what came in and in the store.
    mutating func markRollUps() throws {
        let family = SpanFamily(current.values.lazy.map { LedgerTraits($0) })
        for (id, observation) in current where family.isRollUp(LedgerTraits(observation)) { flag(id) }
        for id in order {
            guard let observation = current[id] else { continue }
            try observation.trace.ancestors.forEach { ancestor in
                guard try index.mayHold(.span(ancestor)) else { return }
                for entry in try index.entries(linkedBy: .span(ancestor), limit: .max) {
                    for parent in entry.observations
                    where parent.trace.span == ancestor && Self.isRollUp(parent, above: observation) {
                        remember(entry)
                        flag(parent.id)
                    }
                }
            }
            if try !observation.trace.isRollUp && hasStoredDescendant(observation) { flag(id) }
        }
    }

    private func hasStoredDescendant(_ observation: Observation) throws -> Bool {
        let span = observation.trace.span
        guard span != 0, try index.mayHold(.ancestor(span)) else { return false }
        return try index.entries(linkedBy: .ancestor(span), limit: .max).contains { entry in
            entry.observations.contains {
                $0.trace.ancestors.contains(span) && Self.isRollUp(observation, above: $0)
            }
        }
    }

    private static func isRollUp(_ ancestor: Observation, above descendant: Observation) -> Bool {
        let below = LedgerTraits(descendant)
        return Ledger.isNear(ancestor.time, descendant.time)
            && SpanFamily.repeats(LedgerTraits(ancestor), kind: below.trace.kind, figures: below.figures)
    }

    /// Loads everything that is connected with a change by keys or resemblance, and what is connected with that.
    ///
    /// What an observation was connected with before it changed counts, too: it may have to be separated from that now.
    mutating func close() throws {
        for id in order { noteMoves(of: id) }
        connected = changed
        var queue = order
        for cell in overfullBuckets.changed {
            try loadCell(cell)
            // Its pairs can no longer be distinguished: all of them have to be separated.
            guard overfullBuckets.isOverfull(cell, after: true), !overfullBuckets.isOverfull(cell, after: false) else {
                continue
            }
            for id in overfullBuckets.members(of: cell) where connected.insert(id).inserted { queue.append(id) }
        }
        for border in visitors.keys {
            let zone = try zone(at: border)
            for id in zone.members where zone.turns && connected.insert(id).inserted { queue.append(id) }
        }
        while let id = queue.popLast() {
            for neighbour in try neighbours(of: id) where connected.insert(neighbour).inserted {
                queue.append(neighbour)
            }
        }
    }

    /// Notes which cells and links a changed observation leaves and enters.
    private mutating func noteMoves(of id: UInt64) {
        for rule in ResemblanceRule.allCases {
            overfullBuckets.move(
                id,
                from: stored[id].flatMap { rule.cell(of: $0) },
                to: current[id].flatMap { rule.cell(of: $0) }
            )
            for state in [stored[id], current[id]].compactMap(\.self) {
                guard let border = rule.cell(of: state)?.border(near: state.time) else { continue }
                visitors[border, default: []].insert(id)
            }
        }
        guard let state = current[id] else { return }
        LedgerTraits(state).forEachLinkBesideStronger { decided[$0, default: []].insert(id) }
    }

    /// The difference between what the store holds and what it should hold.
    func change() -> LedgerChange {
        var change = LedgerChange()
        var kept: Set<Int64> = []
        let observations = connected.compactMap { current[$0] }
        for positions in groups(observations.map { overfullBuckets.excluded($0, after: true) }) {
            var positions = positions
            if positions.count > 1 { positions.sort { observations[$0].id < observations[$1].id } }
            let observations = positions.map { observations[$0] }
            if let ref = unchangedEntry(of: observations) {
                kept.insert(ref)
            } else if let entry = LedgerEntry(observations: observations) {
                change.entries.append(entry)
            }
        }
        let touched = Set(connected.compactMap { homes[$0] })
        change.retired = touched.subtracting(kept).compactMap { entries[$0] }
        change.retired.sort(by: LedgerEntry.isEarlier)
        // Numbers are moved in place of entries, each of which has a dozen references to be counted.
        let order = change.entries.indices.sorted { LedgerEntry.isEarlier(change.entries[$0], change.entries[$1]) }
        change.entries = order.map { change.entries[$0] }
        return change
    }

    /// The stored call that consists of just these observations, if none of them has changed.
    private func unchangedEntry(of observations: [Observation]) -> Int64? {
        guard let ref = observations.first.flatMap({ homes[$0.id] }),
            entries[ref]?.observations.count == observations.count,
            observations.allSatisfy({ homes[$0.id] == ref && !changed.contains($0.id) })
        else { return nil }
        return ref
    }

    /// Which observations report one call, as positions.
    ///
    /// They are split first into sets that have nothing to do with one another, so that each is resolved by itself.
    private func groups(_ observations: [Observation]) -> [[Int]] {
        var sets = DisjointSets(count: observations.count)
        var first: [UInt64: Int] = [:]
        for (position, observation) in observations.enumerated() {
            func join(_ link: UInt64) {
                if let other = first[link] { sets.join(other, position) } else { first[link] = position }
            }
            observation.keys.forEach(join)
            if observation.blockingKey != 0 { join(observation.blockingKey) }
            if observation.intervalKey != 0 { join(observation.intervalKey) }
        }
        return sets.members.flatMap { members in
            CallGrouping.calls(of: members.map { observations[$0] }, overfull: overfull) { zones[$0]?.isClear ?? false }
                .map { call in call.map { members[$0] } }
        }
    }

    /// What is connected with an observation as it was and as it is.
    private mutating func neighbours(of id: UInt64) throws -> [UInt64] {
        var found = homes[id].flatMap { entries[$0] }?.observations.map(\.id) ?? []
        let states = changed.contains(id) ? [current[id], stored[id]] : [current[id]]
        for state in states.compactMap(\.self) {
            try LedgerTraits(state).forEachJoiningLink { joining in
                guard askedKeys.insert(joining.link.rawValue).inserted else { return }
                try addJoined(by: joining, to: &found)
            }
            for rule in ResemblanceRule.allCases { try addResembling(state, by: rule, to: &found) }
        }
        return found
    }

    /// Adds the observations under a link of an id.
    private mutating func addJoined(by joining: LedgerTraits.Joining, to found: inout [UInt64]) throws {
        let changing = decided[joining.link] ?? []
        guard try !changing.isEmpty || index.mayHold(joining.link) else { return }
        guard joining.isDecided else {
            for entry in try index.entries(linkedBy: joining.link, limit: .max) {
                remember(entry)
                found += entry.observations.map(\.id)
            }
            return
        }
        // Without a stronger id it could be any of them: too many are not looked at, and none is joined.
        let capacity = MatchBucket.capacity
        let entries = try index.entries(linkedBy: joining.link, limit: capacity + 1)
        var members = changing
        for observation in entries.lazy.flatMap(\.observations) {
            LedgerTraits(observation).forEachLinkBesideStronger {
                if $0 == joining.link { members.insert(observation.id) }
            }
        }
        guard members.count <= capacity else {
            overfull.insert(joining.key)
            return
        }
        for entry in entries {
            remember(entry)
            found += entry.observations.map(\.id)
        }
        found += changing
    }

    /// Adds the stored observations that resemble one, of its own cell and across the border if one is near.
    private mutating func addResembling(
        _ state: Observation,
        by rule: ResemblanceRule,
        to found: inout [UInt64]
    ) throws {
        guard let cell = rule.cell(of: state) else { return }
        try loadCell(cell)
        found += overfullBuckets.members(of: cell).filter { id in
            stored[id].map { Ledger.resemble($0, state, by: rule) } ?? false
        }
        guard let border = cell.border(near: state.time) else { return }
        let isClear = try zone(at: border).isClear
        let reach = isClear ? MatchBucket.clearReach : MatchBucket.reachAcross
        guard cell.border(near: state.time, within: reach) != nil else { return }
        let next = border == cell ? border.preceding : border
        try loadCell(next)
        found += overfullBuckets.members(of: next).filter { id in
            stored[id].map { Ledger.resemble($0, state, by: rule, isBorderClear: isClear) } ?? false
        }
    }

    /// What is at a border, named by the cell behind it.
    private mutating func zone(at border: MatchBucket) throws -> BucketBoundary {
        if let known = zones[border] { return known }
        var zone = BucketBoundary()
        for id in visitors[border] ?? [] { zone.note(id, stored[id], current[id], at: border) }
        let cells = [border, border.preceding]
        // What is loaded already may be enough.
        for cell in overfullBuckets.knows(border) ? cells : cells.reversed() where !zone.isOverfull {
            try loadCell(cell)
            for id in overfullBuckets.members(of: cell) { zone.note(id, stored[id], current[id], at: border) }
        }
        zones[border] = zone
        return zone
    }

    private mutating func loadCell(_ cell: MatchBucket) throws {
        guard !overfullBuckets.knows(cell) else { return }
        guard !index.isKnownOverfull(cell) else { return overfullBuckets.add(cell, members: nil) }
        let capacity = MatchBucket.capacity
        var found: [Int64: LedgerEntry] = [:]
        for link in cell.links where try index.mayHold(link) {
            // An entry can hold several observations of a cell; twice as many entries are a overfull without a look.
            for entry in try index.entries(linkedBy: link, limit: 2 * capacity + 1) { found[entry.ref] = entry }
            guard found.count <= 2 * capacity else { return addOverfull(cell) }
        }
        let members = found.values.flatMap(\.observations).filter { observation in
            ResemblanceRule.allCases.contains { $0.cell(of: observation) == cell }
        }
        guard members.count <= capacity else { return addOverfull(cell) }
        for entry in found.values { remember(entry) }
        overfullBuckets.add(cell, members: members.map(\.id))
    }

    private mutating func addOverfull(_ cell: MatchBucket) {
        index.noteOverfull(cell)
        overfullBuckets.add(cell, members: nil)
    }

    private mutating func load(_ observation: Observation) throws {
        let link = LedgerTraits(observation).identifyingLink
        guard try index.mayHold(link) else { return }
        let entries = try index.entries(linkedBy: link, limit: .max)
        if let home = entries.first(where: { $0.observations.contains { $0.id == observation.id } }) { remember(home) }
    }

    private mutating func remember(_ entry: LedgerEntry) {
        guard entries.updateValue(entry, forKey: entry.ref) == nil else { return }
        for observation in entry.observations {
            stored[observation.id] = observation
            homes[observation.id] = entry.ref
            if current[observation.id] == nil { current[observation.id] = observation }
        }
    }

    private mutating func markChanged(_ id: UInt64) {
        if changed.insert(id).inserted { order.append(id) }
    }

    private mutating func flag(_ id: UInt64) {
        guard current[id]?.trace.isRollUp == false else { return }
        current[id]?.trace.isRollUp = true
        markChanged(id)
    }
}

/// What is near a border of two cells, before and after a change.
///
/// As long as no observation was there twice, what is there is the observations of one call, and they are joined across the border as they
/// would be elsewhere. A program that makes such a call again and again is there several times, so no chain of pairs leads across.
struct BucketBoundary {
    /// All that are there, before or after.
    private(set) var members: Set<UInt64> = []
    private var before = Presence()
    private var after = Presence()

    private struct Presence {
        var emitters: Set<UInt64> = []
        var isClear = true

        mutating func note(_ emitter: UInt64) {
            if !emitters.insert(emitter).inserted { isClear = false }
        }
    }

    /// Whether no emitter is there twice once the change is made.
    var isClear: Bool { after.isClear }

    /// Whether pairs across the border that were possible no longer are, or the other way round.
    var turns: Bool { before.isClear != after.isClear }

    /// Whether nothing else there can make a difference.
    var isOverfull: Bool { !before.isClear && !after.isClear }

    /// Takes in an observation as it was and as it will be, if it is at the border.
    mutating func note(_ id: UInt64, _ former: Observation?, _ next: Observation?, at border: MatchBucket) {
        guard !members.contains(id) else { return }
        if let former, Self.isNear(former, border) {
            members.insert(id)
            before.note(former.emitter)
        }
        if let next, Self.isNear(next, border) {
            members.insert(id)
            after.note(next.emitter)
        }
    }

    private static func isNear(_ observation: Observation, _ border: MatchBucket) -> Bool {
        ResemblanceRule.allCases.contains { $0.cell(of: observation)?.border(near: observation.time) == border }
    }
}

/// Which of the cells that a change touches are overfullBuckets, before and after it.
struct OverfullBuckets {
    /// The stored members of each cell that was asked for; nil for a overfull.
    private var cells: [MatchBucket: [UInt64]?] = [:]
    private var comings: [MatchBucket: Int] = [:]

    /// Notes where an observation was and where it will be.
    mutating func move(_ id: UInt64, from former: MatchBucket?, to next: MatchBucket?) {
        guard former != next else { return }
        if let next { comings[next, default: 0] += 1 }
        if let former { comings[former, default: 0] -= 1 }
    }

    /// The cells that gain or lose members.
    var changed: [MatchBucket] { Array(comings.keys) }

    func knows(_ cell: MatchBucket) -> Bool { cells[cell] != nil }

    mutating func add(_ cell: MatchBucket, members: [UInt64]?) { cells[cell] = .some(members) }

    /// The stored members; none of a overfull.
    func members(of cell: MatchBucket) -> [UInt64] { (cells[cell] ?? nil) ?? [] }

    /// Whether a cell is a overfull; once it is one, it stays so.
    func isOverfull(_ cell: MatchBucket, after change: Bool) -> Bool {
        guard let known = cells[cell] else { return false }
        guard let members = known else { return true }
        return change && members.count + comings[cell, default: 0] > MatchBucket.capacity
    }

    /// The observation, excluded from matching by a rule whose cell is overfull.
    func excluded(_ observation: Observation, after change: Bool) -> Observation {
        var silent = observation
        if let cell = ResemblanceRule.blockingKey.cell(of: observation), isOverfull(cell, after: change) {
            silent.blockingKey = 0
        }
        if let cell = ResemblanceRule.interval.cell(of: observation), isOverfull(cell, after: change) {
            silent.intervalKey = 0
        }
        return silent
    }
}
