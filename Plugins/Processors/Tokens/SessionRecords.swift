// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// Records of the `agent_sessions` receiver, which reads the session files of agents.
///
/// They come from this collector's receiver or are forwarded from another's; both have the same scope.
enum SessionRecords {
    /// The scope of all of them.
    static let scope: StaticString = "hammurabi.agent_sessions"

    /// The event of facts about a session, which is not a call.
    static let factsEvent: StaticString = "hammurabi.session"

    /// A kind of call in session files.
    struct Kind {
        fileprivate var event: StaticString
        /// The source of the observation.
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
        Kind(event: "hammurabi.transcript.call", source: .transcript, priority: 75),
        // A side question repeats calls of its parent under new ids and may change their figures.
        Kind(event: "hammurabi.transcript.sidechain", source: .transcript, priority: 74, isSideChain: true),
        Kind(event: "hammurabi.rollout.call", source: .rollout, priority: 95),
        Kind(event: "hammurabi.rollout.total", source: .rollout, priority: 90),
        // Below an agent's own log events, above its spans.
        Kind(event: "hammurabi.store.call", source: .agentStore, priority: 75),
    ]

    /// The kind of call of an event; nil when the event is not a call.
    static func kind(of event: Slice, in batch: OTLPBatch) -> Kind? {
        kinds.first { batch.equals(event, $0.event) }
    }

    /// Adds facts that only these records have.
    static func complete(_ observation: inout Observation, _ attributes: RecordAttributes, of batch: OTLPBatch) {
        if case .bool(true)? = attributes.other("hammurabi.session.fork", in: batch) {
            observation.origin.value.sessionIsFork = true
        }
        if case .string(let place)? = attributes.other("hammurabi.lineage", in: batch), !place.isEmpty {
            observation.keys.lineage = batch.hash(place, after: lineage)
        }
        // The agent's own id of a call identifies it as a response id does.
        if observation.keys.response == 0,
            case .string(let key)? = attributes.other("hammurabi.call.key", in: batch), !key.isEmpty
        {
            observation.keys.response = batch.hash(key, after: callKey)
        }
        // It identifies the call as a response id does: one lineage can have several calls.
        if observation.keys.response == 0,
            case .string(let place)? = attributes.other("hammurabi.lineage.own", in: batch)
        {
            observation.keys.response = batch.hash(place, after: lineage)
        }
        if let searches = attributes.other("hammurabi.web_searches", in: batch).flatMap({ batch.number(of: $0) }),
            (0...TokenCounts.limit).contains(searches)
        {
            observation.terms.webSearches = searches
        }
    }

    private static let lineage = StableHash(domain: "lineage")
    private static let callKey = StableHash(domain: "call-key")

    /// The key under which these records name their session, independent of the agent's own telemetry.
    static let session: KeyGroup = [.sessionID]

    /// Adds the session facts of a record.
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
        update.name = text("hammurabi.session.name", "title").map { LastWrite($0, at: time) }
        update.branch = text(AttributeKey.vcsRefHeadName.name, "branch").map { LastWrite($0, at: time) }
        update.agentVersion = text(AttributeKey.appVersion.name, "version").map { LastWrite($0, at: time) }
        update.parent = text("hammurabi.session.parent", "session")
        update.reportedCost = batch.attribute("hammurabi.session.reported_cost_usd", of: .record(record))
            .flatMap { batch.double(of: $0) }.flatMap(Money.init(dollars:)).map { LastWrite($0, at: time) }
    }
}
