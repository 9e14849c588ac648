// SPDX-License-Identifier: Apache-2.0

/// A ledger in memory: the reference for every store, and the working state of those that keep their calls in memory.
public struct MemoryLedger: LedgerIndex, Sendable {
    /// The calls as they stand, with their observations, by the number they were given.
    public private(set) var entries: [Int64: LedgerEntry] = [:]
    /// Where links lead; all links of a cell lead to one place.
    private var places: [LedgerLink: Place] = [:]
    private var last: Int64 = 0

    /// The calls under a link, nearly always one, and for a cell which sets of kinds of ids its links stand for (a guess once some
    /// were removed).
    private enum Place: Sendable {
        case one(Int64, kinds: UInt8)
        case many(Set<Int64>, kinds: UInt8)

        var kinds: UInt8 {
            switch self {
            case .one(_, let kinds), .many(_, let kinds): kinds
            }
        }
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
            let key = link.cell ?? link
            let kinds: UInt8 = link.cell == nil ? 0 : 1 << link.kinds
            switch places[key] {
            case nil: places[key] = .one(last, kinds: kinds)
            case .one(last, let known): if known | kinds != known { places[key] = .one(last, kinds: known | kinds) }
            case .one(let other, let known): places[key] = .many([other, last], kinds: known | kinds)
            case .many(var refs, let known):
                places[key] = nil
                refs.insert(last)
                places[key] = .many(refs, kinds: known | kinds)
            }
        }
        entries[last] = entry
        return last
    }

    /// Forgets an entry with all its observations.
    ///
    /// - Returns: The entry, nil when there is none of this number.
    @discardableResult
    public mutating func remove(_ ref: Int64) -> LedgerEntry? {
        guard let entry = entries.removeValue(forKey: ref) else { return nil }
        entry.forEachLink { link in
            let key = link.cell ?? link
            switch places[key] {
            case .one(ref, _): places[key] = nil
            case .many(var refs, let kinds):
                places[key] = nil
                refs.remove(ref)
                if !refs.isEmpty { places[key] = .many(refs, kinds: kinds) }
            default: break
            }
        }
        return entry
    }

    /// Whether anything lies under a link.
    public func mayHold(_ link: LedgerLink) -> Bool {
        guard let cell = link.cell else { return places[link] != nil }
        return (places[cell]?.kinds ?? 0) & 1 << link.kinds != 0
    }

    /// Which sets of kinds of ids there are in a cell.
    public func kinds(in cell: MatchBucket) -> UInt8 { places[cell.link]?.kinds ?? 0 }

    /// The calls under a link; of a cell all, whatever ids they know.
    public func entries(linkedBy link: LedgerLink, limit: Int) -> [LedgerEntry] {
        switch places[link.cell ?? link] {
        case nil: []
        case .one(let ref, _): entries[ref].map { [$0] } ?? []
        case .many(let refs, _): refs.prefix(limit).compactMap { entries[$0] }
        }
    }
}
