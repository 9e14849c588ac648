// SPDX-License-Identifier: Apache-2.0

import Usage

/// The runs of one slice of the hashes, oldest first, and the filters of all of them one after the other.
///
/// Filters are asked some ten times for each call: as lists of their own, each question would count references.
struct LinkSlice: Sendable {
    private(set) var runs: [LinkRun] = []
    private var words: [UInt64] = []
    /// Where the words of each run's filter end.
    private var ends: [Int] = []

    mutating func append(_ run: LinkRun, _ filter: LinkFilter) {
        runs.append(run)
        words += filter.words
        ends.append(words.count)
    }

    /// Takes away the runs of a level.
    mutating func remove(level: Int64) {
        let former = self
        self = LinkSlice()
        for position in former.runs.indices where former.runs[position].level != level {
            runs.append(former.runs[position])
            words += former.words[former.begin(position)..<former.ends[position]]
            ends.append(words.count)
        }
    }

    /// The newest run before a position that may hold a link; nil is certain.
    func last(before position: Int, holding link: LedgerLink) -> Int? {
        last(before: position) { LinkFilter.mayContain(link, $0) }
    }

    /// The newest run before a position that may hold links of a cell, of the sets of kinds that are asked for.
    func last(
        before position: Int,
        holding cell: LedgerLink,
        among kinds: UInt8
    ) -> (position: Int, kinds: UInt8)? {
        var found: UInt8 = 0
        let position = last(before: position) {
            found = LinkFilter.kinds(in: cell, among: kinds, $0)
            return found != 0
        }
        return position.map { ($0, found) }
    }

    @inline(__always)
    private func last(
        before position: Int,
        where isWanted: (UnsafeBufferPointer<UInt64>.SubSequence) -> Bool
    ) -> Int? {
        words.withUnsafeBufferPointer { words in
            for position in (0..<position).reversed() where isWanted(words[begin(position)..<ends[position]]) {
                return position
            }
            return nil
        }
    }

    private func begin(_ position: Int) -> Int { position == 0 ? 0 : ends[position - 1] }
}
