// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

struct CollectingTests {
    private static let day = Sandbox.anyPort + ["--from", recordedDay, "--to", recordedDay]
    private static let query = "?from=\(recordedDay)&to=\(recordedDay)"

    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    @Test func `a call that was sent is in the answer of the API and of the command line`() async throws {
        let program = try await sandbox.collect()
        #expect(program.errorText.split(separator: "\n").filter { $0.hasPrefix("ready ") }.count == 1)
        let reply = try await program.post("/v1/logs", try claudeCodeLogs())
        #expect(reply.status == 200)
        #expect(reply.text == "{}" || reply.text.hasPrefix("{\"partialSuccess\""))
        let api = try await program.get("/api/telemetry/summary" + Self.query).json()
        #expect(api["callCount"] as? Int == 1)
        #expect(api["totalInputTokens"] as? Int == 3)
        #expect(api["totalCacheReadTokens"] as? Int == 9_028)
        #expect(api["totalCacheWriteTokens"] as? Int == 2_416)
        #expect(api["totalOutputTokens"] as? Int == 464)
        #expect(api["totalCost"] as? Double == 0.0187374)
        let line = try await sandbox.run(["summary", "--json"] + Self.day)
        #expect(line.exitCode == 0)
        #expect(line.errors == "")
        #expect(try apiPart(line) == timeless(api))
        #expect(try await program.stop().exitCode == 0)
        #expect(try apiPart(await sandbox.run(["summary", "--json"] + Self.day)) == timeless(api))
    }

    @Test func `calls without a session are one group of their service and day`() async throws {
        let program = try await sandbox.collect()
        for number in 1...3 {
            let body = """
                {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout-service"}}]},
                "scopeSpans":[{"spans":[{"traceId":"0000000000000000000000000000000\(number)","spanId":"000000000000000\(number)",
                "name":"chat","startTimeUnixNano":"1794300000000000000","endTimeUnixNano":"1794300001000000000","attributes":[
                {"key":"gen_ai.usage.input_tokens","value":{"intValue":"10"}}]}]}]}]}
                """
            #expect(try await program.post("/v1/traces", Data(body.utf8)).status == 200)
        }
        let day = "?from=2026-11-10&to=2026-11-10"
        let summary = try await program.get("/api/telemetry/summary" + day).json()
        #expect(summary["callCount"] as? Int == 3)
        #expect(summary["sessionCount"] as? Int == 1)
        let name = "checkout-service · 2026-11-10 (no session)"
        let list = try await program.get("/api/telemetry/sessions").json()
        let sessions = try #require(list["sessions"] as? [[String: Any]])
        #expect(sessions.map { $0["sessionId"] as? String } == [name])
        #expect(sessions.map { $0["calls"] as? Int } == [3])
        let path = try #require(name.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        let detail = try await program.get("/api/telemetry/sessions/" + path).json()
        #expect((detail["calls"] as? [Any])?.count == 3)
        let line = try await sandbox.run(["sessions", name] + Sandbox.anyPort)
        #expect(line.exitCode == 0, "\(line.errors)")
        #expect(line.output.split(separator: "\n").count == 3)
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `a summary behind a pipe has tabs and full values and no titles`() async throws {
        try await collectOneCall()
        let model = try await sandbox.run(["summary"] + Self.day)
        #expect(model.exitCode == 0)
        #expect(model.errors == "")
        #expect(model.output == "claude-sonnet-4-5-20250929\t1\t3\t9028\t2416\t464\t0\t0.0187374\t0\n")
    }

    @Test(arguments: [
        ("model", "claude-sonnet-4-5-20250929"), ("agent", "claude-code"), ("day", recordedDay),
        ("session", "5267b88c-701c-4723-8710-1dd498a143ef"), ("project", "unknown"), ("machine", "unknown"),
        ("user", "466543bd003f0cef0e87a8c45b89091fd0320012a1098aec4abba2437bd7aa97"),
    ])
    func `a summary can be split by each dimension`(dimension: String, name: String) async throws {
        try await collectOneCall()
        let tabs = try await sandbox.run(["summary", "--by", dimension] + Self.day)
        #expect(tabs.output == "\(name)\t1\t3\t9028\t2416\t464\t0\t0.0187374\t0\n")
        let csv = try await sandbox.run(["summary", "--csv", "--by", dimension] + Self.day)
        let titles =
            "calls,input_tokens,cache_read_tokens,cache_write_tokens,output_tokens,reasoning_tokens,cost,unpriced_calls"
        #expect(csv.output == "\(dimension),\(titles)\r\n\(name),1,3,9028,2416,464,0,0.0187374,0\r\n")
    }

    @Test func `what was acknowledged is there after the power is cut`() async throws {
        let program = try await sandbox.collect()
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        program.send(SIGKILL)
        #expect(try await program.outcome().exitCode == -SIGKILL)
        let again = try await sandbox.collect()
        #expect(try await again.get("/api/telemetry/summary" + Self.query).json()["callCount"] as? Int == 1)
        #expect(try await again.post("/v1/logs", try claudeCodeLogs()).status == 200)
        #expect(try await again.get("/api/telemetry/summary" + Self.query).json()["callCount"] as? Int == 1)
        #expect(try await again.stop().exitCode == 0)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal ends it in good order`(signal: Int32) async throws {
        let program = try await sandbox.collect()
        program.send(signal)
        let outcome = try await program.outcome()
        #expect(outcome.exitCode == 0)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasSuffix(" info stopped\n"), "\(outcome.errors)")
    }

    @Test func `its files are for the user alone`() async throws {
        try await collectOneCall()
        for (url, mode) in [(sandbox.home, 0o700), (sandbox.home.appending(path: "telemetry.db"), 0o600)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode, "\(url.path)")
        }
    }

    @Test func `run is what is done when nothing is said`() async throws {
        try sandbox.write("receivers:\n", to: "config.yaml")
        let outcome = try await sandbox.run([])
        #expect(outcome.exitCode == 78)
        #expect(outcome.errors.hasPrefix("config.yaml:1:1: error[missing-section]: there is no service section"))
    }

    private func collectOneCall() async throws {
        let program = try await sandbox.collect()
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        #expect(try await program.stop().exitCode == 0)
    }

    /// The members of the API's answer in the document of a command.
    private func apiPart(_ outcome: Outcome) throws -> NSDictionary {
        var document = (timeless(try outcome.json()) as? [String: Any]) ?? [:]
        for key in ["schema", "generated_at", "currency", "by", "rows", "totals", "coverage", "warnings"] {
            #expect(document.removeValue(forKey: key) != nil, "\(key)")
        }
        return document as NSDictionary
    }

    /// A summary without values that change every second.
    private func timeless(_ summary: NSDictionary) -> NSDictionary {
        var rest = (summary as? [String: Any]) ?? [:]
        rest["activeSessions"] = nil
        rest["sessions"] = (rest["sessions"] as? [[String: Any]])?.map { $0.filter { $0.key != "status" } }
        return rest as NSDictionary
    }
}
