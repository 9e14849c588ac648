// SPDX-License-Identifier: Apache-2.0

public import Usage

/// What matters of a call for the quality of data.
@frozen public struct QualityCall {
    /// When it ended, in nanoseconds.
    @usableFromInline var time: Int64
    /// The row of its session.
    @usableFromInline var session: Int64
    /// The row of its model.
    @usableFromInline var model: Int64
    @usableFromInline var isCounted: Bool
    @usableFromInline var isPriced: Bool
    @usableFromInline var isWeaklyJoined: Bool
    @usableFromInline var knowsCacheLifetimes: Bool
    /// Whether there is nothing but a cost, see ``Call/hasCostAlone``.
    @usableFromInline var hasCostAlone: Bool
    @usableFromInline var hasCacheWrites: Bool
    /// The bits of the kinds of material.
    @usableFromInline var sources: Int64
    @usableFromInline var observations: Int32
    @usableFromInline var computed: Money?
    @usableFromInline var reported: Money?

    /// What ``init(row:)`` reads.
    ///
    /// - Parameter observations: The name of the column with the number of observations.
    package static func columns(observations: String) -> String {
        """
        time, session, model, counted, uncached_input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, \
        knows_cache_lifetimes, priced, computed_cost, reported_cost, sources, \(observations), weakly_joined
        """
    }

    /// Reads a call.
    ///
    /// - Throws: An error of the database for a figure that no store takes in.
    @inlinable public init(row: some SQLRow) throws {
        time = try row.time(0).nanoseconds
        (session, model) = (row.int(1), row.int(2))
        isCounted = row.bool(3)
        let counts = try TokenCounts(row: row, from: 4)
        (knowsCacheLifetimes, isPriced) = (row.bool(10), row.bool(11))
        computed = row.optionalInt(12).map(Money.init(nanodollars:))
        reported = row.optionalInt(13).map(Money.init(nanodollars:))
        sources = row.int(14)
        observations = try row.small(15)
        isWeaklyJoined = row.bool(16)
        hasCacheWrites = counts.cacheWrite > 0
        hasCostAlone =
            counts.uncachedInput == 0 && counts.cacheWrite == 0 && counts.output == 0
            && (reported ?? .zero) > .zero
    }
}

/// The agent and the machine of sessions; empty where no sender named them.
package struct QualityOwner: Hashable, Sendable {
    package var agent: String
    package var machine: String

    /// Creates an owner.
    package init(agent: String?, machine: String?) { (self.agent, self.machine) = (agent ?? "", machine ?? "") }
}

/// What the calls of a block of numbers add up to for the quality of data, by quarter of an hour, so that it is a part of any period of any
/// time zone.
///
/// Kept in a store for blocks whose calls no longer change; a change of one of them takes it away, so that one that is there is right.
package struct QualityBlock: Sendable {
    /// The calls of an owner in a quarter of an hour that the same kinds of material report.
    struct Use {
        var quarter: Int64
        /// The place in ``owners``, or the row of the owner in a store.
        var owner: Int64
        /// The bits of the kinds of material.
        var sources: Int64
        var calls: Int64 = 0
        var several: Int64 = 0
        var weak: Int64 = 0
        var unpriced: Int64 = 0
        /// The newest call, in nanoseconds after the beginning of the quarter.
        var lastSeen: Int64 = 0
    }

    /// The calls of a model in a quarter of an hour whose reported cost agrees in the same way with the computed one.
    struct Cost {
        var quarter: Int64
        /// The row of the model.
        var model: Int64
        var reason: Int64
        var calls: Int64 = 0
        var reported: Int64 = 0
        var computed: Int64 = 0
    }

    /// How many spans of a quarter of an hour only repeat others.
    struct RollUps {
        var quarter: Int64
        var calls: Int64 = 0
    }

    /// In the order of their quarters.
    private(set) var uses: [Use] = []
    private(set) var costs: [Cost] = []
    private(set) var rollUps: [RollUps] = []
    /// The owners that ``Use/owner`` means.
    private(set) var owners: [QualityOwner] = []

    /// How many entries it has.
    var entries: Int { 1 + uses.count + costs.count + rollUps.count }

    /// Adds up calls.
    ///
    /// - Parameters:
    ///   - owner: Who runs a session; nil for one that is missing.
    ///   - refused: The error for a call whose session is missing.
    init(
        _ calls: [QualityCall],
        owner: (_ session: Int64) throws -> QualityOwner?,
        refused: (QualityCall) -> any Error
    ) throws {
        struct UseKey: Hashable { var quarter, owner, sources: Int64 }
        struct CostKey: Hashable { var quarter, model, reason: Int64 }
        var places: [UseKey: Int] = [:]
        var costPlaces: [CostKey: Int] = [:]
        var rollUpPlaces: [Int64: Int] = [:]
        var numbers: [QualityOwner: Int64] = [:]
        var numbersBySession: [Int64: Int64] = [:]
        func number(of session: Int64) throws -> Int64? {
            if let known = numbersBySession[session] { return known }
            guard let name = try owner(session) else { return nil }
            let number = numbers[name] ?? Int64(owners.count)
            if number == owners.count { owners.append(name) }
            (numbers[name], numbersBySession[session]) = (number, number)
            return number
        }
        for call in calls {
            let quarter = call.time / QuarterHour.nanoseconds
            guard let owner = try number(of: call.session) else { throw refused(call) }
            guard call.isCounted else {
                let place = Self.place(quarter, &rollUpPlaces, &rollUps) { RollUps(quarter: quarter) }
                rollUps[place].calls += 1
                continue
            }
            let key = UseKey(quarter: quarter, owner: owner, sources: call.sources)
            let place = Self.place(key, &places, &uses) { Use(quarter: quarter, owner: owner, sources: call.sources) }
            uses[place].add(call)
            guard let reported = call.reported, call.computed != nil || !call.hasCostAlone else { continue }
            let reason = CostAgreement(
                of: reported,
                with: call.computed,
                knowsCacheLifetimes: call.knowsCacheLifetimes,
                hasCacheWrites: call.hasCacheWrites
            ).rawValue
            let costKey = CostKey(quarter: quarter, model: call.model, reason: reason)
            let costPlace = Self.place(costKey, &costPlaces, &costs) {
                Cost(quarter: quarter, model: call.model, reason: reason)
            }
            costs[costPlace].add(reported, call.computed)
        }
        uses.sort { ($0.quarter, $0.owner, $0.sources) < ($1.quarter, $1.owner, $1.sources) }
        costs.sort { ($0.quarter, $0.model, $0.reason) < ($1.quarter, $1.model, $1.reason) }
        rollUps.sort { $0.quarter < $1.quarter }
    }

    private static func place<Key: Hashable, Entry>(
        _ key: Key,
        _ places: inout [Key: Int],
        _ entries: inout [Entry],
        _ make: () -> Entry
    ) -> Int {
        if let known = places[key] { return known }
        places[key] = entries.count
        entries.append(make())
        return entries.count - 1
    }

    /// The rows of the models that it names.
    var models: Set<Int64> { Set(costs.map(\.model)) }
}

extension QualityBlock.Use {
    fileprivate mutating func add(_ call: QualityCall) {
        calls += 1
        if call.observations > 1 { several += 1 }
        if call.isWeaklyJoined { weak += 1 }
        if !call.isPriced { unpriced += 1 }
        lastSeen = max(lastSeen, call.time % QuarterHour.nanoseconds)
    }
}

extension QualityBlock.Cost {
    fileprivate mutating func add(_ reported: Money, _ computed: Money?) {
        calls += 1
        self.reported = self.reported.saturatingAdding(reported.nanodollars)
        self.computed = self.computed.saturatingAdding(computed?.nanodollars ?? 0)
    }
}

// MARK: - Packing

extension QualityBlock {
    /// Names the form, so that a later one can be distinguished from it.
    private static let form: UInt8 = 1

    /// Packs the sums for a store; nil when one is negative, which is damage that each reader of the calls has to see.
    ///
    /// - Parameter rows: The row of each of ``owners``.
    func packed(_ rows: [Int64]) -> [UInt8]? {
        var bytes = [Self.form]
        bytes.reserveCapacity(16 + entries * 16)
        var (quarter, isValid) = (Int64(0), true)
        func append(_ numbers: Int64...) {
            for number in numbers {
                if number < 0 { isValid = false }
                PackedNumbers.append(number, to: &bytes)
            }
        }
        func begin(_ count: Int) {
            quarter = 0
            append(Int64(count))
        }
        func step(to next: Int64) {
            append(next - quarter)
            quarter = next
        }
        begin(uses.count)
        for use in uses {
            step(to: use.quarter)
            append(rows[Int(use.owner)], use.sources, use.calls, use.several, use.weak, use.unpriced, use.lastSeen)
        }
        begin(costs.count)
        for cost in costs {
            step(to: cost.quarter)
            append(cost.model, cost.reason, cost.calls, cost.reported, cost.computed)
        }
        begin(rollUps.count)
        for each in rollUps {
            step(to: each.quarter)
            append(each.calls)
        }
        return isValid ? bytes : nil
    }

    /// Reads packed sums entry by entry.
    ///
    /// - Returns: Whether they are whole.
    @inline(__always) static func read(
        _ bytes: UnsafeRawBufferPointer,
        use: (Use) -> Bool,
        cost: (Cost) -> Bool,
        rollUps: (RollUps) -> Bool
    ) -> Bool {
        guard bytes.first == form else { return false }
        var numbers = PackedNumbers.Reader(bytes: bytes, offset: 1)
        func forEach(_ body: (_ quarter: Int64) -> Bool) -> Bool {
            guard let count = numbers.number(atMost: mostEntries) else { return false }
            var quarter = Int64(0)
            for _ in 0..<count {
                guard let step = numbers.number(atMost: mostQuarter) else { return false }
                quarter += step
                guard quarter <= mostQuarter, body(quarter) else { return false }
            }
            return true
        }
        let isRead =
            forEach { quarter in
                guard let owner = numbers.number(atMost: Int64(Int32.max)), let sources = numbers.number(),
                    let calls = numbers.number(atMost: mostEntries), let several = numbers.number(atMost: calls),
                    let weak = numbers.number(atMost: calls), let unpriced = numbers.number(atMost: calls),
                    let lastSeen = numbers.number(atMost: QuarterHour.nanoseconds - 1)
                else { return false }
                return use(
                    Use(
                        quarter: quarter,
                        owner: owner,
                        sources: sources,
                        calls: calls,
                        several: several,
                        weak: weak,
                        unpriced: unpriced,
                        lastSeen: lastSeen
                    )
                )
            }
            && forEach { quarter in
                guard let model = numbers.number(), let reason = numbers.number(),
                    let calls = numbers.number(atMost: mostEntries), let reported = numbers.number(),
                    let computed = numbers.number()
                else { return false }
                return cost(
                    Cost(
                        quarter: quarter,
                        model: model,
                        reason: reason,
                        calls: calls,
                        reported: reported,
                        computed: computed
                    )
                )
            }
            && forEach { quarter in
                guard let calls = numbers.number(atMost: mostEntries) else { return false }
                return rollUps(RollUps(quarter: quarter, calls: calls))
            }
        return isRead && numbers.isAtEnd
    }

    /// As many calls as a block has numbers.
    private static let mostEntries = Int64(1) << QualityParts.blockBits
    /// The last quarter of an hour of all instants.
    private static let mostQuarter = Int64.max / QuarterHour.nanoseconds
}
