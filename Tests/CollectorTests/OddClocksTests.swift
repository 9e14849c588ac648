// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import RawHTTP
import Testing
import Usage

/// A clock before 1970 or after 2262, as on a board without a battery, causes wrong times and no crash.
struct OddClocksTests {
    private static let config = """
        receivers:
          otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } }
          events: { endpoint: "127.0.0.1:0" }
        processors: { tokens: , pricing: , retention: }
        exporters: { STORE: { path: "PATH" } }
        extensions: { hub: { endpoint: "127.0.0.1:0", store: STORE, budget: { monthly: 5 } } }
        service:
          extensions: [hub]
          pipelines:
            logs: { receivers: [otlp, events], processors: [retention, tokens, pricing], exporters: [STORE] }
        """

    /// 1677, 1901, the day before 1970, 1970, 2038, the last minutes of 64 bits of nanoseconds, 2300, the end of time.
    private static let clocks: [Int64] = [
        .min, -9_223_372_037, -2_177_452_800, -86_400, -1, 0, 2_147_483_648, 9_223_372_036, 10_413_792_000, .max,
    ]

    @Test(arguments: ["sqlite", "jsonl"], clocks)
    func `everything is taken and answered`(store: String, seconds: Int64) async throws {
        let home = try TemporaryFolder()
        let folder = home.path
        let config = Self.config.replacing("STORE", with: store).replacing("PATH", with: folder + "/store")
        let collector = try await RunningCollector(
            config,
            .builtIn,
            home: folder,
            now: { Timestamp(clockSeconds: seconds, nanoseconds: 999_999_999) }
        )
        let event = #"{"sessionId":"s","model":"gpt-5","inputTokens":7,"outputTokens":1}"#
        #expect(try await collector.send("POST", "/api/telemetry/ingest", event).status == 202)
        #expect(try await collector.send("POST", "/api/telemetry/heartbeat", #"{"sessionId":"s"}"#).status == 200)
        let record = #"{"eventName":"gen_ai.client.inference","attributes":[]}"#
        let logs = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(record)]}]}]}"#
        #expect(try await collector.send("POST", "/v1/logs", logs).status == 200)
        for period in ["", "?period=today", "?period=30d&previous=true&series=model", "?timezone=Pacific/Kiritimati"] {
            let answer = try await collector.send("GET", "/api/telemetry/summary\(period)")
            #expect(answer.status == 200)
            #expect(answer.body.contains(#""callCount":1"#), "\(period)")
        }
        for path in [
            "/api/telemetry/sessions?status=active", "/api/telemetry/sessions/s", "/api/telemetry/quality", "/metrics",
            "/api/telemetry/pipelines", "/api/health", "/api/telemetry/prices",
        ] {
            #expect(try await collector.send("GET", path).status == 200, "\(path)")
        }
        #expect(try await collector.send("POST", "/api/telemetry/compact", "{}").status == 200)
        try await collector.end()
    }
}

extension RunningCollector {
    /// Sends one request on a new connection and returns its answer.
    fileprivate func send(_ method: String, _ path: String, _ body: String = "") async throws -> RawAnswer {
        let connection = try await connect()
        let head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        try await connection.send(Array((head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body).utf8))
        return try await connection.answer()
    }
}
