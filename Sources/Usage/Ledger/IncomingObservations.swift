// SPDX-License-Identifier: Apache-2.0

/// Observations that come in, divided by whether anything else has to do with them.
///
/// Nearly every observation is the first and only one of its call so far. It becomes a call by itself, without a search; the rest,
/// which the ledger has to think about, is small.
struct IncomingObservations {
    /// What comes in, as it was delivered: to make one list of it would copy all of it.
    private let deliveries: [[Observation]]
    /// Where each observation is in it.
    private var places: [Place] = []
    /// Which of it are spans above others; empty when none is.
    private var rollUps: [Bool] = []
    /// The positions of new observations that share no link with anything in the store or among what comes in.
    private(set) var unmatched: [Int] = []
    /// The positions of all others.
    private(set) var related: [Int] = []

    /// How often each link was seen in this delivery: 1, or 2 for more.
    private var seen: HashTable
    /// Which sets of kinds of ids were seen in each cell, a bit for each, by the cell's link.
    private var cells: HashTable
    /// What the store holds of the links and cells by which others may have to do with what comes in; nearly always little.
    private var held: Set<LedgerLink> = []
    private var heldKinds: [MatchBucket: UInt8] = [:]
    /// The bit beside those of a cell that says that the empty set was seen twice.
    private static let double: Int32 = 1 << 8

    private struct Place {
        var delivery: Int32
        var position: Int32
    }

    init(_ deliveries: [[Observation]], index: some LedgerIndex) throws {
        self.deliveries = deliveries
        let count = deliveries.reduce(0) { $0 + $1.count }
        seen = HashTable(capacity: count * 4, absent: 0)
        cells = HashTable(capacity: count, absent: 0)
        var traits = notePlaces(count)
        for observation in traits {
            observation.forEachLinkButCell { seen[$0.rawValue] = seen[$0.rawValue] == 0 ? 1 : 2 }
            for rule in ResemblanceRule.allCases {
                if let cell = rule.cell(of: observation) { note(cell, kinds: observation.keys.kinds) }
            }
        }
        if traits.contains(where: { seen[LedgerLink.ancestor($0.trace.span).rawValue] != 0 }) {
            let family = SpanFamily(traits)
            rollUps = traits.map(family.isRollUp)
            for position in traits.indices where rollUps[position] { traits[position].trace.isRollUp = true }
        }
        let known = try ask(index, traits)
        unmatched.reserveCapacity(count)
        for (position, observation) in traits.enumerated() {
            let link = observation.identifyingLink
            if known.contains(link) {
                if try !isKnown(at: position, by: link, index) { related.append(position) }
            } else if isRelated(observation, besidesBy: link) {
                related.append(position)
            } else {
                unmatched.append(position)
            }
        }
    }

    /// Asks a store for all links at once, since a question takes little but the wait for memory or for a network.
    ///
    /// - Returns: Of the links that lead to the observations themselves those that are held. About those observations nothing else is
    ///   asked: mostly they are sent again.
    private mutating func ask(_ index: some LedgerIndex, _ traits: [LedgerTraits]) throws -> Set<LedgerLink> {
        let known = try index.held(among: traits.map(\.identifyingLink))
        var (links, cells) = ([LedgerLink](), [MatchBucket]())
        links.reserveCapacity(traits.count * 4)
        cells.reserveCapacity(traits.count * 2)
        for observation in traits {
            let own = observation.identifyingLink
            guard !known.contains(own) else { continue }
            observation.forEachJoiningLink { if $0.link != own { links.append($0.link) } }
            if observation.trace.span != 0 { links.append(.ancestor(observation.trace.span)) }
            observation.trace.ancestors.forEach { links.append(.span($0)) }
            for rule in ResemblanceRule.allCases {
                guard let cell = rule.cell(of: observation) else { continue }
                cells.append(cell)
                if let next = cell.neighbour(at: observation.time) { cells.append(next) }
            }
        }
        held = try index.held(among: links)
        heldKinds = try index.kinds(in: cells)
        return known
    }

    /// Numbers the observations, and takes from each what decides.
    private mutating func notePlaces(_ count: Int) -> [LedgerTraits] {
        var traits: [LedgerTraits] = []
        traits.reserveCapacity(count)
        places.reserveCapacity(count)
        for delivery in deliveries.indices {
            for position in deliveries[delivery].indices {
                places.append(Place(delivery: Int32(delivery), position: Int32(position)))
                traits.append(LedgerTraits(deliveries[delivery][position]))
            }
        }
        return traits
    }

    /// An observation, flagged as a roll-up when it is a span above others.
    func observation(_ position: Int) -> Observation {
        let place = places[position]
        var observation = deliveries[Int(place.delivery)][Int(place.position)]
        if !rollUps.isEmpty, rollUps[position] { observation.trace.isRollUp = true }
        return observation
    }

    /// Whether a store has the observation already with all its facts, as it has what is sent again.
    private func isKnown(at position: Int, by link: LedgerLink, _ index: some LedgerIndex) throws -> Bool {
        let incoming = observation(position)
        return try index.holds(link) { $0.id == incoming.id && $0.covers(incoming) }
    }

    /// - Parameter known: The link that leads to the observation itself, under which the store has nothing.
    private func isRelated(_ traits: LedgerTraits, besidesBy known: LedgerLink) -> Bool {
        var isRelated = false
        traits.forEachJoiningLink { joining in
            // The first turns of a thread have one hash as the place in its history and as their own id: that is the observation itself.
            let others = joining.isOwn || joining.link == known ? 1 : 0
            isRelated = isRelated || seen[joining.link.rawValue] > others || held.contains(joining.link)
        }
        guard !isRelated else { return true }
        if traits.keys.isEmpty, seen[known.rawValue] != 1 { return true }
        let span = traits.trace.span
        // Another observation of the span, or a descendant of it that came before.
        if span != 0, seen[LedgerLink.span(span).rawValue] != 1 || held.contains(.ancestor(span)) { return true }
        // What it is below may repeat it, also where it is no span itself.
        traits.trace.ancestors.forEach { isRelated = isRelated || held.contains(.span($0)) }
        guard !isRelated else { return true }
        return ResemblanceRule.allCases.contains { hasRivals(traits, by: $0) }
    }

    /// Whether there may be others that a rule of resemblance can pair with an observation.
    private func hasRivals(_ traits: LedgerTraits, by rule: ResemblanceRule) -> Bool {
        guard let cell = rule.cell(of: traits) else { return false }
        let rivals = MatchBucket.rivals(ofKinds: traits.keys.kinds)
        if (othersSeen(besides: traits, in: cell) | heldKinds[cell, default: 0]) & rivals != 0 { return true }
        guard let next = cell.neighbour(at: traits.time) else { return false }
        return (UInt8(truncatingIfNeeded: cells[next.link.rawValue]) | heldKinds[next, default: 0]) & rivals != 0
    }

    private mutating func note(_ cell: MatchBucket, kinds: UInt8) {
        let (link, bit) = (cell.link.rawValue, Int32(1) << Int32(kinds))
        let known = cells[link]
        cells[link] = known | bit | (kinds == 0 && known & bit != 0 ? Self.double : 0)
    }

    /// What is known about an observation's own cell, leaving out what it has added itself.
    private func othersSeen(besides observation: LedgerTraits, in cell: MatchBucket) -> UInt8 {
        let known = cells[cell.link.rawValue]
        let kinds = UInt8(truncatingIfNeeded: known)
        return observation.keys.kinds == 0 && known & Self.double == 0 ? kinds & ~1 : kinds
    }
}

/// Small numbers by keys that are hashes already, for what is counted or looked up many times in a batch.
///
/// A `Dictionary` hashes each key once more, which costs more than everything else that is done with it here. Keys are stirred with
/// a number that is new in every process, so that no sender can choose ids that fall on one place. Not generic, so that other
/// modules call it directly.
package struct HashTable {
    private var slots: [Slot]
    private var mask: UInt64
    private var count = 0
    /// What is under the key zero, which in ``slots`` means that nothing is there.
    private var zero: Int32
    private let absent: Int32
    private let stir = hashTableStir

    private struct Slot {
        var key: UInt64
        var value: Int32
    }

    /// Creates a table with room for some keys; it grows when there are more.
    ///
    /// - Parameter absent: What a key has as long as nothing was set.
    package init(capacity: Int, absent: Int32) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        mask = UInt64(size - 1)
        zero = absent
        self.absent = absent
        slots = [Slot](repeating: Slot(key: 0, value: absent), count: size)
    }

    /// The number under a key.
    package subscript(key: UInt64) -> Int32 {
        get { key == 0 ? zero : slots[place(of: key)].value }
        set {
            guard key != 0 else { return zero = newValue }
            var place = place(of: key)
            if slots[place].key == 0 {
                if (count + 1) * 2 > slots.count {
                    grow()
                    place = self.place(of: key)
                }
                count += 1
                slots[place].key = key
            }
            slots[place].value = newValue
        }
    }

    /// Where a key is, or the empty place where it would be; half of all places are empty.
    @inline(__always)
    private func place(of key: UInt64) -> Int {
        let (high, low) = (key ^ stir).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        var place = (high ^ low) & mask
        while true {
            let found = slots[Int(truncatingIfNeeded: place)].key
            if found == key || found == 0 { return Int(truncatingIfNeeded: place) }
            place = (place &+ 1) & mask
        }
    }

    private mutating func grow() {
        let former = slots
        slots = [Slot](repeating: Slot(key: 0, value: absent), count: former.count * 2)
        mask = UInt64(slots.count - 1)
        for slot in former where slot.key != 0 { slots[place(of: slot.key)] = slot }
    }
}

private let hashTableStir = UInt64.random(in: .min ... .max)
