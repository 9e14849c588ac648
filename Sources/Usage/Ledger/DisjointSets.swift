// SPDX-License-Identifier: Apache-2.0

/// Groups of the numbers 0 to n − 1 that grow by joining two.
struct DisjointSets {
    private var parents: [Int]
    /// The members of each group, at its root.
    private var groups: [[Int]]

    init(count: Int) {
        parents = Array(0..<count)
        groups = parents.map { [$0] }
    }

    /// The representative of a number's group.
    mutating func root(_ number: Int) -> Int {
        var number = number
        while parents[number] != number {
            parents[number] = parents[parents[number]]
            number = parents[number]
        }
        return number
    }

    /// The representative of a number's group, found without shortening the way to it.
    func root(of number: Int) -> Int {
        var number = number
        while parents[number] != number { number = parents[number] }
        return number
    }

    mutating func join(_ left: Int, _ right: Int) {
        var (larger, smaller) = (root(left), root(right))
        guard larger != smaller else { return }
        if groups[larger].count < groups[smaller].count { swap(&larger, &smaller) }
        parents[smaller] = larger
        groups[larger] += groups[smaller]
        groups[smaller] = []
    }

    /// The members of a number's group, in no order.
    func group(of number: Int) -> [Int] { groups[root(of: number)] }

    /// All groups.
    var members: [[Int]] { groups.filter { !$0.isEmpty } }
}
