// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Usage

@testable import Onboarding

struct PlanTests {
    private func plan(_ agent: Agent, _ home: TemporaryHome, key: String? = nil, force: Bool = false) -> AgentPlan {
        AgentPlan.make(for: agent, to: home.destination(key: key), of: home.account, in: home.files, overriding: force)
    }

    @Test func `folders that the environment names are honoured`() throws {
        let root = NSTemporaryDirectory() + "onboarding-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        let home = try TemporaryHome(environment: [
            "CLAUDE_CONFIG_DIR": root + "/claude/", "CODEX_HOME": root + "/codex", "XDG_CONFIG_HOME": root + "/config",
            "HAMMURABI_HOME": root + "/hammurabi",
        ])
        #expect(plan(.claudeCode, home).paths == [root + "/claude/settings.json"])
        #expect(plan(.codex, home).paths == [root + "/codex/config.toml"])
        #expect(plan(.openCode, home).paths == [root + "/config/opencode/opencode.json"])
        #expect(home.account.programHome == root + "/hammurabi")
        #expect(ServiceUnit.path(of: home.account) == root + "/config/systemd/user/hammurabi.service")
        #expect(Account(environment: [:]) == nil && Account(environment: ["HOME": "relative"]) == nil)
    }

    @Test func `an administrator's settings that send elsewhere win`() throws {
        let home = try TemporaryHome()
        let managed = home.path + "/etc/claude-code/managed-settings.json"
        try home.write(#"{"env":{"OTEL_EXPORTER_OTLP_ENDPOINT":"https://otel.example:4318"}}"#, to: managed)
        let refused = plan(.claudeCode, home)
        #expect(refused.fault?.kind == .permission && refused.changes.isEmpty)
        #expect(refused.fault?.description.contains("the administrator's settings") == true)
        try home.write(#"{"env":{"OTEL_EXPORTER_OTLP_ENDPOINT":"http://localhost:4318"}}"#, to: managed)
        let agreed = plan(.claudeCode, home)
        #expect(agreed.fault == nil && !agreed.changes.isEmpty)
        #expect(agreed.notes.contains { $0.contains("overrides yours for OTEL_EXPORTER_OTLP_ENDPOINT") })
        try FileManager.default.removeItem(atPath: managed)
        let dropIn = home.path + "/etc/claude-code/managed-settings.d/10-telemetry.json"
        try home.write(#"{"env":{"CLAUDE_CODE_ENABLE_TELEMETRY":"0"}}"#, to: dropIn)
        #expect(plan(.claudeCode, home).fault?.description.contains("10-telemetry.json") == true)
    }

    @Test func `texts are never switched on, and a note names where they are on`() throws {
        let home = try TemporaryHome()
        for agent in Agent.allCases {
            _ = try home.place(of: agent)
            let contents = plan(agent, home, key: "k1").changes.map { String(decoding: $0.content, as: UTF8.self) }
            for text in contents {
                #expect(!text.contains("OTEL_LOG_") && !text.contains("log_user_prompt = true"))
                #expect(!text.contains("\"logPrompts\": true") && !text.contains("captureContent\": true"))
            }
        }
        try home.write(
            #"{"env":{"OTEL_LOG_USER_PROMPTS":"1","OTEL_LOG_TOOL_DETAILS":"0"}}"#,
            to: home.place(of: .claudeCode)
        )
        #expect(plan(.claudeCode, home).notes.contains { $0.contains("OTEL_LOG_USER_PROMPTS is on") })
        #expect(!plan(.claudeCode, home).notes.contains { $0.contains("TOOL_DETAILS") })
        try home.write("[otel]\nlog_user_prompt = true\n", to: home.place(of: .codex))
        #expect(plan(.codex, home).notes.contains { $0.contains("log_user_prompt is true") })
    }

    @Test func `settings that no file can hold are variables, without the key`() throws {
        let home = try TemporaryHome(environment: ["GEMINI_TELEMETRY_OTLP_ENDPOINT": "x"])
        let headers = "export OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20YOUR_KEY"
        for agent in [Agent.gemini, .qwen, .openCode, .copilot] {
            let lines = plan(agent, home, key: "hub_secret").environment.map(\.line)
            #expect(lines.contains(headers) && !lines.joined().contains("hub_secret"), "\(agent)")
        }
        #expect(
            plan(.openCode, home).environment.map(\.line) == [
                "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"
            ]
        )
        #expect(
            plan(.gemini, home).notes.contains { $0.contains("GEMINI_TELEMETRY_OTLP_ENDPOINT is set and overrides") }
        )
        #expect(!plan(.copilot, home).hasSettings && !plan(.cursor, home).hasSettings)
        #expect(EnvironmentVariable(name: "A", value: "it's $HOME").line == #"export A='it'\''s $HOME'"#)
    }

    @Test func `a note names a project's own settings`() throws {
        let project = NSTemporaryDirectory() + "onboarding-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: project) }
        let home = try TemporaryHome(environment: ["PWD": project])
        try home.write(#"{"env":{"OTEL_LOGS_EXPORTER":"none"}}"#, to: project + "/.claude/settings.local.json")
        try home.write(#"{"telemetry":{"enabled":false}}"#, to: project + "/.gemini/settings.json")
        #expect(plan(.claudeCode, home).notes.contains { $0.hasPrefix(project + "/.claude/settings.local.json has") })
        #expect(plan(.gemini, home).notes.contains { $0.hasPrefix(project + "/.gemini/settings.json has") })
        #expect(plan(.qwen, home).notes.isEmpty)
    }

    /// Claude Code's settings, who draws its status line, and what becomes of `statusLine`.
    @Test(arguments: [
        (
            "{\n  \"model\": \"opus\"\n}\n", AgentPlan.StatusLineOwner.none,
            "\n  \"statusLine\": {\n    \"type\": \"command\",\n    \"command\": \"hammurabi statusline\"\n  }\n}\n"
        ),
        (
            #"{"statusLine":{"type":"command","command":"hammurabi statusline --format short"}}"#, .this,
            "--format short"
        ),
        (#"{"statusLine":{"type":"command","command":"'/opt/my hub/hammurabi' statusline"}}"#, .this, "my hub"),
        (#"{"statusLine":{"type":"command","command":"ccusage statusline"}}"#, .other, "ccusage statusline"),
        (#"{"statusLine":null}"#, .other, #""statusLine":null"#), (#"{"statusLine":{}}"#, .other, #""statusLine":{}"#),
    ])
    func `a status line is set up where there is none`(before: String, owner: AgentPlan.StatusLineOwner, after: String)
        throws
    {
        let home = try TemporaryHome()
        let path = try home.place(of: .claudeCode)
        try home.write(before, to: path)
        let usual = home.destination(key: nil)
        let destination = Destination(
            endpoint: usual.endpoint,
            hostName: usual.hostName,
            statusLine: "hammurabi statusline"
        )
        func plan(_ destination: Destination) -> AgentPlan {
            AgentPlan.make(for: .claudeCode, to: destination, of: home.account, in: home.files)
        }
        #expect(plan(usual).statusLine == owner)
        #expect(
            !plan(usual).changes.contains { String(decoding: $0.content, as: UTF8.self).contains("hammurabi st") }
                || owner == .this
        )
        let wanted = plan(destination)
        let text = String(decoding: try #require(wanted.changes.first).content, as: UTF8.self)
        #expect(text.contains(after), "\(text)")
        #expect(wanted.notes.contains { $0.contains("has a status line of its own") } == (owner == .other))
        let changeLog = ChangeLog(home: home.account.programHome, files: home.files)
        for change in wanted.changes { try changeLog.apply(change, subject: "claude-code", now: home.now) }
        #expect(plan(destination).isConfigured)
        #expect(try changeLog.undo(["claude-code"], now: home.now).map(\.result) == [.restored])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == before)
        #expect(plan(Destination(endpoint: usual.endpoint)).statusLine == owner)
    }

    @Test func `agents without such a setting have no status line`() throws {
        let home = try TemporaryHome()
        for agent in Agent.allCases where agent != .claudeCode {
            #expect(plan(agent, home).statusLine == .unsupported, "\(agent)")
        }
    }

    @Test func `OpenCode's file with comments is the one that counts`() throws {
        let home = try TemporaryHome()
        let plain = try home.place(of: .openCode)
        try home.write("{}", to: plain)
        try home.write("{}", to: plain + "c")
        #expect(plan(.openCode, home).changes.map(\.file.path) == [plain + "c"])
    }

    @Test(arguments: [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318"), ("HTTP://Hub.Example", "http://hub.example:80"),
        ("https://hub.example/", "https://hub.example:443"),
        ("https://hub.example/otlp/", "https://hub.example:443/otlp"),
        ("http://[::1]:4318", "http://[::1]:4318"),
    ])
    func `addresses are understood`(text: String, address: String) {
        #expect(EndpointURL(text)?.description == address)
    }

    @Test(arguments: [
        "", "127.0.0.1:4318", "ftp://x", "http://", "http://:4318", "http://x:0", "http://x:99999", "http://x:4318?a=b",
        "http://user@x", "http://x:4318#f", "http://x y", "http://x:43:18", "http://x\n", "http://x/\"", "http://[::1",
    ])
    func `an invalid address is refused`(text: String) {
        #expect(EndpointURL(text) == nil)
    }

    @Test func `settings from nothing need no files`() throws {
        let account = try #require(Account(environment: ["HOME": "/nobody/is/here"]))
        let target = Destination(endpoint: EndpointURL(loopbackPort: 4_318), key: EnvironmentVariable.keyPlaceholder)
        for agent in Agent.allCases where agent.sendsTelemetry {
            let plan = AgentPlan.fromNothing(for: agent, to: target, of: account)
            #expect(plan.fault == nil && plan.changes.count == 1, "\(agent)")
        }
    }

    @Test func `agents are found by program, folder and sessions`() throws {
        let home = try TemporaryHome(environment: ["PATH": "/nowhere:bin"])
        let bin = home.path + "/bin"
        let account = try #require(Account(environment: ["HOME": home.path, "PATH": "relative:\(bin)"]))
        #expect(AgentFinding.all(of: account, in: home.files).allSatisfy { !$0.isPresent })
        try home.write("#!/bin/sh\n", to: bin + "/codex", mode: 0o755)
        try home.write("no program", to: bin + "/qwen", mode: 0o644)
        try home.makeFolder(of: home.path + "/.claude/projects/x")
        try home.makeFolder(of: home.path + "/.vscode/extensions/github.copilot-chat-1.0/x")
        let found = AgentFinding.all(of: account, in: home.files).filter(\.isPresent)
        #expect(found.map(\.agent) == [.claudeCode, .codex, .copilot])
        #expect(found[0].sessions == home.path + "/.claude/projects" && found[0].program == nil)
        #expect(found[1].program == bin + "/codex")
    }

    @Test func `a unit quotes unusual paths, and rejects those that it cannot hold`() throws {
        let unit = try #require(ServiceUnit(program: "/opt/my \"x\"/100%/$h", config: "/h/c.yaml", home: "/h/$x"))
        #expect(unit.text.contains(#"ExecStart="/opt/my \"x\"/100%%/$$h" run --config "/h/c.yaml""#))
        #expect(unit.text.contains("Environment=\"HAMMURABI_HOME=/h/$x\"\n"))
        #expect(unit.text.contains("Type=notify\n") && unit.text.hasSuffix("WantedBy=default.target\n"))
        #expect(ServiceUnit(program: "/a\nExecStartPre=/b", config: "/c", home: "/h") == nil)
        #expect(ServiceUnit(program: "hammurabi", config: "/c", home: "/h") == nil)
    }

    @Test func `installing a service writes a configuration only where there is none`() throws {
        let home = try TemporaryHome()
        let folder = home.account.programHome
        let unit = try #require(ServiceUnit(program: "/p", config: folder + "/config.yaml", home: folder))
        let changes = try unit.changes(account: home.account, defaultConfig: "a: b\n", in: home.files)
        #expect(changes.map(\.file.path) == [folder + "/config.yaml", ServiceUnit.path(of: home.account)])
        let changeLog = ChangeLog(home: folder, files: home.files)
        for change in changes { try changeLog.apply(change, subject: "service", now: home.now) }
        #expect(try unit.changes(account: home.account, defaultConfig: "other", in: home.files).isEmpty)
        #expect(try changeLog.undo(["service"], now: home.now).map(\.result) == [.removed, .removed])
        #expect(!FileManager.default.fileExists(atPath: home.path + "/.config"))
    }
}
