// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// By what a call can be recognised when somebody else tells of it.
enum CallIdentity {
    /// An id shorter than this is not taken for unique in the world: some local servers number their answers from 0 to 999.
    private static let shortestGlobalID = 20

    /// The ids of a record's call.
    ///
    /// Claude Code's spans carry the id of the request under `gen_ai.response.id`; the prefix tells.
    static func keys(_ attributes: RecordAttributes, of batch: OTLPBatch, scopedBy scope: String?) -> CallKeys {
        var keys = CallKeys()
        if let id = attributes.text(ExtractionTable.requestID) {
            keys.request = hash(id, of: batch, after: request, scopedBy: scope)
        }
        for key in ExtractionTable.responseID.keys where keys.response == 0 {
            guard let id = attributes.text(key) else { continue }
            if batch.hasPrefix(id, "req_") {
                if keys.request == 0 { keys.request = hash(id, of: batch, after: request, scopedBy: scope) }
            } else {
                keys.response = hash(id, of: batch, after: response, scopedBy: scope)
            }
        }
        if keys.request == 0, keys.response == 0, let id = attributes.text(.clientRequestID) {
            keys.request = hash(id, of: batch, after: clientRequest, scopedBy: scope)
        }
        return keys
    }

    // Each begun once: every call needs several.
    private static let request = StableHash(domain: "request")
    private static let response = StableHash(domain: "response")
    private static let clientRequest = StableHash(domain: "client-request")
    private static let weak = StableHash(domain: "weak")
    private static let log = StableHash(domain: "log")
    private static let span = StableHash(domain: "span-identity")

    private static func hash(_ id: Slice, of batch: OTLPBatch, after start: StableHash, scopedBy scope: String?)
        -> UInt64
    {
        var hash = start
        batch.bytes(of: id).withUnsafeBytes { hash.combine(bytes: $0.bytes) }
        if Int(id.length) < shortestGlobalID { hash.combine(scope ?? "") }
        return hash.value
    }

    /// What every source of the call knows, if nothing else: the agent, the session or trace, and the size of the prompt.
    ///
    /// Not the model, the output or the share of the cache: some sources miss them or have them wrong.
    ///
    /// - Parameter scope: The session that the record names, else its trace; nil when it has neither.
    static func weakKey(_ observation: Observation, _ profile: AgentProfile, scope: String?) -> UInt64 {
        let prompt = observation.counts.prompt
        guard prompt > 0 else { return 0 }
        var hash = weak
        hash.combine(observation.agent ?? "")
        hash.combine(prompt)
        if !profile.spansLackSession {
            guard let scope else { return 0 }
            hash.combine(scope)
        }
        return hash.value
    }

    /// The identity of a log record: its call's id when it has one, else what it says.
    static func logIdentity(_ observation: Observation, sequence: Int64?, scope: String?) -> UInt64 {
        var hash = log
        hash.combine(observation.witness)
        if let key = observation.keys.strongest {
            hash.combine(key)
            return hash.value
        }
        hash.combine(scope ?? "")
        hash.combine(observation.time.nanoseconds)
        hash.combine(sequence ?? -1)
        hash.combine(observation.model ?? "")
        hash.combine(observation.counts.prompt)
        hash.combine(observation.counts.output)
        return hash.value
    }

    /// The identity of a span: its call's id when it has one, so that a call told again under new span ids is known, else its own.
    static func spanIdentity(_ observation: Observation) -> UInt64 {
        var hash = span
        hash.combine(observation.witness)
        hash.combine(observation.keys.strongest ?? observation.trace.span)
        return hash.value
    }
}
