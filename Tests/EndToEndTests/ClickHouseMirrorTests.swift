// SPDX-License-Identifier: Apache-2.0

import ClickHouseServer
import CollectorTesting
import Foundation
import Glibc
import Testing

/// A collector that mirrors its calls in ClickHouse and is killed again and again.
@Suite(.enabled(if: ClickHouseServer.isInstalled, "\(ClickHouseServer.need)"))
struct ClickHouseMirrorTests {
    private static let rounds = ProcessInfo.processInfo.environment["HAMMURABI_KILL_ROUNDS"].flatMap { Int($0) } ?? 6

    @Test func `the sums over the table are exact after a collector was killed`() async throws {
        let server = try await ClickHouseServer()
        let sandbox = try Sandbox()
        let port = try freePort()
        try sandbox.write(
            """
            receivers: { events: { endpoint: "127.0.0.1:\(port)" } }
            processors: { tokens: , pricing: { overrides: [{ model: m, input: 1, output: 2 }] } }
            exporters:
              sqlite: { path: ./store.db }
              clickhouse: { endpoint: "\(server.address)", interval: 100ms, retry_on_failure: { initial_interval: 50ms } }
            extensions: { hub: { endpoint: "127.0.0.1:\(port)", store: sqlite } }
            service:
              extensions: [hub]
              pipelines: { logs: { receivers: [events], processors: [tokens, pricing], exporters: [sqlite, clickhouse] } }
            """,
            to: "config.yaml"
        )
        var random = SeededGenerator(seed: 7)
        for round in 0..<Self.rounds {
            let program = try await sandbox.serve()
            try await server.fail(ClickHouseServer.Fault.allCases[round % 3], times: 1 + random.below(3))
            for _ in 0..<4 {
                // Repeats with larger counts correct calls of earlier rounds.
                let events = (0..<(1 + random.below(40))).map { _ in
                    #"{"sessionId":"s","id":"\#(random.below(200))","inputTokens":\#(1 + round),"outputTokens":1,"model":"m"}"#
                }
                let reply = try await program.post(
                    "/api/telemetry/ingest",
                    Data("[\(events.joined(separator: ","))]".utf8)
                )
                #expect(reply.status == 202)
                try await Task.sleep(for: .milliseconds(random.below(200)))
            }
            program.send(SIGKILL)
            _ = try await program.outcome()
        }
        try await server.heal()
        let program = try await sandbox.serve()
        let summary = try await program.get("/api/telemetry/summary?period=30d").json()
        let calls = try #require(summary["callCount"] as? Int)
        let input = try #require(summary["totalInputTokens"] as? Int)
        #expect(calls > 50)
        var found = ""
        for _ in 0..<200 where found != "\(calls)\t\(input)" {
            found = (try? await server.ask("SELECT sum(sign), sum(sign * input_tokens) FROM hammurabi_calls")) ?? ""
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(found == "\(calls)\t\(input)")
        #expect(try await program.stop().exitCode == 0)
    }
}
