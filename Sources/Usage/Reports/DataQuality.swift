// SPDX-License-Identifier: Apache-2.0

/// How well the calls of a period are known: what reported them, and how far what senders report agrees with the price table.
public struct DataQuality: Sendable, Hashable {
    /// Counted calls.
    public var calls: Int64 = 0
    /// Calls that only one observation reports.
    public var oneWitness: Int64 = 0
    /// Calls that several observations report.
    public var severalWitnesses: Int64 = 0
    /// Calls some of whose observations share no id and were joined by resemblance.
    public var weaklyJoined: Int64 = 0
    /// Calls without a price.
    public var unpriced: Int64 = 0
    /// Spans that repeat what their descendants report, which were therefore not counted.
    public var rollUps: Int64 = 0
    /// Which kinds of sources report the calls of each agent on each machine.
    public var sources: [SourceKey: SourceUse] = [:]
    /// What senders report beside what the price table says, by model and by why they differ.
    public var costs: [CostKey: CostComparison] = [:]
    /// What agents report of whole sessions beside the sum of the sessions' calls.
    public var sessionCosts = SessionCosts()

    /// Counted "calls" that only an agent's span reports: each is the sum of an unknown number of calls.
    ///
    /// OpenInference's instrumentation of the Claude Agent SDK alone, for example, writes usage on the agent's span only.
    public var sumsOfUnknownCalls: Int64 {
        sources.reduce(0) { $0 + ($1.key.sources == [.agentSpan] ? $1.value.calls : 0) }
    }

    /// Creates the quality of nothing.
    public init() {}

    /// Bounds the names by ``ListedNames``: those with most calls stay, the others are taken together.
    public mutating func boundNames() {
        if sources.count > ListedNames.most {
            var ranking = LargestNames(ListedNames.most)
            for (key, use) in sources { ranking.offer((use.calls, 0, 0), 0) { key.order } }
            let chosen = Set(ranking.names)
            sources = sources.reduce(into: [:]) { bounded, source in
                let (key, use) = source
                let other = SourceKey(agent: ListedNames.other, machine: ListedNames.other, sources: key.sources)
                let place = chosen.contains(key.order) ? key : other
                let known = bounded[place]
                bounded[place] = SourceUse(
                    calls: (known?.calls ?? 0).saturatingAdding(use.calls),
                    lastSeen: max(known?.lastSeen ?? use.lastSeen, use.lastSeen)
                )
            }
        }
        guard costs.count > ListedNames.most else { return }
        var ranking = LargestNames(ListedNames.most)
        for (key, cost) in costs { ranking.offer((cost.calls, 0, 0), 0) { key.order } }
        let chosen = Set(ranking.names)
        costs = costs.reduce(into: [:]) { bounded, cost in
            let place =
                chosen.contains(cost.key.order) ? cost.key : CostKey(model: ListedNames.other, reason: cost.key.reason)
            bounded[place, default: CostComparison()].add(cost.value)
        }
    }

    /// Who ran where, and what reports it.
    public struct SourceKey: Sendable, Hashable, Comparable {
        /// The agent; empty when no sender named it.
        public var agent: String
        /// The machine; empty when no sender named it.
        public var machine: String
        /// The kinds of material, in the order of their raw values.
        public var sources: [Observation.Source]

        /// Creates a key.
        public init(agent: String, machine: String, sources: [Observation.Source]) {
            self.agent = agent
            self.machine = machine
            self.sources = sources
        }

        /// Orders by agent, machine and material.
        public static func < (left: Self, right: Self) -> Bool {
            (left.agent, left.machine, left.bits) < (right.agent, right.machine, right.bits)
        }

        private var bits: Int64 { sources.reduce(0) { $0 | 1 << Int64($1.rawValue) } }

        /// The key as one text.
        fileprivate var order: String { "\(agent)\u{1F}\(machine)\u{1F}\(bits)" }
    }

    /// The calls that the same kinds of sources report.
    public struct SourceUse: Sendable, Hashable {
        /// How many.
        public var calls: Int64
        /// The newest of them.
        public var lastSeen: Timestamp

        /// Creates a use.
        public init(calls: Int64, lastSeen: Timestamp) {
            self.calls = calls
            self.lastSeen = lastSeen
        }
    }

    /// A model, and why the reported costs of some of its calls differ from the computed ones.
    public struct CostKey: Sendable, Hashable, Comparable {
        /// The model; empty when no sender named it.
        public var model: String
        /// Why.
        public var reason: CostAgreement

        /// Creates a key.
        public init(model: String, reason: CostAgreement) {
            self.model = model
            self.reason = reason
        }

        /// Orders by model and reason.
        public static func < (left: Self, right: Self) -> Bool {
            (left.model, left.reason.rawValue) < (right.model, right.reason.rawValue)
        }

        /// The key as one text.
        fileprivate var order: String { "\(model)\u{1F}\(reason.rawValue)" }
    }

    /// Sessions whose agent reports what they cost, compared with the sum of their counted calls.
    public struct SessionCosts: Sendable, Hashable {
        /// How many sessions were compared.
        public private(set) var compared: Int64 = 0
        /// In how many of them the two differ by more than a hundredth.
        public private(set) var differing: Int64 = 0
        /// Those that differ most, by the difference and then by id, at most ``mostListed``.
        public private(set) var largest: [SessionCost] = []

        /// How many sessions are listed.
        public static let mostListed = 20

        /// Creates a comparison of nothing.
        public init() {}

        /// Adds a session.
        ///
        /// - Parameters:
        ///   - session: Its id.
        ///   - reported: What its agent says that it cost.
        ///   - counted: The sum of its counted calls.
        public mutating func add(_ session: String, reported: Money, counted: Money) {
            compared += 1
            let cost = SessionCost(session: session, reported: reported, counted: counted)
            guard cost.difference > max(reported.nanodollars, counted.nanodollars) / 100 else { return }
            differing += 1
            let place = largest.firstIndex { cost.isLarger(than: $0) } ?? largest.count
            guard place < Self.mostListed else { return }
            largest.insert(cost, at: place)
            if largest.count > Self.mostListed { largest.removeLast() }
        }
    }

    /// What an agent reports of a session, and the sum of the session's calls.
    public struct SessionCost: Sendable, Hashable {
        /// The id of the session.
        public var session: String
        /// What its agent says that it cost.
        public var reported: Money
        /// The sum of its counted calls.
        public var counted: Money

        /// How far the two are apart, in billionths of a dollar.
        var difference: Int64 {
            // Neither is negative or near the limits of its type, wherever it comes from.
            let (difference, isTooLarge) = reported.nanodollars.subtractingReportingOverflow(counted.nanodollars)
            return isTooLarge ? .max : difference == .min ? .max : abs(difference)
        }

        /// The order of the list.
        func isLarger(than other: SessionCost) -> Bool {
            (other.difference, session) < (difference, other.session)
        }
    }

    /// What was reported and computed for the same calls.
    public struct CostComparison: Sendable, Hashable {
        /// How many calls.
        public var calls: Int64 = 0
        /// The sum of what the senders said.
        public var reported = Money.zero
        /// The sum after the price table.
        public var computed = Money.zero

        /// Creates sums of nothing.
        public init() {}
    }
}

/// How the cost that a sender reports agrees with the one the price table gives.
public enum CostAgreement: Int64, Sendable, Hashable, CaseIterable {
    /// They differ by less than a thousandth.
    case equal = 0
    /// No sender reported how long cache writes live, so they were priced as the short-lived ones.
    case cacheLifetimesUnknown = 1
    /// The model is not in the price table.
    case noPrice = 2
    /// The sender has other prices.
    case otherPrice = 3

    /// The name in answers of the API.
    public var name: String {
        switch self {
        case .equal: "equal"
        case .cacheLifetimesUnknown: "cache_lifetimes_unknown"
        case .noPrice: "no_price"
        case .otherPrice: "other_price"
        }
    }
}

extension DataQuality {
    /// Adds a call.
    ///
    /// - Parameters:
    ///   - agent: The agent of its session, or its own.
    ///   - machine: The machine of its session, or its own.
    public mutating func add(_ call: Call, agent: String?, machine: String?) {
        guard call.isCounted else {
            rollUps += 1
            return
        }
        calls += 1
        if call.observationCount > 1 { severalWitnesses += 1 } else { oneWitness += 1 }
        if call.isWeaklyJoined { weaklyJoined += 1 }
        if call.price?.isPriced != true { unpriced += 1 }
        let key = SourceKey(agent: agent ?? "", machine: machine ?? "", sources: call.sources)
        let lastSeen = max(sources[key]?.lastSeen ?? call.time, call.time)
        sources[key] = SourceUse(calls: (sources[key]?.calls ?? 0) + 1, lastSeen: lastSeen)
        // Without tokens there is nothing to compare with, and the model may well have a price.
        guard let reported = call.reportedCost, call.price?.computed != nil || !call.hasCostAlone else { return }
        let reason = CostAgreement(
            of: reported,
            with: call.price?.computed,
            knowsCacheLifetimes: call.knowsCacheLifetimes,
            hasCacheWrites: call.counts.cacheWrite > 0
        )
        costs[CostKey(model: call.model ?? "", reason: reason), default: CostComparison()].add(
            reported,
            call.price?.computed
        )
    }
}

extension CostAgreement {
    /// Compares what a sender reports of a call with what the price table gives.
    ///
    /// - Parameters:
    ///   - computed: nil when the model is not in the table.
    ///   - knowsCacheLifetimes: Whether a sender reported how long its cache writes live.
    ///   - hasCacheWrites: Whether it wrote to a cache.
    public init(of reported: Money, with computed: Money?, knowsCacheLifetimes: Bool, hasCacheWrites: Bool) {
        guard let computed else {
            self = .noPrice
            return
        }
        let difference = abs(reported.nanodollars / 1_000 - computed.nanodollars / 1_000)
        if difference <= max(reported.nanodollars, computed.nanodollars) / 1_000_000 {
            self = .equal
        } else {
            self = !knowsCacheLifetimes && hasCacheWrites ? .cacheLifetimesUnknown : .otherPrice
        }
    }
}

extension DataQuality.CostComparison {
    /// Adds what was compared elsewhere.
    package mutating func add(_ other: DataQuality.CostComparison) {
        calls = calls.saturatingAdding(other.calls)
        reported += other.reported
        computed += other.computed
    }

    /// Adds a call's figures.
    fileprivate mutating func add(_ reported: Money, _ computed: Money?) {
        calls += 1
        self.reported += reported
        self.computed += computed ?? .zero
    }
}
