// SPDX-License-Identifier: Apache-2.0

/// The observations that one change touches: what comes in, and what of the store is connected with it.
struct LedgerWorkingSet<Index: LedgerIndex> {
    private let index: Index
    /// The state as it will be, by identity.
    private var current: [UInt64: Observation] = [:]
    /// The state as it is in the store, by identity.
    private var stored: [UInt64: Observation] = [:]
    private var changed: Set<UInt64> = []
    private var order: [UInt64] = []

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
        var spans: [UInt64: [UInt64]] = [:]
        var parents: Set<UInt64> = []
        for observation in current.values {
            if observation.trace.span != 0 { spans[observation.trace.span, default: []].append(observation.id) }
            parents.formUnion(observation.trace.ancestors.values)
        }
        for id in order {
            guard let observation = current[id] else { continue }
            for ancestor in observation.trace.ancestors.values {
                for parent in try index.observations(span: ancestor, near: observation.time) where current[parent.id] == nil {
                    remember(parent)
                    spans[ancestor, default: []].append(parent.id)
                }
                for parent in spans[ancestor, default: []] { flag(parent) }
            }
            let span = observation.trace.span
            guard span != 0, !observation.trace.isRollUp else { continue }
            if try parents.contains(span) || index.hasDescendant(ofSpan: span, near: observation.time) { flag(id) }
        }
    }

    /// Loads everything that is connected with a change by keys or resemblance, and what is connected with that.
    mutating func close() throws {
        var queue = Array(changed)
        var seen = changed
        while let id = queue.popLast() {
            guard let observation = current[id] else { continue }
            var neighbours: [Observation] = []
            for key in observation.keys.known { neighbours += try index.observations(key: key) }
            if observation.weakKey != 0 { neighbours += try index.observations(resembling: observation) }
            for neighbour in neighbours {
                if current[neighbour.id] == nil { remember(neighbour) }
                if seen.insert(neighbour.id).inserted { queue.append(neighbour.id) }
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
        let before = current.keys.compactMap { stored[$0] }
        let former = Set(groups(before).flatMap(Ledger.calls))
        let now = groups(Array(current.values)).flatMap(Ledger.calls)
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
        return sets.members().map { $0.map { observations[$0] } }
    }

    private mutating func load(_ observation: Observation) throws {
        if let same = try index.observation(id: observation.id, time: observation.time) { return remember(same) }
        for key in observation.keys.known {
            if let same = try index.observations(key: key).first(where: { $0.id == observation.id }) { return remember(same) }
        }
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
