// SPDX-License-Identifier: Apache-2.0

/// Which of the cells that a change touches are crowds, before and after it.
struct ResemblanceCrowds {
    /// The stored members of each cell that was asked for; nil for a crowd.
    private var cells: [ResemblanceCell: [UInt64]?] = [:]
    private var comings: [ResemblanceCell: Int] = [:]

    /// Notes where an observation stood and where it will stand.
    mutating func move(_ id: UInt64, from former: ResemblanceCell?, to next: ResemblanceCell?) {
        guard former != next else { return }
        if let next { comings[next, default: 0] += 1 }
        if let former { comings[former, default: 0] -= 1 }
    }

    /// The cells that gain or lose members.
    var changed: [ResemblanceCell] { Array(comings.keys) }

    func knows(_ cell: ResemblanceCell) -> Bool { cells[cell] != nil }

    mutating func add(_ cell: ResemblanceCell, members: [UInt64]?) { cells[cell] = .some(members) }

    /// The stored members; none of a crowd.
    func members(of cell: ResemblanceCell) -> [UInt64] { (cells[cell] ?? nil) ?? [] }

    /// Whether a cell is a crowd; once it is one, it stays so.
    func isCrowd(_ cell: ResemblanceCell, after change: Bool) -> Bool {
        guard let known = cells[cell] else { return false }
        guard let members = known else { return true }
        return change && members.count + comings[cell, default: 0] > ResemblanceCell.capacity
    }

    /// The observation, excluded from matching by a rule whose cell is overfull.
    func silenced(_ observation: Observation, after change: Bool) -> Observation {
        var silent = observation
        if let cell = ResemblanceRule.weakKey.cell(of: observation), isCrowd(cell, after: change) { silent.weakKey = 0 }
        if let cell = ResemblanceRule.interval.cell(of: observation), isCrowd(cell, after: change) {
            silent.intervalKey = 0
        }
        return silent
    }
}
