// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// What the receiver tells about session files, as OTLP log records of the scope ``scope``.
///
/// Every record has the resource attributes `service.name` (`claude-code`, `codex`, `opencode` …) and, where known, `host.name`, and `session.id`.
/// Its event name says what it is:
///
/// | event | what it tells |
/// | --- | --- |
/// | `hammurabi.transcript.call` | a call, from a line of a Claude Code transcript |
/// | `hammurabi.transcript.sidechain` | the same from a sub-agent or a side question, which may repeat its parent's calls |
/// | `hammurabi.rollout.call` | a call, from a `token_usage_record` of a Codex rollout |
/// | `hammurabi.rollout.total` | a call, from the growth of a rollout's running total |
/// | `hammurabi.store.call` | a call, from the store of another agent |
/// | `hammurabi.session` | facts about a session at the record's time |
///
/// Calls carry the standard `gen_ai.response.id`, `gen_ai.response.model`, `gen_ai.provider.name`, `gen_ai.usage.input_tokens` (cached
/// ones included), `.output_tokens`, `.cache_read.input_tokens`, `.cache_write.input_tokens`, `.reasoning.output_tokens`,
/// `gen_ai.agent.id`, then `request_id`, `anthropic.usage.cache_creation.ephemeral_5m_input_tokens` and `…_1h_…`, `service_tier`,
/// `speed`, `inference_geo`, `cost_usd`, `project.name` (the last part of its path) and of our own
///
/// - `hammurabi.lineage`: the place of the call in the history that a rollout and its forks share, or what else names it in a store,
/// - `hammurabi.call.key`: the agent's own id of the call, which decides over its place,
/// - `hammurabi.lineage.own`: its place in the history of the thread that made it, where forks may have equal turns of their own,
/// - `hammurabi.session.fork`: true on lines of a background fork, which begins with copies of its parent's calls,
/// - `hammurabi.web_searches`: how many web searches the provider ran,
/// - `hammurabi.project.path`: the path of the project's repository as ``ProjectPath`` writes it.
///
/// Facts are `project.name`, `hammurabi.project.path`, `vcs.ref.head.name` (the branch), `app.version`, `hammurabi.session.name` (the
/// title), `hammurabi.session.parent` (the session that started this one) and `hammurabi.session.reported_cost_usd` (what the agent
/// says that the session has cost up to the record's time).
enum SessionRecord {
    static let scope = "hammurabi.agent_sessions"

    enum Event: String {
        case transcriptCall = "hammurabi.transcript.call"
        case transcriptSidechain = "hammurabi.transcript.sidechain"
        case rolloutCall = "hammurabi.rollout.call"
        case rolloutTotal = "hammurabi.rollout.total"
        case storeCall = "hammurabi.store.call"
        case session = "hammurabi.session"
    }
}

/// A call as a session file tells it.
struct CallRecord: Equatable {
    var event: SessionRecord.Event
    var time: Timestamp
    var session: String
    var request: String?
    var response: String?
    /// The agent's own id of the call, which decides over ``lineage``.
    ///
    /// Only where the agent sends no telemetry: an id of another kind would keep the call apart from the same one there.
    var key: String?
    /// Where the call is in the history, or what else names it in the stores of its agent.
    var lineage: String?
    /// The same for the thread that made the call alone.
    var ownLineage: String?
    /// Whether another session that has the call made it.
    var isFork = false
    var agent: String?
    var provider: String?
    var model: String?
    /// The key of the project, see ``ProjectPath``.
    var project: String?
    /// Prompt tokens, cached ones included.
    var input: Int64 = 0
    var output: Int64 = 0
    var cacheRead: Int64 = 0
    var cacheWrite: Int64 = 0
    var cacheWrite5m: Int64?
    var cacheWrite1h: Int64?
    var reasoning: Int64 = 0
    var webSearches: Int64 = 0
    var serviceTier: String?
    var speed: String?
    var geography: String?
    var cost: Double?

    init(_ event: SessionRecord.Event, time: Timestamp, session: String) {
        self.event = event
        self.time = time
        self.session = session
    }

    /// Adds the call to a request.
    func write(to builder: inout LogBatchBuilder) {
        builder.append(time: UInt64(clamping: time.nanoseconds), eventName: event.rawValue) { record in
            record.add(AttributeKey.sessionID.name, session)
            record.add(.requestID, request)
            record.add(.genAIResponseID, response)
            if let key { record.add("hammurabi.call.key", key) }
            if let lineage, !lineage.isEmpty { record.add("hammurabi.lineage", lineage) }
            if let ownLineage { record.add("hammurabi.lineage.own", ownLineage) }
            if isFork { record.add("hammurabi.session.fork", true) }
            record.add(.genAIAgentID, agent)
            record.add(.genAIProviderName, provider)
            record.add(.genAIResponseModel, model)
            record.add(project: project)
            record.add(.genAIUsageInputTokens, count: input)
            record.add(.genAIUsageOutputTokens, count: output)
            if cacheRead > 0 { record.add(.genAIUsageCacheReadInputTokens, count: cacheRead) }
            if cacheWrite > 0 { writeCacheWrites(to: &record) }
            if reasoning > 0 { record.add(.genAIUsageReasoningOutputTokens, count: reasoning) }
            if webSearches > 0 { record.add("hammurabi.web_searches", webSearches) }
            record.add(.serviceTier, serviceTier)
            record.add(.speed, speed)
            record.add(.inferenceGeo, geography)
            if let cost, cost > 0 { record.add(AttributeKey.costUSD.name, cost) }
        }
    }

    private func writeCacheWrites(to record: inout LogAttributeWriter) {
        record.add(.genAIUsageCacheWriteInputTokens, count: cacheWrite)
        if let cacheWrite5m { record.add(.anthropicUsageCacheCreationEphemeral5mInputTokens, count: cacheWrite5m) }
        if let cacheWrite1h { record.add(.anthropicUsageCacheCreationEphemeral1hInputTokens, count: cacheWrite1h) }
    }

    /// What two copies of the line of one answer have in common; zero when the line names no id.
    var identity: UInt64 {
        guard let name = response ?? key ?? ownLineage ?? lineage ?? request else { return 0 }
        // Without a request id the id of an answer may be a gateway's, the same for all.
        return Self.identity(name, prompt: request == nil && lineage == nil && key == nil ? input : nil)
    }

    /// The same of a call that is named by its place in the history alone.
    static func identity(ofPlace lineage: String) -> UInt64 { identity(lineage, prompt: nil) }

    private static func identity(_ name: String, prompt: Int64?) -> UInt64 {
        var hash = StableHash(domain: "agent-sessions-call")
        hash.combine(name)
        if let prompt { hash.combine(prompt) }
        return hash.value
    }

    /// Takes in another copy of the same answer: figures only grow while it is streamed, and the first copy has its time.
    mutating func merge(_ other: CallRecord) {
        time = min(time, other.time)
        if other.cacheWrite > cacheWrite || cacheWrite1h == nil {
            (cacheWrite5m, cacheWrite1h) = (other.cacheWrite5m ?? cacheWrite5m, other.cacheWrite1h ?? cacheWrite1h)
        }
        input = max(input, other.input)
        output = max(output, other.output)
        cacheRead = max(cacheRead, other.cacheRead)
        cacheWrite = max(cacheWrite, other.cacheWrite)
        reasoning = max(reasoning, other.reasoning)
        webSearches = max(webSearches, other.webSearches)
        serviceTier = other.serviceTier ?? serviceTier
        speed = other.speed ?? speed
        geography = other.geography ?? geography
        cost = [cost, other.cost].compactMap(\.self).max()
    }
}

/// What a session file tells about its session at an instant.
struct SessionFacts {
    var session: String
    var time: Timestamp
    var project: String?
    var branch: String?
    var version: String?
    var name: String?
    var parent: String?
    /// What the agent says that the session has cost so far, in dollars.
    var reportedCost: Double?

    /// Adds the facts to a request.
    func write(to builder: inout LogBatchBuilder) {
        let event = SessionRecord.Event.session.rawValue
        builder.append(time: UInt64(clamping: time.nanoseconds), eventName: event) { record in
            record.add(AttributeKey.sessionID.name, session)
            record.add(project: project)
            record.add(.vcsRefHeadName, branch)
            record.add(.appVersion, version)
            if let name, !name.isEmpty { record.add("hammurabi.session.name", name) }
            if let parent, !parent.isEmpty { record.add("hammurabi.session.parent", parent) }
            if let reportedCost { record.add("hammurabi.session.reported_cost_usd", reportedCost) }
        }
    }
}

extension LogAttributeWriter {
    fileprivate mutating func add(_ key: AttributeKey, _ text: String?) {
        if let text, !text.isEmpty { add(key.name, text) }
    }

    /// The name of a project and, where it is known, its path.
    fileprivate mutating func add(project: String?) {
        guard let project, !project.isEmpty else { return }
        add(AttributeKey.projectName.name, ProjectPath.name(of: project))
        if ProjectPath.isPath(project) { add("hammurabi.project.path", project) }
    }

    fileprivate mutating func add(_ key: AttributeKey, count: Int64) { add(key.name, count) }
}
