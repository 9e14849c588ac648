// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// Extracts observations from a batch of log records or spans, record by record.
struct ObservationReader {
    let batch: OTLPBatch
    private let receivedAt: Timestamp
    private let rules: CustomRules
    var attributes = RecordAttributes()
    private var interner = TextInterner()
    private var longNames = LongNames()
    private var origins = RecentOrigins()
    private var resources: [ResourceFacts?]
    /// The facts about each scope, once it was examined.
    private var scopes: [ScopeFacts?]
    /// The providers that records of the batch name, with their canonical name; nil for a name that is not a provider.
    var providers: [(sent: String, name: String?)] = []
    /// What earlier batches contained of the traces of this one.
    private let memory: TraceMemory
    /// The classes of records that look alike.
    private var recordClasses: [UInt64: RecordClass] = [:]
    /// The latest of them: neighbouring records nearly always look alike.
    var latestRecordClass: (look: UInt64, recordClass: RecordClass)?
    private var groups = GroupNames()
    /// The usage objects of the record that was read last in which something was not read.
    private var unreadObjects: [AttributeKey] = []
    /// The session and the user of the call that was read last, before others lend theirs.
    var names: (session: String?, user: String?) = (nil, nil)

    init(batch: OTLPBatch, receivedAt: Timestamp, rules: CustomRules, memory: TraceMemory) {
        self.batch = batch
        self.memory = memory
        self.receivedAt = receivedAt
        self.rules = rules
        resources = [ResourceFacts?](repeating: nil, count: batch.resources.count)
        scopes = [ScopeFacts?](repeating: nil, count: batch.scopes.count)
    }

    struct ScopeFacts {
        /// The emitter of its records: the scope, because one scope never reports a call twice under two names.
        var emitter: UInt64
        /// The prefix of ``TraceLinks/kind``, to which a span's name is added.
        var kind: StableHash
        /// The origin of its records.
        var origin: Origin
        /// Whether it excludes cached tokens from Anthropic's figures (``ExtractionTable/scopesWithAnthropicFigures``).
        var hasAnthropicFigures: Bool
    }

    /// Extracts all calls and sessions.
    mutating func read() -> Findings {
        var findings = Findings()
        let isLogs = batch.signal == .logs
        if isLogs { findings.sessions.reserve(records: batch.records.count) }
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
                    noteUnread(of: record, in: &findings)
                    observation.record = Int32(record)
                    findings.observations.append(observation)
                    note(findings.observations[findings.observations.count - 1], record, resource, in: &tree)
                } else if lends {
                    noteNames(of: record, resource, in: &tree)
                }
                if mayBeCall, !isCall {
                    isRead[record] = isRepetition(record, resource)
                    if !isRead[record] { noteUnreadRules(in: &findings) }
                }
            }
            if isLogs {
                noteSession(of: record, in: &findings)
                noteLimit(of: record, resource, in: &findings)
            } else if !isCall, resource.lendsNames {
                tree.noteOther(entry, at: record)
            }
        }
        connect(&tree, &findings)
        findings.unreadUsage.look(through: batch, whereNot: isRead)
        findings.longNames = longNames
        return findings
    }

    private mutating func noteLimit(of record: Int, _ resource: ResourceFacts, in findings: inout Findings) {
        let entry = batch.records[record]
        guard facts(ofScope: entry.scope).origin == .sessionFiles,
            batch.equals(entry.name, SessionFileRecord.Event.limit.rawValue)
        else { return }
        let limit = SessionRecords.limit(
            record,
            of: batch,
            agent: agent(of: entry, resource, .sessionFiles) ?? "unknown",
            machine: resource.machine,
            at: time(of: entry)
        )
        if let limit { findings.limits.append(limit) }
    }

    /// Records the session and the user that a span names, for calls of its trace without them.
    private mutating func noteNames(of record: Int, _ resource: ResourceFacts, in tree: inout SpanTree) {
        let profile = recordClass(on: batch.records[record], resource).profile
        guard profile.callSpans == nil else { return }
        tree.note(session: session(profile.sessionKeys), user: user(), at: record)
    }

    /// Notes which figures of the call that was read last have a value that is not read, although others of its figures are.
    private func noteUnread(of record: Int, in findings: inout Findings) {
        for key in unreadObjects { findings.unreadUsage.note(valueOf: key) }
        for key in attributes.figuresNotInNumbers where attributes.number(key, in: batch) == nil {
            if let value = attributes[key]?.value, !batch.isVoid(value) { findings.unreadUsage.note(valueOf: key) }
        }
        noteUnreadRules(in: &findings)
    }

    /// Notes which figures of the user's rules have a value that is not read in the record that was read last.
    private func noteUnreadRules(in findings: inout Findings) {
        guard !rules.isEmpty else { return }
        for name in rules.unreadFigures(attributes, of: batch) { findings.unreadUsage.note(valueUnder: name) }
    }

    /// Records what other spans need to know of the call that was read last.
    private mutating func note(
        _ observation: borrowing Observation,
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
            || observation.source != .event && recordClass(on: entry, resource).profile.isKnownByHeart
        {
            tree.noteAgent(session: session)
        } else if !isSpan {
            tree.noteTie(.call(session: session, observation.time))
        }
    }

    /// Connects records with one another, within the batch and with earlier batches.
    private mutating func connect(_ tree: inout SpanTree, _ findings: inout Findings) {
        let memory = memory
        let isLogs = batch.signal == .logs
        guard isLogs ? !tree.isApart : !tree.isEmpty || memory.expectsAncestors else { return }
        if !isLogs { tree.link(&findings, in: batch) }
        memory.exchange { state in
            if !isLogs { tree.linkEarlier(&findings, in: batch, &state) }
            tree.lendNames(&findings, in: batch, &state)
            tree.settleSums(&findings, in: batch, &state)
            for position in tree.withoutSession {
                if let origin = groupOrigin(of: findings.observations[position]) {
                    findings.observations[position].origin = origins.shared(origin)
                }
            }
            tree.keepUnnamed(findings, in: batch, &state)
            tree.keepLent(
                tree.lentByTrace.compactMap { unlent(findings.observations[$0.position], $0) },
                in: batch,
                &state
            )
            for var observation in tree.completed {
                observation.record = -1
                findings.observations.append(observation)
            }
        }
    }

    /// The origin of a call that names no session, in the group of its service and day; nil for one that needs none.
    private mutating func groupOrigin(of observation: Observation) -> CallOrigin? {
        let entry = batch.records[Int(observation.record)]
        let resource = facts(of: batch.scopes[entry.scope].resource)
        guard facts(ofScope: entry.scope).origin == .agents else { return nil }
        var origin = observation.origin.value
        guard origin.session == nil else { return nil }
        let service = resource.profile?.name ?? resource.serviceName ?? origin.agent ?? "unknown service"
        origin.session = groups.id(service: service, of: origin, at: observation.time)
        origin.sessionIsTrace = true
        return origin
    }

    /// A call without the names that its trace lent.
    private mutating func unlent(_ observation: Observation, _ lent: SpanTree.Lent) -> Observation? {
        var observation = observation
        var origin = observation.origin.value
        if lent.user { origin.user = nil }
        if lent.session { origin.session = nil }
        origin.nameGroup()
        observation.origin = SharedOrigin(origin)
        if lent.session {
            guard let group = groupOrigin(of: observation) else { return nil }
            observation.origin = origins.shared(group)
        }
        return observation
    }

    /// The origin of records.
    enum Origin {
        /// Agents and SDKs, each with its own conventions.
        case agents
        /// The receiver of session files.
        case sessionFiles
        /// The receiver of events.
        case events
    }

    /// The result for a batch.
    struct Findings {
        var observations: [Observation] = []
        var sessions = BatchSessions()
        /// Limits of subscriptions.
        var limits: [UsageLimit] = []
        /// Attributes that look like usage and were not read.
        var unreadUsage = UnreadUsage()
        /// Names that were shortened.
        var longNames = LongNames()
        fileprivate var positions: [String: Int] = [:]
        /// The session of the latest record that names one; the next record nearly always has the same.
        fileprivate var latest: Int?

        /// The index of a session in ``sessions``.
        fileprivate mutating func position(of session: String) -> Int? {
            if let latest, sessions[latest].id == session { return latest }
            latest = positions[session]
            return latest
        }
    }

    /// Every log record that names a session shows that the session is alive, whether it reports a call or not.
    private mutating func noteSession(of record: Int, in findings: inout Findings) {
        let entry = batch.records[record]
        let resource = facts(of: batch.scopes[entry.scope].resource)
        let origin = facts(ofScope: entry.scope).origin
        let keys =
            origin == .sessionFiles
            ? SessionRecords.session : resource.profile?.sessionKeys ?? ExtractionTable.session
        guard let session = session(keys) ?? resource.session else { return }
        let time = time(of: entry)
        let hasFacts =
            origin == .events
            || (origin == .sessionFiles && batch.equals(entry.name, SessionFileRecord.Event.session.rawValue))
        let position = findings.position(of: session)
        if let position, !hasFacts {
            findings.sessions[position].extend(to: time)
            findings.sessions.assign(record: record, to: position)
            return
        }
        var update = SessionUpdate(id: session, time: time)
        update.provenance = origin == .sessionFiles ? .transcript : .measured
        update.agent = agent(of: entry, resource, origin)
        update.user = user() ?? resource.user
        update.project = project(resource)
        update.machine = resource.machine
        update.team = text(ExtractionTable.team, .team) ?? resource.team
        switch origin {
        case .events: EventRecords.complete(&update, record: record, of: batch, &longNames)
        case .sessionFiles where hasFacts: SessionRecords.complete(&update, record: record, of: batch, &longNames)
        default: break
        }
        if let position {
            findings.sessions[position].merge(update)
            findings.sessions.assign(record: record, to: position)
            return
        }
        let added = findings.sessions.append(update)
        findings.positions[session] = added
        findings.sessions.assign(record: record, to: added)
    }

    private func interest(of record: Int, isLog: Bool) -> ExtractionTable.Interest {
        var interest: ExtractionTable.Interest = []
        if batch.overlay.isEmpty {
            for index in batch.records[record].attributes {
                interest.formUnion(ExtractionTable.interests[Int(batch.attributes[index].keyID.rawValue)])
                // The names in a log record are compared case-insensitively.
                if isLog, interest.contains(.usage) { return interest }
            }
        } else {
            batch.forEachAttribute(of: .record(record)) { entry in
                interest.formUnion(ExtractionTable.interests[Int(entry.keyID.rawValue)])
            }
        }
        if !rules.isEmpty {
            if rules.hasUsage(record, of: batch) { interest.insert(.usage) }
            if rules.hasNames(record, of: batch) { interest.insert(.names) }
        }
        return interest
    }

    /// Whether a record without an observation is known to repeat others; otherwise its figures have an unknown form.
    private mutating func isRepetition(_ record: Int, _ resource: ResourceFacts) -> Bool {
        recordClass(on: batch.records[record], resource).role == .repetition
    }

    private mutating func observation(of record: Int) -> Observation? {
        let entry = batch.records[record]
        let resource = facts(of: batch.scopes[entry.scope].resource)
        let scope = facts(ofScope: entry.scope)
        if scope.origin == .events { return event(record, entry, resource, scope) }
        let recordClass = recordClass(on: entry, resource)
        let profile = recordClass.profile
        let isFromFile = scope.origin == .sessionFiles
        let kind = isFromFile ? SessionRecords.kind(of: entry.name, in: batch) : nil
        guard isFromFile ? kind != nil : recordClass.role != .repetition else { return nil }
        let (raw, cost) = (rawCounts(), reportedCost(of: record))
        guard let counts = raw.normalized(convention(of: scope, isFromFile)) else { return nil }
        let hasFigures = raw.hasInput || raw.hasOutput
        // A cost without tokens is a call only when the record says that it is one: wrapper spans have costs, too.
        guard !counts.isZero && hasFigures || recordClass.isNamedCall && (cost ?? .zero) > .zero else { return nil }
        var observation = Observation(
            id: 0,
            time: time(of: entry),
            source: kind?.source ?? source(of: recordClass),
            emitter: scope.emitter,
            priority: hasFigures ? kind?.priority ?? recordClass.priority : Self.priorityOfCostAlone
        )
        observation.counts = counts
        observation.knowsCacheLifetimes = raw.knowsCacheLifetimes
        describe(&observation, entry, resource, profile, cost: cost)
        observation.isSideChain = kind?.isSideChain ?? false
        // A table and a file of spans of one agent are two reports of its calls.
        if let kind, kind.event == .storeSpan { observation.emitter ^= 1 }
        identify(&observation, entry, profile, resource, scope)
        return observation
    }

    /// Above the sum of an agent's run, below every source with tokens.
    private static let priorityOfCostAlone: UInt8 = 20

    private func source(of recordClass: RecordClass) -> Observation.Source {
        guard batch.signal == .traces else { return .otlpLog }
        return recordClass.role == .agent ? .agentSpan : .otlpSpan
    }

    /// The convention of a scope for all its attributes; nil to determine it from figures and attributes.
    private func convention(of scope: ScopeFacts, _ isFromFile: Bool) -> CountingConvention? {
        if isFromFile { return .inclusive }
        guard scope.hasAnthropicFigures else { return nil }
        let provider = attributes.text(ExtractionTable.provider)
        return provider.flatMap { ProviderName.canonical(batch.string($0)) } == "anthropic" ? .exclusive : nil
    }

    /// Sets the ids of the call and of the observation.
    ///
    /// A call without a session is identified within its trace; a session that another span supplies later changes no id.
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
            isTranscript: observation.source == .transcript || observation.source == .agentStore
        )
        if facts.origin == .sessionFiles {
            SessionRecords.complete(&observation, attributes, of: batch)
        } else if let part = profile.part {
            SessionRecords.complete(&observation, asPartNamed: part)
        }
        // A sum of calls resembles none of them; a copy in a fork's store has the fork's session, under which no telemetry of it came.
        let isCopy = observation.source == .agentStore && observation.origin.value.sessionIsFork
        if observation.source != .agentSpan, !isCopy {
            observation.blockingKey = CallIdentity.blockingKey(observation, profile, scope: scope)
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

    private mutating func facts(ofScope scope: Int) -> ScopeFacts {
        if let known = scopes[scope] { return known }
        let name = batch.scopes[scope].name
        var emitter = StableHash(domain: "witness")
        emitter.combine(batch.signal == .traces ? 1 : UInt64(0))
        batch.bytes(of: name).withUnsafeBytes { emitter.combine(bytes: $0.bytes) }
        let facts = ScopeFacts(
            emitter: emitter.value,
            kind: Self.spanKind(ofScope: name, in: batch),
            origin: batch.signal == .logs ? origin(named: name) : .agents,
            hasAnthropicFigures: ExtractionTable.scopesWithAnthropicFigures.contains { batch.equals(name, $0) }
        )
        scopes[scope] = facts
        return facts
    }

    /// Sets what distinguishes a nested call from a repetition, and what joins it with another library's span of the call.
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
        if batch.equals(name, SessionFileRecord.scope) { return .sessionFiles }
        return batch.equals(name, EventRecords.scope) ? .events : .agents
    }

    private mutating func agent(of entry: RecordEntry, _ resource: ResourceFacts, _ origin: Origin) -> String? {
        if origin == .events { return text([.genAIAgentName], nil) }
        let name = recordClass(on: entry, resource).profile.name
        return name.isEmpty ? nil : name
    }

    private mutating func facts(of resource: Int) -> ResourceFacts {
        if let known = resources[resource] { return known }
        let facts = ResourceFacts(resource: resource, of: batch, &longNames)
        resources[resource] = facts
        return facts
    }

    /// The cost that a previous collector computed and wrote onto a record (`usage_attributes` of `otlp_http`).
    ///
    /// Such a collector writes it under its own name, and as `gen_ai.usage.cost` where the sender has not: an equal value there is not
    /// a cost that the sender reported.
    func collectorCost(of record: Int) -> Double? {
        guard attributes[.genAIUsageCost] != nil,
            case .double(let cost)? = batch.attribute("hammurabi.cost.usd", of: .record(record))
        else { return nil }
        return cost
    }
}

extension Observation.Source {
    /// Whether it is a session file of an agent, which has all of its calls.
    fileprivate var isOfFiles: Bool { self == .transcript || self == .rollout || self == .agentStore }
}

// MARK: - Figures

/// The values of a record.
extension ObservationReader {
    mutating func rawCounts() -> RawCounts {
        var raw = RawCounts()
        unreadObjects.removeAll(keepingCapacity: true)
        if let input = attributes.number(ExtractionTable.input, in: batch) {
            (raw.input, raw.hasInput) = (input.value, true)
            if ExtractionTable.exclusiveInput.set.contains(input.key) { raw.convention = .exclusive }
        } else if let sum = attributes.sum(ExtractionTable.inputByModality, in: batch) {
            (raw.input, raw.hasInput) = (sum, true)
        }
        let output =
            attributes.number(ExtractionTable.output, in: batch)?.value
            ?? attributes.sum(ExtractionTable.outputByModality, in: batch)
        (raw.output, raw.hasOutput) = (output ?? 0, output != nil)
        raw.cacheRead =
            attributes.number(ExtractionTable.cacheRead, in: batch)?.value
            ?? attributes.sum(ExtractionTable.cacheReadByModality, in: batch) ?? 0
        raw.cacheWrite = attributes.number(ExtractionTable.cacheWrite, in: batch)?.value ?? 0
        raw.cacheWrite5m = attributes.number(ExtractionTable.cacheWrite5m, in: batch)?.value
        raw.cacheWrite1h = attributes.number(ExtractionTable.cacheWrite1h, in: batch)?.value
        if let reasoning = attributes.number(ExtractionTable.reasoning, in: batch) {
            raw.reasoning = reasoning.value
            raw.isReasoningApart = reasoning.key == .thoughtsTokenCount
        }
        raw.total = attributes.number(ExtractionTable.total, in: batch)?.value
        if let text = attributes.text(.aiResponseProviderMetadata) {
            let metadata = ProviderMetadata(batch.bytes(of: text))
            if metadata.isUnread { unreadObjects.append(.aiResponseProviderMetadata) }
            raw.fill(from: metadata)
        }
        if attributes.present.intersects(UsageObject.keys.set) { fillFromObjects(&raw) }
        if !rules.isEmpty { applyCustomRules(to: &raw) }
        return raw
    }

    private mutating func fillFromObjects(_ raw: inout RawCounts) {
        for source in UsageObject.sources {
            guard let value = attributes[source.key]?.value, let object = UsageObject(value, in: batch) else {
                continue
            }
            let counts = object.counts(of: source)
            if object.isUnread(counts) { unreadObjects.append(source.key) }
            raw.fill(from: counts)
        }
    }

    private func applyCustomRules(to raw: inout RawCounts) {
        func house(_ field: TokenRule.Field) -> Int64? {
            rules.entry(field, in: attributes, of: batch).flatMap { batch.number(of: $0.value) }.flatMap {
                $0 < 0 ? nil : $0
            }
        }
        if let input = house(.input) { (raw.input, raw.hasInput, raw.convention) = (input, true, .inclusive) }
        if let output = house(.output) { (raw.output, raw.hasOutput) = (output, true) }
        raw.cacheRead = house(.cacheRead) ?? raw.cacheRead
        raw.cacheWrite = house(.cacheWrite) ?? raw.cacheWrite
        raw.reasoning = house(.reasoning) ?? raw.reasoning
    }

    mutating func describe(
        _ observation: inout Observation,
        _ entry: RecordEntry,
        _ resource: ResourceFacts,
        _ profile: AgentProfile,
        cost: Money?
    ) {
        observation.origin = origin(of: entry, resource, profile)
        observation.reportedCost = cost
        observation.terms.isFast = attributes.text(.speed).map { batch.equals($0, "fast") } ?? false
        observation.terms.serviceTier = text(ExtractionTable.serviceTier, nil)
        observation.terms.geography = attributes.text(.inferenceGeo).map { name($0, "region") }
        observation.duration = duration(of: entry)
        observation.error = error(of: entry)
    }

    /// The origin of the call; a call without a session gets one later (``SessionGroup``).
    private mutating func origin(of entry: RecordEntry, _ resource: ResourceFacts, _ profile: AgentProfile)
        -> SharedOrigin
    {
        var origin = CallOrigin()
        origin.agent = profile.name.isEmpty ? nil : profile.name
        let isFromFile = facts(ofScope: entry.scope).origin == .sessionFiles
        origin.session = session(isFromFile ? SessionRecords.session : profile.sessionKeys) ?? resource.session
        origin.provider = provider() ?? profile.provider
        origin.model = text(ExtractionTable.model, .model).map(Self.unquoted)
        origin.user = user() ?? resource.user
        origin.project = project(resource)
        origin.machine = resource.machine
        origin.team = text(ExtractionTable.team, .team) ?? resource.team
        names = (origin.session, origin.user)
        return origins.shared(origin)
    }

    /// The session that the record itself names.
    ///
    /// Microsoft's Agent Framework sends the id of a response as `gen_ai.conversation.id`, which is not a session.
    private mutating func session(_ keys: KeyGroup) -> String? {
        guard let conversation = attributes.text(.genAIConversationID), isResponse(conversation) else {
            return text(keys, .session).map(Self.unquoted)
        }
        return text(KeyGroup(keys.keys.filter { $0 != .genAIConversationID }), .session).map(Self.unquoted)
    }

    /// The user that the record itself names.
    private mutating func user() -> String? { text(ExtractionTable.user, .user).map(Self.unquoted) }

    /// Whether an id is that of an answer: by its beginning, or because the record's answer has it.
    private func isResponse(_ id: Slice) -> Bool {
        if Self.responses.contains(where: { batch.hasPrefix(id, $0) }) { return true }
        guard let response = attributes.text(ExtractionTable.responseID), response.length == id.length else {
            return false
        }
        return batch.bytes(of: response) == batch.bytes(of: id)
    }

    /// The prefixes of OpenAI's and Anthropic's response ids.
    private static let responses: [StaticString] = ["resp_", "msg_", "chatcmpl-"]

    /// The canonical name of the provider; the name of a framework is skipped.
    private mutating func provider() -> String? {
        guard attributes.present.intersects(ExtractionTable.provider.set) else { return nil }
        for key in ExtractionTable.provider.keys {
            guard let slice = attributes.text(key) else { continue }
            let sent = name(slice, "provider")
            if let known = providers.first(where: { $0.sent == sent }) {
                if let name = known.name { return name }
                continue
            }
            let name = ProviderName.canonical(sent)
            if providers.count < 8 { providers.append((sent, name)) }
            if let name { return name }
        }
        return nil
    }

    /// A text without JSON quotes, which MLflow writes around every value.
    private static func unquoted(_ text: String) -> String {
        guard text.utf8.first == UInt8(ascii: "\""), text.utf8.count > 2, text.utf8.last == UInt8(ascii: "\"") else {
            return text
        }
        return String(text.dropFirst().dropLast())
    }

    /// The key of the project: the path that the session file receiver found, else the name that the sender gives.
    private mutating func project(_ resource: ResourceFacts) -> String? {
        if case .string(let path)? = attributes.other(SessionFileRecord.Attribute.projectPath.rawValue, in: batch),
            !path.isEmpty
        {
            return name(path, "project")
        }
        guard let slice = slice(ExtractionTable.project, .project) else { return resource.project }
        longNames.note(slice, as: "project")
        return slice.length <= NameLimit.bytes
            ? Self.projectName(interner.string(slice, in: batch)) : batch.projectName(slice)
    }

    /// A name under one of several keys; keys of the user's rules take precedence.
    mutating func text(_ keys: KeyGroup, _ house: TokenRule.Field?) -> String? {
        slice(keys, house).map { name($0, house?.rawValue ?? "other") }
    }

    private func slice(_ keys: KeyGroup, _ house: TokenRule.Field?) -> Slice? {
        if let house, !rules.isEmpty, let entry = rules.entry(house, in: attributes, of: batch),
            case .string(let slice) = entry.value
        {
            return slice
        }
        return attributes.text(keys)
    }

    /// A name, shortened if it is too long.
    private mutating func name(_ slice: Slice, _ field: String) -> String {
        longNames.note(slice, as: field)
        return interner.string(slice, in: batch)
    }

    func reportedCost(of record: Int) -> Money? {
        if let micros = attributes.number(.costUSDMicros, in: batch), attributes[.costUSD] == nil {
            return Money(dollars: Double(micros) / 1e6)
        }
        if attributes.present.intersects(ExtractionTable.cost.set) {
            let computed = collectorCost(of: record)
            for key in ExtractionTable.cost.keys {
                // No closure: one would take a copy of the batch along.
                guard let value = attributes[key]?.value, let dollars = batch.double(of: value) else { continue }
                if key != .genAIUsageCost || dollars != computed { return Money(dollars: dollars) }
            }
        }
        return attributes[.langfuseObservationCostDetails].flatMap { UsageObject($0.value, in: batch)?.cost }
            .flatMap(Money.init(dollars:))
    }

    private func duration(of entry: RecordEntry) -> Int64? {
        if let milliseconds = attributes.double(ExtractionTable.duration, in: batch), (0...1e12).contains(milliseconds)
        {
            return Int64(milliseconds * 1e6)
        }
        guard batch.signal == .traces, entry.startTime != 0, entry.endTime >= entry.startTime else { return nil }
        return Int64(exactly: entry.endTime - entry.startTime)
    }

    private func error(of entry: RecordEntry) -> String? {
        if let text = attributes.text(ExtractionTable.error) { return String(batch.name(text).prefix(200)) }
        if let status = attributes.number(ExtractionTable.status, in: batch)?.value, status >= 400 {
            return "status \(status)"
        }
        return batch.signal == .traces && entry.statusCode == 2 ? "error" : nil
    }

    /// The end of the call.
    ///
    /// Codex sends log records with time zero and puts the time into an attribute.
    func time(of entry: RecordEntry) -> Timestamp {
        if let time = Timestamp(unixNano: entry.endTime) { return time }
        if batch.signal == .traces { return Timestamp(unixNano: entry.startTime) ?? receivedAt }
        if let text = attributes.text(.eventTimestamp), let time = Timestamp(iso8601: batch.string(text)) {
            return time
        }
        return Timestamp(unixNano: entry.observedTime) ?? receivedAt
    }

    /// The key of a project from the sender's text: the path of a folder, the last part of a repository's address, or a name.
    static func projectName(_ text: String) -> String {
        if let path = ProjectPath.key(of: text) { return path }
        // Most project names are short words; a general string search would take longer than all other work on a record.
        guard text.utf8.contains(UInt8(ascii: "/")) || text.utf8.contains(UInt8(ascii: "@")),
            text.contains("://") || text.hasPrefix("git@"), let last = text.split(separator: "/").last
        else { return text }
        return last.hasSuffix(".git") ? String(last.dropLast(4)) : String(last)
    }

    /// Sixteen bytes as 32 hexadecimal digits.
    private static func hex(_ high: UInt64, _ low: UInt64) -> String {
        String(unsafeUninitializedCapacity: 32) { digits in
            for place in 0..<32 {
                let word = place < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - place % 16 * 4) & 15)
                digits[place] = digit < 10 ? 48 + digit : 87 + digit
            }
            return 32
        }
    }
}

// MARK: - Recognition

/// The classification of a record.
struct RecordClass {
    /// The agent that sent it.
    var profile: AgentProfile
    /// The meaning of its usage.
    var role: Role
    /// Whether the record calls itself a model call, so that a cost without tokens is accepted.
    var isNamedCall: Bool
    /// The priority of its numbers.
    var priority: UInt8

    /// The meaning of a record's usage.
    enum Role {
        /// The usage of one call.
        case call
        /// The usage of an agent's run, a sum of calls, or other usage that counts only when no contained call is known.
        case agent
        /// A repetition or a sum of what other records report.
        case repetition
    }
}

/// Classifies records: which report calls, and of which agent.
extension ObservationReader {
    /// The class of the record whose attributes are loaded; computed once for all records of the batch that look alike.
    private mutating func recordClass(on entry: RecordEntry, _ resource: ResourceFacts) -> RecordClass {
        var look = Self.look
        look.combine(UInt64(entry.scope))
        batch.combine(entry.name, into: &look)
        for key in Self.classifyingKeys.keys where attributes.present.intersects(Self.classifyingKeys.set) {
            guard let text = attributes.text(key) else { continue }
            look.combine(UInt64(key.rawValue))
            batch.combine(text, into: &look)
        }
        if let latest = latestRecordClass, latest.look == look.value { return latest.recordClass }
        let known = recordClasses[look.value]
        let recordClass = known ?? newRecordClass(on: entry, resource)
        if known == nil { recordClasses[look.value] = recordClass }
        latestRecordClass = (look.value, recordClass)
        return recordClass
    }

    private func newRecordClass(on entry: RecordEntry, _ resource: ResourceFacts) -> RecordClass {
        let profile = profile(of: entry, resource)
        let isSpan = batch.signal == .traces
        let (role, isNamed) = isSpan ? role(ofSpan: entry, profile) : role(ofLog: entry, profile)
        return RecordClass(
            profile: profile,
            role: role,
            isNamedCall: isNamed && role == .call,
            priority: role == .agent ? Self.priorityOfAgents : priority(entry, profile, isSpan)
        )
    }

    /// Below every source that reports single calls.
    private static let priorityOfAgents: UInt8 = 10

    private static let look = StableHash(domain: "look")

    /// The attributes that determine the class of a record.
    private static let classifyingKeys: KeyGroup = [
        .eventName, .genAIAgentName, .agentName, .genAIOperationName, .openinferenceSpanKind, .langfuseObservationType,
        .mlflowSpanType, .langsmithSpanKind, .lmnrSpanType, .traceloopSpanKind, .ag2UsageKind,
    ]

    private func profile(of entry: RecordEntry, _ resource: ResourceFacts) -> AgentProfile {
        if let profile = resource.profile { return profile }
        let hints = [attributes.text(.eventName) ?? .none, entry.name, batch.scopes[entry.scope].name]
        for profile in AgentProfile.known {
            for prefix in profile.prefixes where hints.contains(where: { batch.hasPrefix($0, prefix) }) {
                return profile
            }
        }
        let name = attributes.text([.genAIAgentName, .agentName]).map { batch.name($0) } ?? resource.serviceName
        return AgentProfile(name: name ?? "")
    }

    private func role(ofLog entry: RecordEntry, _ profile: AgentProfile) -> (RecordClass.Role, isNamed: Bool) {
        let event = (attributes.text(.eventName) ?? (entry.name.isEmpty ? nil : entry.name)).map { batch.string($0) }
        if let callEvents = profile.callEvents {
            return event.map(callEvents.contains) ?? false ? (.call, true) : (.repetition, false)
        }
        guard let event else { return (.call, false) }
        let isSum = AgentProfile.eventsThatSumUp.contains(event)
        return (isSum ? .repetition : .call, event.hasPrefix("gen_ai.client.inference"))
    }

    private func role(ofSpan entry: RecordEntry, _ profile: AgentProfile) -> (RecordClass.Role, isNamed: Bool) {
        let name = batch.string(entry.name)
        if let callSpans = profile.callSpans { return callSpans.contains(name) ? (.call, true) : (.repetition, false) }
        if AgentProfile.spansThatSumUp.contains(name) { return (.repetition, false) }
        if let kind = attributes.text(.ag2UsageKind) {
            let kind = batch.string(kind)
            if AgentProfile.usageKindsBesideCalls.contains(kind) { return (.agent, false) }
            return AgentProfile.usageKindsThatRepeat.contains(kind) ? (.repetition, false) : (.call, true)
        }
        // An agent that reports its calls itself needs no sum of them.
        let sum: RecordClass.Role = profile.isKnownByHeart ? .repetition : .agent
        let operation = attributes.text(.genAIOperationName).map { batch.string($0) }
        if let operation, AgentProfile.operationsThatSumUp.contains(operation) {
            return (AgentProfile.operationsOfAgents.contains(operation) ? sum : .repetition, false)
        }
        if let slice = attributes.text(ExtractionTable.kind) {
            // MLflow writes JSON with quotes; OpenInference's own libraries differ in case.
            let kind = Self.unquoted(batch.string(slice)).lowercased()
            if AgentProfile.kindsThatInfer.contains(kind) { return (.call, true) }
            return (AgentProfile.kindsOfAgents.contains(kind) ? sum : .repetition, false)
        }
        guard let kind = attributes.text(.traceloopSpanKind) else { return (.call, operation != nil) }
        return (AgentProfile.kindsOfAgents.contains(batch.string(kind)) ? sum : .repetition, false)
    }

    private func priority(_ entry: RecordEntry, _ profile: AgentProfile, _ isSpan: Bool) -> UInt8 {
        guard isSpan else {
            // The convention's inference event repeats what the agent's own event has in more detail.
            let event = attributes.text(.eventName) ?? entry.name
            return batch.hasPrefix(event, "gen_ai.") ? 60 : profile.logPriority
        }
        // A vendor's own SDK reads the answer itself; an instrumentation around it may add up the pieces of a stream wrongly.
        return batch.hasPrefix(batch.scopes[entry.scope].name, "com.anthropic.sdk") ? 75 : profile.spanPriority
    }
}
