// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

struct CommandTests {
    private static let wrong = """
        receivers:
          otlp:
            protocols:
              http: { endpont: 127.0.0.1:4318 }
        exporters:
          sqlite: { records: some }
        service:
          pipelines:
            logs: { receivers: [otlp], exporters: [sqlit] }
        """

    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    @Test(arguments: [["run"], ["validate"], ["summary"], ["config", "print"]])
    func `a wrong configuration is explained whole on standard error`(command: [String]) async throws {
        try sandbox.write(Self.wrong, to: "wrong.yaml")
        let outcome = try await sandbox.run(command + ["--config", "wrong.yaml"])
        #expect(outcome.exitCode == 78)
        #expect(outcome.output == "")
        let headlines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("wrong.yaml:") }
        #expect(headlines.count == 4, "\(outcome.errors)")
        #expect(outcome.errors.hasSuffix("\n3 errors, 1 warning\n"))
    }

    @Test func `a good configuration is valid`() async throws {
        let builtIn = try await sandbox.run("validate")
        #expect(builtIn.exitCode == 0)
        #expect(builtIn.errors == "")
        #expect(builtIn.output == "built-in config: valid, 3 pipelines\n")
        let json = try await sandbox.run("validate", "--json")
        #expect(json.exitCode == 0)
        #expect(try json.json() == ["valid": true, "diagnostics": []])
        #expect(!FileManager.default.fileExists(atPath: sandbox.home.path))
    }

    @Test func `findings are there as JSON`() async throws {
        try sandbox.write(Self.wrong, to: "wrong.yaml")
        let outcome = try await sandbox.run("validate", "--json", "--config", "wrong.yaml")
        #expect(outcome.exitCode == 78)
        #expect(outcome.errors == "")
        #expect(try outcome.json()["valid"] as? Bool == false)
        let findings = try #require(try outcome.json()["diagnostics"] as? [[String: Any]])
        #expect(
            findings.map { $0["code"] as? String } == [
                "unknown-key", "unused-component", "invalid-value", "undeclared-component",
            ]
        )
        #expect(findings.map { $0["line"] as? Int } == [4, 6, 6, 9])
        #expect(findings.allSatisfy { $0["file"] as? String == "wrong.yaml" && $0["message"] is String })
    }

    @Test func `warnings fail the check only when they are to`() async throws {
        let unused = ["--set", "exporters.stdout={}"]
        let lenient = try await sandbox.run(["validate"] + unused)
        #expect(lenient.exitCode == 0)
        #expect(lenient.errors.contains("warning[unused-component]"))
        #expect(try await sandbox.run(["validate", "--deny-warnings"] + unused).exitCode == 1)
    }

    @Test func `tables are read when a configuration is checked`() async throws {
        let config = """
            receivers: { otlp: }
            processors:
              resource: { attributes: [{ key: team.id, from_attribute: user, table: teams.csv, key_column: who }] }
            exporters: { sqlite: }
            service: { pipelines: { logs: { receivers: [otlp], processors: [resource], exporters: [sqlite] } } }
            """
        try sandbox.write(config, to: "config.yaml")
        let missing = try await sandbox.run("validate")
        #expect(missing.exitCode == 0)
        #expect(missing.errors.contains("config.yaml:3:") && missing.errors.contains("warning[table]"))
        try sandbox.write("user,value\nada,red\n", to: "teams.csv")
        let wrong = try await sandbox.run("validate")
        #expect(wrong.exitCode == 78)
        #expect(wrong.errors.contains("teams.csv:1: there is no one column \"who\"; the columns are user, value"))
        try sandbox.write("who,value\nada,red\n", to: "teams.csv")
        #expect(try await sandbox.run("validate").exitCode == 0)
    }

    @Test func `every key of every component is listed with its meaning`() async throws {
        let outcome = try await sandbox.run("components", "--json")
        #expect(outcome.exitCode == 0)
        let components = try #require(try outcome.json()["components"] as? [[String: Any]])
        #expect(components.compactMap { $0["id"] as? String }.contains("otlp"))
        for component in components {
            let name = "\(component["kind"] ?? "") \(component["id"] ?? "")"
            #expect((component["summary"] as? String)?.isEmpty == false, "\(name)")
            for key in try #require(component["keys"] as? [[String: Any]]) {
                #expect((key["description"] as? String)?.isEmpty == false, "\(name) \(key["key"] ?? "")")
                #expect((key["type"] as? String)?.isEmpty == false, "\(name) \(key["key"] ?? "")")
            }
        }
        let text = try await sandbox.run("components")
        #expect(text.output.contains("receiver otlp  (stable, traces, logs, metrics, built-in)\n"))
        #expect(text.output.contains("    protocols.http.endpoint "))
    }

    @Test func `the configuration in force is complete and without secrets`() async throws {
        try sandbox.write(
            """
            receivers: { otlp: }
            exporters: { sqlite: { path: "${env:HOME}/secret.db" } }
            service: { pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } } }
            """,
            to: "config.yaml"
        )
        let outcome = try await sandbox.run("config", "print")
        #expect(outcome.exitCode == 0)
        #expect(outcome.errors == "")
        #expect(
            outcome.output.contains("path: \"${env:HOME}/secret.db\"\n")
                || outcome.output.contains("path: ${env:HOME}/secret.db\n"),
            "\(outcome.output)"
        )
        #expect(!outcome.output.contains(sandbox.folder.path))
        #expect(outcome.output.contains("max_request_body_size: 64MiB\n"))
        #expect(outcome.output.contains("records: all\n"))
        try sandbox.write(outcome.output, to: "again.yaml")
        #expect(try await sandbox.run("validate", "--config", "again.yaml").exitCode == 0)
    }

    @Test func `the default configuration is the file in the repository`() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let outcome = try await sandbox.run("config", "default")
        #expect(outcome.exitCode == 0)
        #expect(outcome.output == (try String(contentsOf: root.appending(path: "config.yaml"), encoding: .utf8)))
    }

    @Test func `the schema is JSON and knows the components`() async throws {
        let schema = try await sandbox.run("config", "schema").json()
        #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        let path = [
            "properties", "receivers", "patternProperties", "^(otlp)(/.+)?$", "properties", "protocols", "properties",
            "http",
        ]
        let http = path.reduce(schema as? [String: Any]) { $0?[$1] as? [String: Any] }
        #expect(http?["additionalProperties"] as? Bool == false)
        #expect((http?["properties"] as? [String: Any])?["endpoint"] != nil)
    }

    @Test(arguments: [
        (["run", "--colour"], "Error: Unknown option '--colour'"),
        (["sumary"], "Error: There is no command 'sumary'; did you mean \"summary\"?\n"),
        (["summary", "--period", "soon"], "Error: no period \"soon\""),
        (["summary", "--from", "2026-11-31", "--to", "2026-12-01"], "Error: no date \"2026-11-31\""),
        (["summary", "--until", "2026-13-01"], "Error: no date \"2026-13-01\": use YYYY-MM-DD"),
        (["summary", "--breakdown"], "Error: --breakdown goes with --by"),
        (["prices", "lst"], "Error: There is no command"),
        (["compact", "--retention", "90"], "Error: --retention: the duration \"90\" has no unit"),
        (["budget", "check", "--limit", "0"], "Error: --limit must be more than 0 dollars"),
        (["summary", "--timezone", "Mars/Olympus"], "Error: no time zone \"Mars/Olympus\""),
        (["summary", "--by", "phase"], "Error: The value 'phase' is invalid for '--by <dimension>'"),
        (["summary", "--json", "--csv"], "Error: give either --json or --csv, not both\n"),
    ])
    func `a command line that makes no sense is exit 64`(arguments: [String], message: String) async throws {
        let outcome = try await sandbox.run(arguments)
        #expect(outcome.exitCode == 64)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasPrefix(message), "\(outcome.errors)")
    }

    @Test func `help and version are answers`() async throws {
        let help = try await sandbox.run("--help")
        #expect(help.exitCode == 0)
        #expect(help.output.contains("USAGE: hammurabi <subcommand>"))
        #expect(try await sandbox.run("--version").output == "0.1.0\n")
    }
}
