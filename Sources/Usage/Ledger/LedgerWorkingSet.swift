// SPDX-License-Identifier: Apache-2.0

/// The observations that one change touches: what comes in, and what of the store is connected with it.
struct LedgerWorkingSet<Index: LedgerIndex> {
    let index: Index
    /// The state as it will be, by identity.
    private(set) var current: [UInt64: Observation] = [:]
    /// The state as it is in the store, by identity.
    private(set) var stored: [UInt64: Observation] = [:]
    private var changed: Set<UInt64> = []
    private var order: [UInt64] = []
    private var crowds = ResemblanceCrowds()

    init(index: Index) {
        self.index = index
    }

    var hasChanges: Bool { !changed.isEmpty }

    /// Takes in a sighting; a repeat that tells nothing new is dropped here.
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

    /// Flags spans whose descendants tell usage, among what came in and in the store.
    mutating func markRollUps() throws {
        let family = SpanFamily(current.values)
        for (id, descendants) in family.ancestors where current[id].map({ descendants.areNear($0.time) }) ?? false {
            flag(id)
        }
        for id in order {
            guard let observation = current[id] else { continue }
            for ancestor in observation.trace.ancestors.values {
                for parent in try index.observations(span: ancestor, near: observation.time) {
                    if current[parent.id] == nil { remember(parent) }
                    flag(parent.id)
                }
            }
            let span = observation.trace.span
            if span != 0, !observation.trace.isRollUp, try index.hasDescendant(ofSpan: span, near: observation.time) {
                flag(id)
            }
        }
    }

    /// Loads everything that is connected with a change by keys or resemblance, and what is connected with that.
    ///
    /// What an observation was connected with before it changed counts, too: it may have to be told apart from that now.
    mutating func close() throws {
        for id in order {
            crowds.move(
                id,
                from: stored[id].flatMap(ResemblanceCell.init(of:)),
                to: current[id].flatMap(ResemblanceCell.init(of:))
            )
        }
        var seen = changed
        var queue = order
        for cell in crowds.changed {
            try loadCell(cell)
            // Its pairs are no longer told apart: all of them have to be taken asunder.
            guard crowds.isCrowd(cell, after: true), !crowds.isCrowd(cell, after: false) else { continue }
            for id in crowds.members(of: cell) where seen.insert(id).inserted { queue.append(id) }
        }
        var askedKeys: Set<UInt64> = []
        while let id = queue.popLast() {
            for neighbour in try neighbours(of: id, &askedKeys) where seen.insert(neighbour).inserted {
                queue.append(neighbour)
            }
        }
        current = current.filter { seen.contains($0.key) }
    }

    /// The difference between what the store holds and what it should hold.
    func change() -> LedgerChange {
        var change = LedgerChange()
        for id in order where changed.contains(id) {
            guard let observation = current[id] else { continue }
            change.observations.append(observation)
            if let former = stored[id] { change.replaced.append(former) }
        }
        let before = current.keys.compactMap { stored[$0] }.map { crowds.silenced($0, after: false) }
        let after = current.values.map { crowds.silenced($0, after: true) }
        let former = Set(groups(before).flatMap(Ledger.calls))
        let now = groups(after).flatMap(Ledger.calls)
        let kept = former.intersection(now)
        change.retired = former.subtracting(kept).sorted { ($0.time, $0.id) < ($1.time, $1.id) }
        change.calls = now.filter { !kept.contains($0) }.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
        return change
    }

    /// Splits observations into sets that have nothing to do with one another, so that each is resolved by itself.
    private func groups(_ observations: [Observation]) -> [[Observation]] {
        var sets = DisjointSets(count: observations.count)
        var first: [UInt64: Int] = [:]
        for (position, observation) in observations.enumerated() {
            for link in observation.keys.known + (observation.weakKey == 0 ? [] : [observation.weakKey]) {
                if let other = first[link] { sets.join(other, position) } else { first[link] = position }
            }
        }
        return sets.members.map { $0.map { observations[$0] } }
    }

    /// What is connected with an observation as it was and as it is.
    private mutating func neighbours(of id: UInt64, _ askedKeys: inout Set<UInt64>) throws -> [UInt64] {
        var found: [UInt64] = []
        let states = changed.contains(id) ? [current[id], stored[id]] : [current[id]]
        for state in states.compactMap(\.self) {
            for key in state.keys.known where askedKeys.insert(key).inserted {
                for neighbour in try index.observations(key: key) {
                    if current[neighbour.id] == nil { remember(neighbour) }
                    found.append(neighbour.id)
                }
            }
            for cell in ResemblanceCell.reached(by: state) {
                try loadCell(cell)
                found += crowds.members(of: cell).filter { stored[$0].map { Ledger.resemble($0, state) } ?? false }
            }
        }
        return found
    }

    private mutating func loadCell(_ cell: ResemblanceCell) throws {
        guard !crowds.knows(cell) else { return }
        let members = try index.observations(in: cell)
        for member in members ?? [] where current[member.id] == nil { remember(member) }
        crowds.add(cell, members: members?.map(\.id))
    }

    private mutating func load(_ observation: Observation) throws {
        if let same = try index.observation(id: observation.id, time: observation.time) { return remember(same) }
        for key in observation.keys.known {
            if let same = try index.observations(key: key).first(where: { $0.id == observation.id }) {
                return remember(same)
            }
        }
        // A span without ids of its call that is told again with another end.
        guard observation.keys.isEmpty, observation.trace.span != 0 else { return }
        let same = try index.observations(span: observation.trace.span, near: observation.time).first {
            $0.id == observation.id
        }
        if let same { remember(same) }
    }

    private mutating func remember(_ observation: Observation) {
        current[observation.id] = observation
        stored[observation.id] = observation
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
