// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HubAPI

@testable import TelemetryHub

/// Documents like those of the API.
enum Documents {
    static func read<Document: Decodable>(_ json: String) throws -> Document {
        try JSONDecoder().decode(Document.self, from: Data(json.utf8))
    }

    /// A summary of models; `rest` are further members, each with a comma before it.
    static func summary(
        _ models: [(name: String, figures: String)] = [],
        calls: Int64 = 0,
        tokens: Int64 = 0,
        cost: Double = 0,
        unpriced: Int64 = 0,
        rest: String = ""
    ) throws -> SummaryDocument {
        let shares = models.map { "\(quoted($0.name)):\($0.figures)" }.joined(separator: ",")
        let without = models.filter { !$0.figures.contains("\"unpricedCalls\":0") }.map { quoted($0.name) }
        return try read(
            """
            {"period":"2026-11","from":"2026-11-01","to":"2026-11-30","timezone":"UTC","totalCost":\(cost),
            "totalInputTokens":\(tokens),"totalOutputTokens":0,"totalCacheReadTokens":0,"totalCacheWriteTokens":0,
            "totalReasoningTokens":0,"totalTokens":\(tokens),"callCount":\(calls),"sessionCount":1,"activeSessions":0,
            "unpricedCalls":\(unpriced),"unpricedModels":[\(without.joined(separator: ","))],"byModel":{\(shares)},
            "byAgent":{},"byProject":{\(shares)},"byUser":{},"byMachine":{},
            "byDay":[\(day("2026-11-30", calls: calls, tokens: tokens, cost: cost))]\(rest)}
            """
        )
    }

    static func figures(calls: Int64, tokens: Int64, cost: Double = 0, unpriced: Int64? = nil) -> String {
        "{\"sessions\":1,\(sums(calls: calls, tokens: tokens, cost: cost, unpriced: unpriced ?? 0))}"
    }

    static func day(_ date: String, calls: Int64, tokens: Int64, cost: Double) -> String {
        "{\"date\":\"\(date)\",\(sums(calls: calls, tokens: tokens, cost: cost))}"
    }

    /// The members that all sums have.
    static func sums(calls: Int64, tokens: Int64, cost: Double, unpriced: Int64 = 0) -> String {
        """
        "cost":\(cost),"calls":\(calls),"inputTokens":\(tokens),"outputTokens":0,"cacheReadTokens":0,"cacheWriteTokens":0,
        "reasoningTokens":0,"unpricedCalls":\(unpriced)
        """
    }

    /// A component of a collector; `rest` are the first members of its counts.
    static func component(_ kind: String, _ id: String, state: String, _ rest: String) -> String {
        """
        {"kind":"\(kind)","id":"\(id)","stability":"stable","location":null,"state":"\(state)","deviations":0,\(rest)}
        """
    }

    /// An intake problem.
    static func problem(_ message: String, next: String, lastSeenAt: String) -> String {
        """
        {"code":"c","message":\(quoted(message)),"next":"\(next)","subject":"","client":"","signal":null,"status":null,"count":1,
        "firstSeenAt":"\(lastSeenAt)","lastSeenAt":"\(lastSeenAt)"}
        """
    }

    static func session(_ id: String, name: String? = nil, tokens: Int64 = 45_230, cost: Double = 2.14) -> String {
        """
        {"sessionId":\(quoted(id)),"name":\(quoted(name ?? id)),"agent":"claude-code","model":"claude-opus-4-8","project":"app",
        "user":null,"machine":null,"status":"stale","taskStatus":null,"startedAt":"2026-11-22T08:00:00.000Z",
        "lastSeenAt":"2026-11-22T08:12:00.000Z","durationMs":720000,"calls":3,"inputTokens":\(tokens),"outputTokens":0,
        "cacheReadTokens":0,"cacheWriteTokens":0,"reasoningTokens":0,"totalTokens":\(tokens),"cost":\(cost),"unpricedCalls":0,
        "team":null,"agentKind":"main","branch":null,"agentVersion":null,"parentSessionId":null,"knowledge":"measured"}
        """
    }

    static func quoted(_ text: String) -> String {
        let data = (try? JSONEncoder().encode(text)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }
}

extension Style {
    static let plain = Style(isTerminal: false, environment: ["LANG": "C.UTF-8"])
}
