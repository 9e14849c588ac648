// SPDX-License-Identifier: Apache-2.0

/// One call to a model, counted once: what all its observations know together.
public struct Call: Sendable, Hashable, HasOrigin {
    /// Identifies the call; made of its strongest key, so that every collector that sees it finds the same.
    public var id: UInt64
    /// The end of the call, after its best observation.
    public var time: Timestamp
    /// Whether it counts; false for a roll-up whose descendants are counted.
    public var isCounted: Bool
    /// Who made it, where and with which model; each text after the best observation that knows it.
    public var origin: SharedOrigin
    /// The tokens in disjoint buckets.
    public var counts: TokenCounts
    /// Whether the lifetimes of cache writes are known.
    public var knowsCacheLifetimes: Bool
    /// What the sender itself said the call cost.
    public var reportedCost: Money?
    /// Whether ``reportedCost`` was given with an event and holds whatever the price table says.
    public var isCostGiven: Bool
    /// What changes the price beside the tokens.
    public var terms: BillingTerms
    /// How long it took, in nanoseconds.
    public var duration: Int64?
    /// What went wrong, in a few words.
    public var error: String?
    /// The kinds of records that reported it, without repeats, in the order of their raw values.
    public var sources: [Observation.Source]
    /// How many observations report it.
    public var observationCount: Int
    /// Whether nothing but resemblance ties some of its observations to the others: no id is common to them.
    public var isWeaklyJoined: Bool
    /// The price, once ``Pricing`` has set it; nil when the call was never priced.
    public var price: CallPrice?

    /// Creates a call that counts and of which nothing but its tokens is known.
    public init(id: UInt64, time: Timestamp, counts: TokenCounts) {
        self.id = id
        self.time = time
        self.counts = counts
        isCounted = true
        origin = .unknown
        knowsCacheLifetimes = false
        isCostGiven = false
        terms = BillingTerms()
        sources = []
        observationCount = 0
        isWeaklyJoined = false
    }

    /// Whether the sender reported a cost and, of its tokens, at most those read from a cache, so that no price table can give the cost.
    ///
    /// OpenHands writes calls of OpenAI's Responses API like this: `gen_ai.usage.cost`, and at most cached tokens.
    public var hasCostAlone: Bool {
        counts.uncachedInput == 0 && counts.cacheWrite == 0 && counts.output == 0 && (reportedCost ?? .zero) > .zero
    }

    /// The name of the call in answers: sixteen hexadecimal digits.
    public var name: String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// What a call costs, and how that is known.
public struct CallPrice: Sendable, Hashable {
    /// The amount that counts: computed or reported, as the configuration prefers; zero when unpriced.
    public var cost: Money
    /// Whether a price was found; false leaves the call out of the cost and puts its model on the list of unpriced models.
    public var isPriced: Bool
    /// The amount after the price table, when the model is in it.
    public var computed: Money?

    /// Creates a price.
    public init(cost: Money, isPriced: Bool, computed: Money?) {
        self.cost = cost
        self.isPriced = isPriced
        self.computed = computed
    }
}

// MARK: - Observations

extension Call {
    /// Makes the call of a single observation: what ``init(observations:)`` makes of it, without looking for others.
    init(observation: Observation) {
        let keys = observation.keys
        id = keys.strongest ?? observation.id
        time = observation.time
        isCounted = !observation.trace.isRollUp
        origin = observation.origin
        if origin.value.session == nil, origin.value.sessionIsTrace { origin.value.sessionIsTrace = false }
        if origin.value.isTraceShared { origin.value.sessionIsFork = false }
        if origin.value.userIsShared { origin.value.userIsShared = false }
        (counts, knowsCacheLifetimes) = (observation.counts, observation.knowsCacheLifetimes)
        reportedCost = observation.reportedCost
        isCostGiven = observation.givesCost
        terms = observation.terms
        duration = observation.duration
        error = observation.error
        sources = observation.source.alone
        observationCount = 1
        isWeaklyJoined = false
        price = nil
    }

    /// Makes one call of the observations that report it, each field from the best observation that knows it.
    ///
    /// A pure function of the set: the order of `observations` does not matter.
    /// - Parameter observations: The observations; at least one.
    init?(observations: [Observation]) {
        let ranked = observations.count == 1 ? observations : observations.sorted(by: Self.isBetter)
        guard let best = ranked.first else { return nil }
        self.init(observation: best)
        guard ranked.count > 1 else { return }
        id = Self.identity(of: ranked)
        isCounted = ranked.contains { !$0.trace.isRollUp }
        origin = Self.origin(of: ranked)
        (counts, knowsCacheLifetimes) = Self.counts(of: ranked)
        let giver = ranked.first(where: \.givesCost)
        isCostGiven = giver != nil
        reportedCost = giver?.reportedCost ?? ranked.lazy.compactMap(\.reportedCost).first
        terms = ranked.dropFirst().reduce(into: best.terms) { $0.merge($1.terms) }
        duration = ranked.lazy.compactMap(\.duration).first
        error = ranked.lazy.compactMap(\.error).first
        sources = Set(ranked.map(\.source)).sorted { $0.rawValue < $1.rawValue }
        observationCount = ranked.count
        isWeaklyJoined = Self.isSplit(ranked)
    }

    /// Each text from the best observation that knows it; a session rather than a trace.
    private static func origin(of ranked: [Observation]) -> SharedOrigin {
        var origin = CallOrigin()
        let standing = ranked.lazy.map(\.origin.value.sessionStanding).max() ?? 0
        if let owner = ranked.first(where: { $0.origin.value.sessionStanding == standing })?.origin.value {
            (origin.session, origin.sessionIsTrace) = (owner.session, owner.sessionIsTrace)
            origin.sessionIsFork = owner.sessionIsFork && !owner.isTraceShared
        }
        origin.agent = ranked.lazy.compactMap(\.agent).first
        origin.provider = ranked.lazy.compactMap(\.provider).first
        origin.model = ranked.lazy.compactMap(\.model).first
        origin.user = ranked.lazy.compactMap(\.user).first
        origin.project = ranked.lazy.compactMap(\.project).first
        origin.machine = ranked.lazy.compactMap(\.machine).first
        origin.team = ranked.lazy.compactMap(\.team).first
        origin.nameGroup()
        return SharedOrigin(origin)
    }

    /// Whether the observations fall into groups that share no key.
    private static func isSplit(_ observations: [Observation]) -> Bool {
        var sets = DisjointSets(count: observations.count)
        var first: [UInt64: Int] = [:]
        for (position, observation) in observations.enumerated() {
            observation.keys.forEach { key in
                if let other = first[key] { sets.join(other, position) } else { first[key] = position }
            }
        }
        return sets.members.count > 1
    }

    /// Higher priority first, a roll-up after what it sums up; the id decides between equals, so that the choice is always the same.
    fileprivate static func isBetter(_ left: Observation, _ right: Observation) -> Bool {
        (left.trace.isRollUp ? 1 : 0, -Int(left.priority), left.id) < (
            right.trace.isRollUp ? 1 : 0, -Int(right.priority), right.id
        )
    }

    /// The smallest key of the strongest kind that any source knows, else the smallest observation.
    ///
    /// The request id of a side chain's copy names no call if the original has one.
    private static func identity(of observations: [Observation]) -> UInt64 {
        let requests = observations.lazy.filter { !$0.isSideChain }.map(\.keys.request)
        if let key = requests.filter({ $0 != 0 }).min() { return key }
        for kind in [\CallKeys.request, \.answer, \.response, \.lineage] {
            if let key = observations.lazy.map({ $0.keys[keyPath: kind] }).filter({ $0 != 0 }).min() { return key }
        }
        return observations.lazy.map(\.id).min() ?? 0
    }

    /// The numbers of the best observation; of several as good the larger prompt and output (``TokenCounts/maximum(_:)``).
    ///
    /// Lifetimes of cache writes and reasoning come from
    /// any observation that knows them, provided they agree in the sum they split.
    private static func counts(of ranked: [Observation]) -> (TokenCounts, Bool) {
        guard let best = ranked.first else { return (TokenCounts(), false) }
        let peers = ranked.prefix { $0.priority == best.priority && $0.trace.isRollUp == best.trace.isRollUp }
        var counts = peers.dropFirst().reduce(best.counts) { $0.maximum($1.counts) }
        var knowsLifetimes = peers.contains(where: \.knowsCacheLifetimes)
        for other in ranked.dropFirst(peers.count) {
            if !knowsLifetimes, other.knowsCacheLifetimes, other.counts.cacheWrite == counts.cacheWrite {
                counts.cacheWrite5m = other.counts.cacheWrite5m
                counts.cacheWrite1h = other.counts.cacheWrite1h
                knowsLifetimes = true
            }
            if counts.reasoning == 0 { counts.reasoning = min(other.counts.reasoning, counts.output) }
        }
        return (counts, knowsLifetimes)
    }
}

extension Observation {
    /// Whether it states a cost that holds: the sender of an event with a cost knows it better than a table.
    fileprivate var givesCost: Bool { source == .event && reportedCost != nil }
}

// MARK: - Evidence

/// What the figures of a call are from: its observations, the most reliable first.
///
/// The rules are those of ``Call/init(observations:)``.
public struct CallEvidence: Sendable, Hashable {
    /// The observations, the most reliable first.
    public var observations: [Observation]
    /// The position of the observation that each figure is from; a figure that none knows has no position.
    public let sources: [Figure: Int]

    /// The figures that observations give, in the API's words.
    public enum Figure: String, Sendable, CaseIterable {
        /// The time of the call.
        case timestamp
        /// The tokens of all kinds.
        case tokens
        /// How long cache writes live.
        case cacheLifetimes
        /// The cost that the sender reported.
        case reportedCost
        /// How long it took.
        case duration
        /// What went wrong.
        case error
        /// The session.
        case session
        /// The agent.
        case agent
        /// The provider.
        case provider
        /// The model.
        case model
        /// The person or account.
        case user
        /// The project.
        case project
        /// The machine.
        case machine
        /// The team that pays.
        case team
    }

    /// Ranks observations that are known to tell of one call.
    public init(_ observations: [Observation]) {
        let ranked = observations.sorted(by: Call.isBetter)
        self.observations = ranked
        let call = Call(observations: ranked)
        var sources: [Figure: Int] = [:]
        func note(_ figure: Figure, _ knows: (Observation) -> Bool) {
            sources[figure] = ranked.firstIndex(where: knows)
        }
        note(.timestamp) { $0.time == call?.time }
        note(.tokens) { [counts = call?.counts] in
            $0.counts.prompt == counts?.prompt && $0.counts.output == counts?.output
        }
        if sources[.tokens] == nil, !ranked.isEmpty { sources[.tokens] = 0 }
        if call?.knowsCacheLifetimes == true, call?.counts.cacheWrite ?? 0 > 0 {
            note(.cacheLifetimes) { $0.knowsCacheLifetimes && $0.counts.cacheWrite == call?.counts.cacheWrite }
        }
        note(.reportedCost) { $0.reportedCost != nil && $0.reportedCost == call?.reportedCost }
        note(.duration) { $0.duration != nil }
        note(.error) { $0.error != nil }
        let standing = ranked.map(\.origin.value.sessionStanding).max() ?? 0
        if standing > 0 { note(.session) { $0.origin.value.sessionStanding == standing } }
        let texts: [(Figure, (Observation) -> String?)] = [
            (.agent, { $0.agent }), (.provider, { $0.provider }), (.model, { $0.model }), (.user, { $0.user }),
            (.project, { $0.project }), (.machine, { $0.machine }), (.team, { $0.team }),
        ]
        for (figure, text) in texts { note(figure) { text($0) != nil } }
        self.sources = sources
    }
}
