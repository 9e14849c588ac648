// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import PostgresServer
import Testing

/// `hammurabi copy` between the stores of a configuration.
struct CopyCommandTests {
    private static let stores = ["jsonl"] + (PostgresServer.isInstalled ? ["postgresql"] : [])

    /// A collector with `sqlite`, and other stores that no pipeline uses.
    private static func sandbox() async throws -> Sandbox {
        let sandbox = try Sandbox()
        let port = try freePort()
        let datasource =
            PostgresServer.isInstalled ? try await PostgresServer.shared.value.datasource : "postgres://127.0.0.1:9/x"
        try sandbox.write(
            """
            receivers: { events: { endpoint: "127.0.0.1:\(port)" } }
            processors: { tokens: , pricing: { overrides: [{ model: m, input: 1, output: 2 }] } }
            exporters:
              sqlite: { path: ./store.db }
              jsonl: { path: ./store.jsonl }
              postgresql: { datasource: "\(datasource)", schema: copy\(UInt32.random(in: 0 ... .max)) }
              stdout:
            extensions: { hub: { endpoint: "127.0.0.1:\(port)", store: sqlite } }
            service:
              extensions: [hub]
              pipelines: { logs: { receivers: [events], processors: [tokens, pricing], exporters: [sqlite] } }
            """,
            to: "config.yaml"
        )
        return sandbox
    }

    private static func send(_ range: Range<Int>, to program: RunningProgram) async throws {
        let events = range.map { number in
            #"{"sessionId":"s\#(number % 5)","id":"\#(number)","inputTokens":\#(number),"outputTokens":1,"model":"m"}"#
        }
        let reply = try await program.post(
            "/api/telemetry/ingest",
            Data("[\(events.joined(separator: ","))]".utf8)
        )
        #expect(reply.status == 202)
    }

    private static func copy(_ sandbox: Sandbox, _ words: String...) async throws -> Outcome {
        try await sandbox.run(["copy", "--config", "config.yaml"] + words)
    }

    @Test(arguments: stores)
    func `everything is in the other store, and a second run adds nothing`(target: String) async throws {
        let sandbox = try await Self.sandbox()
        let program = try await sandbox.serve()
        try await Self.send(0..<200, to: program)
        let busy = try await Self.copy(sandbox, "--from", "sqlite", "--to", target)
        #expect(busy.exitCode == 74)
        #expect(busy.errors.contains("is running") && busy.errors.contains("stop it"), "\(busy.errors)")
        #expect(try await program.stop().exitCode == 0)
        let first = try await Self.copy(sandbox, "--from", "sqlite", "--to", target, "--json")
        #expect(first.exitCode == 0, "\(first.errors)\(first.output)")
        let document = try first.json()
        #expect(document["differences"] as? [String] == [])
        let (source, copied) = (document["source"] as? NSDictionary, document["target"] as? NSDictionary)
        #expect(source?["calls"] as? Int == 200 && source == copied)
        #expect((document["copied"] as? NSDictionary)?["sessions"] as? Int == 5)
        let second = try await Self.copy(sandbox, "--from", "sqlite", "--to", target)
        #expect(second.exitCode == 0)
        #expect(
            second.output.hasPrefix("Copied 5 sessions, 200 calls and 0 batches of records from sqlite to \(target)")
        )
        #expect(second.output.contains("Both stores have 200 counted calls"), "\(second.output)")
        let back = try await Self.copy(sandbox, "--from", target, "--to", "sqlite", "--json")
        #expect(try back.json()["target"] as? NSDictionary == source)
    }

    @Test func `names that are no stores are refused with the right ones`() async throws {
        let sandbox = try await Self.sandbox()
        let wrong = try await Self.copy(sandbox, "--from", "sqlit", "--to", "jsonl")
        #expect(wrong.exitCode == 78 && wrong.errors.contains("did you mean \"sqlite\"?"), "\(wrong.errors)")
        let none = try await Self.copy(sandbox, "--from", "sqlite", "--to", "stdout", "--json")
        #expect(none.exitCode == 78)
        #expect((try none.json()["error"] as? NSDictionary)?["code"] as? String == "unknown-store")
        #expect(try await Self.copy(sandbox, "--from", "jsonl", "--to", "jsonl").exitCode == 64)
        #expect(try await Self.copy(sandbox, "--from", "jsonl").exitCode == 64)
    }

    /// A collector with another configuration, which the hub of this one does not know.
    @Test func `a store that any other process has open is refused`() async throws {
        let sandbox = try await Self.sandbox()
        let port = try freePort()
        let config = try String(contentsOf: sandbox.folder.appending(path: "config.yaml"), encoding: .utf8)
        let other = config.replacing(/127\.0\.0\.1:\d+" }/, with: "127.0.0.1:\(port)\" }").replacing(
            /endpoint: "127\.0\.0\.1:\d+", store/,
            with: "endpoint: \"127.0.0.1:\(port)\", store"
        )
        try sandbox.write(other, to: "other.yaml")
        let program = try sandbox.start(["run", "--config", "other.yaml"])
        try await program.waitUntilReady()
        try await Self.send(0..<3, to: program)
        let busy = try await Self.copy(sandbox, "--from", "sqlite", "--to", "jsonl")
        #expect(busy.exitCode == 74)
        #expect(busy.errors.contains("process \(program.identifier)"), "\(busy.errors)")
        #expect(try await program.stop().exitCode == 0)
        #expect(try await Self.copy(sandbox, "--from", "sqlite", "--to", "jsonl").exitCode == 0)
    }

    @Test func `a copy that is killed or ended by Ctrl-C goes on where it was`() async throws {
        let sandbox = try await Self.sandbox()
        let program = try await sandbox.serve()
        for part in 0..<8 { try await Self.send(part * 1_000..<(part + 1) * 1_000, to: program) }
        #expect(try await program.stop().exitCode == 0)
        var codes: Set<Int32> = []
        for round in 0..<6 {
            let copy = try sandbox.start(["copy", "--config", "config.yaml", "--from", "sqlite", "--to", "jsonl"])
            try await Task.sleep(for: .milliseconds(100 + round * 60))
            copy.send(round % 2 == 0 ? SIGINT : SIGKILL)
            let outcome = try await copy.outcome()
            codes.insert(outcome.exitCode)
            if outcome.exitCode == -SIGINT, outcome.errors.contains("go on") {
                #expect(outcome.errors.contains("run the same command again"))
            }
        }
        #expect(codes.isSubset(of: [0, -SIGINT, -SIGKILL]), "\(codes)")
        let last = try await Self.copy(sandbox, "--from", "sqlite", "--to", "jsonl", "--json")
        #expect(last.exitCode == 0, "\(last.output)")
        let document = try last.json()
        #expect((document["target"] as? NSDictionary)?["calls"] as? Int == 8_000)
        #expect(document["source"] as? NSDictionary == document["target"] as? NSDictionary)
    }
}
