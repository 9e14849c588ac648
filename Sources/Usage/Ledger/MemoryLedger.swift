// SPDX-License-Identifier: Apache-2.0

/// A ledger in memory: the reference for every store, and the working state of those that keep their calls in memory.
public struct MemoryLedger: LedgerIndex, Sendable {
    /// The calls as they stand, with their witnesses, by the number they were given.
    public private(set) var entries: [Int64: LedgerEntry] = [:]
    private var places: [LedgerLink: Places] = [:]
    /// The cells that hold anything, by the link that stands for the cell as a whole.
    private var cells: [LedgerLink: CellUse] = [:]
    private var last: Int64 = 0

    /// Where a link leads; nearly always to one call.
    private enum Places: Sendable {
        case one(Int64)
        case many(Set<Int64>)
    }

    /// What a cell holds, so that one look answers for all kinds of ids.
    private struct CellUse: Sendable {
        /// The sets of kinds of ids that its links have stood for; a guess once some of them were removed.
        var kinds: UInt8 = 0
        /// How many calls lie under its links.
        var count: Int32 = 0
    }

    /// Creates an empty ledger.
    public init() {}

    /// The calls as they stand, in no order.
    public var calls: [Call] { entries.values.map(\.call) }

    /// Takes in observations and returns what they changed; new entries carry the numbers they are kept under.
    @discardableResult
    public mutating func absorb(_ incoming: [Observation]) throws -> LedgerChange {
        var change = try Ledger.absorb(incoming, into: self)
        for entry in change.retired { remove(entry.ref) }
        for position in change.entries.indices { change.entries[position].ref = insert(change.entries[position]) }
        return change
    }

    /// Keeps an entry as it is, without asking who else tells of the call: for reading back what was kept.
    ///
    /// - Returns: Its number.
    @discardableResult
    public mutating func insert(_ entry: LedgerEntry) -> Int64 {
        last += 1
        var entry = entry
        entry.ref = last
        entry.forEachLink { link in
            switch places[link] {
            case nil: places[link] = .one(last)
            case .one(last): return
            case .one(let other): places[link] = .many([other, last])
            case .many(var refs):
                places[link] = nil
                let isNew = refs.insert(last).inserted
                places[link] = .many(refs)
                guard isNew else { return }
            }
            guard let cell = link.cell else { return }
            cells[cell, default: CellUse()].kinds |= 1 << link.kinds
            cells[cell]?.count += 1
        }
        entries[last] = entry
        return last
    }

    /// Forgets an entry with all its witnesses.
    ///
    /// - Returns: The entry, nil when there is none of this number.
    @discardableResult
    public mutating func remove(_ ref: Int64) -> LedgerEntry? {
        guard let entry = entries.removeValue(forKey: ref) else { return nil }
        entry.forEachLink { link in
            switch places[link] {
            case .one(ref): places[link] = nil
            case .many(var refs):
                places[link] = nil
                let isGone = refs.remove(ref) != nil
                if !refs.isEmpty { places[link] = .many(refs) }
                guard isGone else { return }
            default: return
            }
            guard let cell = link.cell, let use = cells[cell] else { return }
            if use.count > 1 { cells[cell]?.count -= 1 } else { cells[cell] = nil }
        }
        return entry
    }

    /// Whether anything stands under a link.
    public func mayHold(_ link: LedgerLink) -> Bool { places[link] != nil }

    /// Which sets of kinds of ids there are in a cell.
    public func kinds(in cell: ResemblanceCell) -> UInt8 {
        cells[cell.link]?.kinds ?? 0
    }

    /// The calls under a link.
    public func entries(linkedBy link: LedgerLink, limit: Int) -> [LedgerEntry] {
        switch places[link] {
        case nil: []
        case .one(let ref): entries[ref].map { [$0] } ?? []
        case .many(let refs): refs.prefix(limit).compactMap { entries[$0] }
        }
    }
}
