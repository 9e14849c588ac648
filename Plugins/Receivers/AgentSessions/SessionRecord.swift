// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// A call as a session file reports it, to be written as a record of the form ``SessionFileRecord``.
struct CallRecord: Equatable {
    var event: SessionFileRecord.Event
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
    /// The part of a session whose calls this is the sum of; such a sum counts where none of them is known.
    var sum: String?
    /// The parts of a session to which the call belongs, as a ``sum`` names them, at most four; no name has a line feed.
    var parts: [String] = []
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

    init(_ event: SessionFileRecord.Event, time: Timestamp, session: String) {
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
            if let key { record.add(SessionFileRecord.Attribute.callKey.rawValue, key) }
            if let lineage, !lineage.isEmpty { record.add(SessionFileRecord.Attribute.lineage.rawValue, lineage) }
            if let ownLineage { record.add(SessionFileRecord.Attribute.ownLineage.rawValue, ownLineage) }
            if let sum { record.add(SessionFileRecord.Attribute.sum.rawValue, sum) }
            if !parts.isEmpty { record.add(SessionFileRecord.Attribute.parts.rawValue, parts.joined(separator: "\n")) }
            if isFork { record.add(SessionFileRecord.Attribute.isFork.rawValue, true) }
            record.add(.genAIAgentID, agent)
            record.add(.genAIProviderName, provider)
            record.add(.genAIResponseModel, model)
            record.add(project: project)
            record.add(.genAIUsageInputTokens, count: input)
            record.add(.genAIUsageOutputTokens, count: output)
            if cacheRead > 0 { record.add(.genAIUsageCacheReadInputTokens, count: cacheRead) }
            if cacheWrite > 0 { writeCacheWrites(to: &record) }
            if reasoning > 0 { record.add(.genAIUsageReasoningOutputTokens, count: reasoning) }
            if webSearches > 0 { record.add(SessionFileRecord.Attribute.webSearches.rawValue, webSearches) }
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

/// What a session file reports about its session at an instant.
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
        let event = SessionFileRecord.Event.session.rawValue
        builder.append(time: UInt64(clamping: time.nanoseconds), eventName: event) { record in
            record.add(AttributeKey.sessionID.name, session)
            record.add(project: project)
            record.add(.vcsRefHeadName, branch)
            record.add(.appVersion, version)
            if let name, !name.isEmpty { record.add(SessionFileRecord.Attribute.sessionName.rawValue, name) }
            if let parent, !parent.isEmpty { record.add(SessionFileRecord.Attribute.sessionParent.rawValue, parent) }
            if let reportedCost { record.add(SessionFileRecord.Attribute.reportedCost.rawValue, reportedCost) }
        }
    }
}

/// How much of a subscription's limit is used, as a session file reports it.
struct LimitRecord: Equatable {
    var name: String
    var time: Timestamp
    var usedPercent: Double
    var windowMinutes: Int64?
    /// Seconds since 1970.
    var resetsAt: Int64?
    var plan: String?
    var account: String?

    /// Adds the report to a request.
    func write(to builder: inout LogBatchBuilder) {
        let event = SessionFileRecord.Event.limit.rawValue
        builder.append(time: UInt64(clamping: time.nanoseconds), eventName: event) { record in
            record.add(SessionFileRecord.Attribute.limitName.rawValue, name)
            record.add(SessionFileRecord.Attribute.limitUsedPercent.rawValue, usedPercent)
            if let windowMinutes { record.add(SessionFileRecord.Attribute.limitWindowMinutes.rawValue, windowMinutes) }
            if let resetsAt { record.add(SessionFileRecord.Attribute.limitResetsAt.rawValue, resetsAt) }
            if let plan { record.add(SessionFileRecord.Attribute.limitPlan.rawValue, plan) }
            if let account { record.add(SessionFileRecord.Attribute.limitAccount.rawValue, account) }
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
        if ProjectPath.isPath(project) { add(SessionFileRecord.Attribute.projectPath.rawValue, project) }
    }

    fileprivate mutating func add(_ key: AttributeKey, count: Int64) { add(key.name, count) }
}
