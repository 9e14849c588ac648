// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A model call in the form of a recorded export of Claude Code, with its own session, model, time and figures.
struct AgentCall: Sendable {
    var session: String
    var model = "claude-sonnet-4-5-20250929"
    var user = "amina@example.com"
    var secondsAgo = 0
    var input = 1_200
    var output = 300
    var cacheRead = 40_000
    var cacheWrite = 2_000
    var milliseconds = 4_200

    /// One request with all calls, as OpenTelemetry's exporter would send it.
    static func export(_ calls: [AgentCall]) throws -> JSON {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/claude-code-logs.json"
        )
        let recorded = try JSONDecoder().decode(JSON.self, from: Data(contentsOf: file))
        let resource = try #require(recorded["resourceLogs"].elements.first)
        let scope = try #require(resource["scopeLogs"].elements.first)
        let record = try #require(scope["logRecords"].elements.first)
        let records = JSON.array(calls.map { $0.record(like: record) })
        let scopeLogs = JSON.object(scope.members.merging(["logRecords": records]) { $1 })
        return ["resourceLogs": [.object(resource.members.merging(["scopeLogs": [scopeLogs]]) { $1 })]]
    }

    private func record(like recorded: JSON) -> JSON {
        let now = Date(timeIntervalSinceNow: -Double(secondsAgo))
        let nanoseconds = JSON.string(String(Int(now.timeIntervalSince1970 * 1_000)) + "000000")
        let values: [String: JSON] = [
            "session.id": ["stringValue": .string(session)], "model": ["stringValue": .string(model)],
            "user.id": ["stringValue": .string(user)],
            "event.timestamp": [
                "stringValue": .string(now.formatted(.iso8601.time(includingFractionalSeconds: true)))
            ],
            "prompt.id": ["stringValue": .string(UUID().uuidString)],
            "request_id": ["stringValue": .string("req_" + UUID().uuidString)],
            "input_tokens": Self.whole(input), "output_tokens": Self.whole(output),
            "cache_read_tokens": Self.whole(cacheRead), "cache_creation_tokens": Self.whole(cacheWrite),
            "cache_creation_5m_tokens": Self.whole(cacheWrite), "duration_ms": Self.whole(milliseconds),
        ]
        var record = recorded.members
        // With the span id of the recorded call, all of them would be one call.
        record["traceId"] = nil
        record["spanId"] = nil
        record["timeUnixNano"] = nanoseconds
        record["observedTimeUnixNano"] = nanoseconds
        record["attributes"] = .array(
            recorded["attributes"].elements.map { attribute in
                guard let key = attribute["key"].text, let value = values[key] else { return attribute }
                return ["key": .string(key), "value": value]
            }
        )
        return .object(record)
    }

    private static func whole(_ value: Int) -> JSON { ["intValue": .number(Double(value))] }
}
