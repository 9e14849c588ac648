// SPDX-License-Identifier: Apache-2.0

/// One observation of a model call: who saw it, with which numbers, and by which ids it can be recognised again.
///
/// Several observations may report one call (a log event, a span, a transcript line). The ``Ledger`` finds which belong together
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
    /// Where the observation is in a trace.
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
    /// Whether ``counts`` separates the lifetimes of cache writes.
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

    /// Adds a name that the call lacks; a name that it has stays, because a sender knows best, and labels come in any order.
    ///
    /// A call without a session moves to the group of its names: sums by names are made from sessions.
    public mutating func add(_ label: CallLabel, _ text: String) {
        let name = NameLimit.bounded(label == .project ? ProjectPath.key(of: text) ?? text : text)
        guard !name.isEmpty else { return }
        var origin = self.origin.value
        switch label {
        case .user where origin.user == nil: origin.user = name
        case .project where origin.project == nil: origin.project = name
        case .machine where origin.machine == nil: origin.machine = name
        case .team where origin.team == nil: origin.team = name
        default: return
        }
        origin.nameGroup()
        self.origin = SharedOrigin(origin)
    }

    /// What the observation reports about its session; nil when it knows none.
    public var sessionUpdate: SessionUpdate? {
        guard let session else { return nil }
        var update = SessionUpdate(id: session, time: time)
        update.extend(to: start)
        (update.agent, update.user, update.project, update.machine) = (sessionAgent, user, project, machine)
        update.team = team
        update.provenance = Provenance(source)
        return update
    }

    /// The agent of the session: of calls without a session it is their service, which may run several agents.
    ///
    /// A sum that is not counted names none: OpenInference's span around the Claude Agent SDK has Claude Code's session.
    var sessionAgent: String? {
        if source == .agentSpan, trace.isRollUp { return nil }
        let origin = origin.value
        guard origin.sessionIsTrace, let session = origin.session else { return origin.agent }
        return SessionGroup.service(of: session) ?? origin.agent
    }

    /// When the call began, as far as that is known.
    var start: Timestamp {
        Timestamp(nanoseconds: time.nanoseconds - max(0, min(duration ?? 0, time.nanoseconds)))
    }
}

/// Where an observation was read; no part of what it says, so that all places are equal.
private struct BatchPlace: Sendable, Hashable {
    var record: Int32 = -1

    static func == (left: BatchPlace, right: BatchPlace) -> Bool { true }

    func hash(into hasher: inout Hasher) {}
}

extension Observation {
    /// The kinds of material an observation can come from; the raw value is stored.
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
        /// A record in the store of another agent than Claude Code and Codex.
        case agentStore = 7

        /// A list of this kind alone, made once for all calls of one observation.
        var alone: [Source] { Self.alone[Int(rawValue)] }

        private static let alone = (0...7).map { number in Source(rawValue: number).map { [$0] } ?? [] }

        /// The name in answers of the API.
        public var name: String {
            switch self {
            case .otlpLog: "otlp_log"
            case .otlpSpan: "otlp_span"
            case .transcript: "transcript"
            case .rollout: "rollout"
            case .event: "event"
            case .agentSpan: "agent_span"
            case .agentStore: "agent_store"
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

    /// Whether a second delivery reports nothing that this one does not: ``merge(_:)`` would change nothing.
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

// MARK: - Coding

extension Observation {
    /// Appends the observation in a compact binary form, for stores: about 200 bytes.
    ///
    /// Numbers are little-endian or variable-length as in Protocol Buffers, texts are preceded by their length. The first byte names
    /// the form, so that a later one can be distinguished from it.
    public func encode(into bytes: inout [UInt8]) {
        var writer = CompactWriter(bytes: bytes)
        bytes = []
        // Without a team it is as the version before teams wrote it, which can still read it.
        writer.byte(origin.value.team == nil ? 2 : Self.form)
        writer.fixed(id)
        writer.fixed(UInt64(bitPattern: time.nanoseconds))
        writer.byte(source.rawValue)
        writer.byte(priority)
        writer.byte(flags)
        writer.fixed(emitter)
        writer.optional(keys.request)
        writer.optional(keys.response)
        writer.optional(keys.lineage)
        writer.optional(blockingKey)
        writer.signed(Int64(weakWindow))
        writer.optional(trace.span)
        writer.byte(UInt8(trace.ancestors.values.count))
        trace.ancestors.forEach { writer.fixed($0) }
        writer.optional(trace.kind)
        writer.optional(intervalKey)
        writer.optional(keys.answer)
        writer.text(session)
        writer.text(agent)
        writer.text(provider)
        writer.text(model)
        writer.text(user)
        writer.text(project)
        writer.text(machine)
        writer.signed(counts.uncachedInput)
        writer.signed(counts.cacheRead)
        writer.signed(counts.cacheWrite5m)
        writer.signed(counts.cacheWrite1h)
        writer.signed(counts.output)
        writer.signed(counts.reasoning)
        writer.number(reportedCost?.nanodollars)
        writer.text(terms.serviceTier)
        writer.text(terms.geography)
        writer.signed(terms.webSearches)
        writer.number(duration)
        writer.text(error)
        if let team = origin.value.team { writer.text(team) }
        bytes = writer.bytes
    }

    /// Reads back what ``encode(into:)`` wrote.
    ///
    /// - Parameter reader: Is after the observation afterwards.
    /// - Returns: nil when the bytes are damaged or of an unknown form.
    init?(from reader: inout CompactReader) {
        guard let form = reader.byte(), (1...Self.form).contains(form), let id = reader.fixed(),
            let time = reader.fixed(),
            let source = reader.byte().flatMap(Source.init(rawValue:)), let priority = reader.byte(),
            let flags = reader.byte(), let emitter = reader.fixed()
        else { return nil }
        let instant = Timestamp(nanoseconds: Int64(bitPattern: time))
        self.init(id: id, time: instant, source: source, emitter: emitter, priority: priority)
        keys.request = reader.optional()
        keys.response = reader.optional()
        keys.lineage = reader.optional()
        blockingKey = reader.optional()
        weakWindow = Int32(truncatingIfNeeded: reader.signed())
        trace.span = reader.optional()
        for _ in 0..<min(4, reader.byte() ?? 0) { trace.ancestors.insert(reader.fixed() ?? 0) }
        // Version 0.1.0 wrote form 1, which ends the links here.
        if form > 1 {
            (trace.kind, intervalKey) = (reader.optional(), reader.optional())
            keys.answer = reader.optional()
        }
        var origin = CallOrigin()
        origin.session = reader.text()
        origin.sessionIsTrace = flags & 1 != 0
        origin.sessionIsFork = flags & 32 != 0
        origin.userIsShared = flags & 64 != 0
        origin.agent = reader.text()
        origin.provider = reader.text()
        origin.model = reader.text()
        origin.user = reader.text()
        origin.project = reader.text()
        origin.machine = reader.text()
        self.origin = SharedOrigin(origin)
        counts.uncachedInput = reader.signed()
        counts.cacheRead = reader.signed()
        counts.cacheWrite5m = reader.signed()
        counts.cacheWrite1h = reader.signed()
        counts.output = reader.signed()
        counts.reasoning = reader.signed()
        reportedCost = reader.number().map(Money.init(nanodollars:))
        terms.serviceTier = reader.text()
        terms.geography = reader.text()
        terms.webSearches = reader.signed()
        duration = reader.number()
        error = reader.text()
        if form > 2 { team = reader.text() }
        knowsCacheLifetimes = flags & 2 != 0
        terms.isFast = flags & 4 != 0
        trace.isRollUp = flags & 8 != 0
        isSideChain = flags & 16 != 0
        guard reader.isWhole else { return nil }
    }

    private static let form: UInt8 = 3

    private var flags: UInt8 {
        (sessionIsTrace ? 1 : 0) | (knowsCacheLifetimes ? 2 : 0) | (terms.isFast ? 4 : 0) | (trace.isRollUp ? 8 : 0)
            | (isSideChain ? 16 : 0) | (origin.value.sessionIsFork ? 32 : 0)
            | (origin.value.userIsShared ? 64 : 0)
    }
}

extension [Observation] {
    /// The observations one after the other in their compact form.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * 256)
        for observation in self { observation.encode(into: &bytes) }
        return bytes
    }

    /// Reads back what ``encoded`` gave; nil when the bytes are damaged.
    public init?(encoded bytes: [UInt8]) {
        self = []
        var reader = CompactReader(bytes)
        while !reader.isAtEnd {
            guard let observation = Observation(from: &reader) else { return nil }
            append(observation)
        }
    }
}

/// Writes numbers and texts one after the other, without names.
struct CompactWriter {
    var bytes: [UInt8]

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func fixed(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// A hash that is zero when it is missing: one byte then.
    mutating func optional(_ value: UInt64) {
        byte(value == 0 ? 0 : 1)
        if value != 0 { fixed(value) }
    }

    mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Small numbers of either sign in few bytes.
    mutating func signed(_ value: Int64) {
        unsigned(UInt64(bitPattern: value) << 1 ^ UInt64(bitPattern: value >> 63))
    }

    mutating func number(_ value: Int64?) {
        byte(value == nil ? 0 : 1)
        if let value { signed(value) }
    }

    /// A text with its length, which is one more than it is; zero for none.
    mutating func text(_ value: String?) {
        guard var value else { return byte(0) }
        value.withUTF8 { text in
            unsigned(UInt64(text.count) + 1)
            bytes.append(contentsOf: text)
        }
    }
}

/// Reads what ``CompactWriter`` wrote; what is missing reads as nothing and makes the whole invalid.
struct CompactReader {
    private let bytes: [UInt8]
    private var offset = 0
    private(set) var isWhole = true

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func byte() -> UInt8? {
        guard offset < bytes.count else { return fail() }
        offset += 1
        return bytes[offset - 1]
    }

    mutating func fixed() -> UInt64? {
        guard bytes.count - offset >= 8 else { return fail() }
        offset += 8
        return bytes.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset - 8, as: UInt64.self))
        }
    }

    mutating func optional() -> UInt64 { byte() == 1 ? fixed() ?? 0 : 0 }

    mutating func unsigned() -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let next = byte() else { return 0 }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
        }
        isWhole = false
        return 0
    }

    mutating func signed() -> Int64 {
        let value = unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func number() -> Int64? { byte() == 1 ? signed() : nil }

    mutating func text() -> String? {
        let length = unsigned()
        guard length > 0 else { return nil }
        guard length - 1 <= UInt64(bytes.count - offset) else { return fail() }
        let start = offset
        offset += Int(length - 1)
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func fail<Value>() -> Value? {
        isWhole = false
        return nil
    }
}
