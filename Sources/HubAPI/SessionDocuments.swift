// SPDX-License-Identifier: Apache-2.0

package import Usage

/// The sums over calls that many documents contain.
package protocol UsageCounts {
    var calls: Int64 { get }
    var unpricedCalls: Int64 { get }
    var inputTokens: Int64 { get }
    var outputTokens: Int64 { get }
    var cacheReadTokens: Int64 { get }
    var cacheWriteTokens: Int64 { get }
    var reasoningTokens: Int64 { get }
    var cost: Dollars { get }
    /// The number of sessions; nil when the document does not have it.
    var sessionCount: Int64? { get }
}

extension UsageCounts {
    package var sessionCount: Int64? { nil }
}

/// A session.
package struct SessionDocument: Codable, Hashable, Sendable, UsageCounts {
    package var sessionId: String
    package var name: String
    package var agent: String?
    package var model: String?
    package var project: String?
    package var user: String?
    package var machine: String?
    package var status: String
    package var taskStatus: String?
    package var startedAt: String
    package var lastSeenAt: String
    package var durationMs: Int64
    package var calls: Int64
    package var inputTokens: Int64
    package var outputTokens: Int64
    package var cacheReadTokens: Int64
    package var cacheWriteTokens: Int64
    package var reasoningTokens: Int64
    package var totalTokens: Int64
    package var cost: Dollars
    package var unpricedCalls: Int64
    package var team: String?
    /// `main` or `subagent`.
    @Added package var agentKind: String
    package var branch: String?
    package var agentVersion: String?
    package var parentSessionId: String?
    /// Its source: `measured`, `transcript` or `both`.
    package var knowledge: String

    package init(_ session: Session, now: Timestamp) {
        let (totals, counts) = (session.totals, session.totals.counts)
        (sessionId, name, agent, model) = (session.id, session.name, session.agent, session.model)
        (project, user, machine) = (session.project, session.user, session.machine)
        (status, taskStatus) = (session.status(at: now).rawValue, session.taskStatus)
        (startedAt, lastSeenAt) = (session.startedAt.iso8601, session.lastSeenAt.iso8601)
        durationMs = session.lastSeenAt.milliseconds - session.startedAt.milliseconds
        (calls, unpricedCalls, cost) = (totals.calls, totals.unpricedCalls, Dollars(totals.cost))
        (inputTokens, outputTokens, reasoningTokens) = (counts.uncachedInput, counts.output, counts.reasoning)
        (cacheReadTokens, cacheWriteTokens, totalTokens) = (counts.cacheRead, counts.cacheWrite, counts.total)
        (team, agentKind) = (session.team, session.names.kind)
        (branch, agentVersion, parentSessionId) = (session.branch, session.agentVersion, session.parent)
        knowledge = session.provenance.name
    }
}

/// A page of sessions.
package struct SessionsDocument: Codable, Hashable, Sendable {
    package var sessions: [SessionDocument]
    package var nextCursor: String?
    package var total: Int64

    package init(sessions: [SessionDocument], nextCursor: String?, total: Int64) {
        (self.sessions, self.nextCursor, self.total) = (sessions, nextCursor, total)
    }
}

/// A session with its calls.
package struct SessionDetailDocument: Codable, Hashable, Sendable {
    package var session: SessionDocument
    package var calls: [CallDocument]
    package var events: [Event]
    /// In descending order.
    package var costByModel: ByName<Dollars>
    package var subagents: [Subagent]
    /// What the agent itself says of the session; left out when it says nothing.
    @Omittable package var reported: SessionReadingDocument?

    package struct Event: Codable, Hashable, Sendable {
        package var timestamp: String
        package var name: String
    }

    package struct Subagent: Codable, Hashable, Sendable {
        package var session: SessionDocument
        package var calls: [CallDocument]
    }

    package init(_ detail: SessionDetail, reported: SessionReading? = nil, now: Timestamp) {
        session = SessionDocument(detail.session, now: now)
        calls = detail.calls.map(CallDocument.init)
        events = detail.events.map { Event(timestamp: $0.time.iso8601, name: $0.name) }
        costByModel = ByName(detail.costByModel.named(adding: +=, by: \.self).map { ($0, Dollars($1)) })
        subagents = detail.subagents.map {
            Subagent(session: SessionDocument($0.session, now: now), calls: $0.calls.map(CallDocument.init))
        }
        self.reported = reported.map(SessionReadingDocument.init)
    }
}

/// A call of a model.
package struct CallDocument: Codable, Hashable, Sendable {
    package var callId: String
    package var timestamp: String
    package var model: String?
    package var provider: String?
    package var inputTokens: Int64
    package var outputTokens: Int64
    package var cacheReadTokens: Int64
    package var cacheWriteTokens: Int64
    package var reasoningTokens: Int64
    package var cost: Dollars
    package var reportedCost: Dollars?
    package var computedCost: Dollars?
    package var priced: Bool
    package var durationMs: Int64?
    package var sources: [String]
    package var error: String?

    init(_ call: Call) {
        let counts = call.counts
        (callId, timestamp, model, provider) = (call.name, call.time.iso8601, call.model, call.provider)
        (inputTokens, outputTokens, reasoningTokens) = (counts.uncachedInput, counts.output, counts.reasoning)
        (cacheReadTokens, cacheWriteTokens) = (counts.cacheRead, counts.cacheWrite)
        (cost, priced) = (Dollars(call.price?.cost ?? .zero), call.price?.isPriced ?? false)
        (reportedCost, computedCost) = (call.reportedCost.map(Dollars.init), call.price?.computed.map(Dollars.init))
        durationMs = call.duration.map { $0 / 1_000_000 }
        (sources, error) = (call.sources.map(\.name), call.error)
    }
}

extension CallDocument: UsageCounts {
    package var calls: Int64 { 1 }
    package var unpricedCalls: Int64 { priced ? 0 : 1 }
}
