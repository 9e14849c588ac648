// SPDX-License-Identifier: Apache-2.0

/// A counted call with the names of its session, as a store hands it over to what adds up or mirrors its calls.
public struct CountedCall: Sendable, Hashable {
    /// Identifies the call.
    public var id: UInt64
    /// The end of the call.
    public var time: Timestamp
    /// The model that answered; nil when no sender named it.
    public var model: String?
    /// The names of its session; its own where it has none.
    public var names: SessionNames
    /// The tokens in disjoint buckets.
    public var counts: TokenCounts
    /// The price, and whether it has one.
    public var price: CallPrice
    /// How long it took, in nanoseconds; nil when no sender reported it.
    public var duration: Int64?

    /// Creates a call.
    public init(id: UInt64, time: Timestamp, counts: TokenCounts, price: CallPrice) {
        (self.id, self.time, self.counts, self.price) = (id, time, counts, price)
        names = SessionNames()
    }
}

/// What changed in a store since a reader asked last: whole blocks of calls.
///
/// A store numbers its calls, and 2,048 numbers are a block. A late observation, a repeat, another price, a name that became known and a
/// compaction all change the blocks of the calls that they concern. A reader puts the calls of each block in the place of those that it
/// had before: what is no longer among them is retired, what is new is entered. So it needs no journal and no inverse of a change, and a
/// reader that lost its place begins again. A value; safe to use from many tasks at once.
public struct UsageChanges: Sendable {
    /// Whether everything that was handed over before is void.
    public var beginsAgain: Bool
    /// The changed blocks by number, each with all counted calls that it has now, and none for a block without any.
    public var blocks: [Int64: [CountedCall]]
    /// The place at which the reader goes on.
    public var next: UsageCursor

    /// Creates changes.
    public init(beginsAgain: Bool, blocks: [Int64: [CountedCall]], next: UsageCursor) {
        (self.beginsAgain, self.blocks, self.next) = (beginsAgain, blocks, next)
    }

    /// Whether this was everything up to the present of the store.
    public var isComplete: Bool { next.rest.isEmpty }
}

/// The place of a reader in the changes of a store; valid until the store is opened again, which it notices itself.
public struct UsageCursor: Sendable, Hashable {
    /// Distinguishes the openings of a store: numbers of blocks have no meaning beyond one.
    let opening: UInt64
    /// The state of the store that the reader knows once it has read ``rest``.
    let revision: Int64
    /// The blocks that are still to be read.
    let rest: [Int64]
}

extension QualityParts {
    /// How many blocks are handed over at once: 32,768 calls at most.
    private static let blocksOfPage = 16

    /// The blocks that a reader is given next.
    ///
    /// - Parameters:
    ///   - cursor: Where the reader is; nil at its beginning.
    ///   - present: The state of the store that is read.
    ///   - lastCall: The largest number of a call in that state.
    public mutating func page(after cursor: UsageCursor?, at present: Int64, lastCall: Int64)
        -> (blocks: [Int64], next: UsageCursor, beginsAgain: Bool)
    {
        let known = cursor.flatMap { $0.opening == opening ? $0 : nil }
        if let known, !known.rest.isEmpty {
            let rest = Array(known.rest.dropFirst(Self.blocksOfPage))
            let next = UsageCursor(opening: opening, revision: known.revision, rest: rest)
            return (Array(known.rest.prefix(Self.blocksOfPage)), next, false)
        }
        let changed = blocks(changedAfter: known?.revision ?? .min, at: present)
        let all = changed ?? Array(0...max(0, Self.block(of: lastCall)))
        let next = UsageCursor(opening: opening, revision: present, rest: Array(all.dropFirst(Self.blocksOfPage)))
        return (Array(all.prefix(Self.blocksOfPage)), next, changed == nil)
    }
}
