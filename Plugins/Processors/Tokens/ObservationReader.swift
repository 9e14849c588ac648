// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Reads the observations out of a batch of log records or spans, record by record.
struct ObservationReader {
    let batch: OTLPBatch
    let receivedAt: Timestamp
    let rules: HouseRules
    private var attributes = RecordAttributes()
    private var interner = TextInterner()
    private var resources: [Int: ResourceFacts] = [:]
    private var witnesses: [Int: UInt64] = [:]
    private lazy var ancestry = SpanAncestry(batch)

    init(batch: OTLPBatch, receivedAt: Timestamp, rules: HouseRules) {
        self.batch = batch
        self.receivedAt = receivedAt
        self.rules = rules
    }

    /// Reads everything there is to know about calls and sessions.
    mutating func read() -> Findings {
        var findings = Findings()
        let namesSessions = batch.signal == .logs
        if namesSessions { findings.sessionOfRecord = [Int32](repeating: -1, count: batch.records.count) }
        for record in batch.records.indices where batch.isLive(record: record) {
            let isCall = tellsUsage(record)
            guard isCall || namesSessions else { continue }
            attributes.load(.record(record), of: batch, keepingOthers: !rules.isEmpty)
            if isCall, let observation = observation(of: record) { findings.observations.append(observation) }
            if namesSessions { noteSession(of: record, in: &findings) }
        }
        return findings
    }

    /// What a batch tells.
    struct Findings {
        var observations: [Observation] = []
        var sessions: [SessionSighting] = []
        var sessionOfRecord: [Int32] = []
        fileprivate var positions: [String: Int] = [:]
    }

    /// A log record that names a session is a sign of life of it, whether it tells of a call or not.
    private mutating func noteSession(of record: Int, in findings: inout Findings) {
        let entry = batch.records[record]
        let resource = facts(of: batch.scopes[entry.scope].resource)
        let keys = resource.profile?.name == "copilot" ? ExtractionTable.copilotSession : ExtractionTable.session
        guard let session = text(keys, .session) ?? resource.session else { return }
        let time = time(of: entry)
        if let position = findings.positions[session] {
            findings.sessions[position].extend(to: time)
            findings.sessionOfRecord[record] = Int32(position)
            return
        }
        var sighting = SessionSighting(id: session, time: time)
        let name = profile(of: entry, resource).name
        sighting.agent = name.isEmpty ? nil : name
        sighting.user = text(ExtractionTable.user, .user) ?? resource.user
        sighting.project =
            text(ExtractionTable.project, .project).map(Self.projectName) ?? resource.project.map(Self.projectName)
        sighting.machine = resource.machine
        findings.positions[session] = findings.sessions.count
        findings.sessionOfRecord[record] = Int32(findings.sessions.count)
        findings.sessions.append(sighting)
    }

    private func tellsUsage(_ record: Int) -> Bool {
        if batch.overlay.isEmpty {
            for index in batch.records[record].attributes
            where ExtractionTable.tellsUsage[Int(batch.attributes[index].keyID.rawValue)] { return true }
        } else {
            for entry in batch.attributes(of: .record(record))
            where ExtractionTable.tellsUsage[Int(entry.keyID.rawValue)] { return true }
        }
        return !rules.isEmpty && rules.tellsUsage(record, of: batch)
    }

    private mutating func observation(of record: Int) -> Observation? {
        let entry = batch.records[record]
        let resource = facts(of: batch.scopes[entry.scope].resource)
        let profile = profile(of: entry, resource)
        let isSpan = batch.signal == .traces
        guard isSpan ? isCall(span: entry, profile) : isCall(log: entry, profile) else { return nil }
        let raw = rawCounts()
        guard let counts = raw.normalized(profile.convention), !counts.isZero else { return nil }
        var observation = Observation(
            id: 0,
            time: time(of: entry),
            source: isSpan ? .otlpSpan : .otlpLog,
            witness: witness(of: entry.scope),
            authority: authority(entry, profile, isSpan)
        )
        observation.counts = counts
        observation.knowsCacheLifetimes = raw.knowsCacheLifetimes
        describe(&observation, entry, resource, profile)
        observation.keys = CallIdentity.keys(attributes, of: batch, scopedBy: observation.session)
        observation.weakKey = CallIdentity.weakKey(observation, profile)
        observation.weakWindow = profile.window
        if isSpan {
            let reader = self
            observation.trace = ancestry.links(of: entry, in: batch) { reader.tellsUsage($0) }
            observation.id = CallIdentity.spanIdentity(observation)
        } else {
            let sequence = attributes[.eventSequence].flatMap { batch.number(of: $0.value) }
            observation.id = CallIdentity.logIdentity(observation, sequence: sequence)
        }
        return observation
    }

    /// Who sees the calls: the scope, because one scope never tells of a call twice under two names.
    private mutating func witness(of scope: Int) -> UInt64 {
        if let known = witnesses[scope] { return known }
        var hash = StableHash(domain: "witness")
        hash.combine(batch.signal == .traces ? 1 : UInt64(0))
        batch.bytes(of: batch.scopes[scope].name).withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        witnesses[scope] = hash.value
        return hash.value
    }

    private mutating func facts(of resource: Int) -> ResourceFacts {
        if let known = resources[resource] { return known }
        let facts = ResourceFacts(resource: resource, of: batch)
        resources[resource] = facts
        return facts
    }

    // MARK: - Which records are calls

    private func profile(of entry: RecordEntry, _ resource: ResourceFacts) -> AgentProfile {
        if let profile = resource.profile { return profile }
        let hints = [attributes.text(.eventName), entry.name, batch.scopes[entry.scope].name].compactMap(\.self).map(
            batch.string
        )
        if let profile = AgentProfile.known.first(where: { profile in
            profile.prefixes.contains { prefix in hints.contains { $0.hasPrefix(prefix) } }
        }) {
            return profile
        }
        let name = attributes.text([.genAIAgentName, .agentName]).map(batch.string) ?? resource.serviceName
        return .generic(named: name)
    }

    private func isCall(log entry: RecordEntry, _ profile: AgentProfile) -> Bool {
        let event = (attributes.text(.eventName) ?? (entry.name.isEmpty ? nil : entry.name)).map(batch.string)
        if let callEvents = profile.callEvents { return event.map(callEvents.contains) ?? false }
        return event.map { !AgentProfile.eventsThatSumUp.contains($0) } ?? true
    }

    private func isCall(span entry: RecordEntry, _ profile: AgentProfile) -> Bool {
        let name = batch.string(entry.name)
        if let callSpans = profile.callSpans { return callSpans.contains(name) }
        if AgentProfile.spansThatSumUp.contains(name) { return false }
        if let operation = attributes.text(.genAIOperationName),
            AgentProfile.operationsThatSumUp.contains(batch.string(operation))
        {
            return false
        }
        if let kind = attributes.text([.openinferenceSpanKind, .langfuseObservationType]) {
            return AgentProfile.kindsThatInfer.contains(batch.string(kind))
        }
        return attributes.text(.traceloopSpanKind) == nil
    }

    private func authority(_ entry: RecordEntry, _ profile: AgentProfile, _ isSpan: Bool) -> UInt8 {
        guard isSpan else {
            // The convention's inference event repeats what an agent's own event says with more.
            let event = attributes.text(.eventName) ?? entry.name
            return batch.hasPrefix(event, "gen_ai.") ? 60 : profile.logAuthority
        }
        // A vendor's own SDK reads the answer; an instrumentation around it may add up pieces of a stream wrongly.
        return batch.hasPrefix(batch.scopes[entry.scope].name, "com.anthropic.sdk") ? 75 : profile.spanAuthority
    }

    // MARK: - What a record says

    private func rawCounts() -> RawCounts {
        var raw = RawCounts()
        if let input = attributes.number(ExtractionTable.input, in: batch) { (raw.input, raw.inputKey) = input }
        raw.output = attributes.number(ExtractionTable.output, in: batch)?.value ?? 0
        raw.cacheRead = attributes.number(ExtractionTable.cacheRead, in: batch)?.value ?? 0
        raw.cacheWrite = attributes.number(ExtractionTable.cacheWrite, in: batch)?.value ?? 0
        raw.cacheWrite5m = attributes.number(ExtractionTable.cacheWrite5m, in: batch)?.value
        raw.cacheWrite1h = attributes.number(ExtractionTable.cacheWrite1h, in: batch)?.value
        raw.reasoning = attributes.number(ExtractionTable.reasoning, in: batch)?.value ?? 0
        raw.total = attributes.number(ExtractionTable.total, in: batch)?.value
        guard !rules.isEmpty else { return raw }
        func house(_ field: TokenRule.Field) -> Int64? {
            rules.entry(field, in: attributes, of: batch).flatMap { batch.number(of: $0.value) }.flatMap {
                $0 < 0 ? nil : $0
            }
        }
        if let input = house(.input) { (raw.input, raw.inputKey) = (input, .unknown) }
        raw.output = house(.output) ?? raw.output
        raw.cacheRead = house(.cacheRead) ?? raw.cacheRead
        raw.cacheWrite = house(.cacheWrite) ?? raw.cacheWrite
        raw.reasoning = house(.reasoning) ?? raw.reasoning
        return raw
    }

    private mutating func describe(
        _ observation: inout Observation,
        _ entry: RecordEntry,
        _ resource: ResourceFacts,
        _ profile: AgentProfile
    ) {
        observation.agent = profile.name.isEmpty ? nil : profile.name
        observation.session =
            text(profile.name == "copilot" ? ExtractionTable.copilotSession : ExtractionTable.session, .session)
            ?? resource.session
        if observation.session == nil, entry.traceHigh | entry.traceLow != 0 {
            observation.session = Self.hex(entry.traceHigh) + Self.hex(entry.traceLow)
            observation.sessionIsTrace = true
        }
        observation.provider = text(ExtractionTable.provider, nil) ?? profile.provider
        observation.model = text(ExtractionTable.model, .model)
        observation.user = text(ExtractionTable.user, .user) ?? resource.user
        observation.project =
            text(ExtractionTable.project, .project).map(Self.projectName) ?? resource.project.map(Self.projectName)
        observation.machine = resource.machine
        observation.reportedCost = reportedCost()
        observation.terms.isFast = attributes.text(.speed).map { batch.equals($0, "fast") } ?? false
        observation.terms.serviceTier = text(ExtractionTable.serviceTier, nil)
        observation.terms.geography = text([.inferenceGeo], nil)
        observation.duration = duration(of: entry)
        observation.error = error(of: entry)
    }

    private mutating func text(_ keys: [AttributeKey], _ house: TokenRule.Field?) -> String? {
        if let house, !rules.isEmpty, let entry = rules.entry(house, in: attributes, of: batch),
            case .string(let slice) = entry.value
        {
            return interner.string(slice, in: batch)
        }
        guard let slice = attributes.text(keys) else { return nil }
        return interner.string(slice, in: batch)
    }

    private func reportedCost() -> Money? {
        if let micros = attributes.number([.costUSDMicros], in: batch)?.value, attributes[.costUSD] == nil {
            return Money(dollars: Double(micros) / 1e6)
        }
        return attributes.double(ExtractionTable.cost, in: batch).flatMap(Money.init(dollars:))
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
        if let text = attributes.text(ExtractionTable.error) { return String(batch.string(text).prefix(200)) }
        if let status = attributes.number(ExtractionTable.status, in: batch)?.value, status >= 400 {
            return "status \(status)"
        }
        return batch.signal == .traces && entry.statusCode == 2 ? "error" : nil
    }

    /// The end of the call.
    ///
    /// Codex leaves the time of its log records at zero and puts it into an attribute.
    private func time(of entry: RecordEntry) -> Timestamp {
        if let time = Timestamp(unixNano: entry.endTime) { return time }
        if batch.signal == .traces { return Timestamp(unixNano: entry.startTime) ?? receivedAt }
        if let text = attributes.text(.eventTimestamp), let time = Timestamp(iso8601: batch.string(text)) {
            return time
        }
        return Timestamp(unixNano: entry.observedTime) ?? receivedAt
    }

    private static func projectName(_ text: String) -> String {
        guard text.contains("://") || text.hasPrefix("git@"), let last = text.split(separator: "/").last else {
            return text
        }
        return last.hasSuffix(".git") ? String(last.dropLast(4)) : String(last)
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
