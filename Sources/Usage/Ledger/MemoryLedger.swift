// SPDX-License-Identifier: Apache-2.0

/// A ledger in memory: the reference for every store, and the working state of those that keep their calls in memory.
public struct MemoryLedger: LedgerIndex, Sendable {
    /// The present calls with their observations, by the number they were given.
    public private(set) var entries: [Int64: LedgerEntry] = [:]
    /// Under each link the first of its calls (upper 56 bits); all links of a cell lead to one place.
    ///
    /// For a cell the lower 8 bits say which sets of kinds of ids its links have (a guess once some were removed).
    private var places = LinkTable()
    /// Further calls under a link that has one in ``places``: few links have any.
    private var more: [LedgerLink: Set<Int64>] = [:]
    private var last: Int64 = 0
    /// The number of the newest entry; zero before the first.
    public var lastNumber: Int64 { last }

    /// Creates an empty ledger.
    public init() {}

    /// The present calls, in no order.
    public var calls: [Call] { entries.values.map(\.call) }

    /// Takes in observations and returns what they changed; new entries carry the numbers they are kept under.
    @discardableResult
    public mutating func absorb(_ incoming: [Observation]) throws -> LedgerChange {
        var change = try Ledger.absorb(incoming, into: self)
        for entry in change.retired { remove(entry.ref) }
        for position in change.entries.indices { change.entries[position].ref = insert(change.entries[position]) }
        return change
    }

    /// Keeps an entry as it is, without asking what else reports the call: for reading back what was kept.
    ///
    /// - Returns: Its number.
    @discardableResult
    public mutating func insert(_ entry: LedgerEntry) -> Int64 {
        last += 1
        var entry = entry
        entry.ref = last
        entry.forEachLink { link in
            let key = link.cell ?? link
            let kinds: Int64 = link.cell == nil ? 0 : 1 << Int64(link.kinds)
            guard let place = places[key] else { return places[key] = last << 8 | kinds }
            if place >> 8 != last { more[key, default: []].insert(last) }
            if place | kinds != place { places[key] = place | kinds }
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
            guard let place = places[key] else { return }
            if place >> 8 != ref {
                more[key]?.remove(ref)
            } else {
                places[key] = more[key]?.popFirst().map { $0 << 8 | place & 0xFF }
            }
            if more[key]?.isEmpty == true { more[key] = nil }
        }
        return entry
    }

    /// Whether anything lies under a link.
    public func mayHold(_ link: LedgerLink) -> Bool {
        guard let cell = link.cell else { return places[link] != nil }
        return kinds(at: cell) & 1 << link.kinds != 0
    }

    /// Which sets of kinds of ids there are in a cell.
    public func kinds(in cell: MatchBucket) -> UInt8 { kinds(at: cell.link) }

    private func kinds(at cell: LedgerLink) -> UInt8 { UInt8(truncatingIfNeeded: places[cell] ?? 0) }

    /// The calls under a link; of a cell all, whatever ids they know.
    public func entries(linkedBy link: LedgerLink, limit: Int) -> [LedgerEntry] {
        let key = link.cell ?? link
        guard let place = places[key], let first = entries[place >> 8] else { return [] }
        guard let others = more[key] else { return [first] }
        return [first] + others.prefix(max(0, limit - 1)).compactMap { entries[$0] }
    }
}
