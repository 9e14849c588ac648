// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Limits of subscriptions, from what agents write to every report.
struct LimitsTests {
    private let sandbox: Sandbox
    private let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))

    init() throws { sandbox = try Sandbox() }

    private func seconds(_ later: Double) -> Int { Int(now.timeIntervalSince1970 + later) }

    /// Standard input of the status line, as Claude Code's documentation has it.
    private func state(fiveHours used: Double) -> String {
        """
        {"hook_event_name":"Status","session_id":"s-1","cwd":"/secret/place","model":{"id":"claude-opus-4-8","display_name":"Opus"},
        "cost":{"total_cost_usd":0.5},"context_window":{"used_percentage":41.4},"rate_limits":{
        "five_hour":{"used_percentage":\(used),"resets_at":\(seconds(7_200))},
        "seven_day":{"used_percentage":12,"resets_at":\(seconds(90_000))}}}
        """
    }

    /// A rollout with one call and its limits.
    private func writeRollout() throws {
        let time = (now - 60).formatted(.iso8601)
        let id = "01a20000-0000-7000-8000-000000000020"
        let lines = [
            #"{"timestamp":"\#(time)","type":"session_meta","payload":{"id":"\#(id)","cwd":"/w","cli_version":"0.163.0","creator_account_id":"acc-2"}}"#,
            #"{"timestamp":"\#(time)","type":"turn_context","payload":{"model":"gpt-5"}}"#,
            #"{"timestamp":"\#(time)","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"#
                + #""input_tokens":100,"output_tokens":10},"last_token_usage":{"input_tokens":100,"output_tokens":10}},"#
                + #""rate_limits":{"primary":{"used_percent":91.5,"window_minutes":300,"resets_at":\#(seconds(3_600))},"#
                + #""secondary":{"used_percent":20,"window_minutes":10080,"resets_at":\#(seconds(200_000))},"plan_type":"plus"}}}"#,
        ]
        let folder = sandbox.folder.appending(path: ".codex/sessions/2026/11/30")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try (lines.joined(separator: "\n") + "\n").write(
            to: folder.appending(path: "rollout-2026-11-30T10-00-00-\(id).jsonl"),
            atomically: true,
            encoding: .utf8
        )
    }

    private func rows(_ flags: [String]) async throws -> [String] {
        let outcome = try await sandbox.run(["limits"] + flags)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).prefix(4).joined(separator: " ")
        }
    }

    private let expected = [
        "claude-code five_hour 300 38.5", "claude-code seven_day 10080 12", "codex primary 300 91.5",
        "codex secondary 10080 20",
    ]

    @Test(arguments: ["sqlite", "jsonl"])
    func `what agents report is the same in API, command line and status line, and outlives the collector`(
        store: String
    ) async throws {
        let flags =
            store == "sqlite"
            ? []
            : [
                "--set", "exporters={jsonl: {path: \(sandbox.home.path)/calls.jsonl}}", "--set",
                "extensions.hub.store=jsonl",
                "--set", "service.pipelines.traces.exporters=[jsonl]", "--set",
                "service.pipelines.logs.exporters=[jsonl]",
                "--set", "service.pipelines.metrics.exporters=[jsonl]",
            ]
        try writeRollout()
        let program = try await sandbox.collect(flags)
        let ask = try program.flags() + flags
        #expect(try await sandbox.run(["scan"] + ask).exitCode == 0)
        let line = try await sandbox.run(["statusline"] + ask, input: state(fiveHours: 38.5))
        #expect(line.output.hasPrefix("$0.50 session | "), "\(line)")
        #expect(line.output.contains(" | 41% context | 5h 39% | 7d 12% | "), "\(line)")
        // A shell without an agent shows what the hub knows.
        let bare = try await sandbox.run(["statusline", "--show", "limits"] + ask).output
        #expect(bare.contains("claude-code 5h 39%") && bare.contains("codex 5h 92%"), "\(bare)")
        #expect(try await rows(ask) == expected)
        let api = try await program.get("/api/telemetry/limits").json()
        let limits = try #require(api["limits"] as? [[String: Any]])
        #expect(limits.map { ($0["usedPercent"] as? NSNumber)?.doubleValue } == [38.5, 12, 91.5, 20])
        #expect(limits[2]["account"] as? String == "acc-2" && limits[2]["plan"] as? String == "plus")
        let json = try await sandbox.run(["limits", "--json", "--agent", "codex"] + ask).json()
        #expect((json["schema"] as? [String: Any])?["name"] as? String == "hammurabi.limits")
        #expect((json["rows"] as? [[String: Any]])?.map { $0["name"] as? String } == ["primary", "secondary"])
        let alerts = try await program.get("/api/telemetry/alerts").json()["alerts"] as? [[String: Any]]
        #expect(alerts?.contains { $0["title"] as? String == "limit 5h of codex: 92% used" } == true)
        #expect(try await program.stop().exitCode == 0)
        // The store alone.
        #expect(try await rows(Sandbox.anyPort + flags) == expected)
        // Of the rest that the agent handed over only what it says of its session was kept.
        let kept = try String(contentsOf: sandbox.home.appending(path: "limits.json"), encoding: .utf8)
        #expect(!kept.contains("secret") && kept.contains("s-1"))
    }

    @Test func `without a collector the status line keeps limits, too, and a kill loses none`() async throws {
        #expect(
            try await sandbox.run(["statusline"] + Sandbox.anyPort, input: state(fiveHours: 10)).output.contains(
                "5h 10%"
            )
        )
        let program = try await sandbox.collect()
        let flags = try program.flags()
        #expect(try await rows(flags).first == "claude-code five_hour 300 10")
        #expect(try await sandbox.run(["statusline"] + flags, input: state(fiveHours: 99)).output.contains("5h 99%"))
        let file = sandbox.home.appending(path: "limits.json")
        for _ in 0..<200 {
            if try String(contentsOf: file, encoding: .utf8).contains("\"used\":990000000") { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        program.send(SIGKILL)
        _ = try await program.outcome()
        #expect(try await rows(Sandbox.anyPort).first == "claude-code five_hour 300 99")
    }

    @Test func `the account is the one that Claude Code is logged in to`() async throws {
        try sandbox.write(
            #"{"projects":{"/a":{"x":[1,{"oauthAccount":1}]}},"oauthAccount":{"emailAddress":"me@example.com","accountUuid":"acc-9"}}"#,
            to: ".claude.json"
        )
        _ = try await sandbox.run(["statusline"] + Sandbox.anyPort, input: state(fiveHours: 10))
        let json = try await sandbox.run(["limits", "--json"] + Sandbox.anyPort).output
        #expect(json.contains(#""account":"acc-9""#) && !json.contains("me@example.com"))
    }

    @Test func `a template of the configuration, and a wrong one`() async throws {
        let set = ["--set", #"extensions.hub.statusline="{limits} / {session}""#]
        let line = try await sandbox.run(["statusline"] + Sandbox.anyPort + set, input: state(fiveHours: 10))
        #expect(line.output == "5h 10% | 7d 12% / $0.50 session\n", "\(line)")
        let over = ["statusline", "--format", "{context}"] + Sandbox.anyPort + set
        #expect(try await sandbox.run(over, input: state(fiveHours: 10)).output == "41% context\n")
        let wrong = try await sandbox.run(["validate", "--set", #"extensions.hub.statusline="{weather}""#])
        #expect(wrong.exitCode == 78)
        #expect((wrong.output + wrong.errors).contains("there is no part \"weather\"; use session, today,"))
        let refused = try await sandbox.run(["statusline", "--format", "fancy"])
        #expect(refused.exitCode == 64)
        #expect(refused.errors.contains("use full, short, limits, ccusage"))
    }

    @Test func `a budget of a block fails a build`() async throws {
        let config = """
            extensions:
              hub:
                budgets:
                  - { name: block, period: block, dollars: 0.2 }
            """
        try sandbox.write(config, to: "more.yaml")
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let flags = ["--config", package.appending(path: "config.yaml").path, "--config", "more.yaml"]
        let program = try await sandbox.collect(flags)
        let event: [String: Any] = [
            "sessionId": "s", "event": "token_usage", "model": "gpt-5", "cost": 0.25, "inputTokens": 1,
            "timestamp": (now - 5).formatted(.iso8601),
        ]
        let body = try JSONSerialization.data(withJSONObject: [event])
        #expect(try await program.post("/api/telemetry/ingest", body).status == 202)
        let check = try await sandbox.run(["budget", "check", "block"] + flags + program.flags())
        #expect(check.exitCode == 1)
        #expect(check.output == "over budget: $0.25 of $0.20 (125%) in block\n", "\(check)")
        let text = try await sandbox.run(["budget", "--color", "always"] + flags + program.flags()).output
        #expect(text.contains("Time left"))
        #expect(try await program.stop().exitCode == 0)
    }
}
