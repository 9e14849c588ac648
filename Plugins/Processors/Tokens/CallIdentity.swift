// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// The ids and keys by which observations of one call from different sources are joined.
enum CallIdentity {
    /// A shorter id is not assumed to be globally unique: some local servers number their answers from 0 to 999.
    private static let shortestGlobalID = 20

    /// The ids of a record's call.
    ///
    /// Claude Code's spans carry the id of the request under `gen_ai.response.id`; the prefix shows it. A response id that may not be
    /// unique, of a record without a request id, names a call only together with the size of its prompt: gateways answer every request
    /// with one constant id (ccusage/ccusage#1635), and copies of one response repeat its figures while another call has others.
    /// LiteLLM's `litellm.call_id` joins its own records of a call, as a place in a history does, and decides nothing against these ids.
    ///
    /// - Parameters:
    ///   - scope: The session, which distinguishes equal short ids.
    ///   - prompt: The size of the prompt in tokens.
    ///   - isTranscript: Whether the record is a line of a transcript, whose ids a gateway may have made.
    static func keys(
        _ attributes: RecordAttributes,
        of batch: OTLPBatch,
        scopedBy scope: String?,
        prompt: Int64,
        isTranscript: Bool
    ) -> CallKeys {
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
                guard keys.request == 0, isTranscript || Int(id.length) < shortestGlobalID else { continue }
                var start = answer
                start.combine(prompt)
                keys.answer = hash(id, of: batch, after: start, scopedBy: scope)
            }
        }
        if keys.request == 0, keys.response == 0, let id = attributes.text(.clientRequestID) {
            keys.request = hash(id, of: batch, after: clientRequest, scopedBy: scope)
        }
        if let id = attributes.text(ExtractionTable.ownID) {
            keys.lineage = hash(id, of: batch, after: own, scopedBy: scope)
        }
        return keys
    }

    // Created once: every call needs several.
    private static let request = StableHash(domain: "request")
    private static let response = StableHash(domain: "response")
    private static let answer = StableHash(domain: "answer")
    private static let clientRequest = StableHash(domain: "client-request")
    private static let own = StableHash(domain: "own-id")
    private static let weak = StableHash(domain: "weak")
    private static let interval = StableHash(domain: "interval")
    private static let log = StableHash(domain: "log")
    private static let span = StableHash(domain: "span-identity")

    private static func hash(_ id: Slice, of batch: OTLPBatch, after start: StableHash, scopedBy scope: String?)
        -> UInt64
    {
        var hash = start
        batch.combine(id, into: &hash)
        if Int(id.length) < shortestGlobalID { hash.combine(scope ?? "") }
        return hash.value
    }

    /// A key from what every source of a call knows: the agent, the session or trace, and the size of the prompt.
    ///
    /// It leaves out the model, the output and the share of the cache: some sources lack them or have them wrong.
    ///
    /// - Parameter scope: The session that the record names, else its trace; nil when it has neither.
    static func blockingKey(_ observation: Observation, _ profile: AgentProfile, scope: String?) -> UInt64 {
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

    /// A key for spans of two libraries in one process that report one call in two traces; zero for a span without a prompt.
    ///
    /// In recordings of 63 clients, equal figures of one process in intervals that contain one another were always one call (LangChain
    /// with Anthropic's SDK, LangSmith, CrewAI's listener with OpenAI's SDK).
    static func intervalKey(_ observation: Observation, _ resource: ResourceFacts) -> UInt64 {
        let (prompt, output) = (observation.counts.prompt, observation.counts.output)
        guard prompt > 0 else { return 0 }
        var hash = interval
        hash.combine(resource.identity)
        hash.combine(prompt)
        hash.combine(output)
        return hash.value
    }

    /// The identity of a log record: its call's id when it has one, else its content.
    static func logIdentity(_ observation: Observation, sequence: Int64?, scope: String?) -> UInt64 {
        var hash = log
        hash.combine(observation.emitter)
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

    /// The identity of a span: its call's id when it has one, so that a call repeated under new span ids is recognised, else the span's id.
    static func spanIdentity(_ observation: Observation) -> UInt64 {
        var hash = span
        hash.combine(observation.emitter)
        hash.combine(observation.keys.strongest ?? observation.trace.span)
        return hash.value
    }
}
