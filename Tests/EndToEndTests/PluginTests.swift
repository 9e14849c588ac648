// SPDX-License-Identifier: Apache-2.0

import ChildProcess
import CollectorTesting
import Foundation
import Testing

/// Components in other processes, by the real program.
struct PluginTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let examples = root.appending(path: "Plugins/Examples").path
    private static let query = "/api/telemetry/summary?from=2025-01-01&to=2027-12-31"

    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    /// A configuration whose pipelines have processors of plugins where `processors` says so.
    private static func config(_ processors: String, plugins: String, store: String = "sqlite") -> String {
        let pipelines = ["traces", "logs", "metrics"].map {
            "    \($0): { receivers: [otlp], processors: [\(processors)], exporters: [\(store)] }\n"
        }.joined()
        return """
            \(plugins)
            receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
            exporters: { \(store): { path: ./store.\(store == "sqlite" ? "db" : "jsonl") } }
            extensions: { hub: { endpoint: "127.0.0.1:0", store: \(store) } }
            service:
              extensions: [hub]
              pipelines:
            \(pipelines)
            """
    }

    /// The requests of all recordings, with their signal and media type.
    private static func recordings() throws -> [(signal: String, type: String, body: Data)] {
        let folder = root.appending(path: "Tests/TokensProcessorTests/Fixtures")
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
        return try files.compactMap { file in
            guard let name = file.split(separator: "/").last, name.hasSuffix(".gz"),
                let signal = ["traces", "logs", "metrics"].first(where: { name.contains("-\($0).") })
            else { return nil }
            let type = name.contains(".json") ? "application/json" : "application/x-protobuf"
            return (signal, type, try Data(contentsOf: folder.appending(path: file)))
        }
    }

    private func replay(_ program: RunningProgram) async throws -> [String: NSObject] {
        for request in try Self.recordings() {
            let reply = try await program.request(
                "POST",
                "/v1/\(request.signal)",
                request.body,
                type: request.type,
                fields: ["Content-Encoding": "gzip"]
            )
            #expect(reply.status == 200, "\(reply.text)")
        }
        let summary = try await program.get(Self.query).json()
        let keys = [
            "callCount", "totalInputTokens", "totalOutputTokens", "totalCacheReadTokens", "totalCacheWriteTokens",
            "totalReasoningTokens", "totalCost", "sessionCount",
        ]
        return Dictionary(uniqueKeysWithValues: keys.map { ($0, summary[$0] as? NSObject ?? NSNull()) })
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `recorded traffic gives the same totals with processors in Python and C in front of the store`(store: String)
        async throws
    {
        #expect(try Self.recordings().count > 40)
        try sandbox.write("user,team\nnobody,none\n", to: "teams.csv")
        let folder = sandbox.folder.path
        let compiler = try ChildProcess(["cc", "-O2", "-o", "\(folder)/stamp", "\(Self.examples)/C/stamp.c"])
        #expect(await compiler.status().code == 0)
        let plugins = """
            plugins:
              team: { command: [/usr/bin/python3, \(Self.examples)/Python/team.py] }
              stamp: { command: [\(folder)/stamp] }
            """
        let processors =
            "processors: { tokens: , pricing: , team: { map: \(folder)/teams.csv }, stamp: { key: team.stamp, value: x } }"
        try sandbox.write(
            Self.config("tokens, pricing, team, stamp", plugins: plugins + "\n" + processors, store: store),
            to: "config.yaml"
        )
        let plain = try Sandbox()
        try plain.write(
            Self.config("tokens, pricing", plugins: "processors: { tokens: , pricing: }", store: store),
            to: "config.yaml"
        )
        let (reference, program) = (try await plain.serve(), try await sandbox.serve())
        let expected = try await replay(reference)
        #expect((expected["callCount"] as? Int ?? 0) > 5)
        #expect(try await replay(program) == expected)
        #expect(try await program.stop().exitCode == 0)
        #expect(try await reference.stop().exitCode == 0)
    }

    /// A processor in Python whose work on a batch is `body`.
    private func plugin(_ body: String, named name: String = "x") throws {
        try sandbox.write(
            """
            #!/usr/bin/env python3
            import os, sys, time
            sys.path.insert(0, "\(Self.examples)/Python")
            import hammurabi_plugin as hub
            class X(hub.Processor):
                type = "x"
                summary = "does \(name)"
                def process(self, batch):
                    \(body)
            hub.run(X, version="\(name)")
            """,
            to: "x.py"
        )
        let path = sandbox.folder.appending(path: "x.py").path
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    private func configure(_ processor: String = "{}") throws {
        let plugins =
            "plugins: { x: { command: [\(sandbox.folder.path)/x.py] } }\nprocessors: { x: \(processor), tokens: , pricing: }"
        try sandbox.write(Self.config("x, tokens, pricing", plugins: plugins), to: "config.yaml")
    }

    @Test func `a plugin is listed, validated and described like any other component`() async throws {
        try plugin("pass", named: "one")
        try configure("{ on_error: maybe, timeout: 5s }")
        let wrong = try await sandbox.run("validate", "--config", "config.yaml")
        #expect(wrong.exitCode == 78 && wrong.errors.contains("config.yaml:2:") && wrong.errors.contains("on_error"))
        try configure("{ on_error: pass }")
        #expect(try await sandbox.run("validate", "--config", "config.yaml").exitCode == 0)
        let looked = try await sandbox.run("validate", "--no-plugins", "--config", "config.yaml")
        #expect(looked.exitCode == 0 && looked.errors.contains("is not checked"))
        let list = try await sandbox.run("components", "--json", "--config", "config.yaml").json()
        let found = (list["components"] as? [[String: Any]])?.first { $0["id"] as? String == "x" }
        #expect(found?["origin"] as? String == "plugin x" && found?["summary"] as? String == "does one")
        #expect(try await sandbox.run("components", "x", "--config", "config.yaml").output.contains("`on_error`"))
        #expect(try await sandbox.run("config", "schema", "--config", "config.yaml").output.contains("\"^(x)(/.+)?$\""))
        let plugins = try await sandbox.run("plugins", "list", "--json", "--config", "config.yaml").json()
        #expect((plugins["plugins"] as? [[String: Any]])?.first?["title"] as? String == "x one")
        #expect(try await sandbox.run("plugins", "guide").output.contains("u32 length of the payload"))
    }

    @Test func `a changed program takes over at a reload, and a broken one does not`() async throws {
        try plugin("for record in batch: record.set('seen', 'one')", named: "one")
        try configure()
        let program = try await sandbox.serve()
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        try plugin("for record in batch: record.drop()", named: "two")
        program.send(SIGHUP)
        try await waitUntil { program.errorText.contains("the new configuration is in force") }
        #expect(program.errorText.contains("changes=1"))
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        // What breaks after --describe is known by its first run only.
        try plugin("pass\n    def open(self): sys.exit(3)", named: "three")
        program.send(SIGHUP)
        try await waitUntil { program.errorText.contains("cannot be put in force") }
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        #expect(try await program.get(Self.query).json()["callCount"] as? Int == 1)
        #expect(try await program.stop().exitCode == 0)
    }

    @Test(arguments: ["os._exit(1)", "time.sleep(60)", "os.kill(os.getppid(), 0); os.close(3); time.sleep(60)"])
    func `a batch that kills its plugin goes back to its sender, and the collector goes on`(body: String) async throws {
        let marker = sandbox.folder.appending(path: "marker").path
        try plugin("if not os.path.exists('\(marker)'): open('\(marker)', 'w').close(); \(body)")
        try configure("{ timeout: 1s }")
        let program = try await sandbox.serve()
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 503)
        try await waitUntil { try await program.post("/v1/logs", try claudeCodeLogs()).status == 200 }
        #expect(try await program.get(Self.query).json()["callCount"] as? Int == 1)
        #expect(program.errorText.contains("the plugin has ended; it is started again"))
        let starts = program.errorText.components(separatedBy: "the plugin has ended").count - 1
        let metrics = try await program.get("/metrics").text
        #expect(metrics.contains(#"hammurabi_component_restarts_total{kind="processor",component="x"} \#(starts)"#))
        #expect(!metrics.contains(#"restarts_total{kind="exporter"#))
        #expect(try await program.stop().exitCode == 0)
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `a plugin that wants calls labels them, and the answers have the labels`(store: String) async throws {
        try plugin(
            """
            for call in batch.calls:
                        batch.records[call['record']].label('user', 'ada of ' + call['model'])
                        batch.records[call['record']].label('project', 'never' if call.get('project') else 'engines')
            """
        )
        let path = sandbox.folder.appending(path: "x.py").path
        let text = try String(contentsOfFile: path, encoding: .utf8)
            .replacing("type = \"x\"", with: "type = \"x\"\n    wants = ['records', 'calls']")
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        let plugins = "plugins: { x: { command: [\(path)] } }\nprocessors: { x: , tokens: , pricing: }"
        try sandbox.write(Self.config("tokens, pricing, x", plugins: plugins, store: store), to: "config.yaml")
        let program = try await sandbox.serve()
        let span = { (number: Int, user: String) in
            #"{"traceId":"0102030405060708090a0b0c0d0e0f1\#(number)","spanId":"010203040506070\#(number)","name":"chat","startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000001000000000","attributes":[\#(user){"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.response.model","value":{"stringValue":"m"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"\#(7 + number)"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"5"}}]}"#
        }
        let named = #"{"key":"user.id","value":{"stringValue":"bob"}},"#
        let body =
            #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[\#(span(1, "")),\#(span(2, named))]}]}]}"#
        #expect(try await program.post("/v1/traces", Data(body.utf8)).status == 200)
        let summary = try await program.get(Self.query).json()
        let users = summary["byUser"] as? [String: [String: Any]]
        #expect(users?["ada of m"]?["calls"] as? Int == 1 && users?["bob"]?["calls"] as? Int == 1, "\(summary)")
        let projects = summary["byProject"] as? [String: [String: Any]]
        #expect(projects?["engines"]?["calls"] as? Int == 2, "\(summary)")
        #expect(summary["totalInputTokens"] as? Int == 17)
        #expect(try await program.stop().exitCode == 0)
    }

    /// A collector whose only exporter is the example in Python behind its queue on the disk.
    private static func ledger(_ path: String) -> String {
        let pipelines = ["traces", "logs", "metrics"].map {
            "    \($0): { receivers: [otlp], exporters: [ledger_csv] }\n"
        }.joined()
        return """
            plugins: { ledger: { command: [/usr/bin/python3, \(examples)/Python/ledger.py] } }
            receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
            exporters:
              ledger_csv: { path: \(path), attributes: [id], retry_on_failure: { initial_interval: 10ms, max_interval: 50ms } }
            service:
              pipelines:
            \(pipelines)
            """
    }

    private static func lines(_ path: String) -> Set<Substring> {
        Set(((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(whereSeparator: \.isNewline))
    }

    /// What a ledger has of all recordings when nothing is killed.
    private func undisturbedLedger() async throws -> Set<Substring> {
        let plain = try Sandbox()
        let path = plain.folder.appending(path: "ledger.csv").path
        try plain.write(Self.ledger(path), to: "config.yaml")
        let program = try await plain.serve()
        for request in try Self.recordings() { #expect(try await Self.send(request, to: program) == 200) }
        #expect(try await program.stop().exitCode == 0)
        return Self.lines(path)
    }

    private static func send(_ request: (signal: String, type: String, body: Data), to program: RunningProgram)
        async throws -> Int
    {
        try await program.request(
            "POST",
            "/v1/\(request.signal)",
            request.body,
            type: request.type,
            fields: request.body.first == 0x1F ? ["Content-Encoding": "gzip"] : [:]
        ).status
    }

    /// A round more for every fifty of `HAMMURABI_PLUGIN_ROUNDS`.
    @Test
    func `everything acknowledged arrives although the exporter in Python and the collector are killed at random`()
        async throws
    {
        let wanted = ProcessInfo.processInfo.environment["HAMMURABI_PLUGIN_ROUNDS"].flatMap { Int($0) } ?? 0
        let expected = try await undisturbedLedger()
        #expect(expected.count > 100)
        var random = SeededGenerator(seed: 11)
        for round in 0..<1 + wanted / 50 { try await killedRound(round, expected, &random) }
    }

    private func killedRound(_ round: Int, _ expected: Set<Substring>, _ random: inout SeededGenerator) async throws {
        let path = sandbox.folder.appending(path: "ledger\(round).csv").path
        try sandbox.write(Self.ledger(path), to: "config.yaml")
        var program = try await sandbox.serve()
        var (ids, kills, lastKill) = (Set<Substring>(), 0, 0)
        for (number, recording) in try Self.recordings().enumerated() {
            let id = "id\(round)-\(number)"
            let own =
                #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"id","value":{"stringValue":"\#(id)"}}]}]}]}]}"#
            for request in [recording, (signal: "logs", type: "application/json", body: Data(own.utf8))] {
                // What is not acknowledged is sent again, to the collector that has taken its place.
                while true {
                    if (try? await Self.send(request, to: program)) == 200 { break }
                    if !program.isRunning { program = try await sandbox.serve() }
                }
            }
            ids.insert(Substring(id))
            if random.next() % 2 == 0 { try await Task.sleep(for: .milliseconds(Int64(random.next() % 30))) }
            guard random.next() % 5 == 0 else { continue }
            // The fifth end within a minute would put off the next start for a minute, so the collector is next.
            if kills - lastKill < 4, Self.killChild(of: program.identifier) {
                kills += 1
            } else if kills > lastKill {
                program.send(SIGKILL)
                _ = try await program.outcome()
                lastKill = kills
            }
        }
        #expect(kills > 2)
        if !program.isRunning { program = try await sandbox.serve() }
        try await waitUntil {
            let lines = Self.lines(path)
            return expected.isSubset(of: lines) && ids.isSubset(of: lines.map { $0.split(separator: ",").last ?? "" })
        }
        #expect(try await program.stop().exitCode == 0)
        // Nothing but what was sent: what arrived twice is the same twice.
        #expect(Self.lines(path).subtracting(expected).count == ids.count)
    }

    /// Kills a child of a process; whether there was one.
    private static func killChild(of process: pid_t) -> Bool {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        let children = tasks.flatMap { task in
            ((try? String(contentsOfFile: "/proc/\(process)/task/\(task)/children", encoding: .utf8)) ?? "")
                .split(separator: " ").compactMap { pid_t($0) }
        }
        return children.map { kill($0, SIGKILL) == 0 }.contains(true)
    }

    @Test func `a plugin and its children die with the collector`() async throws {
        let pids = sandbox.folder.appending(path: "pids").path
        try plugin(
            "pid = os.fork()\n        if pid == 0: time.sleep(600)\n        open('\(pids)', 'a').write('%d %d ' % (os.getpid(), pid))"
        )
        try configure()
        let program = try await sandbox.serve()
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        let numbers = try String(contentsOfFile: pids, encoding: .utf8).split(separator: " ").compactMap { pid_t($0) }
        #expect(numbers.count == 2)
        program.send(SIGTERM)
        _ = try await program.outcome()
        for number in numbers { #expect(await eventually { Self.isGone(number) }) }
    }

    @Test func `a plugin dies with a collector that is killed`() async throws {
        let pids = sandbox.folder.appending(path: "pids").path
        try plugin("open('\(pids)', 'a').write('%d ' % os.getpid()); time.sleep(0)")
        try configure()
        let program = try await sandbox.serve()
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        let number = try #require(try String(contentsOfFile: pids, encoding: .utf8).split(separator: " ").first)
        program.send(SIGKILL)
        _ = try await program.outcome()
        #expect(await eventually { Self.isGone(pid_t(number) ?? 0) })
    }

    /// Whether a process is no more, or only waits for its parent to ask how it ended.
    private static func isGone(_ number: pid_t) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8) else { return true }
        return status.split(separator: ")").last?.split(separator: " ").first == "Z"
    }

    @Test(arguments: ["--python", "--c"])
    func `a new plugin passes the check and runs`(language: String) async throws {
        #expect(try await sandbox.run("plugins", "new", language, "greeting").exitCode == 0)
        #expect(try await sandbox.run("plugins", "new", language, "greeting").exitCode == 74)
        let folder = sandbox.folder.appending(path: "greeting").path
        if language == "--c" {
            let compiler = try ChildProcess(["cc", "-o", "\(folder)/greeting", "\(folder)/greeting.c"])
            #expect(await compiler.status().code == 0)
        }
        let program = language == "--c" ? "greeting/greeting" : "greeting/greeting.py"
        let check = try await sandbox.run("plugins", "check", "./\(program)")
        #expect(check.exitCode == 0, "\(check.output)\(check.errors)")
        #expect(!check.output.contains("NOT"))
    }

    @Test(arguments: ["team.py", "ledger.py"])
    func `the examples pass the check`(example: String) async throws {
        try sandbox.write("user,team\n", to: "teams.csv")
        let with = example == "team.py" ? "map: \(sandbox.folder.path)/teams.csv" : "path: \(sandbox.folder.path)/l.csv"
        let check = try await sandbox.run("plugins", "check", "\(Self.examples)/Python/\(example)", "--with", with)
        #expect(check.exitCode == 0, "\(check.output)\(check.errors)")
    }

    @Test(arguments: [
        ("hub._outcome = lambda *a, **k: b'x'", "RESULT"),
        ("hub._Connection.frame = lambda s: time.sleep(60)", "HELLO"),
        ("hub.PONG = 6", "PONG"), ("hub.BYE = 10", "BYE"),
        ("X.process = lambda self, batch: batch.replace(batch.otlp)", "whole request"),
        (
            "old = hub.Batch._change\nhub.Batch._change = lambda s, o, w, r, *a: old(s, o, w, r + 5000, *a)",
            "delta names record"
        ),
    ])
    func `the check finds what falls short`(fault: String, word: String) async throws {
        try plugin("for record in batch: record.set('a', 1)")
        let path = sandbox.folder.appending(path: "x.py").path
        let text = try String(contentsOfFile: path, encoding: .utf8).replacing("hub.run(", with: "\(fault)\nhub.run(")
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        let check = try await sandbox.run("plugins", "check", "./x.py")
        #expect(check.exitCode == 1)
        #expect(check.output.contains("NOT") && check.output.contains(word), "\(check.output)")
    }
}
