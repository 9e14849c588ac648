// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Foundation
import Testing

struct OnboardTests {
    private let sandbox: Sandbox
    private let claude = "{\n  \"model\": \"opus\"\n}\n"
    private let codex = "# mine\nmodel = \"gpt-5.2-codex\"\n"

    init() throws {
        sandbox = try Sandbox()
        for folder in [".claude", ".codex/sessions"] {
            try FileManager.default.createDirectory(
                at: sandbox.folder.appending(path: folder),
                withIntermediateDirectories: true
            )
        }
        try sandbox.write(claude, to: ".claude/settings.json")
        try sandbox.write(codex, to: ".codex/config.toml")
    }

    private func text(_ name: String) -> String? {
        try? String(contentsOf: sandbox.folder.appending(path: name), encoding: .utf8)
    }

    private var isUntouched: Bool { text(".claude/settings.json") == claude && text(".codex/config.toml") == codex }

    @Test func `agents that are found are configured, and brought back byte for byte`() async throws {
        let collector = try await sandbox.collect()
        let address = try collector.address()
        let onboard = ["onboard", "--yes", "--endpoint", address]
        let first = try await sandbox.run(onboard)
        #expect(first.exitCode == 0, "\(first.errors)")
        #expect(first.output.contains("+    \"OTEL_EXPORTER_OTLP_ENDPOINT\": \"\(address)\""))
        #expect(text(".claude/settings.json")?.contains(address) == true)
        #expect(text(".codex/config.toml")?.hasPrefix(codex) == true)
        #expect(text(".codex/config.toml")?.contains("endpoint = \"\(address)/v1/logs\"") == true)
        let again = try await sandbox.run(onboard + ["--json"])
        #expect(again.exitCode == 0)
        let agents = try #require(try again.json()["agents"] as? [[String: Any]])
        #expect(agents.map { $0["name"] as? String } == ["claude-code", "codex"])
        #expect(agents.allSatisfy { $0["state"] as? String == "unchanged" })
        // The validation records are no usage.
        let sessions = try await collector.get("/api/telemetry/sessions").json()
        #expect(sessions["total"] as? Int == 0)
        let summary = try await collector.get("/api/telemetry/summary?period=30d").json()
        #expect(summary["callCount"] as? Int == 0 && summary["unpricedCalls"] as? Int == 0)
        let undone = try await sandbox.run("onboard", "--undo")
        #expect(undone.exitCode == 0)
        #expect(isUntouched)
        #expect(try await sandbox.run("onboard", "--undo").output == "There is nothing to undo.\n")
        _ = try await collector.stop()
    }

    @Test func `the status line of Claude Code is set up on request and runs`() async throws {
        let onboard = ["onboard", "--yes", "--no-check", "--agent", "claude-code"]
        #expect(try await sandbox.run(onboard + ["--dry-run"]).output.contains("statusLine") == false)
        let looked = try await sandbox.run(onboard + ["--dry-run", "--statusline"])
        #expect(looked.output.contains("+  \"statusLine\": {"))
        #expect(try await sandbox.run(onboard + ["--statusline"]).exitCode == 0)
        let settings = try #require(
            try JSONSerialization.jsonObject(with: Data((text(".claude/settings.json") ?? "").utf8)) as? [String: Any]
        )
        let line = try #require(settings["statusLine"] as? [String: String])
        #expect(line["type"] == "command")
        // The program is not on the search path of the tests.
        #expect(line["command"]?.hasPrefix("/") == true && line["command"]?.hasSuffix(" statusline") == true)
        #expect(try await sandbox.run("onboard", "--undo").exitCode == 0)
        #expect(isUntouched)
    }

    @Test func `nothing is written where no collector answers, no one answers questions, or only a look was asked for`()
        async throws
    {
        let closed = "http://127.0.0.1:9"
        let unreachable = try await sandbox.run("onboard", "--yes", "--endpoint", closed)
        #expect(unreachable.exitCode == 69)
        #expect(unreachable.errors.contains("no collector answers at \(closed)"))
        #expect(try await sandbox.run("onboard").exitCode == 64)
        let looked = try await sandbox.run("onboard", "--dry-run", "--endpoint", closed)
        #expect(looked.exitCode == 0)
        #expect(looked.output.contains("+[otel]\n"))
        let printed = try await sandbox.run("onboard", "--print", "--agent", "opencode", "--endpoint", closed)
        #expect(printed.exitCode == 0)
        #expect(printed.output.contains("export OTEL_EXPORTER_OTLP_ENDPOINT=\(closed)\n"))
        let service = try await sandbox.run("onboard", "--service", "--dry-run")
        #expect(service.exitCode == 0)
        #expect(service.output.contains("+Type=notify\n") && service.output.contains("/home/config.yaml"))
        let misspelt = try await sandbox.run("onboard", "--yes", "--agent", "codx")
        #expect(misspelt.exitCode == 64)
        #expect(misspelt.errors.contains("did you mean \"codex\"?"))
        #expect(try await sandbox.run("onboard", "--yes", "--endpoint", "127.0.0.1:1").exitCode == 64)
        #expect(isUntouched)
        #expect(!FileManager.default.fileExists(atPath: sandbox.home.path))
    }

    @Test func `a service of the machine is the package's unit, written below a root and undone`() async throws {
        let packaged = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../.ci/packaging/hammurabi.service").standardized
        let unit = try String(contentsOf: packaged, encoding: .utf8)
        let root = sandbox.folder.appending(path: "image").path
        let install = ["onboard", "--service", "--system", "--root", root]
        let printed = try await sandbox.run(install + ["--print"])
        #expect(printed.exitCode == 0 && printed.output == unit)
        let looked = try await sandbox.run(install + ["--dry-run"])
        #expect(looked.exitCode == 0 && looked.output.contains("+User=hammurabi\n"))
        #expect(!FileManager.default.fileExists(atPath: root))
        let written = try await sandbox.run(install + ["--yes"])
        #expect(written.exitCode == 0, "\(written)")
        let path = root + "/etc/systemd/system/hammurabi.service"
        #expect(try String(contentsOfFile: path, encoding: .utf8) == unit)
        let config = try String(contentsOfFile: root + "/etc/hammurabi/config.yaml", encoding: .utf8)
        #expect(config.contains("api_keys:"))
        #expect(try await sandbox.run(install + ["--yes"]).exitCode == 0)
        let undone = try await sandbox.run(install + ["--undo", "--yes"])
        #expect(undone.exitCode == 0, "\(undone)")
        #expect(!FileManager.default.fileExists(atPath: root + "/etc/systemd"))
        for wrong in [["--system"], ["--service", "--root", root], ["--service", "--system", "--root", "image"]] {
            #expect(try await sandbox.run(["onboard", "--print"] + wrong).exitCode == 64, "\(wrong)")
        }
    }

    @Test func `settings that send elsewhere or cannot be read are left, with a reason and an exit code`() async throws
    {
        try sandbox.write(
            "[otel]\nexporter = { otlp-grpc = { endpoint = \"http://me:pw@otel.example:4317\" } }\n",
            to: ".codex/config.toml"
        )
        let elsewhere = try await sandbox.run("onboard", "--yes", "--no-check", "--agent", "codex")
        #expect(elsewhere.exitCode == 1)
        #expect(elsewhere.output.contains("sends elsewhere: otel.exporter = http://***@otel.example:4317"))
        #expect(try await sandbox.run("onboard", "--yes", "--no-check", "--agent", "codex", "--force").exitCode == 0)
        #expect(text(".codex/config.toml")?.contains("127.0.0.1:4318/v1/logs") == true)
        try sandbox.write("{ \"model\": ", to: ".claude/settings.json")
        let broken = try await sandbox.run("onboard", "--yes", "--no-check", "--agent", "claude-code")
        #expect(broken.exitCode == 65)
        #expect(broken.errors.contains("settings.json:1:12: the text ends too early"))
        try sandbox.write("x", to: ".codex/config.toml")
        let changed = try await sandbox.run("onboard", "--undo")
        #expect(changed.exitCode == 1)
        #expect(text(".codex/config.toml") == "x")
    }

    @Test func `a key is written for the owner alone and never shown`() async throws {
        let file = sandbox.folder.appending(path: ".claude/settings.json")
        let key = "hub_0123456789abcdef"
        let program = try await sandbox.run(
            ["onboard", "--yes", "--no-check", "--agent", "claude-code", "--agent", "codex"],
            environment: ["HAMMURABI_API_KEY": key]
        )
        #expect(program.exitCode == 0)
        #expect(!(program.output + program.errors).contains(key))
        #expect(text(".claude/settings.json")?.contains("Authorization=Bearer \(key)") == true)
        #expect(text(".codex/config.toml")?.contains("\"Authorization\" = \"Bearer \(key)\"") == true)
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let bad = try await sandbox.run(
            ["onboard", "--yes", "--no-check"],
            environment: ["HAMMURABI_API_KEY": "two words"]
        )
        #expect(bad.exitCode == 65)
        #expect(!bad.errors.contains("two words"))
    }

    @Test func `a collector that requires a key gets one that may only write`() async throws {
        let keys = ["--set", "extensions.api_keys={}", "--set", "service.extensions=[hub, api_keys]"]
        let collector = try await sandbox.collect(arguments: keys)
        let address = try collector.address()
        let onboard = ["onboard", "--yes", "--endpoint", address, "--agent", "codex"]
        let without = try await sandbox.run(onboard)
        #expect(without.exitCode == 77)
        #expect(without.errors.contains("it requires a key; give one with --api-key-stdin"))
        #expect(isUntouched)
        let outcome = try await sandbox.run(onboard + keys)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let line = try #require(text(".codex/config.toml")?.split(separator: "\n").first { $0.hasPrefix("exporter") })
        let key = try #require(line.firstMatch(of: /Bearer (hammurabi_[A-Za-z0-9_-]+)/).map { String($0.output.1) })
        #expect(!(outcome.output + outcome.errors).contains(key))
        let records = try String(contentsOf: sandbox.home.appending(path: "keys.json"), encoding: .utf8)
        #expect(!records.contains(key) && records.contains("telemetry:write") && !records.contains("telemetry:read"))
        // A second run finds the key in the settings and creates no other.
        let again = try await sandbox.run(onboard + keys)
        #expect(again.exitCode == 0 && again.output.contains("Its settings are right already."), "\(again.errors)")
        #expect(
            try String(contentsOf: sandbox.home.appending(path: "keys.json"), encoding: .utf8).matches(of: /"id"/).count
                == 1
        )
        let refused = try await sandbox.run(
            onboard + ["--force"],
            environment: ["HAMMURABI_API_KEY": "hammurabi_unknown"]
        )
        #expect(refused.exitCode == 77)
        #expect(refused.errors.contains("the key is unknown there"))
        let accepted = try await sandbox.run(onboard, environment: ["HAMMURABI_API_KEY": key])
        #expect(accepted.exitCode == 0, "\(accepted.errors)")
        #expect(accepted.output.contains("Its settings are right already."))
        _ = try await collector.stop()
    }

    @Test func `a key that a person must set by hand is shown once`() async throws {
        let keys = ["--set", "extensions.api_keys={}", "--set", "service.extensions=[hub, api_keys]"]
        let collector = try await sandbox.collect(arguments: keys)
        let onboard = ["onboard", "--yes", "--endpoint", try collector.address(), "--agent", "gemini"] + keys
        let outcome = try await sandbox.run(onboard)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let shown = outcome.output.matches(of: /hammurabi_[A-Za-z0-9_-]{20,}/).map { String($0.output) }
        let key = try #require(shown.first)
        #expect(shown.count == 1)
        let answer = try await collector.request(
            "POST",
            "/v1/logs",
            try claudeCodeLogs(),
            type: "application/json",
            fields: ["Authorization": "Bearer \(key)"]
        )
        #expect(answer.status == 200)
        _ = try await collector.stop()
    }

    @Test(arguments: 0..<4)
    func `Ctrl-C at any question leaves everything as it was`(question: Int) async throws {
        let answers = ["1,2", "http://127.0.0.1:9", "y", "y"].prefix(question).map { $0 + "\r" }
        let outcome = try await sandbox.runAtTerminal(["onboard"], typing: answers + ["\u{3}"])
        #expect(outcome.exitCode == 130, "\(outcome.output)")
        #expect(outcome.output.contains("Nothing was changed."))
        #expect(isUntouched)
        #expect(!FileManager.default.fileExists(atPath: sandbox.home.path))
    }

    @Test func `questions lead to settings`() async throws {
        let answers = ["2", "http://127.0.0.1:9", "y", ""].map { $0 + "\r" }
        let outcome = try await sandbox.runAtTerminal(["onboard"], typing: answers)
        #expect(outcome.exitCode == 0, "\(outcome.output)")
        #expect(text(".claude/settings.json") == claude)
        #expect(text(".codex/config.toml")?.contains("http://127.0.0.1:9/v1/logs") == true)
    }

    @Test(arguments: [false, true])
    func `the first record of an agent is waited for`(asksForKey: Bool) async throws {
        let keys = asksForKey ? ["--set", "extensions.api_keys={}", "--set", "service.extensions=[hub, api_keys]"] : []
        let collector = try await sandbox.collect(arguments: keys)
        var fields: [String: String] = [:]
        if asksForKey {
            let made = try await sandbox.run(["keys", "create", "--name", "agent", "--scope", "write"] + keys)
            fields["X-Hammurabi-Api-Key"] = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        func send(_ body: String) async throws {
            _ = try await collector.request(
                "POST",
                "/v1/logs",
                Data(body.utf8),
                type: "application/json",
                fields: fields
            )
        }
        let onboard =
            [
                "onboard", "--yes", "--wait", "--json", "--agent", "claude-code", "--endpoint", try collector.address(),
            ] + keys
        let waiting = try sandbox.start(onboard)
        try await waitUntil { text(".claude/settings.json") != claude }
        // The agent sends again and again; only telemetry that is newer than the settings counts.
        let recorded = String(decoding: try claudeCodeLogs(), as: UTF8.self)
        try await send(recorded)
        try await waitUntil {
            let now = Date().timeIntervalSince1970
            let time = Date(timeIntervalSince1970: now).ISO8601Format()
            let fresh = recorded.replacing(/2026-11-22T08:13:\d\d\.\d+Z/, with: time)
                .replacing(/imeUnixNano":"\d+"/, with: "imeUnixNano\":\"\(Int64(now * 1_000))000000\"")
            try await send(fresh)
            return !waiting.isRunning
        }
        let report = try await waiting.outcome()
        #expect(report.exitCode == 0, "\(report.errors)")
        let agent = try #require((try report.json()["agents"] as? [[String: Any]])?.first)
        #expect(agent["firstRecordAt"] is String, "\(report.output)")
        // The key that was created for the wait is revoked.
        let kept = try? String(contentsOf: sandbox.home.appending(path: "keys.json"), encoding: .utf8)
        #expect(kept?.contains("telemetry:read") != true)
        _ = try await collector.stop()
    }

    // MARK: - doctor

    @Test func `doctor finds what is wrong and what is not`() async throws {
        let collector = try await sandbox.collect()
        let port = try #require(URL(string: try collector.address())?.port)
        let here = [
            "--set", "receivers.otlp.protocols.http.endpoint=127.0.0.1:\(port)", "--set",
            "extensions.hub.endpoint=127.0.0.1:\(port)", "--set",
            "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:\(port)",
        ]
        let good = try await sandbox.run(["doctor", "--json"] + here)
        #expect(good.exitCode == 0, "\(good.output)")
        let checks = try #require(try good.json()["checks"] as? [[String: Any]])
        #expect(checks.contains { $0["check"] as? String == "port \(port)" && $0["level"] as? String == "ok" })
        #expect(checks.contains { $0["check"] as? String == "codex" && $0["level"] as? String == "warning" })
        #expect(try await sandbox.run(["onboard", "--yes", "--endpoint", try collector.address()]).exitCode == 0)
        _ = try await collector.post("/v1/logs", try claudeCodeLogs())
        let heard = try await sandbox.run(["doctor"] + here)
        #expect(heard.output.contains("its settings send here; last telemetry 2026-11-22T08:13"), "\(heard.output)")
        _ = try await collector.stop()
        try sandbox.write("model = ", to: ".codex/config.toml")
        let bad = try await sandbox.run(["doctor"] + here)
        #expect(bad.exitCode == 1)
        #expect(bad.output.contains("it is free: no collector runs"))
        #expect(bad.output.contains("config.toml:1:"))
        #expect(bad.output.hasSuffix("1 error, 1 warning\n"), "\(bad.output)")
    }

    @Test func `doctor names who has the port of gRPC`() async throws {
        let listener = try ForeignListener()
        let outcome = try await sandbox.run([
            "doctor", "--set", "receivers.otlp.protocols.http.endpoint=127.0.0.1:1", "--set",
            "extensions.hub.endpoint=127.0.0.1:1", "--set",
            "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:\(listener.port)",
        ])
        #expect(
            outcome.output.contains("(process \(getpid())) listens there: calls of gRPC to this port do not reach"),
            "\(outcome.output)"
        )
    }

    @Test func `doctor names who else listens at the port`() async throws {
        let listener = try ForeignListener()
        let here = [
            "--set", "receivers.otlp.protocols.http.endpoint=127.0.0.1:\(listener.port)", "--set",
            "extensions.hub.endpoint=127.0.0.1:\(listener.port)",
        ]
        let outcome = try await sandbox.run(["doctor"] + here)
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.output.contains("(process \(getpid())) listens there and is not a collector"),
            "\(outcome.output)"
        )
    }
}
