// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import OTLP
import SinkServer
import Testing

/// What a collector with the connector `usage_metrics` sends is what its own summary says.
@Suite(.serialized)
struct UsageMetricsTests {
    @Test(arguments: ["sqlite", "jsonl"])
    func `metrics equal the summary to the token and billionth of a dollar, after repeats, late records and restarts`(
        store: String
    ) async throws {
        let bodies = try RedactedTextTests.recordings()
        let sink = try await SinkServer.start()
        let sandbox = try Sandbox()
        let port = try freePort()
        try sandbox.write(Self.config(port, store, sink.address), to: "config.yaml")
        var program = try await sandbox.serve()
        // Every other request first, the others late and in the other order.
        let parts = [bodies.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element), bodies.reversed()]
        for part in parts {
            for (signal, body) in part { #expect(await post(body, to: "\(try program.address())/v1/\(signal)") == 200) }
            try await Self.compare(program, sink)
        }
        _ = try await program.stop()
        program = try await sandbox.serve()
        try await Self.compare(program, sink)
        for (signal, body) in bodies { #expect(await post(body, to: "\(try program.address())/v1/\(signal)") == 200) }
        try await Self.compare(program, sink)
        _ = try await program.stop()
        await sink.stop()
    }

    @Test func `users and teams are called as in the answers of the hub`() async throws {
        let sink = try await SinkServer.start()
        let sandbox = try Sandbox()
        let port = try freePort()
        try sandbox.write(
            """
            receivers: { events: { endpoint: "127.0.0.1:\(port)" } }
            processors: { tokens: , pricing: }
            exporters: { sqlite: { path: ./store.db }, otlp_http: { endpoint: "\(sink.address)" } }
            connectors: { usage_metrics: { interval: 1s, by: [team, user] } }
            extensions:
              hub: { endpoint: "127.0.0.1:\(port)", users: { u-1: Ada }, teams: { red: { users: [Ada] } } }
            service:
              extensions: [hub]
              pipelines:
                logs: { receivers: [events], processors: [tokens, pricing], exporters: [sqlite, usage_metrics] }
                metrics/usage: { receivers: [usage_metrics], exporters: [otlp_http] }
            """,
            to: "config.yaml"
        )
        let program = try await sandbox.serve()
        let event = #"[{"sessionId":"s","event":"token_usage","user":"u-1","model":"gpt-4o","inputTokens":7}]"#
        #expect(try await program.post("/api/telemetry/ingest", Data(event.utf8)).status == 202)
        try await waitUntil { !sink.requests.isEmpty }
        let request = try #require(sink.requests.last)
        let isPacked = request.fields["content-encoding"] == "gzip"
        let bytes = isPacked ? try Gzip.inflate(request.body, limit: 1 << 26) : request.body
        let json = String(decoding: try OTLPBatch(signal: .metrics, protobuf: bytes).json(), as: UTF8.self)
        #expect(json.contains(#"{"key":"team.id","value":{"stringValue":"red"}}"#))
        #expect(json.contains(#"{"key":"user.id","value":{"stringValue":"Ada"}}"#))
        #expect(!json.contains("u-1"))
        _ = try await program.stop()
        await sink.stop()
    }

    /// Waits until a request that arrives from now on has the figures of the summary.
    private static func compare(_ program: RunningProgram, _ sink: SinkServer) async throws {
        let summary = try await program.get("/api/telemetry/summary?from=2025-01-01&to=2027-12-31&sessions=false")
            .json()
        let expected = ["totalInputTokens", "totalOutputTokens", "totalCacheReadTokens", "totalCacheWriteTokens"]
            .map { (summary[$0] as? NSNumber)?.int64Value ?? -1 }
        let cost = (summary["totalCost"] as? NSNumber)?.doubleValue ?? -1
        let calls = (summary["callCount"] as? NSNumber)?.int64Value ?? -1
        #expect(calls >= 10)
        let text = try await program.get("/metrics").text.split(separator: "\n")
        func total(_ metric: String) -> Double {
            text.filter { $0.hasPrefix(metric + "{") }
                .reduce(0) { $0 + (Double($1.split(separator: " ").last ?? "") ?? .nan) }
        }
        #expect(total("hammurabi_usage_calls") == Double(calls))
        #expect(total("hammurabi_usage_tokens") == Double(expected.reduce(0, +)))
        #expect(Int64((total("hammurabi_usage_cost_dollars") * 1e9).rounded()) == Int64((cost * 1e9).rounded()))
        let first = sink.requests.count
        try await waitUntil { sink.requests.count > first + 1 }
        let sums = try sums(try #require(sink.requests.last))
        let types = ["input", "output", "cache_read", "cache_write"]
        #expect(types.map { sums["hammurabi.tokens \($0)"] ?? 0 } == expected.map { $0 })
        #expect(sums["hammurabi.calls"] == calls)
        #expect(sums["hammurabi.cost.usd"] == Int64((cost * 1e9).rounded()))
    }

    /// The sums of a request by metric and type of token, dollars in billionths.
    private static func sums(_ request: SinkServer.Request) throws -> [String: Int64] {
        let isPacked = request.fields["content-encoding"] == "gzip"
        let bytes = isPacked ? try Gzip.inflate(request.body, limit: 1 << 26) : request.body
        let json = try OTLPBatch(signal: .metrics, protobuf: bytes).json()
        let root = try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
        func list(_ value: Any?, _ key: String) -> [[String: Any]] {
            (value as? [String: Any])?[key] as? [[String: Any]] ?? []
        }
        var sums: [String: Int64] = [:]
        for metric in list(root, "resourceMetrics").flatMap({ list($0, "scopeMetrics") }).flatMap({
            list($0, "metrics")
        }) {
            for point in list(metric["sum"], "dataPoints") {
                let type = list(point, "attributes").first { $0["key"] as? String == "gen_ai.token.type" }
                    .flatMap { ($0["value"] as? [String: Any])?["stringValue"] as? String }
                let name = "\(metric["name"] ?? "")" + (type.map { " \($0)" } ?? "")
                if let text = point["asInt"] {
                    sums[name, default: 0] += Int64("\(text)") ?? 0
                } else if let dollars = (point["asDouble"] as? NSNumber)?.doubleValue {
                    sums[name, default: 0] += Int64((dollars * 1e9).rounded())
                }
            }
        }
        return sums
    }

    private static func config(_ port: Int, _ store: String, _ sink: String) -> String {
        """
        receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:\(port)" } } } }
        processors: { tokens: , pricing: }
        exporters: { \(store): { path: ./store.\(store) }, otlp_http: { endpoint: "\(sink)" } }
        connectors: { usage_metrics: { store: \(store), interval: 1s } }
        extensions: { hub: { endpoint: "127.0.0.1:\(port)", store: \(store), metrics: { by: [model, user] } } }
        service:
          extensions: [hub]
          pipelines:
            traces: { receivers: [otlp], processors: [tokens, pricing], exporters: [\(store), usage_metrics] }
            logs: { receivers: [otlp], processors: [tokens, pricing], exporters: [\(store), usage_metrics] }
            metrics: { receivers: [otlp], processors: [tokens, pricing], exporters: [\(store)] }
            metrics/usage: { receivers: [usage_metrics], exporters: [otlp_http] }
        """
    }
}
