// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Reads the observations out of a batch of log records or spans, record by record.
struct ObservationReader {
    let batch: OTLPBatch
    let receivedAt: Timestamp
    let rules: HouseRules
    var attributes = RecordAttributes()
    var interner = TextInterner()
    var longNames = LongNames()
    var origins = RecentOrigins()
    private var resources: [ResourceFacts?]
    /// What is known of each scope, once it was looked at.
    private var scopes: [ScopeFacts?]
    /// The providers that records of the batch name, under one name; nil for what is none.
    var providers: [(sent: String, name: String?)] = []
    /// What is known from other batches of the traces of this one.
    private let memory: TraceMemory
    /// What records that look alike turned out to be.
    var verdicts: [UInt64: Verdict] = [:]
    /// The newest of them: neighbours nearly always look alike.
    var latestVerdict: (look: UInt64, verdict: Verdict)?
    private var groups = GroupNames()
    /// The session and the user of the call that was read last, before others lend theirs.
    var names: (session: String?, user: String?) = (nil, nil)

    init(batch: OTLPBatch, receivedAt: Timestamp, rules: HouseRules, memory: TraceMemory) {
        self.batch = batch
        self.memory = memory
        self.receivedAt = receivedAt
        self.rules = rules
        resources = [ResourceFacts?](repeating: nil, count: batch.resources.count)
        scopes = [ScopeFacts?](repeating: nil, count: batch.scopes.count)
    }

    struct ScopeFacts {
        /// Who sees the calls: the scope, because one scope never tells of a call twice under two names.
        var witness: UInt64
        /// The beginning of ``TraceLinks/kind``, to which a span's name is added.
        var kind: StableHash
        /// Who wrote its records.
        var origin: Origin
        /// Whether it leaves cached tokens out of Anthropic's figures (``ExtractionTable/scopesWithAnthropicFigures``).
        var hasAnthropicFigures: Bool
    }

    /// Reads everything there is to know about calls and sessions.
    mutating func read() -> Findings {
        var findings = Findings()
        let isLogs = batch.signal == .logs
        if isLogs { findings.sessionOfRecord = [Int32](repeating: -1, count: batch.records.count) }
        let interests = batch.records.indices.map { batch.isLive(record: $0) ? interest(of: $0, isLog: isLogs) : [] }
        let calls = interests.count { !$0.isDisjoint(with: [.usage, .cost]) }
        findings.observations.reserveCapacity(calls)
        var isRead = interests.map { !$0.isDisjoint(with: [.usage, .cost]) }
        var tree = SpanTree()
        for record in batch.records.indices where batch.isLive(record: record) {
            let entry = batch.records[record]
            let resource = facts(of: batch.scopes[entry.scope].resource)
            let mayBeCall = !interests[record].isDisjoint(with: [.usage, .cost])
            let lends = !isLogs && interests[record].contains(.names) && resource.lendsNames
            var isCall = false
            if isLogs || mayBeCall || lends {
                let isFromFile = facts(ofScope: entry.scope).origin == .sessionFiles
                attributes.load(.record(record), of: batch, keepingOthers: isFromFile || !rules.isEmpty)
                if mayBeCall, var observation = observation(of: record) {
                    isCall = true
                    observation.record = Int32(record)
                    findings.observations.append(observation)
                    note(findings.observations[findings.observations.count - 1], record, resource, in: &tree)
                } else if lends {
                    noteNames(of: record, resource, in: &tree)
                }
                if mayBeCall, !isCall { isRead[record] = isRepetition(record, resource) }
            }
            if isLogs {
                noteSession(of: record, in: &findings)
            } else if !isCall, resource.lendsNames {
                tree.noteOther(entry, at: record)
            }
        }
        connect(tree, &findings)
        findings.unreadUsage = UnreadUsage(in: batch, whereNot: isRead)
        findings.longNames = longNames
        return findings
    }

    /// Notes the session and the user that a span names, for the calls of its trace that name none.
    private mutating func noteNames(of record: Int, _ resource: ResourceFacts, in tree: inout SpanTree) {
        let profile = verdict(on: batch.records[record], resource).profile
        guard profile.callSpans == nil else { return }
        tree.note(session: session(profile.sessionKeys), user: text(ExtractionTable.user, .user), at: record)
    }

    /// Notes what others may have to know of the call that was read last.
    private mutating func note(
        _ observation: Observation,
        _ record: Int,
        _ resource: ResourceFacts,
        in tree: inout SpanTree
    ) {
        let entry = batch.records[record]
        let trace = TraceMemory.Trace(entry)
        let isSpan = batch.signal == .traces
        tree.noteCall(
            session: names.session,
            user: names.user,
            at: record,
            lends: isSpan && resource.lendsNames,
            asksOthers: resource.lendsNames && trace.isKnown
        )
        if observation.source == .agentSpan { return tree.noteSum() }
        if isSpan, facts(ofScope: entry.scope).hasAnthropicFigures { tree.noteTie(.figures(trace, observation.counts)) }
        if !isSpan, trace.isKnown { tree.noteTie(.call(trace, observation.time)) }
        guard let session = names.session else { return }
        if observation.source.isOfFiles
            || observation.source != .event && verdict(on: entry, resource).profile.isKnownByHeart
        {
            tree.noteAgent(session: session)
        } else if !isSpan {
            tree.noteTie(.call(session: session, observation.time))
        }
    }

    /// Sets what records know of one another, within the batch and from batch to batch.
    private mutating func connect(_ tree: SpanTree, _ findings: inout Findings) {
        let memory = memory
        let isLogs = batch.signal == .logs
        guard isLogs ? !tree.isApart : !tree.isEmpty || memory.expectsAncestors else { return }
        var tree = tree
        if !isLogs { tree.link(&findings, in: batch) }
        memory.exchange { state in
            if !isLogs { tree.linkEarlier(&findings, in: batch, &state) }
            tree.lendNames(&findings, in: batch, &state)
            tree.settleSums(&findings, in: batch, &state)
            for position in tree.withoutSession { setGroup(&findings, position) }
            tree.keepUnnamed(findings, in: batch, &state)
            for var observation in tree.completed {
                observation.record = -1
                findings.observations.append(observation)
            }
        }
    }

    /// Puts a call that names no session into the group of its service and day.
    private mutating func setGroup(_ findings: inout Findings, _ position: Int) {
        let record = Int(findings.observations[position].record)
        let entry = batch.records[record]
        let resource = facts(of: batch.scopes[entry.scope].resource)
        guard facts(ofScope: entry.scope).origin == .agents else { return }
        var origin = findings.observations[position].origin.value
        guard origin.session == nil else { return }
        let service = resource.profile?.name ?? resource.serviceName ?? origin.agent ?? "unknown service"
        origin.session = groups.id(service: service, of: origin, at: findings.observations[position].time)
        origin.sessionIsTrace = true
        findings.observations[position].origin = origins.shared(origin)
    }

    /// Who writes records.
    enum Origin {
        /// Agents and SDKs, each in its own way.
        case agents
        /// The receiver of session files.
        case sessionFiles
        /// The receiver of events.
        case events
    }

    /// What a batch tells.
    struct Findings {
        var observations: [Observation] = []
        var sessions: [SessionSighting] = []
        var sessionOfRecord: [Int32] = []
        /// What looks like usage and was not read.
        var unreadUsage = UnreadUsage()
        /// Names that were cut.
        var longNames = LongNames()
        fileprivate var positions: [String: Int] = [:]
        /// The session of the latest record that names one, which nearly always is that of the next.
        fileprivate var latest: Int?

        /// Where a session stands in ``sessions``.
        fileprivate mutating func position(of session: String) -> Int? {
            if let latest, sessions[latest].id == session { return latest }
            latest = positions[session]
            return latest
        }
    }

    /// A log record that names a session is a sign of life of it, whether it tells of a call or not.
    private mutating func noteSession(of record: Int, in findings: inout Findings) {
        let entry = batch.records[record]
        let resource = facts(of: batch.scopes[entry.scope].resource)
        let keys = resource.profile?.sessionKeys ?? ExtractionTable.session
        guard let session = session(keys) ?? resource.session else { return }
        let time = time(of: entry)
        let origin = facts(ofScope: entry.scope).origin
        let tellsFacts =
            origin == .events || (origin == .sessionFiles && batch.equals(entry.name, SessionRecords.factsEvent))
        let position = findings.position(of: session)
        if let position, !tellsFacts {
            findings.sessions[position].extend(to: time)
            findings.sessionOfRecord[record] = Int32(position)
            return
        }
        var sighting = SessionSighting(id: session, time: time)
        sighting.knowledge = origin == .sessionFiles ? .transcript : .measured
        sighting.agent = agent(of: entry, resource, origin)
        sighting.user = text(ExtractionTable.user, .user) ?? resource.user
        sighting.project = project(resource)
        sighting.machine = resource.machine
        switch origin {
        case .events: EventRecords.complete(&sighting, record: record, of: batch, &longNames)
        case .sessionFiles where tellsFacts: SessionRecords.complete(&sighting, record: record, of: batch, &longNames)
        default: break
        }
        if let position {
            findings.sessions[position].merge(sighting)
            findings.sessionOfRecord[record] = Int32(position)
            return
        }
        findings.positions[session] = findings.sessions.count
        findings.sessionOfRecord[record] = Int32(findings.sessions.count)
        findings.sessions.append(sighting)
    }

    private func interest(of record: Int, isLog: Bool) -> ExtractionTable.Interest {
        var interest: ExtractionTable.Interest = []
        if batch.overlay.isEmpty {
            for index in batch.records[record].attributes {
                interest.formUnion(ExtractionTable.interests[Int(batch.attributes[index].keyID.rawValue)])
                // The names in a log record are looked for in any case.
                if isLog, interest.contains(.usage) { return interest }
            }
        } else {
            for entry in batch.attributes(of: .record(record)) {
                interest.formUnion(ExtractionTable.interests[Int(entry.keyID.rawValue)])
            }
        }
        if !rules.isEmpty {
            if rules.tellsUsage(record, of: batch) { interest.insert(.usage) }
            if rules.tellsNames(record, of: batch) { interest.insert(.names) }
        }
        return interest
    }

    /// Whether a record that made no observation is known to repeat others; else its figures are in a form that is not read.
    private mutating func isRepetition(_ record: Int, _ resource: ResourceFacts) -> Bool {
        verdict(on: batch.records[record], resource).role == .repetition
    }

    private mutating func observation(of record: Int) -> Observation? {
        let entry = batch.records[record]
        let resource = facts(of: batch.scopes[entry.scope].resource)
        let scope = facts(ofScope: entry.scope)
        if scope.origin == .events { return event(record, entry, resource, scope) }
        let verdict = verdict(on: entry, resource)
        let profile = verdict.profile
        let isFromFile = scope.origin == .sessionFiles
        let kind = isFromFile ? SessionRecords.kind(of: entry.name, in: batch) : nil
        guard isFromFile ? kind != nil : verdict.role != .repetition else { return nil }
        let (raw, cost) = (rawCounts(), reportedCost(of: record))
        guard let counts = raw.normalized(convention(of: scope, isFromFile)) else { return nil }
        let hasFigures = raw.hasInput || raw.hasOutput
        // A cost without tokens is a call only where the record says that it is one: wrappers have costs, too.
        guard !counts.isZero && hasFigures || verdict.isNamedCall && (cost ?? .zero) > .zero else { return nil }
        var observation = Observation(
            id: 0,
            time: time(of: entry),
            source: kind?.source ?? source(of: verdict),
            witness: scope.witness,
            authority: hasFigures ? kind?.authority ?? verdict.authority : Self.authorityOfCostAlone
        )
        observation.counts = counts
        observation.knowsCacheLifetimes = raw.knowsCacheLifetimes
        describe(&observation, entry, resource, profile, cost: cost)
        observation.isSideChain = kind?.isSideChain ?? false
        identify(&observation, entry, profile, resource, scope)
        return observation
    }

    /// Above the sum of an agent's run, below every source that has tokens.
    private static let authorityOfCostAlone: UInt8 = 20

    private func source(of verdict: Verdict) -> Observation.Source {
        guard batch.signal == .traces else { return .otlpLog }
        return verdict.role == .agent ? .agentSpan : .otlpSpan
    }

    /// How a scope counts whatever its attributes are called; nil to decide by figures and attributes.
    private func convention(of scope: ScopeFacts, _ isFromFile: Bool) -> CountingConvention? {
        if isFromFile { return .inclusive }
        guard scope.hasAnthropicFigures else { return nil }
        let provider = attributes.text(ExtractionTable.provider)
        return provider.flatMap { ProviderName.canonical(batch.string($0)) } == "anthropic" ? .exclusive : nil
    }

    /// Sets the ids by which the call and the observation are recognised.
    ///
    /// What names no session is identified within its trace; a session that another span lends comes later and changes no id.
    private func identify(
        _ observation: inout Observation,
        _ entry: RecordEntry,
        _ profile: AgentProfile,
        _ resource: ResourceFacts,
        _ facts: ScopeFacts
    ) {
        let hasTrace = entry.traceHigh | entry.traceLow != 0
        let scope = observation.session ?? (hasTrace ? Self.hex(entry.traceHigh, entry.traceLow) : nil)
        observation.keys = CallIdentity.keys(
            attributes,
            of: batch,
            scopedBy: scope,
            prompt: observation.counts.prompt,
            isTranscript: observation.source == .transcript
        )
        if facts.origin == .sessionFiles { SessionRecords.complete(&observation, attributes, of: batch) }
        // A sum of calls resembles none of them.
        if observation.source != .agentSpan {
            observation.weakKey = CallIdentity.weakKey(observation, profile, scope: scope)
        }
        observation.weakWindow = profile.window
        if batch.signal == .traces {
            observation.trace.span = SpanAncestry.hash(entry, entry.spanID)
            if observation.source != .agentSpan { describeSpan(&observation, entry, profile, resource, facts) }
            observation.id = CallIdentity.spanIdentity(observation)
        } else {
            let sequence = attributes[.eventSequence].flatMap { batch.number(of: $0.value) }
            observation.id = CallIdentity.logIdentity(observation, sequence: sequence, scope: scope)
        }
    }

    mutating func facts(ofScope scope: Int) -> ScopeFacts {
        if let known = scopes[scope] { return known }
        let name = batch.scopes[scope].name
        var witness = StableHash(domain: "witness")
        witness.combine(batch.signal == .traces ? 1 : UInt64(0))
        batch.bytes(of: name).withUnsafeBytes { witness.combine(bytes: $0.bytes) }
        let facts = ScopeFacts(
            witness: witness.value,
            kind: Self.spanKind(ofScope: name, in: batch),
            origin: batch.signal == .logs ? origin(named: name) : .agents,
            hasAnthropicFigures: ExtractionTable.scopesWithAnthropicFigures.contains { batch.equals(name, $0) }
        )
        scopes[scope] = facts
        return facts
    }

    /// Sets what tells a call below a call from a repetition, and what joins it with another library's span of it.
    private func describeSpan(
        _ observation: inout Observation,
        _ entry: RecordEntry,
        _ profile: AgentProfile,
        _ resource: ResourceFacts,
        _ scope: ScopeFacts
    ) {
        observation.trace.kind = batch.hash(entry.name, after: scope.kind)
        if !profile.isKnown, observation.duration != nil {
            observation.intervalKey = CallIdentity.intervalKey(observation, resource)
        }
    }

    private static func spanKind(ofScope name: Slice, in batch: OTLPBatch) -> StableHash {
        var hash = StableHash(domain: "span-kind")
        batch.bytes(of: name).withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        return hash
    }

    private func origin(named name: Slice) -> Origin {
        if batch.equals(name, SessionRecords.scope) { return .sessionFiles }
        return batch.equals(name, EventRecords.scope) ? .events : .agents
    }

    private mutating func agent(of entry: RecordEntry, _ resource: ResourceFacts, _ origin: Origin) -> String? {
        if origin == .events { return text([.genAIAgentName], nil) }
        let name = verdict(on: entry, resource).profile.name
        return name.isEmpty ? nil : name
    }

    private mutating func facts(of resource: Int) -> ResourceFacts {
        if let known = resources[resource] { return known }
        let facts = ResourceFacts(resource: resource, of: batch, &longNames)
        resources[resource] = facts
        return facts
    }
}

extension Observation.Source {
    /// Whether it is a session file of an agent, in which all of its calls are.
    fileprivate var isOfFiles: Bool { self == .transcript || self == .rollout }
}
