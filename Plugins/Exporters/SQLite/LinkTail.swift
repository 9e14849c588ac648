// SPDX-License-Identifier: Apache-2.0

import Usage

/// Where the newest links lead, in memory; nearly always to one call each.
struct LinkTail: Sendable {
    private var first = LinkTable()
    /// Further calls under a link that has one in ``first``.
    private var more: [LedgerLink: Set<Int64>] = [:]
    /// Which sets of kinds of ids the links of a cell stand for, a bit for each.
    private var cells = LinkTable()

    /// How many links there are, with their repeats.
    private(set) var count = 0

    func contains(_ link: LedgerLink) -> Bool { first[link] != nil }

    /// Which sets of kinds of ids updates of a cell may know, a bit for each of the eight.
    func kinds(in cell: MatchBucket) -> UInt8 { UInt8(truncatingIfNeeded: cells[cell.link] ?? 0) }

    /// - Returns: Whether this was new.
    mutating func insert(_ link: LedgerLink, _ ref: Int64) -> Bool {
        if let known = first[link] {
            guard known != ref, more[link, default: []].insert(ref).inserted else { return false }
        } else {
            first[link] = ref
            if let cell = link.cell { cells[cell] = (cells[cell] ?? 0) | 1 << Int64(link.kinds) }
        }
        count += 1
        return true
    }

    mutating func remove(_ link: LedgerLink, _ ref: Int64) {
        if first[link] == ref {
            first[link] = more[link]?.popFirst()
            count -= 1
        } else if more[link]?.remove(ref) != nil {
            count -= 1
        }
        if more[link]?.isEmpty == true { more[link] = nil }
    }

    func forEach(_ link: LedgerLink, _ body: (Int64) throws -> Void) rethrows {
        guard let ref = first[link] else { return }
        try body(ref)
        try more[link]?.forEach(body)
    }

    /// All links with where they lead, in the order of a run.
    var sorted: [Posting] {
        var all: [Posting] = []
        first.forEach { all.append(Posting(link: $0, ref: $1)) }
        for (link, refs) in more { all += refs.map { Posting(link: link, ref: $0) } }
        return all.sorted()
    }
}
