// SPDX-License-Identifier: Apache-2.0

/// Which of the cells that a change touches are overfullBuckets, before and after it.
struct OverfullBuckets {
    /// The stored members of each cell that was asked for; nil for a overfull.
    private var cells: [MatchBucket: [UInt64]?] = [:]
    private var comings: [MatchBucket: Int] = [:]

    /// Notes where an observation stood and where it will stand.
    mutating func move(_ id: UInt64, from former: MatchBucket?, to next: MatchBucket?) {
        guard former != next else { return }
        if let next { comings[next, default: 0] += 1 }
        if let former { comings[former, default: 0] -= 1 }
    }

    /// The cells that gain or lose members.
    var changed: [MatchBucket] { Array(comings.keys) }

    func knows(_ cell: MatchBucket) -> Bool { cells[cell] != nil }

    mutating func add(_ cell: MatchBucket, members: [UInt64]?) { cells[cell] = .some(members) }

    /// The stored members; none of a overfull.
    func members(of cell: MatchBucket) -> [UInt64] { (cells[cell] ?? nil) ?? [] }

    /// Whether a cell is a overfull; once it is one, it stays so.
    func isOverfull(_ cell: MatchBucket, after change: Bool) -> Bool {
        guard let known = cells[cell] else { return false }
        guard let members = known else { return true }
        return change && members.count + comings[cell, default: 0] > MatchBucket.capacity
    }

    /// The observation, excluded from matching by a rule whose cell is overfull.
    func excluded(_ observation: Observation, after change: Bool) -> Observation {
        var silent = observation
        if let cell = ResemblanceRule.blockingKey.cell(of: observation), isOverfull(cell, after: change) {
            silent.blockingKey = 0
        }
        if let cell = ResemblanceRule.interval.cell(of: observation), isOverfull(cell, after: change) {
            silent.intervalKey = 0
        }
        return silent
    }
}
