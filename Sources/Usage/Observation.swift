// SPDX-License-Identifier: Apache-2.0

/// One observation of a model call: who saw it, with which numbers, and by which ids it can be recognised again.
///
/// Several observations may tell of one call (a log event, a span, a transcript line). The ``Ledger`` finds which belong together
/// and makes one ``Call`` of them. An observation is identified by ``id``: the same observation delivered twice has the same id.
public struct Observation: Sendable, Hashable, HasOrigin {
    /// Identifies the observation, not the call: equal when the same record arrives again, by whatever way.
    public var id: UInt64
    /// The end of the call, as exactly as this observation knows it.
    public var time: Timestamp
    /// What kind of material the observation comes from.
    public var source: Source
    /// Who emitted it: the source and the instrumentation scope, hashed.
    ///
    /// One emitter never reports one call under two ids.
    public var emitter: UInt64
    /// How far its numbers are trusted beside those of another observation of the call; higher wins.
    public var priority: UInt8
    /// Ids that name the call itself.
    public var keys = CallKeys()
    /// Where the observation stands in a trace.
    public var trace = TraceLinks()
    /// Joins observations that share no id: agent, session (or trace) and size of the prompt.
    ///
    /// Zero: never joined that way.
    public var blockingKey: UInt64 = 0
    /// Joins spans that two libraries of one process made of one call in two traces: process, size of prompt and answer.
    ///
    /// Zero: never joined that way. It needs ``duration``.
    public var intervalKey: UInt64 = 0
    /// Whether the record is of a side chain, which may repeat calls of its parent under request ids of its own.
    public var isSideChain = false
    /// How far apart in seconds two observations of one call may be when nothing but ``blockingKey`` joins them.
    public var weakWindow: Int32 = 30
    /// The number of the record of its batch that it was read from; -1 for none.
    ///
    /// Says something within the batch only: it is not stored, and observations that differ in nothing else are equal.
    public var record: Int32 {
        get { place.record }
        set { place.record = newValue }
    }

    private var place = BatchPlace()

    /// Who made the call, where and with which model.
    public var origin: SharedOrigin

    /// The tokens in disjoint buckets.
    public var counts = TokenCounts()
    /// Whether ``counts`` tells the lifetimes of cache writes apart.
    public var knowsCacheLifetimes = false
    /// The cost that the sender itself reported.
    public var reportedCost: Money?
    /// What changes the price of the call beside its tokens.
    public var terms = BillingTerms()
    /// How long the call took, in nanoseconds.
    public var duration: Int64?
    /// What went wrong, in a few words.
    public var error: String?

    /// Creates an observation with its identity; the rest is set by name.
    ///
    /// - Parameter origin: Who made the call; by default nothing is known of it.
    public init(
        id: UInt64,
        time: Timestamp,
        source: Source,
        emitter: UInt64,
        priority: UInt8,
        origin: SharedOrigin = .unknown
    ) {
        self.id = id
        self.origin = origin
        self.time = time
        self.source = source
        self.emitter = emitter
        self.priority = priority
    }
}

/// Where an observation was read; no part of what it says, so that all places are equal.
private struct BatchPlace: Sendable, Hashable {
    var record: Int32 = -1

    static func == (left: BatchPlace, right: BatchPlace) -> Bool { true }

    func hash(into hasher: inout Hasher) {}
}

extension Observation {
    /// The kinds of material a observation can come from; the raw value is stored.
    public enum Source: UInt8, Sendable, Hashable, CaseIterable {
        /// A log record that came in over OTLP.
        case otlpLog = 1
        /// A span that came in over OTLP.
        case otlpSpan = 2
        /// A line of a Claude Code transcript.
        case transcript = 3
        /// A record of a Codex rollout.
        case rollout = 4
        /// An event posted to the collector's own API.
        case event = 5
        /// A span of an agent, not of a model call: the sum of an unknown number of calls.
        case agentSpan = 6

        /// A list of this kind alone, made once for all calls of one observation.
        var alone: [Source] { Self.alone[Int(rawValue)] }

        private static let alone = (0...6).map { number in Source(rawValue: number).map { [$0] } ?? [] }

        /// The name in answers of the API.
        public var name: String {
            switch self {
            case .otlpLog: "otlp_log"
            case .otlpSpan: "otlp_span"
            case .transcript: "transcript"
            case .rollout: "rollout"
            case .event: "event"
            case .agentSpan: "agent_span"
            }
        }
    }

    /// Takes in a second delivery of the same observation: larger counts win, what was missing is filled, the earlier time stays.
    ///
    /// Commutative, associative and idempotent, so that copies may come in any number and order.
    /// - Returns: Whether anything changed.
    public mutating func merge(_ other: Observation) -> Bool {
        let before = self
        time = min(time, other.time)
        priority = max(priority, other.priority)
        counts = counts.maximum(other.counts)
        knowsCacheLifetimes = knowsCacheLifetimes || other.knowsCacheLifetimes
        keys.fill(from: other.keys)
        trace.merge(other.trace)
        blockingKey = Self.smaller(blockingKey, other.blockingKey)
        weakWindow = max(weakWindow, other.weakWindow)
        intervalKey = Self.smaller(intervalKey, other.intervalKey)
        isSideChain = isSideChain && other.isSideChain
        origin.merge(other.origin)
        reportedCost = [reportedCost, other.reportedCost].compactMap(\.self).max()
        terms.merge(other.terms)
        duration = [duration, other.duration].compactMap(\.self).max()
        error = CallOrigin.smaller(error, other.error)
        return self != before
    }

    /// Whether a second delivery tells nothing that this one does not: ``merge(_:)`` would change nothing.
    ///
    /// Nearly every repeat is the same to the last text, so that is what is looked at first.
    func covers(_ other: Observation) -> Bool {
        guard time <= other.time, priority >= other.priority, counts == other.counts, keys == other.keys,
            trace.covers(other.trace), blockingKey == other.blockingKey, weakWindow == other.weakWindow,
            intervalKey == other.intervalKey, isSideChain == other.isSideChain,
            origin == other.origin, reportedCost == other.reportedCost, terms == other.terms, error == other.error,
            knowsCacheLifetimes || !other.knowsCacheLifetimes
        else { return false }
        return (duration ?? -1) >= (other.duration ?? -1)
    }

    private static func smaller(_ left: UInt64, _ right: UInt64) -> UInt64 {
        left == 0 ? right : right == 0 ? left : min(left, right)
    }
}

extension TokenCounts {
    /// The larger count of each bucket: right for copies of one observation, whose counts only ever grow.
    ///
    /// Of cache writes the larger sum stays with its lifetimes, and of equal sums the one that tells lifetimes apart: a copy that
    /// does not know them has the whole sum in the first bucket.
    public func maximum(_ other: TokenCounts) -> TokenCounts {
        let writes = (cacheWrite, cacheWrite1h) < (other.cacheWrite, other.cacheWrite1h) ? other : self
        return TokenCounts(
            uncachedInput: max(uncachedInput, other.uncachedInput),
            cacheRead: max(cacheRead, other.cacheRead),
            cacheWrite5m: writes.cacheWrite5m,
            cacheWrite1h: writes.cacheWrite1h,
            output: max(output, other.output),
            reasoning: max(reasoning, other.reasoning)
        )
    }
}
