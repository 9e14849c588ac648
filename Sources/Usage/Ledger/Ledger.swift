// SPDX-License-Identifier: Apache-2.0

/// The rules by which observations become calls, so that one call counts once whatever ways it arrives.
///
/// Observations are joined in three steps, each a pure function of the whole set of observations, so that the order and the number
/// of deliveries never matter:
///
/// 1. *Keys*: observations that share an id of the call tell of one call.
/// 2. *Resemblance*: witnesses without a common kind of id are paired when agent, session and size of the prompt are equal and the
///    time is near; nearest first, never two sightings of one witness, and nobody in a crowd (``ResemblanceCell/capacity``).
/// 3. *Roll-ups*: a span whose descendant tells usage, too, repeats it; a call known from roll-ups alone is not counted.
public enum Ledger {
    /// How far apart in nanoseconds a span and its ancestor may end.
    public static let traceWindow: Int64 = 24 * 3_600 * 1_000_000_000

    /// Finds what `incoming` changes in a store.
    ///
    /// The change is closed: applying it leaves the store as if all observations had come at once.
    /// - Parameters:
    ///   - incoming: Observations in any order, repeats allowed.
    ///   - index: What the store holds.
    public static func absorb(_ incoming: [Observation], into index: some LedgerIndex) throws -> LedgerChange {
        var set = LedgerWorkingSet(index: index)
        for observation in incoming { try set.take(observation) }
        guard set.hasChanges else { return LedgerChange() }
        try set.markRollUps()
        try set.close()
        return set.change()
    }

    /// Whether two observations may tell of one call although they share no id.
    public static func resemble(_ left: Observation, _ right: Observation) -> Bool {
        guard left.weakKey != 0, left.weakKey == right.weakKey, left.keys.kinds & right.keys.kinds == 0 else {
            return false
        }
        guard left.witness != right.witness else { return false }
        if let mine = left.model, let theirs = right.model, mine != theirs { return false }
        let isAcross = left.time.nanoseconds / ResemblanceCell.width != right.time.nanoseconds / ResemblanceCell.width
        let window = Int64(max(0, min(left.weakWindow, right.weakWindow))) * 1_000_000_000
        return distance(left, right) <= (isAcross ? min(window, ResemblanceCell.reachAcross) : window)
    }

    /// Whether a span and another observation are near enough in time to belong to one trace.
    public static func isNear(_ left: Timestamp, _ right: Timestamp) -> Bool {
        abs(left.nanoseconds - right.nanoseconds) <= traceWindow
    }

    static func distance(_ left: Observation, _ right: Observation) -> Int64 {
        abs(left.time.nanoseconds - right.time.nanoseconds)
    }

    /// The calls that a closed set of observations tells of.
    static func calls(of observations: [Observation]) -> [Call] {
        guard observations.count > 1 else { return observations.compactMap { Call(witnesses: [$0]) } }
        let ordered = observations.sorted { $0.id < $1.id }
        var sets = DisjointSets(count: ordered.count)
        var byKey: [UInt64: Int] = [:]
        for (position, observation) in ordered.enumerated() {
            for key in observation.keys.known {
                if let first = byKey[key] { sets.join(first, position) } else { byKey[key] = position }
            }
        }
        pairResembling(ordered, &sets)
        return sets.members.compactMap { Call(witnesses: $0.map { ordered[$0] }) }
    }

    private struct Pair {
        var outputDiffers: Bool
        var distance: Int64
        var left: Int
        var right: Int

        var rank: (Int, Int64, Int, Int) { (outputDiffers ? 1 : 0, distance, left, right) }
    }

    /// Joins what resembles, the nearest pair first; equal output and the ids decide between pairs that are as near.
    private static func pairResembling(_ ordered: [Observation], _ sets: inout DisjointSets) {
        let alike = Dictionary(grouping: ordered.indices.filter { ordered[$0].weakKey != 0 }) { ordered[$0].weakKey }
        var pairs: [Pair] = []
        for positions in alike.values where positions.count > 1 {
            let byTime = positions.sorted { (ordered[$0].time, $0) < (ordered[$1].time, $1) }
            var first = 0
            for (count, position) in byTime.enumerated() {
                while distance(ordered[byTime[first]], ordered[position]) > ResemblanceCell.width { first += 1 }
                for other in byTime[first..<count] where resemble(ordered[other], ordered[position]) {
                    pairs.append(pair(other, position, ordered))
                }
            }
        }
        pairs.sort { $0.rank < $1.rank }
        for pair in pairs where mayJoin(pair.left, pair.right, ordered, &sets) { sets.join(pair.left, pair.right) }
    }

    private static func pair(_ one: Int, _ other: Int, _ ordered: [Observation]) -> Pair {
        Pair(
            outputDiffers: ordered[one].counts.output != ordered[other].counts.output,
            distance: distance(ordered[one], ordered[other]),
            left: min(one, other),
            right: max(one, other)
        )
    }

    /// Two groups may become one unless a witness would then have seen one call twice or an id would contradict another.
    private static func mayJoin(_ left: Int, _ right: Int, _ ordered: [Observation], _ sets: inout DisjointSets) -> Bool
    {
        guard sets.root(left) != sets.root(right) else { return false }
        let (mine, theirs) = (sets.group(of: left), sets.group(of: right))
        guard Set(mine.map { ordered[$0].witness }).isDisjoint(with: theirs.map { ordered[$0].witness }) else {
            return false
        }
        return [\CallKeys.request, \.response, \.lineage].allSatisfy { kind in
            let ids = Set(mine.map { ordered[$0].keys[keyPath: kind] }).subtracting([0])
            let others = Set(theirs.map { ordered[$0].keys[keyPath: kind] }).subtracting([0])
            return ids.isEmpty || others.isEmpty || (ids == others && ids.count == 1)
        }
    }
}
