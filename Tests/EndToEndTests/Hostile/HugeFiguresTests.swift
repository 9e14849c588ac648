// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Every report can show what ingest accepts: figures near the limits, and sums that exceed 64 bits.
struct HugeFiguresTests {
    private static let day = ["--since", "2026-11-22", "--until", "2026-11-22"]
    private static let query = "?from=2026-11-22&to=2026-11-22"

    @Test(arguments: ["sqlite", "jsonl"], [2, 12])
    func `costs of a billion are reported by every command`(store: String, events: Int) async throws {
        let sandbox = try Sandbox()
        let program = try await sandbox.collect(Sandbox.storing(store))
        let body = (0..<events).map {
            #"{"id":"e\#($0)","sessionId":"s","model":"m","cost":1000000000,"inputTokens":1099511627776,"#
                + #""outputTokens":1099511627776,"duration":1e12,"timestamp":"2026-11-22T10:00:00Z"}"#
        }
        let list = "[\(body.joined(separator: ","))]"
        #expect(try await program.post("/api/telemetry/ingest", Data(list.utf8)).status == 202)
        // Money is counted in billionths with 64 bits: the limit is 9.2 billion dollars.
        let isSaturated = events > 9
        let cost = isSaturated ? "9223372036.854775807" : "\(events)000000000"
        let summary = try await program.get("/api/telemetry/summary" + Self.query)
        #expect(summary.text.contains(#""totalCost":\#(cost),"#))
        #expect(summary.text.contains(#""saturated":\#(isSaturated)"#))
        let flags = try program.flags()
        let json = try await sandbox.run(["summary", "--json"] + Self.day + flags)
        #expect(json.exitCode == 0)
        #expect(json.output.replacing(" ", with: "").contains(#""cost":\#(cost)"#), "\(json.output)")
        #expect(json.output.contains("larger than can be counted") == isSaturated)
        let csv = try await sandbox.run(["summary", "--by", "model", "--csv"] + Self.day + flags)
        #expect(csv.exitCode == 0 && csv.output.contains(cost))
        #expect(csv.errors.contains("larger than can be counted") == isSaturated)
        for command in [
            ["summary", "--by", "day"] + Self.day, ["sessions", "--csv"], ["sessions", "s"],
            ["budget", "check", "--limit", "5"],
            ["doctor", "--data"],
        ] {
            let outcome = try await sandbox.run(command + flags)
            #expect([0, 1].contains(outcome.exitCode), "\(command): \(outcome.errors)")
        }
        #expect(try await program.get("/api/telemetry/sessions/s").text.contains(#""cost":\#(cost),"#))
        #expect(try await program.get("/metrics").status == 200)
        #expect(try await program.get("/api/telemetry/quality" + Self.query).status == 200)
        #expect(try await program.stop().exitCode == 0)
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `figures that no call can have are no call, and the collector goes on`(store: String) async throws {
        let sandbox = try Sandbox()
        let program = try await sandbox.collect(Sandbox.storing(store))
        let numbers = ["9223372036854775807", "-9223372036854775808", "18446744073709551615", "1099511627777"]
        for number in numbers {
            let names = [
                "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cache_read.input_tokens",
                "gen_ai.usage.total_tokens", "cost_usd_micros", "duration_ms", "event.sequence",
            ]
            let attributes = names.map { #"{"key":"\#($0)","value":{"stringValue":"\#(number)"}}"# }.joined(
                separator: ","
            )
            let logs =
                #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"18446744073709551615","attributes":[\#(attributes)]}]}]}]}"#
            #expect(try await program.post("/v1/logs", Data(logs.utf8)).status == 200)
            let span =
                #"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"chat","startTimeUnixNano":"1","endTimeUnixNano":"18446744073709551615","attributes":[\#(attributes)]}"#
            let traces = #"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(span)]}]}]}"#
            #expect(try await program.post("/v1/traces", Data(traces.utf8)).status == 200)
        }
        for path in [
            "/api/telemetry/summary?period=7d", "/api/telemetry/sessions", "/api/telemetry/quality", "/metrics",
        ] {
            #expect(try await program.get(path).status == 200, "\(path)")
        }
        #expect(try await program.stop().exitCode == 0)
    }
}
