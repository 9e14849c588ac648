// SPDX-License-Identifier: Apache-2.0

/// Groups of the numbers 0 to n − 1 that grow by joining two.
struct DisjointSets {
    private var parents: [Int]

    init(count: Int) {
        parents = Array(0..<count)
    }

    /// The smallest member of a number's group.
    mutating func root(_ number: Int) -> Int {
        var number = number
        while parents[number] != number {
            parents[number] = parents[parents[number]]
            number = parents[number]
        }
        return number
    }

    mutating func join(_ left: Int, _ right: Int) {
        let (mine, theirs) = (root(left), root(right))
        parents[max(mine, theirs)] = min(mine, theirs)
    }

    mutating func group(of number: Int) -> [Int] {
        let wanted = root(number)
        return parents.indices.filter { root($0) == wanted }
    }

    /// All groups, ordered by their smallest member.
    mutating func members() -> [[Int]] {
        var groups: [Int: [Int]] = [:]
        for number in parents.indices { groups[root(number), default: []].append(number) }
        return groups.keys.sorted().map { groups[$0] ?? [] }
    }
}
