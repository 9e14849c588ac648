// SPDX-License-Identifier: Apache-2.0

/// Observations that come in, told apart by whether anything else has to do with them.
///
/// Nearly every sighting is the first and only one of its call so far. It becomes a call by itself, without a search; the rest,
/// which the ledger has to think about, is small.
struct Newcomers {
    /// New sightings that share no link with anything in the store or among what comes in.
    private(set) var lone: [Observation] = []
    /// All others, in their order.
    private(set) var related: [Observation] = []

    /// Which links were seen in this delivery, and how often: 1 or 2 for more.
    private var seen: [LedgerLink: UInt8] = [:]
    /// Which sets of kinds of ids were seen in each cell, a bit for each; kind 0 seen twice is in ``doubles``.
    private var cells: [ResemblanceCell: UInt8] = [:]
    private var doubles: Set<ResemblanceCell> = []

    init(_ incoming: [Observation], index: some LedgerIndex) throws {
        seen.reserveCapacity(incoming.count * 4)
        for observation in incoming {
            observation.forEachLinkButCell { seen[$0, default: 0] = seen[$0] == nil ? 1 : 2 }
            if let cell = ResemblanceCell(of: observation) { note(cell, kinds: observation.keys.kinds) }
        }
        lone.reserveCapacity(incoming.count)
        let family = SpanFamily(incoming)
        for var observation in incoming {
            if family.isAncestor(observation) { observation.trace.isRollUp = true }
            if try isKnown(observation, index) { continue }
            if try isRelated(observation, index) { related.append(observation) } else { lone.append(observation) }
        }
    }

    /// Whether a store has the sighting already with all that it tells, as it has what is sent again.
    private func isKnown(_ observation: Observation, _ index: some LedgerIndex) throws -> Bool {
        var isKnown = false
        try observation.forEachIdentifyingLink { link in
            guard !isKnown, try index.mayHold(link) else { return }
            isKnown = try index.holds(link) { $0.id == observation.id && $0.covers(observation) }
        }
        return isKnown
    }

    private func isRelated(_ observation: Observation, _ index: some LedgerIndex) throws -> Bool {
        var isRelated = false
        try observation.forEachIdentifyingLink { link in
            isRelated = try isRelated || seen[link] != 1 || index.mayHold(link)
        }
        guard !isRelated else { return true }
        let span = observation.trace.span
        if span != 0 {
            // Another sighting of the span, or a descendant of it that came before.
            if try seen[.span(span)] != 1 || index.mayHold(.ancestor(span)) { return true }
            try observation.trace.ancestors.forEach { isRelated = try isRelated || index.mayHold(.span($0)) }
            guard !isRelated else { return true }
        }
        let rivals = ResemblanceCell.rivals(ofKinds: observation.keys.kinds)
        for cell in ResemblanceCell.reached(by: observation) {
            if try (othersSeen(in: cell, than: observation) | index.kinds(in: cell)) & rivals != 0 { return true }
        }
        return false
    }

    private mutating func note(_ cell: ResemblanceCell, kinds: UInt8) {
        let bit: UInt8 = 1 << kinds
        let known = cells[cell, default: 0]
        if kinds == 0, known & bit != 0 { doubles.insert(cell) }
        cells[cell] = known | bit
    }

    /// What is known about a cell, leaving out what an observation itself has added.
    private func othersSeen(in cell: ResemblanceCell, than observation: Observation) -> UInt8 {
        let seen = cells[cell] ?? 0
        let isAlone = observation.keys.kinds == 0 && cell == ResemblanceCell(of: observation) && !doubles.contains(cell)
        return isAlone ? seen & ~1 : seen
    }
}
