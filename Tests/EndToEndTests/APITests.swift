// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The documented requests, against the real program.
struct APITests {
    private static let event =
        #"{"sessionId":"my-session","event":"token_usage","inputTokens":1500,"outputTokens":800,"model":"claude-sonnet-4-20250514","cost":0.012,"duration":3400}"#
    private static let heartbeat =
        #"{"sessionId":"my-session","status":"active","taskStatus":"implementing feature X"}"#

    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    private func ingest(_ program: RunningProgram, _ body: String, type: String? = "application/json") async throws
        -> Reply
    {
        try await program.request(
            "POST",
            "/api/telemetry/ingest",
            Data(body.utf8),
            type: type,
            fields: ["X-Hammurabi-Api-Key": "a key"]
        )
    }

    @Test func `events and heartbeats are in every answer, and survive the end of the program`() async throws {
        let program = try await sandbox.collect()
        let accepted = try await ingest(program, Self.event)
        #expect(accepted.status == 202)
        let call = try #require(try accepted.json()["callId"] as? String)
        let alive = try await program.post("/api/telemetry/heartbeat", Data(Self.heartbeat.utf8))
        #expect(alive.status == 200)
        let known = try #require(try alive.json()["session"] as? NSDictionary)
        #expect(known["status"] as? String == "active")
        #expect(known["taskStatus"] as? String == "implementing feature X")
        #expect(known["cost"] as? Double == 0.012)
        #expect(known["calls"] as? Int == 1)
        for period in ["30d", "90d", String(try today().prefix(7))] {
            let summary = try await program.get("/api/telemetry/summary?period=\(period)").json()
            #expect(summary["totalCost"] as? Double == 0.012)
            #expect(summary["totalInputTokens"] as? Int == 1_500)
            #expect(summary["totalTokens"] as? Int == 2_300)
            let session = try #require((summary["sessions"] as? [NSDictionary])?.first)
            #expect(session["sessionId"] as? String == "my-session")
            #expect(session["cost"] as? Double == 0.012)
            #expect(session["taskStatus"] as? String == "implementing feature X")
        }
        try await expectDetail(program, call)
        program.send(SIGKILL)
        _ = try await program.outcome()
        let again = try await sandbox.collect()
        try await expectDetail(again, call)
        #expect(try await again.stop().exitCode == 0)
    }

    private func expectDetail(_ program: RunningProgram, _ id: String) async throws {
        let detail = try await program.get("/api/telemetry/sessions/my-session").json()
        let call = try #require((detail["calls"] as? [NSDictionary])?.first)
        #expect(call["callId"] as? String == id)
        // The price table has this model, but the event has a cost.
        #expect(call["cost"] as? Double == 0.012)
        #expect(call["reportedCost"] as? Double == 0.012)
        #expect(call["computedCost"] as? Double == 0.0165)
        #expect(call["durationMs"] as? Int == 3_400)
        #expect(call["sources"] as? [String] == ["event"])
        #expect((detail["session"] as? NSDictionary)?["status"] as? String == "active")
    }

    private func today() throws -> String {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withFullDate]
        return formatter.string(from: Date())
    }

    @Test func `a request that a page of another origin could send is refused`() async throws {
        let program = try await sandbox.collect()
        for type in ["text/plain", "application/x-www-form-urlencoded"] {
            let reply = try await program.request("POST", "/api/telemetry/ingest", Data(Self.event.utf8), type: type)
            #expect(reply.status == 415)
        }
        #expect(try await ingest(program, Self.event, type: "application/x-www-form-urlencoded").status == 202)
        #expect(try await program.get("/api/telemetry/summary").json()["callCount"] as? Int == 1)
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `upkeep is asked for with and without a body`() async throws {
        let program = try await sandbox.collect()
        let event = #"{"sessionId":"old","inputTokens":7,"model":"m","timestamp":"\#(try today())T00:00:00Z","id":"1"}"#
        for _ in 0..<2 { #expect(try await ingest(program, event).status == 202) }
        #expect(try await program.get("/api/telemetry/summary").json()["callCount"] as? Int == 1)
        #expect(try await program.request("POST", "/api/telemetry/scan").json()["ok"] as? Bool == true)
        for body in ["", #"{"retentionDays":90}"#] {
            let reply = try await program.post("/api/telemetry/compact", Data(body.utf8))
            #expect(reply.text == #"{"ok":true,"retentionDays":90,"removed":0}"#)
        }
        #expect(try await program.request("POST", "/api/telemetry/compact", type: "application/json").status == 200)
        let prices = try await program.get("/api/telemetry/prices").json()
        #expect((prices["unpriced"] as? [NSDictionary])?.first?["model"] as? String == "m")
        let repriced = try await program.request("POST", "/api/telemetry/reprice", type: "application/json")
        #expect(repriced.text == #"{"ok":true,"repriced":0}"#)
        #expect(try await program.get("/metrics").text.contains("hammurabi_month_calls{model=\"m\"} 1\n"))
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `a stream reports what comes in, and does not delay the stop`() async throws {
        let program = try await sandbox.collect()
        let stream = try StreamReader(try program.address() + "/api/telemetry/stream?topics=summary")
        try await stream.waitFor("event: summary")
        _ = try await ingest(program, Self.event)
        try await stream.waitFor("\"callCount\":1")
        #expect(try await program.stop().exitCode == 0)
        try await stream.waitForEnd()
    }
}
