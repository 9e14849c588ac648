// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The reports of the command line, by the real program: from a store, and from a collector that runs.
struct ReportTests {
    private static let id = "5267b88c-701c-4723-8710-1dd498a143ef"
    private static let day = ["--since", recordedDay, "--until", recordedDay]
    private static let query = "?from=\(recordedDay)&to=\(recordedDay)"

    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `the numbers of JSON, CSV, tabs and API are the same, whether a collector runs or not`(store: String)
        async throws
    {
        let collecting = Sandbox.storing(store)
        let program = try await sandbox.collect(collecting)
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        let api = try await program.get("/api/telemetry/summary" + Self.query).json()
        let asking = try program.flags() + collecting
        try await compare(api, asking)
        #expect(
            try await sandbox.run(["summary", "--verbose"] + asking).errors.contains(
                "hammurabi: asking the collector at "
            )
        )
        #expect(try await program.stop().exitCode == 0)
        try await compare(api, asking)
    }

    private func compare(_ api: NSDictionary, _ flags: [String]) async throws {
        let keys = ["calls": "callCount", "input_tokens": "totalInputTokens", "output_tokens": "totalOutputTokens"]
            .merging(
                [
                    "cache_read_tokens": "totalCacheReadTokens", "cache_write_tokens": "totalCacheWriteTokens",
                    "reasoning_tokens": "totalReasoningTokens", "cost": "totalCost", "unpriced_calls": "unpricedCalls",
                ]
            ) { $1 }
        let expected = keys.mapValues { (api[$0] as? NSNumber)?.doubleValue ?? -1 }
        for dimension in ["model", "agent", "project", "day", "week", "month", "session", "user", "machine"] {
            let command = ["summary", "--by", dimension] + Self.day + flags
            let json = try await sandbox.run(command + ["--json"]).json()
            let totals = try #require(json["totals"] as? [String: Any])
            let row = try #require((json["rows"] as? [[String: Any]])?.first)
            let csv = try await sandbox.run(command + ["--csv"]).output.split(separator: "\r\n")
            let tabs = try await sandbox.run(command + ["--header"]).output.split(separator: "\n")
            #expect(csv.map { String($0).replacing(",", with: "\t") } == tabs.map(String.init))
            let values = try #require(tabs.last).split(separator: "\t").map(String.init)
            for (title, value) in zip(try #require(tabs.first).split(separator: "\t"), values).dropFirst() {
                let number = expected[String(title)]
                #expect(Double(value) == number, "\(dimension) \(title)")
                #expect((totals[String(title)] as? NSNumber)?.doubleValue == number, "\(dimension) \(title)")
                #expect((row[String(title)] as? NSNumber)?.doubleValue == number, "\(dimension) \(title)")
            }
        }
    }

    @Test func `the report of a month has the numbers of the summary in every form`() async throws {
        try await collectOneCall()
        let month = String(recordedDay.prefix(7))
        let flags = ["--timezone", "UTC"] + Sandbox.anyPort
        let summary = try await sandbox.run(["summary", "--period", month, "--json"] + flags).json()
        let cost = try #require((summary["totalCost"] as? NSNumber)?.doubleValue)
        let tabs = try await sandbox.run(["report", month] + flags)
        #expect(tabs.exitCode == 0)
        let total = try #require(tabs.output.split(separator: "\n").first).split(
            separator: "\t",
            omittingEmptySubsequences: false
        )
        #expect(total[0] == "total" && total[1] == month && Double(total[2]) == cost)
        let json = try await sandbox.run(["report", month, "--json"] + flags).json()
        #expect((json["schema"] as? [String: Any])?["name"] as? String == "hammurabi.report")
        #expect(((json["totals"] as? [String: Any])?["cost"] as? NSNumber)?.doubleValue == cost)
        #expect(json["quality"] != nil && json["budgets"] != nil && json["summary"] != nil)
        let html = try await sandbox.run(["report", month, "--html"] + flags).output
        #expect(html.hasPrefix("<!doctype html>") && html.contains("claude-sonnet-4-5") && !html.contains("<script"))
        let wrong = try await sandbox.run(["report", "2026-13"] + flags)
        #expect(wrong.exitCode == 64)
        #expect(wrong.errors.contains("no month \"2026-13\": use YYYY-MM, such as 2026-11"))
        #expect(
            try await sandbox.run(["report", "2019-01"] + flags + ["--color", "always"]).output.contains("No calls")
        )
    }

    @Test func `a session is named by its id, the beginning of it, or not at all`() async throws {
        try await collectOneCall()
        let list = try await sandbox.run(["sessions"] + Sandbox.anyPort)
        #expect(list.output.hasPrefix(Self.id + "\t"))
        #expect(list.output.split(separator: "\n").count == 1)
        for name in [Self.id, "5267", "5"] {
            let one = try await sandbox.run(["sessions", name] + Sandbox.anyPort)
            #expect(one.exitCode == 0)
            #expect(
                one.output.contains(
                    "\tclaude-sonnet-4-5-20250929\tanthropic\t3\t9028\t2416\t464\t0\t0.0187374\ttrue\t"
                ),
                "\(one)"
            )
            let json = try await sandbox.run(["sessions", name, "--json"] + Sandbox.anyPort).json()
            #expect((json["schema"] as? [String: Any])?["name"] as? String == "hammurabi.session")
            #expect((json["session"] as? [String: Any])?["sessionId"] as? String == Self.id)
            #expect(((json["rows"] as? [[String: Any]])?.first)?["input_tokens"] as? Int == 3)
        }
        let none = try await sandbox.run(["sessions", "5268"] + Sandbox.anyPort)
        #expect(none.exitCode == 66)
        #expect(none.errors.hasPrefix("hammurabi: no session is called \"5268\"\n  help: "))
        let filtered = try await sandbox.run(["sessions", "--agent", "codex", "--json"] + Sandbox.anyPort).json()
        #expect((filtered["rows"] as? [Any])?.isEmpty == true)
        #expect(filtered["total"] as? Int == 0)
    }

    @Test func `a budget that is exceeded fails a build`() async throws {
        try await collectOneCall()
        let gate = ["budget", "check"] + Self.day + Sandbox.anyPort
        let good = try await sandbox.run(gate + ["--limit", "0.02"])
        #expect(good.exitCode == 0)
        #expect(good.output == "within budget: $0.02 of $0.02 (94%) in \(recordedDay)\n")
        #expect(good.errors == "hammurabi: 94% of the budget is used\n")
        #expect(try await sandbox.run(gate + ["--limit", "0.02", "--warn-at", "95%"]).errors == "")
        let bad = try await sandbox.run(gate + ["--limit", "0.01"])
        #expect(bad.exitCode == 1)
        #expect(bad.output == "over budget: $0.02 of $0.01 (187%) in \(recordedDay)\n")
        let json = try await sandbox.run(gate + ["--limit", "0.01", "--json"])
        #expect(json.exitCode == 1)
        #expect((try json.json()["rows"] as? [[String: Any]])?.first?["exceeded"] as? Bool == true)
        let none = try await sandbox.run(["budget", "check"] + Sandbox.anyPort)
        #expect(none.exitCode == 78)
        #expect(none.errors.hasPrefix("hammurabi: there is no budget to check against\n"))
    }

    @Test func `a status bar gets one line whatever happens`() async throws {
        try await collectOneCall()
        let known = try await sandbox.run(
            ["statusline"],
            input: #"{"session_id":"\#(Self.id)","model":{"id":"x"}}"#,
            environment: [:]
        )
        #expect(known.output.hasPrefix("$0.02 session | "), "\(known)")
        #expect(known.output.hasSuffix(" | 11k tok\n"))
        let unicode = try await sandbox.run(["statusline"], input: "no JSON", environment: ["LANG": "C.UTF-8"])
        #expect(unicode.output.contains(" today · "))
        try sandbox.write("receivers:\n", to: "config.yaml")
        #expect(try await sandbox.run("statusline").output.contains(" today | "))
        for config in ["config.yaml", "nothing.yaml"] {
            let wrong = try await sandbox.run("statusline", "--config", config)
            #expect(wrong.exitCode == 0)
            #expect(wrong.output == "hammurabi: the configuration is wrong; see hammurabi validate\n")
            #expect(wrong.errors == "")
        }
        let unusable = try await sandbox.run(
            "statusline",
            "--config",
            "/dev/null",
            "--set",
            "exporters.sqlite.path=/dev/null/x.db"
        )
        #expect(unusable.exitCode == 0)
        #expect(unusable.output.hasPrefix("hammurabi: "))
        #expect(unusable.output.split(separator: "\n").count == 1)
    }

    @Test func `every topic that the help names is explained`() async throws {
        let list = try await sandbox.run("help", "topics").output
        let topics = list.matches(of: /hammurabi help ([a-z-]+)/).map { String($0.1) }
        #expect(Set(topics).isSuperset(of: ["keys", "tls", "reload", "limits", "systemd", "container", "exit-codes"]))
        for topic in topics {
            let text = try await sandbox.run("help", topic).output
            #expect(text.count > 200 && !text.contains("USAGE: hammurabi <subcommand>"), "\(topic)")
        }
        #expect(try await sandbox.run("help", "keys").output.contains("USAGE: hammurabi keys"))
    }

    private static let exits: [(arguments: [String], code: Int32)] = [
        (["help", "exit-codes"], 0), (["budget", "check", "--limit", "0"], 64), (["summary", "--api-key-stdin"], 65),
        (["sessions", "nobody"], 66), (["top", "--once"], 69),
        (["summary", "--set", "exporters.sqlite.path=broken.db"], 74),
        (["summary", "--set", "exporters.sqlite.path=/dev/null/x.db"], 77),
        (["summary", "--set", "exporters.sqlite.records=some"], 78),
    ]

    @Test(arguments: exits)
    func `every exit code has its reason, in words and as JSON`(arguments: [String], code: Int32) async throws {
        let flags = code == 0 ? [] : Sandbox.anyPort
        try sandbox.write(String(repeating: "no database", count: 1_000), to: "broken.db")
        let outcome = try await sandbox.run(arguments + flags)
        #expect(outcome.exitCode == code, "\(outcome)")
        #expect(outcome.errors.isEmpty == (code == 0))
        guard code != 0 else { return }
        #expect(outcome.output == "")
        let json = try await sandbox.run(arguments + flags + ["--json"])
        #expect(json.exitCode == code)
        #expect(json.errors == "")
        let error = try #require(try json.json()["error"] as? [String: Any])
        #expect(Set(error.keys) == ["code", "kind", "message", "location", "suggestion"])
        #expect((error["message"] as? String)?.isEmpty == false)
    }

    @Test func `an invalid configuration is reported as JSON with its position`() async throws {
        try sandbox.write(
            "receivers: { otlp: }\nservice: { pipelines: { logs: { recievers: [otlp] } } }\n",
            to: "wrong.yaml"
        )
        let outcome = try await sandbox.run("sessions", "--json", "--config", "wrong.yaml")
        #expect(outcome.exitCode == 78)
        let error = try #require(try outcome.json()["error"] as? [String: Any])
        #expect((error["location"] as? String)?.hasPrefix("wrong.yaml:2:") == true)
        #expect(error["kind"] as? String == "configuration")
    }

    @Test func `people get tables also behind a pipe when they want colours`() async throws {
        try await collectOneCall()
        let command = ["summary", "--color", "always"] + Self.day + Sandbox.anyPort
        for (columns, title) in [
            ("80", "Model              Calls  Tokens"), ("140", "Model              Calls  Input  Cache read"),
        ] {
            let outcome = try await sandbox.run(command, environment: ["COLUMNS": columns, "LC_ALL": "C.UTF-8"])
            #expect(
                outcome.output.contains("\u{1B}[1mCost Summary\u{1B}[0m  \u{1B}[1m$0.02\u{1B}[0m / \(recordedDay)")
            )
            #expect(outcome.output.contains(title))
            #expect(outcome.output.contains("5267b88c "))
            #expect(outcome.output.contains("─"))
        }
        let plain = try await sandbox.run(command, environment: ["LC_ALL": "C"])
        #expect(plain.output.unicodeScalars.allSatisfy { $0.isASCII })
    }

    @Test(arguments: [("bash", "complete -"), ("zsh", "#compdef hammurabi"), ("fish", "complete -c 'hammurabi'")])
    func `shells get their completion`(shell: String, sign: String) async throws {
        let outcome = try await sandbox.run("completion", shell)
        #expect(outcome.exitCode == 0)
        #expect(outcome.output.contains(sign))
        #expect(outcome.output.contains("summary"))
    }

    @Test func `compacting removes what is too old`() async throws {
        try await collectOneCall()
        let command = ["compact"] + Sandbox.anyPort
        #expect(
            try await sandbox.run(command + ["--retention", "36500d"]).output
                == "Removed 0 records and calls older than 36,500 days.\n"
        )
        #expect(try await sandbox.run(command + ["--json"]).json()["ok"] as? Bool == true)
    }

    private func collectOneCall() async throws {
        let program = try await sandbox.collect()
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        #expect(try await program.stop().exitCode == 0)
    }
}

extension Sandbox {
    /// Flags that store usage in a store of this type.
    static func storing(_ type: String) -> [String] {
        guard type != "sqlite" else { return [] }
        return ["traces", "logs", "metrics"].flatMap { ["--set", "service.pipelines.\($0).exporters=[\(type)]"] } + [
            "--set", "exporters.sqlite=null", "--set", "exporters.\(type)={}", "--set", "extensions.hub.store=\(type)",
        ]
    }
}

extension RunningProgram {
    /// Flags with which a command finds this collector.
    func flags() throws -> [String] {
        let endpoint = try address().replacing("http://", with: "")
        return [
            "--set", "receivers.otlp.protocols.http.endpoint=\(endpoint)", "--set",
            "extensions.hub.endpoint=\(endpoint)",
        ]
    }
}
