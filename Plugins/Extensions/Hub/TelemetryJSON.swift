// SPDX-License-Identifier: Apache-2.0

import Usage

/// The shapes of the API's answers about sessions and calls, as pure functions of what a store says.
enum TelemetryJSON {
    static func page(_ page: SessionPage, sortedBy sort: SessionQuery.Sort, now: Timestamp) -> JSONValue {
        [
            "sessions": .array(page.sessions.map { session($0, now: now) }),
            "nextCursor": JSONValue(page.next.map { SessionCursor(sort: sort, place: $0).text }),
            "total": .integer(Int64(page.total)),
        ]
    }

    static func detail(_ detail: SessionDetail, now: Timestamp) -> JSONValue {
        [
            "session": session(detail.session, now: now),
            "calls": .array(detail.calls.map(call)),
            "events": .array(detail.events.map { ["timestamp": .string($0.time.iso8601), "name": .string($0.name)] }),
            "costByModel": costs(detail.costByModel),
            "subagents": .array(
                detail.subagents.map {
                    ["session": session($0.session, now: now), "calls": .array($0.calls.map(call))]
                }
            ),
        ]
    }

    static func session(_ session: Session, now: Timestamp) -> JSONValue {
        let counts = session.totals.counts
        return [
            "sessionId": .string(session.id),
            "name": .string(session.name),
            "agent": JSONValue(session.agent),
            "model": JSONValue(session.model),
            "project": JSONValue(session.project),
            "user": JSONValue(session.user),
            "machine": JSONValue(session.machine),
            "status": .string(session.status(at: now).rawValue),
            "taskStatus": JSONValue(session.taskStatus),
            "startedAt": .string(session.startedAt.iso8601),
            "lastSeenAt": .string(session.lastSeenAt.iso8601),
            "durationMs": .integer(session.lastSeenAt.milliseconds - session.startedAt.milliseconds),
            "calls": .integer(session.totals.calls),
            "inputTokens": .integer(counts.uncachedInput),
            "outputTokens": .integer(counts.output),
            "cacheReadTokens": .integer(counts.cacheRead),
            "cacheWriteTokens": .integer(counts.cacheWrite),
            "reasoningTokens": .integer(counts.reasoning),
            "totalTokens": .integer(counts.total),
            "cost": money(session.totals.cost),
            "unpricedCalls": .integer(session.totals.unpricedCalls),
            "branch": JSONValue(session.branch),
            "agentVersion": JSONValue(session.agentVersion),
            "parentSessionId": JSONValue(session.parent),
            "knowledge": .string(session.provenance.name),
        ]
    }

    static func call(_ call: Call) -> JSONValue {
        [
            "callId": .string(call.name),
            "timestamp": .string(call.time.iso8601),
            "model": JSONValue(call.model),
            "provider": JSONValue(call.provider),
            "inputTokens": .integer(call.counts.uncachedInput),
            "outputTokens": .integer(call.counts.output),
            "cacheReadTokens": .integer(call.counts.cacheRead),
            "cacheWriteTokens": .integer(call.counts.cacheWrite),
            "reasoningTokens": .integer(call.counts.reasoning),
            "cost": money(call.price?.cost ?? .zero),
            "reportedCost": money(call.reportedCost),
            "computedCost": money(call.price?.computed),
            "priced": .bool(call.price?.isPriced ?? false),
            "durationMs": call.duration.map { .integer($0 / 1_000_000) } ?? .null,
            "sources": .array(call.sources.map { .string($0.name) }),
            "error": JSONValue(call.error),
        ]
    }

    static func money(_ money: Money?) -> JSONValue {
        money.map { .billionths($0.nanodollars) } ?? .null
    }

    /// What nobody named, in the answers' words.
    static func name(_ key: String) -> String { key.isEmpty ? "unknown" : key }

    private static func costs(_ costs: [String: Money]) -> JSONValue {
        let named = Dictionary(costs.map { (name($0), $1) }, uniquingKeysWith: +)
        return .object(named.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (key: $0, value: money($1)) })
    }
}
