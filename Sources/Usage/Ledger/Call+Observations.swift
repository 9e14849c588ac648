// SPDX-License-Identifier: Apache-2.0

extension Call {
    /// Makes the call of a single observation: what ``init(observations:)`` makes of it, without looking for others.
    init(observation: Observation) {
        let keys = observation.keys
        id = keys.strongest ?? observation.id
        time = observation.time
        isCounted = !observation.trace.isRollUp
        origin = observation.origin
        if origin.value.session == nil, origin.value.sessionIsTrace { origin.value.sessionIsTrace = false }
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

    /// Makes one call of the observations that tell of it, each field from the best observation that knows it.
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
            origin.sessionIsFork = owner.sessionIsFork
        }
        origin.agent = ranked.lazy.compactMap(\.agent).first
        origin.provider = ranked.lazy.compactMap(\.provider).first
        origin.model = ranked.lazy.compactMap(\.model).first
        origin.user = ranked.lazy.compactMap(\.user).first
        origin.project = ranked.lazy.compactMap(\.project).first
        origin.machine = ranked.lazy.compactMap(\.machine).first
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
    private static func isBetter(_ left: Observation, _ right: Observation) -> Bool {
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

    /// The numbers of the best observation; of several as good the larger of each.
    ///
    /// Lifetimes of cache writes and reasoning come from
    /// whoever knows them, provided they agree in the sum they split.
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
    /// Whether it states a cost that holds: whoever posts an event with a cost knows it better than a table.
    fileprivate var givesCost: Bool { source == .event && reportedCost != nil }
}
