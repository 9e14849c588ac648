// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    /// Which observations of a closed set tell of one call, as positions in it.
    ///
    /// - Parameter isClear: Whether nobody else stands at a border (``BorderZone``).
    static func calls(of observations: [Observation], isClear: (ResemblanceCell) -> Bool) -> [[Int]] {
        guard observations.count > 1 else { return observations.indices.map { [$0] } }
        let order = observations.indices.sorted { observations[$0].id < observations[$1].id }
        let ordered = order.map { observations[$0] }
        var sets = DisjointSets(count: ordered.count)
        var byKey: [UInt64: Int] = [:]
        for (position, observation) in ordered.enumerated() {
            observation.keys.forEach { key in
                if let first = byKey[key] { sets.join(first, position) } else { byKey[key] = position }
            }
        }
        pairResembling(ordered, &sets, isClear)
        return sets.members.map { $0.map { order[$0] } }
    }

    private struct Pair {
        var outputDiffers: Bool
        var distance: Int64
        var left: Int
        var right: Int

        var rank: (Int, Int64, Int, Int) { (outputDiffers ? 1 : 0, distance, left, right) }
    }

    /// Joins what resembles, the nearest pair first; equal output and the ids decide between pairs that are as near.
    private static func pairResembling(
        _ ordered: [Observation],
        _ sets: inout DisjointSets,
        _ isClear: (ResemblanceCell) -> Bool
    ) {
        let alike = Dictionary(grouping: ordered.indices.filter { ordered[$0].weakKey != 0 }) { ordered[$0].weakKey }
        var pairs: [Pair] = []
        for positions in alike.values where positions.count > 1 {
            let byTime = positions.sorted { (ordered[$0].time, $0) < (ordered[$1].time, $1) }
            var first = 0
            for (count, position) in byTime.enumerated() {
                while distance(ordered[byTime[first]], ordered[position]) > ResemblanceCell.width { first += 1 }
                // Pairs come in the order of time, so the border between two is the one behind which the later stands.
                let isClear = ResemblanceCell.border(near: LedgerTraits(ordered[position])).map(isClear) ?? false
                for other in byTime[first..<count]
                where resemble(ordered[other], ordered[position], isBorderClear: isClear) {
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
