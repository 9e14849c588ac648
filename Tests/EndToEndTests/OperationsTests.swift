// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Foundation
import Testing

/// Keys, reload and status of the real program.
struct OperationsTests {
    private let sandbox: Sandbox
    private let port: Int

    init() throws {
        sandbox = try Sandbox()
        port = try freePort()
    }

    /// All components on one port that the commands can find in the configuration.
    private func config(_ more: String = "", keys: Bool = false) -> String {
        """
        receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:\(port)" } } } }
        processors: { tokens: , pricing: }
        exporters: { sqlite: }
        extensions:
          hub: { endpoint: "127.0.0.1:\(port)" }
          health_check: { endpoint: "127.0.0.1:\(port)", path: /health }
          api_keys:
        service:
          extensions: [hub, health_check\(keys ? ", api_keys" : "")]
          pipelines: { logs: { receivers: [otlp], processors: [tokens, pricing], exporters: [sqlite] } }
          \(more)
        """
    }

    private func run() async throws -> RunningProgram {
        let program = try sandbox.start(["run"])
        try await program.waitUntilReady()
        return program
    }

    @Test func `a key is made, let in, listed and revoked while the collector runs`() async throws {
        try sandbox.write(config(keys: true), to: "config.yaml")
        let program = try await run()
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 401)
        let made = try await sandbox.run("keys", "create", "--name", "laptop", "--scope", "write")
        #expect(made.exitCode == 0)
        let key = made.output.trimmingCharacters(in: .newlines)
        #expect(key.hasPrefix("hammurabi_"))
        #expect(try await eventually { try await program.send(key).status == 200 })
        #expect(
            try await program.request("GET", "/api/telemetry/summary", fields: ["Authorization": "Bearer \(key)"])
                .status == 403
        )
        let list = try await sandbox.run("keys", "list", "--json").json()
        let listed = try #require((list["keys"] as? [NSDictionary])?.first)
        #expect(listed["name"] as? String == "laptop")
        #expect(listed["scopes"] as? [String] == ["telemetry:write"])
        #expect(!"\(list)".contains(key))
        let file = try String(contentsOf: sandbox.home.appending(path: "keys.json"), encoding: .utf8)
        #expect(!file.contains(key.dropFirst(15)))
        #expect(try await sandbox.run("keys", "revoke", "laptop").exitCode == 0)
        #expect(try await eventually { try await program.send(key).status == 401 })
        #expect(try await sandbox.run("keys", "revoke", "laptop").exitCode == 66)
        #expect(try await sandbox.run("status").exitCode == 77)
        #expect(try await sandbox.run("status", "--ready").exitCode == 0)
        #expect(!program.errorText.contains(key))
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `SIGHUP puts a good configuration in force and a bad one not`() async throws {
        try sandbox.write(config(), to: "config.yaml")
        let program = try await run()
        try sandbox.write(config("telemetry: { logs: { encoding: json } }"), to: "config.yaml")
        program.send(SIGHUP)
        #expect(await eventually { program.errorText.contains("the new configuration is in force") })
        try sandbox.write(config("nonsense: 1\n  other: 2"), to: "config.yaml")
        program.send(SIGHUP)
        #expect(await eventually { program.errorText.contains("nonsense") && program.errorText.contains("other") })
        #expect(program.errorText.contains("{\"time\":\""))
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        try sandbox.write(config(keys: true), to: "config.yaml")
        program.send(SIGHUP)
        #expect(try await eventually { try await program.post("/v1/logs", try claudeCodeLogs()).status == 401 })
        #expect(try await program.stop().exitCode == 0)
    }

    @Test(arguments: [true, false])
    func `status --ready asks health_check, and the hub where there is none`(hasHealthCheck: Bool) async throws {
        // Without a component that is not used, of which a warning is printed.
        let whole = config().replacing("\n  api_keys:", with: "")
        let withoutIt = whole.split(separator: "\n").filter { !$0.contains("health_check: {") }.joined(separator: "\n")
            .replacing(", health_check", with: "")
        try sandbox.write(hasHealthCheck ? whole : withoutIt, to: "config.yaml")
        let none = try await sandbox.run("status", "--ready")
        #expect(none.exitCode == 69)
        #expect(none.errors.contains("127.0.0.1:\(port)"))
        let program = try await run()
        let ready = try await sandbox.run("status", "--ready")
        #expect(ready.exitCode == 0)
        #expect(ready.output == "" && ready.errors == "")
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `status shows the running collector, and reports when there is none`() async throws {
        try sandbox.write(config(), to: "config.yaml")
        let none = try await sandbox.run("status")
        #expect(none.exitCode == 69)
        #expect(none.errors.contains("127.0.0.1:\(port)"))
        let program = try await run()
        #expect(try await program.post("/v1/logs", try claudeCodeLogs()).status == 200)
        let status = try await sandbox.run("status", "--json")
        #expect(status.exitCode == 0)
        let components = try #require(try status.json()["components"] as? [NSDictionary])
        let receiver = try #require(components.first { $0["id"] as? String == "otlp" })
        #expect(receiver["accepted"] as? Int ?? 0 > 0)
        #expect(receiver["state"] as? String == "ok")
        let lines = try await sandbox.run("status").output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("exporter\tsqlite\tok\t") })
        #expect(lines.allSatisfy { $0.count { $0 == "\t" } == 11 })
        let pipelines = try #require(try status.json()["pipelines"] as? [NSDictionary])
        let accepted = try #require(pipelines.first { $0["name"] as? String == "logs" }?["accepted"] as? NSDictionary)
        let sent = try #require(components.first { $0["id"] as? String == "sqlite" })["accepted"] as? Int
        #expect((accepted["exporters"] as? NSDictionary)?["sqlite"] as? Int == sent)
        #expect((accepted["receivers"] as? NSDictionary)?["otlp"] as? Int == receiver["accepted"] as? Int)
        #expect(try await program.get("/ready").status == 200)
        #expect(try await program.get("/health").text.contains("Server available"))
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `samples of a component are shown`() async throws {
        try sandbox.write(config(), to: "config.yaml")
        #expect(try await sandbox.run("tap", "otlp").exitCode == 69)
        let program = try await run()
        let unknown = try await sandbox.run("tap", "nobody")
        #expect(unknown.exitCode == 66)
        #expect(unknown.errors.contains("no receiver, processor or exporter has this id"))
        let tap = try sandbox.start(["tap", "otlp", "--limit", "1"])
        let isOver = Task { try await tap.outcome() }
        // Nothing is shown until the reader is connected.
        #expect(
            try await eventually {
                _ = try await program.post("/v1/logs", try claudeCodeLogs())
                return !tap.isRunning
            }
        )
        let outcome = try await isOver.value
        #expect(outcome.exitCode == 0)
        #expect(outcome.output.hasPrefix("{\"resourceLogs\":["))
        #expect(outcome.output.split(separator: "\n").count == 1)
        #expect(try await program.stop().exitCode == 0)
    }

    @Test func `a tap whose key is revoked says so`() async throws {
        try sandbox.write(config(keys: true), to: "config.yaml")
        let program = try await run()
        func key(_ name: String, _ scope: String) async throws -> String {
            let made = try await sandbox.run("keys", "create", "--name", name, "--scope", scope)
            #expect(made.exitCode == 0)
            return made.output.trimmingCharacters(in: .newlines)
        }
        let (reader, sender) = (try await key("reader", "read"), try await key("sender", "write"))
        #expect(try await eventually { try await program.send(sender).status == 200 })
        let tap = try sandbox.start(["tap", "otlp"], environment: ["HAMMURABI_API_KEY": reader])
        #expect(
            try await eventually {
                _ = try await program.send(sender)
                return !tap.outputText.isEmpty
            }
        )
        #expect(try await sandbox.run("keys", "revoke", "reader").exitCode == 0)
        let outcome = try await tap.outcome()
        #expect(outcome.exitCode == 77)
        #expect(outcome.errors.contains("needs an API key"))
        #expect(try await program.stop().exitCode == 0)
    }

    /// Whether a connection to a port of this machine is open, by proc_net_tcp(5): state 01, `address:port` in hexadecimal digits.
    private static func hasConnection(to port: Int) throws -> Bool {
        // Each reading gives a part of the table, and its size is not known before.
        let table = try FileHandle(forReadingFrom: URL(filePath: "/proc/net/tcp")).readToEnd() ?? Data()
        return String(decoding: table, as: UTF8.self).split(separator: "\n").dropFirst().contains { line in
            let fields = line.split(separator: " ")
            return fields.count > 3 && fields[3] == "01"
                && fields[2].split(separator: ":").last.flatMap { Int($0, radix: 16) } == port
        }
    }

    @Test func `commands ask a collector that speaks TLS, also for an answer that goes on`() async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "CollectorTests/Fixtures/tls").path
        let tls = "tls: { cert_file: \(folder)/server.pem, key_file: \(folder)/server.key }"
        let plain = "endpoint: \"127.0.0.1:\(port)\""
        try sandbox.write(config().replacing(plain, with: "\(plain), \(tls)"), to: "config.yaml")
        #expect(try await sandbox.run("tap", "otlp").exitCode == 69)
        let program = try await run()
        #expect(try await sandbox.run("status").output.contains("receiver\totlp\tok\t"))
        let unknown = try await sandbox.run("tap", "nobody")
        #expect(unknown.exitCode == 66)
        #expect(unknown.errors.contains("no receiver, processor or exporter has this id"))
        let tap = try sandbox.start(["tap", "otlp", "--limit", "1"])
        // The tap waits for samples until the collector stops.
        try await waitUntil { try Self.hasConnection(to: port) }
        #expect(tap.isRunning)
        #expect(try await program.stop().exitCode == 0)
        #expect(try await tap.outcome().output == "")
    }
}

extension RunningProgram {
    /// Sends logs with a key.
    fileprivate func send(_ key: String) async throws -> Reply {
        try await request(
            "POST",
            "/v1/logs",
            try claudeCodeLogs(),
            type: "application/json",
            fields: ["X-Hammurabi-Api-Key": key]
        )
    }
}
