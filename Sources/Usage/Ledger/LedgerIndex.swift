// SPDX-License-Identifier: Apache-2.0

/// What the ledger asks of the place where calls are kept: a table of a database or dictionaries in memory.
///
/// Every store must answer alike, or two stores would count differently.
public protocol LedgerIndex {
    /// Whether anything may be under a link: false is certain, true is a guess that costs a look.
    func mayHold(_ link: LedgerLink) throws -> Bool
    /// Of some links those under which anything may be (``mayHold(_:)``).
    ///
    /// Asked for several links of every observation; nearly always the answer is none. A link can be among them twice.
    func held(among links: [LedgerLink]) throws -> Set<LedgerLink>
    /// Which sets of kinds of ids the observations in a cell may know, a bit for each of the eight (``CallKeys/kinds``).
    func kinds(in cell: MatchBucket) throws -> UInt8
    /// Of some cells those that hold observations, with the sets of kinds of ids that these may know.
    func kinds(in cells: [MatchBucket]) throws -> [MatchBucket: UInt8]
    /// The calls one of whose observations carries a link.
    ///
    /// - Parameter limit: How many are wanted at most; none are left out below that.
    func entries(linkedBy link: LedgerLink, limit: Int) throws -> [LedgerEntry]
    /// Whether a cell is known to be overfull, so that none of it needs to be read; false when that is not known.
    func isKnownOverfull(_ cell: MatchBucket) -> Bool
    /// Notes that a cell holds more observations than can be distinguished (``MatchBucket/capacity``); it stays so.
    func noteOverfull(_ cell: MatchBucket)
    /// Whether an observation of a call under a link is one that is looked for.
    func holds(_ link: LedgerLink, where isWanted: (Observation) -> Bool) throws -> Bool
}

extension LedgerIndex {
    /// Asks for one link after the other.
    public func held(among links: [LedgerLink]) throws -> Set<LedgerLink> {
        try links.reduce(into: []) { if try mayHold($1) { $0.insert($1) } }
    }

    /// Asks for one cell after the other.
    public func kinds(in cells: [MatchBucket]) throws -> [MatchBucket: UInt8] {
        try cells.reduce(into: [:]) {
            let kinds = try self.kinds(in: $1)
            if kinds != 0 { $0[$1] = kinds }
        }
    }

    /// Remembers nothing: each time the members are counted again.
    public func isKnownOverfull(_ cell: MatchBucket) -> Bool { false }

    /// Forgets it.
    public func noteOverfull(_ cell: MatchBucket) {}

    /// Looks through the calls under the link.
    public func holds(_ link: LedgerLink, where isWanted: (Observation) -> Bool) throws -> Bool {
        try entries(linkedBy: link, limit: .max).contains { $0.observations.contains(where: isWanted) }
    }
}

/// A call as a store keeps it: what the ledger made of its observations, and they themselves.
public struct LedgerEntry: Sendable, Hashable {
    /// Where the store keeps it; 0 for one that is not kept yet.
    public var ref: Int64
    /// The call, not priced.
    public var call: Call
    /// The observations it is made of; each observation belongs to one call.
    public var observations: [Observation]

    /// Creates an entry of observations that are known to report one call; nil when there are none.
    public init?(ref: Int64 = 0, observations: [Observation]) {
        guard let call = Call(observations: observations) else { return nil }
        self.ref = ref
        self.call = call
        self.observations = observations
    }

    /// Creates the entry of a single observation.
    init(observation: Observation) {
        ref = 0
        call = Call(observation: observation)
        observations = [observation]
    }

    /// The order in which changes are reported.
    static func isEarlier(_ left: LedgerEntry, _ right: LedgerEntry) -> Bool {
        (left.call.time, left.call.id) < (right.call.time, right.call.id)
    }

    /// Calls `body` with each link under which the call must be found; perhaps twice with the same.
    public func forEachLink(_ body: (LedgerLink) throws -> Void) rethrows {
        for observation in observations { try observation.forEachLink(body) }
    }
}

/// What a store must write so that it holds everything that the ledger has learned.
public struct LedgerChange: Sendable {
    /// Calls that are no longer as they were; a store removes them first.
    public var retired: [LedgerEntry] = []
    /// Calls that are new or have changed.
    public var entries: [LedgerEntry] = []

    /// How many counted calls there are of which no observation was kept before.
    ///
    /// - Parameter delivery: The observations whose calls are meant; nil for all that came in.
    public func newCallCount(of delivery: [Observation]? = nil) -> Int {
        let former = Set(retired.flatMap { $0.observations.map(\.id) })
        let own = delivery.map { Set($0.map(\.id)) }
        return entries.count { entry in
            let observations = entry.observations.indices
            return entry.call.isCounted && !observations.contains { former.contains(entry.observations[$0].id) }
                && own.map { own in observations.contains { own.contains(entry.observations[$0].id) } } ?? true
        }
    }

    /// Whether there is nothing to write.
    public var isEmpty: Bool { retired.isEmpty && entries.isEmpty }

    /// Creates a change that changes nothing.
    public init() {}
}

/// What the ledger asks a store about observations before it looks at any that are stored.
///
/// For a store that answers many questions at once faster than one after the other, such as a database behind a network: it fetches the
/// answers, hands them out to `Ledger.absorb(_:into:)`, and looks up by itself what the ledger asks beyond them, which it does only
/// about the few observations that have to do with stored ones.
public struct LedgerQuestions: Sendable {
    /// The links about which ``LedgerIndex/held(among:)`` is asked, each once, in order.
    public private(set) var links: [LedgerLink] = []
    /// The cells whose kinds are asked for, each once, in the order of their links.
    public private(set) var cells: [MatchBucket] = []

    /// The questions about what was delivered.
    public init(_ deliveries: [[Observation]]) {
        for delivery in deliveries {
            for position in delivery.indices { add(LedgerTraits(delivery[position])) }
        }
        links.sort()
        Self.removeRepeats(&links, by: \.rawValue)
        cells.sort { $0.link < $1.link }
        Self.removeRepeats(&cells, by: \.self)
    }

    private mutating func add(_ traits: LedgerTraits) {
        links.append(traits.identifyingLink)
        traits.forEachJoiningLink { links.append($0.link) }
        if traits.trace.span != 0 { links.append(.ancestor(traits.trace.span)) }
        traits.trace.ancestors.forEach { links.append(.span($0)) }
        for rule in ResemblanceRule.allCases {
            guard let cell = rule.cell(of: traits) else { continue }
            cells.append(cell)
            if let next = cell.neighbour(at: traits.time) { cells.append(next) }
        }
    }

    private static func removeRepeats<Element, Key: Equatable>(
        _ sorted: inout [Element],
        by key: (Element) -> Key
    ) {
        var kept = 0
        for position in sorted.indices where kept == 0 || key(sorted[position]) != key(sorted[kept - 1]) {
            sorted[kept] = sorted[position]
            kept += 1
        }
        sorted.removeSubrange(kept...)
    }
}
