// SPDX-License-Identifier: Apache-2.0

/// Divides a closed set of observations into calls: the rules of ``Ledger`` as one pure function of the set.
///
/// The ids of a call have an order (``CallKeys``): a request id or an answer decides over a response id, all of them decide over a
/// lineage, and every id decides over resemblance. Sets of observations are joined from the strongest kind of id to the weakest. Two sets that hold different ids of a
/// stronger kind are never joined by a weaker one, whatever else they share; so the rule holds for whole sets, not only for pairs.
struct CallGrouping {
    /// The observations in the order of their ids, so that the order of delivery cannot matter.
    private let ordered: [Observation]
    private var sets: DisjointSets
    /// Keys under which there are too many calls to know which of them an observation without a stronger id belongs to.
    private let overfull: Set<UInt64>
    private let isBorderClear: (MatchBucket) -> Bool

    /// The calls as positions in `observations`.
    ///
    /// - Parameters:
    ///   - observations: A closed set: everything that is connected with one of them is among them.
    ///   - overfull: Keys that join nothing with observations that hold a stronger id (``LedgerWorkingSet``).
    ///   - isBorderClear: Whether no other observation is near a border of two cells (``BucketBoundary``).
    static func calls(
        of observations: [Observation],
        overfull: Set<UInt64> = [],
        isBorderClear: (MatchBucket) -> Bool
    ) -> [[Int]] {
        guard observations.count > 1 else { return observations.indices.map { [$0] } }
        let order = observations.indices.sorted { observations[$0].id < observations[$1].id }
        return withoutActuallyEscaping(isBorderClear) { isBorderClear in
            var grouping = CallGrouping(
                ordered: order.map { observations[$0] },
                sets: DisjointSets(count: order.count),
                overfull: overfull,
                isBorderClear: isBorderClear
            )
            grouping.joinEqual(\.request)
            grouping.joinEqual(\.answer)
            grouping.joinEqualResponses()
            grouping.joinEqualLineages()
            grouping.pairUnmatched()
            return grouping.sets.members.map { $0.map { order[$0] } }
        }
    }

    // MARK: - Ids

    private mutating func joinEqual(_ kind: KeyPath<CallKeys, UInt64>) {
        for positions in positions(by: kind).values { join(positions) }
    }

    /// Joins what has one response id, as far as request ids and answers allow.
    ///
    /// Under load Anthropic's API has answered several requests with one message id (anthropics/claude-code#64880); a side question
    /// repeats its parent's messages under request ids of its own (ccusage/ccusage#913); a gateway gives every answer one id
    /// (ccusage/ccusage#1635).
    private mutating func joinEqualResponses() {
        for (response, positions) in positions(by: \.response).sorted(by: { $0.key < $1.key }) {
            let roots = roots(of: positions)
            guard roots.count > 1 else { continue }
            var decided: [Int] = []
            var (originals, sides): ([Int], [Int]) = ([], [])
            for root in roots {
                if heldKinds(root) & 1 != 0 {
                    decided.append(root)
                } else if isSideChain(root) {
                    sides.append(root)
                } else {
                    originals.append(root)
                }
            }
            if decided.isEmpty || overfull.contains(response) {
                join(originals)
                joinCopies(sides, to: Array(originals.prefix(1)))
            } else {
                joinRanked(decided, originals, by: 1)
                joinCopies(sides, to: decided)
            }
        }
    }

    /// Joins what a side chain repeats with the call that it repeats, and what is left with its like.
    private mutating func joinCopies(_ sides: [Int], to originals: [Int]) {
        var left: [Int] = []
        for side in sides {
            let best = originals.map { rank($0, side) }.filter(\.isCopy).min()
            if let best { sets.join(best.root, side) } else { left.append(side) }
        }
        // Copies whose original is not there: what has the same figures, or the same time, was copied from one call.
        for copies in Dictionary(grouping: left, by: { figures($0) }).values { join(copies) }
        for copies in Dictionary(grouping: left, by: { members($0).map(\.time).min() }).values { join(copies) }
    }

    /// Joins what has one place in a rollout's history, as far as request and response ids allow.
    ///
    /// Sub-agents of one tree can begin with equal totals (junhoyeo/tokscale#679), and the record of a compaction can repeat the
    /// total of the call before it (openai/codex#47003); their response ids distinguish them.
    private mutating func joinEqualLineages() {
        for (lineage, positions) in positions(by: \.lineage).sorted(by: { $0.key < $1.key }) {
            let roots = roots(of: positions)
            guard roots.count > 1 else { continue }
            let decided = roots.filter { hasStrongerID($0) }
            let free = roots.filter { !decided.contains($0) }
            if decided.isEmpty || overfull.contains(lineage) {
                join(free)
            } else if decided.count == 1 {
                join(roots)
            } else {
                joinRanked(decided, free, by: 3)
            }
        }
    }

    /// Joins sets that share a weak key, the best fit first, unless they hold different ids that decide over it.
    ///
    /// - Parameter kinds: The kinds that decide over the key (``heldKinds(_:)``).
    private mutating func joinRanked(_ decided: [Int], _ free: [Int], by kinds: UInt8) {
        var ranks: [Rank] = []
        // Two that hold ids of one kind hold different ones, or they would be one set by now.
        let held = decided.map(heldKinds)
        for (position, root) in decided.enumerated() {
            for (other, others) in zip(decided[..<position], held) where others & held[position] & kinds == 0 {
                ranks.append(rank(root, other))
            }
            ranks += free.map { rank(root, $0) }
        }
        for rank in ranks.sorted() where heldKinds(rank.root) & heldKinds(rank.other) & kinds == 0 {
            sets.join(rank.root, rank.other)
        }
    }

    private func positions(by kind: KeyPath<CallKeys, UInt64>) -> [UInt64: [Int]] {
        var positions: [UInt64: [Int]] = [:]
        for position in ordered.indices {
            let key = ordered[position].keys[keyPath: kind]
            if key != 0 { positions[key, default: []].append(position) }
        }
        return positions
    }

    private mutating func roots(of positions: [Int]) -> [Int] {
        var roots: [Int] = []
        for position in positions {
            let root = sets.root(position)
            if !roots.contains(root) { roots.append(root) }
        }
        return roots
    }

    private mutating func join(_ positions: [Int]) {
        guard let first = positions.first else { return }
        for position in positions.dropFirst() { sets.join(first, position) }
    }

    // MARK: - What sets hold

    private func members(_ position: Int) -> [Observation] {
        sets.group(of: position).lazy.map { ordered[$0] }
    }

    private func hasStrongerID(_ position: Int) -> Bool { heldKinds(position) != 0 }

    /// Which kinds of ids that decide a set holds, as bits: a request id or an answer (1), a response id (2).
    private func heldKinds(_ position: Int) -> UInt8 {
        members(position).reduce(0) { kinds, member in
            let hasFirst = member.keys.answer != 0 || (member.keys.request != 0 && !member.isSideChain)
            return kinds | (hasFirst ? 1 : 0) | (member.keys.response != 0 ? 2 : 0)
        }
    }

    private func isSideChain(_ position: Int) -> Bool { members(position).allSatisfy(\.isSideChain) }

    private func figures(_ position: Int) -> [Int64] {
        let counts = members(position).map(\.counts)
        return [counts.map(\.prompt).max() ?? 0, counts.map(\.output).max() ?? 0]
    }

    // MARK: - The best of several

    /// How well two sets fit: equal prompt before near in time before equal output; ids decide between equals.
    private struct Rank: Comparable {
        var root: Int
        var other: Int
        var promptDiffers = true
        var distance = Int64.max
        var outputDiffers = true
        var ids = (UInt64.max, UInt64.max)

        /// Whether one set can have been copied from the other: a copy keeps the time, or all figures.
        var isCopy: Bool { distance == 0 || (!promptDiffers && !outputDiffers) }

        static func < (left: Rank, right: Rank) -> Bool {
            (left.promptDiffers ? 1 : 0, left.distance, left.outputDiffers ? 1 : 0, left.ids.0, left.ids.1)
                < (right.promptDiffers ? 1 : 0, right.distance, right.outputDiffers ? 1 : 0, right.ids.0, right.ids.1)
        }

        static func == (left: Rank, right: Rank) -> Bool { !(left < right) && !(right < left) }
    }

    private func rank(_ root: Int, _ other: Int) -> Rank {
        var best = Rank(root: root, other: other)
        for mine in members(root) {
            for theirs in members(other) {
                var rank = Rank(root: root, other: other)
                rank.promptDiffers = mine.counts.prompt != theirs.counts.prompt
                rank.distance = Ledger.distance(mine, theirs)
                rank.outputDiffers = mine.counts.output != theirs.counts.output
                rank.ids = (min(mine.id, theirs.id), max(mine.id, theirs.id))
                best = min(best, rank)
            }
        }
        return best
    }

    // MARK: - Resemblance

    private struct Pair {
        /// Whether it can be a pair by its intervals, not only by its keys and times.
        var isInterval: Bool
        var sessionDiffers: Bool
        var outputDiffers: Bool
        var distance: Int64
        var left: Int
        var right: Int

        /// Pairs of a lower class go first.
        var rankClass: Int { (sessionDiffers ? 2 : 0) + (outputDiffers ? 1 : 0) }
        var rank: (Int64, Int, Int) { (distance, left, right) }
    }

    /// Joins what shares no id but resembles: equal sessions and outputs first, then the nearest pair first, each at most once.
    ///
    /// Of intervals that lie inside one another as many are paired as can be, because each library reports every call: the nearest
    /// first would leave over the first and the last of parallel calls whose starts are staggered.
    private mutating func pairUnmatched() {
        var pairs: [Pair] = []
        for rule in ResemblanceRule.allCases { addPairs(by: rule, to: &pairs) }
        guard !pairs.isEmpty else { return }
        pairs.sort { $0.rank < $1.rank }
        for rankClass in 0..<4 {
            let ranked = pairs.filter { $0.rankClass == rankClass }
            matchIntervals(ranked.filter(\.isInterval))
            for pair in ranked where mayJoin(pair.left, pair.right) { sets.join(pair.left, pair.right) }
        }
    }

    /// Joins the pairs of each two reporters, as many as can be.
    private mutating func matchIntervals(_ pairs: [Pair]) {
        func reporters(_ pair: Pair) -> [UInt64] { [ordered[pair.left].emitter, ordered[pair.right].emitter].sorted() }
        let byReporters = Dictionary(grouping: pairs, by: reporters)
        for (both, pairs) in byReporters.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let edges = pairs.filter { mayJoin($0.left, $0.right) }.map { pair in
                let isTurned = ordered[pair.left].emitter != both[0]
                let (left, right) = isTurned ? (pair.right, pair.left) : (pair.left, pair.right)
                return LargestMatching.Edge(
                    left: sets.root(of: left),
                    right: sets.root(of: right),
                    distance: pair.distance
                )
            }
            for edge in LargestMatching.pairs(among: edges) { sets.join(edge.left, edge.right) }
        }
    }

    private func addPairs(by rule: ResemblanceRule, to pairs: inout [Pair]) {
        let alike = Dictionary(grouping: ordered.indices.filter { rule.key(of: ordered[$0]) != 0 }) {
            rule.key(of: ordered[$0])
        }
        for positions in alike.values where positions.count > 1 {
            let byTime = positions.sorted { (ordered[$0].time, $0) < (ordered[$1].time, $1) }
            var first = 0
            for (count, position) in byTime.enumerated() {
                while Ledger.distance(ordered[byTime[first]], ordered[position]) > MatchBucket.width { first += 1 }
                // Pairs come in the order of time, so the border between two is the one behind which the later lies.
                let later = ordered[position]
                let border = rule.cell(of: LedgerTraits(later))?.border(near: later.time)
                let isClear = border.map(isBorderClear) ?? false
                for other in byTime[first..<count]
                where Ledger.resemble(ordered[other], later, by: rule, isBorderClear: isClear) {
                    pairs.append(pair(other, position, isInterval: rule == .interval))
                }
            }
        }
    }

    private func pair(_ one: Int, _ other: Int, isInterval: Bool) -> Pair {
        let (left, right) = (ordered[min(one, other)], ordered[max(one, other)])
        let areNamed = left.session != nil && right.session != nil && !left.sessionIsTrace && !right.sessionIsTrace
        return Pair(
            isInterval: isInterval,
            sessionDiffers: areNamed && left.session != right.session,
            outputDiffers: left.counts.output != right.counts.output,
            distance: Ledger.distanceOfIntervals(left, right),
            left: min(one, other),
            right: max(one, other)
        )
    }

    /// Two sets may become one unless a reporter would then have reported one call twice or an id would contradict another.
    private func mayJoin(_ left: Int, _ right: Int) -> Bool {
        guard sets.root(of: left) != sets.root(of: right) else { return false }
        let (mine, theirs) = (members(left), members(right))
        guard Set(mine.lazy.map(\.emitter)).isDisjoint(with: theirs.lazy.map(\.emitter)) else { return false }
        return [\CallKeys.request, \.answer, \.response, \.lineage].allSatisfy { kind in
            let ids = Set(mine.lazy.map { $0.keys[keyPath: kind] }).subtracting([0])
            let others = Set(theirs.lazy.map { $0.keys[keyPath: kind] }).subtracting([0])
            return ids.isEmpty || others.isEmpty || (ids == others && ids.count == 1)
        }
    }
}
