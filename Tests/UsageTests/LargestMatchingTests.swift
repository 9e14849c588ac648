// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing

@testable import Usage

struct LargestMatchingTests {
    private typealias Edge = LargestMatching.Edge

    private static func edges(_ size: Int, _ random: inout SeededGenerator) -> [Edge] {
        (0..<size).flatMap { left in
            (0..<size).compactMap { right in
                guard Int.random(in: 0..<3, using: &random) > 0 else { return nil }
                return Edge(left: left, right: 100 + right, distance: Int64.random(in: 0...9, using: &random))
            }
        }
    }

    /// The most pairs and, of as many, the smallest sum, found by trying everything.
    private static func best(_ edges: ArraySlice<Edge>, _ taken: Set<Int> = []) -> (pairs: Int, sum: Int64) {
        guard let edge = edges.first else { return (0, 0) }
        let without = best(edges.dropFirst(), taken)
        guard !taken.contains(edge.left), !taken.contains(edge.right) else { return without }
        let rest = best(edges.dropFirst(), taken.union([edge.left, edge.right]))
        let with = (pairs: rest.pairs + 1, sum: rest.sum + edge.distance)
        return (-with.pairs, with.sum) < (-without.pairs, without.sum) ? with : without
    }

    @Test(arguments: UInt64(1)...20)
    func `as many pairs as can be, and of those the nearest`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let edges = Self.edges(Int.random(in: 1...4, using: &random), &random)
            let pairs = LargestMatching.pairs(among: edges)
            let members = pairs.flatMap { [$0.left, $0.right] }
            #expect(Set(members).count == members.count, "each is paired at most once")
            let expected = Self.best(edges[...])
            #expect(pairs.count == expected.pairs)
            #expect(pairs.map(\.distance).reduce(0, +) == expected.sum)
        }
    }

    @Test func `distances of any size are no harm`() {
        let edges = [(1, 101), (1, 102), (2, 101), (2, 102)].map { Edge(left: $0, right: $1, distance: .max) }
        #expect(LargestMatching.pairs(among: edges).count == 2)
    }

    @Test func `of more than can be compared the nearest go first`() {
        let edges = (0..<80).flatMap { left in
            (0..<80).map { Edge(left: left, right: 100 + $0, distance: Int64(abs(left - $0))) }
        }
        let pairs = LargestMatching.pairs(among: edges)
        #expect(pairs.count == 80)
        #expect(pairs.allSatisfy { $0.distance == 0 })
        #expect(LargestMatching.pairs(among: []).isEmpty)
    }
}
