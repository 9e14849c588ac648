// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// The real program reads session files again after a part of its state was lost.
struct RescanTests {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    private func prepare(_ store: String) throws {
        try sandbox.write(
            """
            receivers: { agent_sessions: { poll_interval: 0s } }
            processors: { tokens: , pricing: }
            exporters: { \(store): }
            extensions: { hub: { endpoint: "127.0.0.1:\(try freePort())", store: \(store) } }
            service:
              extensions: [hub]
              pipelines: { logs: { receivers: [agent_sessions], processors: [tokens, pricing], exporters: [\(store)] } }
            """,
            to: "config.yaml"
        )
        let lines = (1...3).map(Self.line).joined()
        let projects = sandbox.folder.appending(path: ".claude/projects/-gone-app")
        try FileManager.default.createDirectory(at: projects, withIntermediateDirectories: true)
        try sandbox.write(lines, to: ".claude/projects/-gone-app/s1.jsonl")
    }

    private static func line(_ number: Int) -> String {
        #"{"type":"assistant","sessionId":"s1","timestamp":"2026-11-01T09:00:0\#(number).000Z","cwd":"/gone/app","#
            + #""requestId":"req_011CskHCQDJPPZoN6tWl0\#(number)","uuid":"u\#(number)","message":{"#
            + #""id":"msg_011CskHCQDJPPZoN6tWl0\#(number)","model":"claude-sonnet-4-5-20250929","#
            + #""usage":{"input_tokens":1000,"output_tokens":200,"cache_read_input_tokens":5000}}}"# + "\n"
    }

    private func scan() async throws -> NSDictionary {
        let outcome = try await sandbox.run("scan", "--config", "config.yaml", "--json")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return try outcome.json()
    }

    /// The figures of the reports, without values that depend on the present.
    private func totals() async throws -> [String] {
        let period = ["--since", "2026-11-01", "--until", "2026-11-01", "--config", "config.yaml", "--csv"]
        let outcome = try await sandbox.run(["summary"] + period)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    private func append(_ text: String) throws {
        let file = try FileHandle(forWritingTo: sandbox.folder.appending(path: ".claude/projects/-gone-app/s1.jsonl"))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private func remove(_ prefix: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: sandbox.home.path) where name.hasPrefix(prefix)
        {
            try FileManager.default.removeItem(at: sandbox.home.appending(path: name))
        }
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `whatever of checkpoint and store is deleted, the next scan brings the same totals`(store: String) async throws
    {
        try prepare(store)
        let first = try await scan()
        #expect(first["calls"] as? Int == 3 && first["ingested"] as? Int == 3)
        let totals = try await totals()
        #expect(totals.contains { $0.contains("claude-sonnet-4-5") })
        for (lost, scanned, new) in [
            ([], 0, 0), (["agent_sessions"], 1, 0), (["telemetry"], 1, 3), (["agent_sessions", "telemetry"], 1, 3),
            ([], 0, 0),
        ] as [([String], Int, Int)] {
            for prefix in lost { try remove(prefix) }
            let report = try await scan()
            #expect(report["scanned"] as? Int == scanned, "after the loss of \(lost)")
            #expect(report["ingested"] as? Int == new, "after the loss of \(lost)")
            #expect(try await self.totals() == totals, "after the loss of \(lost)")
        }
    }

    /// The period of the tests as JSON.
    private func summary(_ more: String...) async throws -> NSDictionary {
        let collector = try await sandbox.serve()
        let path = "/api/telemetry/summary?from=2026-11-01&to=2026-11-01" + more.joined()
        let answer = try await collector.get(path).json()
        #expect(try await collector.stop().exitCode == 0)
        return answer
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `a price for a model without a date reaches stored calls of a dated one`(store: String) async throws {
        try prepare(store)
        try append(Self.line(4).replacing("claude-sonnet-4-5-20250929", with: "claude-opus-6-20261201"))
        #expect(try await scan()["calls"] as? Int == 4)
        #expect(try await summary()["unpricedModels"] as? [String] == ["claude-opus-6-20261201"])
        let text = try String(contentsOf: sandbox.folder.appending(path: "config.yaml"), encoding: .utf8)
        func reprice(_ model: String) async throws -> Outcome {
            let own = "pricing: { overrides: [{ model: \(model), input: 5, output: 25, cache_read: 0.5 }] }"
            try sandbox.write(text.replacing("pricing: }", with: own + " }"), to: "config.yaml")
            let collector = try await sandbox.serve()
            let outcome = try await sandbox.run("prices", "reprice", "--config", "config.yaml")
            #expect(try await collector.stop().exitCode == 0)
            return outcome
        }
        let missed = try await reprice("cluade-opus-6")
        #expect(missed.output == "No cost changed.\n")
        #expect(missed.errors.contains(#"the nearest is "claude-opus-6-20261201""#))
        let found = try await reprice("claude-opus-6")
        #expect(found.output == "1 call has a new cost.\n" && !found.errors.contains("nearest"))
        #expect(try await summary()["unpricedCalls"] as? Int == 0)
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `two repositories of one name are two projects`(store: String) async throws {
        try prepare(store)
        for (number, place) in [(5, "work"), (6, "oss")] {
            let repository = sandbox.folder.appending(path: "\(place)/api")
            let folder = repository.appending(path: ".git")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let line = Self.line(number).replacing("/gone/app", with: repository.path).replacing(
                #""s1""#,
                with: "\"\(place)\""
            )
            try sandbox.write(line, to: ".claude/projects/-gone-app/\(place).jsonl")
        }
        #expect(try await scan()["calls"] as? Int == 5)
        let projects = try #require(try await summary()["byProject"] as? [String: NSDictionary])
        #expect(projects.mapValues { $0["calls"] as? Int } == ["app": 3, "work/api": 1, "oss/api": 1])
        #expect(try await summary("&project=oss/api")["callCount"] as? Int == 1)
        #expect(try await summary("&project=\(sandbox.folder.path)/work/api")["callCount"] as? Int == 1)
        #expect(try await summary("&project=api")["callCount"] as? Int == 2)
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `a session's reported cost is compared with its calls`(store: String) async throws {
        try prepare(store)
        // Three calls of $0.0075 each.
        try append(#"{"type":"cost-state","sessionId":"s1","totalCostUSD":0.0225,"modelUsage":{}}"# + "\n")
        let other = #"{"type":"cost-state","sessionId":"s2","totalCostUSD":0.5}"# + "\n"
        try sandbox.write(
            Self.line(4).replacing(#""s1""#, with: #""s2""#) + other,
            to: ".claude/projects/-gone-app/s2.jsonl"
        )
        #expect(try await scan()["calls"] as? Int == 4)
        let collector = try await sandbox.serve()
        let quality = try await collector.get("/api/telemetry/quality?from=2026-11-01&to=2026-11-01").json()
        #expect(try await collector.stop().exitCode == 0)
        let session: NSDictionary = ["sessionId": "s2", "reported": 0.5, "counted": 0.0075]
        #expect(quality["sessionCosts"] as? NSDictionary == ["compared": 2, "differing": 1, "sessions": [session]])
    }

    /// A resumed chat of Gemini CLI beside its older form, a branch of Qwen Code, a fork of pi.
    @Test(arguments: ["sqlite", "jsonl"])
    func `the stores of other agents come to the same sums in every store`(store: String) async throws {
        try prepare(store)
        func gemini(_ id: String) -> String {
            #"{"id":"\#(id)","timestamp":"2026-11-01T10:00:05.000Z","type":"gemini","model":"gemini-2.5-pro","#
                + #""tokens":{"input":12000,"output":300,"cached":9000,"thoughts":200,"tool":0,"total":12500}}"#
        }
        func qwen(_ session: String, more: String = "") -> String {
            #"{"uuid":"u2","sessionId":"\#(session)","timestamp":"2026-11-01T10:00:05.000Z","type":"assistant","model":"qwen3-coder-plus","#
                + #""usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":10,"totalTokenCount":110}\#(more)}"#
                + "\n"
        }
        func pi(_ session: String) -> String {
            #"{"type":"session","id":"\#(session)","timestamp":"2026-11-01T10:00:00.000Z","cwd":"/gone/app"}"# + "\n"
                + #"{"type":"message","id":"b2c3d4e5","timestamp":"2026-11-01T10:00:02.000Z","message":{"role":"assistant","#
                + #""provider":"anthropic","model":"claude-sonnet-4-5","usage":{"input":5,"output":7,"cacheRead":11,"cacheWrite":13}}}"#
                + "\n"
        }
        let files = [
            ".gemini/tmp/app/chats/session-1.json": #"{"sessionId":"g1","messages":[\#(gemini("m1"))]}"#,
            ".gemini/tmp/app/chats/session-1.jsonl": #"{"sessionId":"g1"}"# + "\n" + gemini("m1") + "\n" + gemini("m2")
                + "\n",
            ".qwen/projects/app/chats/q1.jsonl": qwen("q1"),
            ".qwen/projects/app/chats/q2.jsonl": qwen("q2", more: #","forkedFrom":{"sessionId":"q1"}"#),
            ".pi/agent/sessions/app/1_p1.jsonl": pi("p1"), ".pi/agent/sessions/app/2_p2.jsonl": pi("p2"),
        ]
        for (path, text) in files {
            let folder = sandbox.folder.appending(path: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try sandbox.write(text, to: path)
        }
        let report = try await scan()
        // Three calls of Claude Code exist before.
        #expect(
            report["calls"] as? Int == 7 && report["ingested"] as? Int == 7 && report["problems"] as? [String] == []
        )
        try remove("agent_sessions")
        #expect(try await scan()["ingested"] as? Int == 0)
        let summary = try await summary()
        #expect(summary["callCount"] as? Int == 7)
        #expect(summary["totalInputTokens"] as? Int == 3_000 + 2 * 3_000 + 100 + 5)
        #expect(summary["totalOutputTokens"] as? Int == 600 + 2 * 500 + 10 + 7)
        let agents = try #require(summary["byAgent"] as? [String: NSDictionary])
        #expect(
            agents.mapValues { $0["calls"] as? Int } == ["claude-code": 3, "gemini-cli": 2, "qwen-code": 1, "pi": 1]
        )
        let file = sandbox.folder.path + "/.gemini/tmp/app/chats/session-1.jsonl"
        let explained = try await sandbox.run("scan", "--agent", "gemini", "--explain", file)
        #expect(
            explained.exitCode == 0 && explained.output.hasSuffix("2 calls, 0 repeated lines of them, 0 not counted\n")
        )
        #expect(try await sandbox.run("scan", "--explain", file).exitCode == 64)
        #expect(try await sandbox.run("scan", "--agent", "nobody", "--explain", file).exitCode == 66)
    }

    @Test func `the sentence distinguishes new calls from known ones`() async throws {
        try prepare("sqlite")
        func sentence() async throws -> String { try await sandbox.run("scan", "--config", "config.yaml").output }
        #expect(try await sentence().hasPrefix("Read 1 file with 3 new calls in "))
        #expect(try await sentence().hasPrefix("Read 0 files with 0 calls in "))
        try remove("agent_sessions")
        try append(Self.line(4))
        #expect(try await sentence().hasPrefix("Read 1 file with 4 calls, 1 of them new, in "))
        try remove("agent_sessions")
        #expect(try await sentence().hasPrefix("Read 1 file with 4 calls, none of them new, in "))
    }

    @Test func `every command reports what cannot be read, although another one has read it`() async throws {
        try prepare("sqlite")
        try append(#"{"type":"hologram"}"# + "\n" + "no json\n")
        let outcome = try await sandbox.run("scan", "--config", "config.yaml")
        let file = sandbox.folder.path + "/.claude/projects/-gone-app/s1.jsonl"
        let fault = file + ":5: the line is cut off or is no JSON object"
        #expect(outcome.errors.contains("1 line could not be read:\n  \(fault)\n"))
        #expect(outcome.errors.contains("does not know were skipped:\n  hologram: 1 line, first \(file):4\n"))
        let command = ["doctor", "--data", "--config", "config.yaml"]
        let doctor = try await sandbox.run(command).output
        #expect(doctor.contains("Could not be read\n  \(fault)\n"))
        #expect(doctor.contains("does not know their type\n  hologram: 1 line, first \(file):4\n"))
        let alone = try await sandbox.run(command + ["--json"]).json()
        let collector = try await sandbox.serve()
        let running = try await collector.get("/api/telemetry/quality").json()
        #expect(try await collector.stop().exitCode == 0)
        for answer in [alone, running] {
            #expect(answer["problems"] as? [String] == [fault] && answer["skippedLines"] as? Int == 1)
            #expect((answer["unknownLines"] as? NSDictionary) == ["hologram": ["lines": 1, "first": file + ":4"]])
        }
    }
}
