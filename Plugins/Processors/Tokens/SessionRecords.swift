// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What is particular about the records of the `agent_sessions` receiver, which reads the session files of agents.
///
/// They come from this machine's receiver or, forwarded, from another's; their scope tells either way.
enum SessionRecords {
    /// The scope of all of them.
    static let scope: StaticString = "hammurabi.agent_sessions"

    /// Facts about a session, and no call.
    static let factsEvent: StaticString = "hammurabi.session"

    /// A kind of call that a session file tells of.
    struct Kind {
        fileprivate var event: StaticString
        /// What it was read from.
        var source: Observation.Source
        /// How far its numbers are trusted; Claude Code's own telemetry counts whole answers where older transcripts hold the beginning of one,
        /// Codex's rollouts are its own books.
        var priority: UInt8
        /// Whether it may repeat a call of its parent under a request id of its own.
        var isSideChain = false
    }

    private static let kinds = [
        Kind(event: "hammurabi.transcript.call", source: .transcript, priority: 75),
        // A side question repeats calls of its parent under new ids and may have figures of its own in them.
        Kind(event: "hammurabi.transcript.sidechain", source: .transcript, priority: 74, isSideChain: true),
        Kind(event: "hammurabi.rollout.call", source: .rollout, priority: 95),
        Kind(event: "hammurabi.rollout.total", source: .rollout, priority: 90),
        // Below an agent's own log events, above its spans.
        Kind(event: "hammurabi.store.call", source: .agentStore, priority: 75),
    ]

    /// The kind of call that an event tells of; nil when it tells of none.
    static func kind(of event: Slice, in batch: OTLPBatch) -> Kind? {
        kinds.first { batch.equals(event, $0.event) }
    }

    /// Adds what only these records tell of a call.
    static func complete(_ observation: inout Observation, _ attributes: RecordAttributes, of batch: OTLPBatch) {
        if case .bool(true)? = attributes.other("hammurabi.session.fork", in: batch) {
            observation.origin.value.sessionIsFork = true
        }
        if case .string(let place)? = attributes.other("hammurabi.lineage", in: batch), !place.isEmpty {
            observation.keys.lineage = batch.hash(place, after: lineage)
        }
        // The agent's own id of a call decides as a response id does.
        if observation.keys.response == 0,
            case .string(let key)? = attributes.other("hammurabi.call.key", in: batch), !key.isEmpty
        {
            observation.keys.response = batch.hash(key, after: callKey)
        }
        // It decides, as a response id does: of one lineage there can be several calls.
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

    /// Where these records name their session, whatever the agent's own telemetry does.
    static let session: KeyGroup = [.sessionID]

    /// Adds what a record of facts tells of its session.
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
