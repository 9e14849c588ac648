// SPDX-License-Identifier: Apache-2.0

/// Pairs members of two groups, each at most once: as many pairs as there can be, and of all ways to do that one with the smallest sum
/// of distances.
///
/// Joining the nearest pair first can leave two over that fit only what was taken. The result depends on nothing but the edges and
/// their order; when there are more than `largest` members on one side of a connected part, the nearest pair goes first there.
struct LargestMatching {
    /// Two that can be a pair.
    struct Edge {
        let left: Int
        let right: Int
        /// How far apart they are; not negative.
        let distance: Int64
    }

    /// More members than this on the smaller side are not worth the cube of their number.
    private static let largest = 64
    /// Distances above are as good as equal, so that no sum of them overflows.
    private static let farthest: Int64 = 1 << 52

    private let edges: [Edge]
    /// The edges of each member of the left group, as positions.
    private var leaving: [Int: [Int]] = [:]
    /// The edge by which each member is paired, as a position.
    private var ofLeft: [Int: Int] = [:]
    private var ofRight: [Int: Int] = [:]

    private init(_ edges: [Edge]) {
        self.edges = edges
        for (position, edge) in edges.enumerated() { leaving[edge.left, default: []].append(position) }
    }

    /// The pairs among `edges`.
    static func pairs(among edges: [Edge]) -> [Edge] {
        guard edges.count > 1 else { return edges }
        return parts(of: edges).flatMap { part in
            let smaller = min(Set(part.map(\.left)).count, Set(part.map(\.right)).count)
            return smaller > largest ? nearestFirst(part) : best(part)
        }
    }

    /// The edges of each connected part, in the order in which they were given.
    private static func parts(of edges: [Edge]) -> [[Edge]] {
        var numbers: [Int: Int] = [:]
        var others: [Int: Int] = [:]
        for edge in edges {
            if numbers[edge.left] == nil { numbers[edge.left] = numbers.count + others.count }
            if others[edge.right] == nil { others[edge.right] = numbers.count + others.count }
        }
        var sets = DisjointSets(count: numbers.count + others.count)
        for edge in edges { sets.join(numbers[edge.left] ?? 0, others[edge.right] ?? 0) }
        var parts: [Int: [Edge]] = [:]
        var order: [Int] = []
        for edge in edges {
            let root = sets.root(numbers[edge.left] ?? 0)
            if parts[root] == nil { order.append(root) }
            parts[root, default: []].append(edge)
        }
        return order.compactMap { parts[$0] }
    }

    private static func nearestFirst(_ edges: [Edge]) -> [Edge] {
        var (lefts, rights): (Set<Int>, Set<Int>) = ([], [])
        let byDistance = edges.enumerated().sorted {
            ($0.element.distance, $0.offset) < ($1.element.distance, $1.offset)
        }
        return byDistance.map(\.element).filter { edge in
            guard !lefts.contains(edge.left), !rights.contains(edge.right) else { return false }
            lefts.insert(edge.left)
            rights.insert(edge.right)
            return true
        }
    }

    private static func best(_ edges: [Edge]) -> [Edge] {
        guard edges.count > 1 else { return edges }
        var matching = LargestMatching(edges)
        while matching.grow() {}
        return matching.ofLeft.values.sorted().map { edges[$0] }
    }

    /// Adds one pair along the path that adds the least distance; false when there is no path that adds one.
    private mutating func grow() -> Bool {
        // Bellman and Ford: from members of the left group that are not paired, over edges that are free one way and back over pairs.
        var cost: [Int: Int64] = [:]
        var arrival: [Int: Int] = [:]
        for left in leaving.keys where ofLeft[left] == nil { cost[left] = 0 }
        var reached: [Int: Int64] = [:]
        var changes = true
        while changes {
            changes = false
            for (position, edge) in edges.enumerated() where ofLeft[edge.left] != position {
                guard let start = cost[edge.left] else { continue }
                let sum = start + min(edge.distance, Self.farthest)
                guard sum < reached[edge.right] ?? .max else { continue }
                (reached[edge.right], arrival[edge.right]) = (sum, position)
                changes = true
                guard let pair = ofRight[edge.right] else { continue }
                cost[edges[pair].left] = sum - min(edges[pair].distance, Self.farthest)
            }
        }
        let ends = reached.filter { ofRight[$0.key] == nil }
        guard var right = ends.min(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key else { return false }
        while let position = arrival[right] {
            let left = edges[position].left
            let before = ofLeft[left]
            (ofLeft[left], ofRight[right]) = (position, position)
            guard let before else { break }
            right = edges[before].right
        }
        return true
    }
}
