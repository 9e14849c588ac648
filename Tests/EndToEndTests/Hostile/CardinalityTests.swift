// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import Testing

/// A sender with a new name for everything: as many sessions, models and users as calls, or names of megabytes.
///
/// No answer grows with them.
struct CardinalityTests {
    /// The number of names: a few hundred, or ten thousands for each requested round.
    private static let names = max(450, 10_000 * (HostileRounds.asked ?? 0))

    @Test(arguments: ["sqlite", "jsonl"])
    func `answers list so many names and the sum of the others`(store: String) async throws {
        let sandbox = try Sandbox()
        let program = try await sandbox.collect(Sandbox.storing(store))
        for start in stride(from: 0, to: Self.names, by: 1_000) {
            try await Self.send(start..<min(start + 1_000, Self.names), to: program)
        }
        let summary = try await program.get("/api/telemetry/summary?period=7d&series=user").json()
        #expect(summary["callCount"] as? Int == Self.names)
        #expect(summary["sessionCount"] as? Int == Self.names)
        #expect((summary["sessions"] as? [Any])?.count == min(1_000, Self.names))
        for dimension in ["byModel", "byUser", "byProject", "byMachine"] {
            let shares = try #require(summary[dimension] as? [String: [String: NSNumber]])
            #expect(shares.count == 201, "\(dimension)")
            for (figure, total) in [
                ("inputTokens", "totalInputTokens"), ("calls", "callCount"), ("sessions", "sessionCount"),
            ] {
                let sum = shares.values.reduce(0) { $0 + ($1[figure]?.intValue ?? 0) }
                #expect(sum == summary[total] as? Int, "\(dimension) \(figure)")
            }
        }
        let series = try #require((summary["series"] as? [String: Any])?["days"] as? [[String: Any]])
        #expect(series.allSatisfy { ($0["values"] as? [String: Any])?.count ?? 0 <= 201 })
        #expect((summary["unpricedModels"] as? [String])?.count == 201)
        let metrics = try await program.get("/metrics").text
        #expect(metrics.split(separator: "\n").count { $0.hasPrefix("hammurabi_month_calls{") } <= 201)
        let quality = try await program.get("/api/telemetry/quality?period=7d").json()
        #expect((quality["sources"] as? [Any])?.count == 201)
        #expect((try await program.get("/api/telemetry/prices").json()["unpriced"] as? [Any])?.count == 201)
        for command in [["summary", "--period", "7d"], ["sessions"], ["prices", "unpriced"]] {
            #expect(try await sandbox.run(command + program.flags()).exitCode == 0, "\(command)")
        }
        #expect(try await program.stop().exitCode == 0)
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `names of megabytes are cut, stay apart, and are counted`(store: String) async throws {
        let sandbox = try Sandbox()
        let program = try await sandbox.collect(Sandbox.storing(store))
        for number in 0..<4 {
            let long = String(repeating: "x", count: 1 << 20)
            // The names differ only at their end.
            let text = #"{"key":"KEY","value":{"stringValue":"\#(long)\#(number % 2)"}}"#
            let keys = ["session.id", "gen_ai.response.model", "user.id", "project.name", "gen_ai.provider.name"]
            let attributes =
                keys.map { text.replacing("KEY", with: $0) } + [
                    #"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"\#(number + 1)"}}"#,
                    #"{"key":"gen_ai.response.id","value":{"stringValue":"resp_0000000000000000000\#(number)"}}"#,
                ]
            let logs =
                #"{"resourceLogs":[{"resource":{"attributes":[\#(text.replacing("KEY", with: "host.name"))]},"#
                + #""scopeLogs":[{"logRecords":[{"attributes":[\#(attributes.joined(separator: ","))]}]}]}]}"#
            #expect(try await program.post("/v1/logs", Data(logs.utf8)).status == 200)
        }
        let sessions = try await program.get("/api/telemetry/sessions")
        #expect(sessions.body.count < 16_384)
        #expect(try sessions.json()["total"] as? Int == 2)
        let summary = try await program.get("/api/telemetry/summary?period=7d")
        #expect(summary.body.count < 65_536)
        for dimension in ["byModel", "byUser", "byProject", "byMachine"] {
            let shares = try #require(try summary.json()[dimension] as? [String: [String: NSNumber]])
            #expect(shares.count == 2, "\(dimension)")
            #expect(shares.keys.allSatisfy { $0.utf8.count <= 512 && $0.hasPrefix("xxx") })
            #expect(shares.values.map { $0["inputTokens"]?.intValue ?? 0 }.sorted() == [4, 6])
        }
        let problems = try #require(
            try await program.get("/api/telemetry/quality").json()["intakeProblems"] as? [[String: Any]]
        )
        let cut = problems.filter { $0["code"] as? String == "long_name" }
        #expect(
            Set(cut.compactMap { $0["subject"] as? String }) == [
                "session", "model", "user", "project", "provider", "machine",
            ]
        )
        #expect(cut.allSatisfy { $0["count"] as? Int ?? 0 >= 4 })
        #expect(try await program.stop().exitCode == 0)
    }

    private static func send(_ numbers: Range<Int>, to program: RunningProgram) async throws {
        let resources = numbers.map { number in
            let texts = [
                "session.id": "session-\(number)", "gen_ai.response.model": "model-\(number)",
                "user.id": "user-\(number)",
                "project.name": "project-\(number)", "gen_ai.response.id": "resp_\(1_000_000_000_000_000 + number)",
            ]
            let attributes =
                texts.map { #"{"key":"\#($0)","value":{"stringValue":"\#($1)"}}"# } + [
                    #"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"\#(number % 97 + 1)"}}"#
                ]
            return
                #"{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"machine-\#(number)"}}]},"#
                + #""scopeLogs":[{"logRecords":[{"attributes":[\#(attributes.joined(separator: ","))]}]}]}"#
        }
        let body = #"{"resourceLogs":[\#(resources.joined(separator: ","))]}"#
        #expect(try await program.post("/v1/logs", Data(body.utf8)).status == 200)
    }
}
