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
    var origins = RecentOrigins()
    private var resources: [ResourceFacts?]
    /// What is known of each scope, once it was looked at.
    private var scopes: [ScopeFacts?]
    /// Whether each record tells usage.
    private var usage: [Bool] = []
    /// What records that look alike turned out to be.
    var verdicts: [UInt64: Verdict] = [:]
    /// The newest of them: neighbours nearly always look alike.
    var latestVerdict: (look: UInt64, verdict: Verdict)?
    private lazy var ancestry = SpanAncestry(batch)

    init(batch: OTLPBatch, receivedAt: Timestamp, rules: HouseRules) {
        self.batch = batch
        self.receivedAt = receivedAt
        self.rules = rules
        resources = [ResourceFacts?](repeating: nil, count: batch.resources.count)
        scopes = [ScopeFacts?](repeating: nil, count: batch.scopes.count)
    }

    struct ScopeFacts {
        /// Who sees the calls: the scope, because one scope never tells of a call twice under two names.
        var witness: UInt64
        /// Who wrote its records.
        var origin: Origin
    }

    /// Reads everything there is to know about calls and sessions.
    mutating func read() -> Findings {
        var findings = Findings()
        let namesSessions = batch.signal == .logs
        if namesSessions { findings.sessionOfRecord = [Int32](repeating: -1, count: batch.records.count) }
        usage = batch.records.indices.map { batch.isLive(record: $0) && tellsUsage($0) }
        let usages = usage.count { $0 }
        findings.observations.reserveCapacity(usages)
        findings.recordOfObservation.reserveCapacity(usages)
        for record in batch.records.indices where batch.isLive(record: record) {
            guard usage[record] || namesSessions else { continue }
            let isFromFile = facts(ofScope: batch.records[record].scope).origin == .sessionFiles
            attributes.load(.record(record), of: batch, keepingOthers: isFromFile || !rules.isEmpty)
            if usage[record], let observation = observation(of: record) {
                findings.observations.append(observation)
                findings.recordOfObservation.append(Int32(record))
            }
            if namesSessions { noteSession(of: record, in: &findings) }
        }
        return findings
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
        var recordOfObservation: [Int32] = []
        var sessions: [SessionSighting] = []
        var sessionOfRecord: [Int32] = []
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
        guard let session = text(keys, .session) ?? resource.session else { return }
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
        case .events: EventRecords.complete(&sighting, record: record, of: batch)
        case .sessionFiles where tellsFacts: SessionRecords.complete(&sighting, record: record, of: batch)
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
        let scope = facts(ofScope: entry.scope)
        if scope.origin == .events { return event(record, entry, resource, scope) }
        let verdict = verdict(on: entry, resource)
        let profile = verdict.profile
        let isSpan = batch.signal == .traces
        let isFromFile = scope.origin == .sessionFiles
        let kind = isFromFile ? SessionRecords.kind(of: entry.name, in: batch) : nil
        guard isFromFile ? kind != nil : verdict.isCall else { return nil }
        let raw = rawCounts()
        guard let counts = raw.normalized(isFromFile ? .inclusive : profile.convention), !counts.isZero else {
            return nil
        }
        var observation = Observation(
            id: 0,
            time: time(of: entry),
            source: kind?.source ?? (isSpan ? .otlpSpan : .otlpLog),
            witness: scope.witness,
            authority: kind?.authority ?? verdict.authority
        )
        observation.counts = counts
        observation.knowsCacheLifetimes = raw.knowsCacheLifetimes
        describe(&observation, entry, resource, profile)
        observation.keys = CallIdentity.keys(attributes, of: batch, scopedBy: observation.session)
        if isFromFile { SessionRecords.complete(&observation, attributes, of: batch) }
        observation.weakKey = CallIdentity.weakKey(observation, profile)
        observation.weakWindow = profile.window
        if isSpan {
            observation.trace = ancestry.links(of: entry, in: batch, tellsUsage: usage)
            observation.id = CallIdentity.spanIdentity(observation)
        } else {
            let sequence = attributes[.eventSequence].flatMap { batch.number(of: $0.value) }
            observation.id = CallIdentity.logIdentity(observation, sequence: sequence)
        }
        return observation
    }

    mutating func facts(ofScope scope: Int) -> ScopeFacts {
        if let known = scopes[scope] { return known }
        let name = batch.scopes[scope].name
        var witness = StableHash(domain: "witness")
        witness.combine(batch.signal == .traces ? 1 : UInt64(0))
        batch.bytes(of: name).withUnsafeBytes { witness.combine(bytes: $0.bytes) }
        let facts = ScopeFacts(
            witness: witness.value,
            origin: batch.signal == .logs ? origin(named: name) : .agents
        )
        scopes[scope] = facts
        return facts
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
        let facts = ResourceFacts(resource: resource, of: batch)
        resources[resource] = facts
        return facts
    }
}
