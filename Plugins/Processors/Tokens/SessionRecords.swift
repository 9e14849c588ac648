// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Records of the `agent_sessions` receiver, which reads the session files of agents.
///
/// They come from this machine's receiver or, forwarded, from another's; their scope identifies them either way. ``SessionFileRecord`` is their form.
enum SessionRecords {
    /// A kind of call that a session file reports.
    struct Kind {
        var event: SessionFileRecord.Event
        /// What it was read from.
        var source: Observation.Source
        /// The priority.
        ///
        /// Claude Code's own telemetry counts whole answers where older transcripts have only their beginning; Codex's rollouts are written
        /// by Codex itself.
        var priority: UInt8
        /// Whether it may repeat a call of its parent session under another request id.
        var isSideChain = false
    }

    private static let kinds = [
        Kind(event: .transcriptCall, source: .transcript, priority: 75),
        // A side question repeats calls of its parent under new ids and may have figures of its own in them.
        Kind(event: .transcriptSidechain, source: .transcript, priority: 74, isSideChain: true),
        Kind(event: .rolloutCall, source: .rollout, priority: 95),
        Kind(event: .rolloutTotal, source: .rollout, priority: 90),
        // Below an agent's own log events, above its spans.
        Kind(event: .storeCall, source: .agentStore, priority: 75),
        // As far as the same spans over OTLP.
        Kind(event: .storeSpan, source: .agentStore, priority: 90),
    ]

    /// The kind of call that an event reports; nil when it reports none.
    static func kind(of event: Slice, in batch: OTLPBatch) -> Kind? {
        kinds.first { batch.equals(event, $0.event.rawValue) }
    }

    /// Adds what only these records report of a call.
    static func complete(_ observation: inout Observation, _ attributes: RecordAttributes, of batch: OTLPBatch) {
        func value(_ name: SessionFileRecord.Attribute) -> AttributeValue? {
            attributes.other(name.rawValue, in: batch)
        }
        func text(_ name: SessionFileRecord.Attribute) -> Slice? {
            guard case .string(let text)? = value(name), !text.isEmpty else { return nil }
            return text
        }
        if case .bool(true)? = value(.isFork) { observation.origin.value.sessionIsFork = true }
        if let place = text(.lineage) { observation.keys.lineage = batch.hash(place, after: lineage) }
        // The agent's own id of a call decides as a response id does.
        if observation.keys.response == 0, let key = text(.callKey) {
            observation.keys.response = batch.hash(key, after: callKey)
        }
        // It decides, as a response id does: of one lineage there can be several calls.
        if observation.keys.response == 0, let place = text(.ownLineage) {
            observation.keys.response = batch.hash(place, after: lineage)
        }
        // The part of a session is like a span above its calls: a sum of what is below it repeats them.
        if let sum = text(.sum) { observation.trace.span = hash(ofPart: Substring(batch.string(sum))) }
        if let names = text(.parts) {
            for name in batch.string(names).split(separator: "\n") {
                observation.trace.ancestors.insert(hash(ofPart: name))
            }
        }
        if let searches = value(.webSearches).flatMap({ batch.number(of: $0) }),
            (0...TokenCounts.limit).contains(searches)
        {
            observation.terms.webSearches = searches
        }
    }

    /// Adds that a call of an agent's telemetry belongs to its session, of which the agent's store may have a sum alone.
    ///
    /// - Parameter prefix: How the store names a session as a part, before the session's id.
    static func complete(_ observation: inout Observation, asPartNamed prefix: String) {
        guard let session = observation.session else { return }
        observation.trace.ancestors.insert(hash(ofPart: Substring(prefix + session)))
    }

    private static func hash(ofPart name: Substring) -> UInt64 {
        var hash = StableHash(domain: "session-part")
        hash.combine(String(name))
        return hash.value
    }

    private static let lineage = StableHash(domain: "lineage")
    private static let callKey = StableHash(domain: "call-key")

    /// The key under which these records name their session, independent of the agent's own telemetry.
    static let session: KeyGroup = [.sessionID]

    /// The limit that a record reports; nil when it has no share.
    ///
    /// - Parameters:
    ///   - agent: The agent's name.
    ///   - time: When it was reported.
    static func limit(
        _ record: Int,
        of batch: OTLPBatch,
        agent: String,
        machine: String?,
        at time: Timestamp
    ) -> UsageLimit? {
        func value(_ name: SessionFileRecord.Attribute) -> AttributeValue? {
            batch.attribute(name.rawValue, of: .record(record))
        }
        func text(_ name: SessionFileRecord.Attribute) -> String? {
            guard case .string(let slice)? = value(name), !slice.isEmpty else { return nil }
            return batch.name(slice)
        }
        guard let name = text(.limitName), let used = value(.limitUsedPercent).flatMap({ batch.double(of: $0) }) else {
            return nil
        }
        let end = value(.limitResetsAt).flatMap { batch.number(of: $0) }
        var limit = UsageLimit(
            agent: agent,
            name: name,
            usedPercent: used,
            windowMinutes: value(.limitWindowMinutes).flatMap { batch.number(of: $0) },
            resetsAt: end.flatMap { Timestamp(milliseconds: $0.saturatingMultiplied(by: 1_000)) },
            source: .rollout,
            reportedAt: time
        )
        limit?.account = text(.limitAccount)
        limit?.plan = text(.limitPlan)
        limit?.machine = machine
        return limit
    }

    /// Adds what a record of facts reports of its session.
    static func complete(
        _ update: inout SessionUpdate,
        record: Int,
        of batch: OTLPBatch,
        _ longNames: inout LongNames
    ) {
        func text(_ key: String, _ field: String) -> String? {
            guard case .string(let slice)? = batch.attribute(key, of: .record(record)), !slice.isEmpty else {
                return nil
            }
            longNames.note(slice, as: field)
            return batch.name(slice)
        }
        let time = update.lastSeen
        update.name = text(SessionFileRecord.Attribute.sessionName.rawValue, "title").map { LastWrite($0, at: time) }
        update.branch = text(AttributeKey.vcsRefHeadName.name, "branch").map { LastWrite($0, at: time) }
        update.agentVersion = text(AttributeKey.appVersion.name, "version").map { LastWrite($0, at: time) }
        update.parent = text(SessionFileRecord.Attribute.sessionParent.rawValue, "session")
        update.reportedCost = batch.attribute(SessionFileRecord.Attribute.reportedCost.rawValue, of: .record(record))
            .flatMap { batch.double(of: $0) }.flatMap(Money.init(dollars:)).map { LastWrite($0, at: time) }
    }
}
