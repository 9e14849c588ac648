// SPDX-License-Identifier: Apache-2.0

/// A ledger in memory: the reference for every store, and the working state of those that keep their calls in memory.
public struct MemoryLedger: LedgerIndex, Sendable {
    /// The calls as they stand, with their witnesses, by the number they were given.
    public private(set) var entries: [Int64: LedgerEntry] = [:]
    private var places: [LedgerLink: Places] = [:]
    private var last: Int64 = 0

    /// Where a link leads; nearly always to one call.
    private enum Places: Sendable {
        case one(Int64)
        case many(Set<Int64>)
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
            case .one(last): break
            case .one(let other): places[link] = .many([other, last])
            case .many(var refs):
                places[link] = nil
                refs.insert(last)
                places[link] = .many(refs)
            }
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
                refs.remove(ref)
                if !refs.isEmpty { places[link] = .many(refs) }
            default: break
            }
        }
        return entry
    }

    /// Whether anything stands under a link.
    public func mayHold(_ link: LedgerLink) -> Bool { places[link] != nil }

    /// Which sets of kinds of ids there are in a cell.
    public func kinds(in cell: ResemblanceCell) -> UInt8 {
        cell.links.reduce(0) { mayHold($1) ? $0 | 1 << $1.kinds : $0 }
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
