// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import CollectorTesting
import Foundation
import Glibc
import Testing

/// The stores of all agents, read by the real program into each of its own stores.
struct AgentStoresTests {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
    }

    /// Those that can be in one home: the others have the rows of OpenCode under other names.
    private static var fixtures: [StoreFixture] {
        get throws { try StoreFixture.all.filter { !["kilo-cli", "mimocode", "opencode-channel"].contains($0.name) } }
    }

    /// Calls, uncached input, cache reads, cache writes, output of all of them together.
    private static var truth: [Int64] {
        get throws { try fixtures.reduce([0, 0, 0, 0, 0]) { sum, fixture in zip(sum, fixture.truth).map(+) } }
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
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = sandbox.folder.appending(path: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(bytes).write(to: file)
    }

    private func figures(_ program: RunningProgram) async throws -> [Int64] {
        let summary = try await program.get("/api/telemetry/summary?from=2025-01-01&to=2027-12-31").json()
        return [
            "callCount", "totalInputTokens", "totalCacheReadTokens", "totalCacheWriteTokens", "totalOutputTokens",
        ].map { (summary[$0] as? NSNumber)?.int64Value ?? -1 }
    }

    @Test(arguments: ["sqlite", "jsonl"])
    func `one scan of everything comes to the true sums`(store: String) async throws {
        try prepare(store)
        let fixtures = try Self.fixtures
        for file in fixtures.flatMap(\.files) { try write(file.bytes, to: file.path) }
        let scan = try await sandbox.run("scan", "--config", "config.yaml", "--json")
        #expect(scan.exitCode == 0, "\(scan.errors)")
        let report = try scan.json()
        #expect(report["problems"] as? [String] == [] && (report["unknownLines"] as? NSDictionary)?.count == 0)
        #expect(report["calls"] as? Int == Int(try Self.truth[0]) + fixtures.reduce(0) { $0 + $1.sums })
        let stores = Set((report["files"] as? [String: Int] ?? [:]).keys)
        #expect(stores == ["opencode", "gemini", "copilot", "cline", "pi", "qwen", "kimi", "amp"])
        let doctor = try await sandbox.run("doctor", "--config", "config.yaml").output
        for title in [
            "OpenCode", "Gemini CLI", "GitHub Copilot", "Cline", "pi and omp", "Qwen Code", "Kimi Code", "Amp",
        ] {
            #expect(doctor.contains(title), "\(doctor)")
        }
        let program = try await sandbox.serve()
        #expect(try await figures(program) == Self.truth)
        let quality = try await program.get("/api/telemetry/quality?from=2025-01-01&to=2027-12-31").json()
        let agents = (quality["sources"] as? [NSDictionary] ?? []).compactMap { $0["agent"] as? String }
        #expect(
            Set(agents) == [
                "opencode", "gemini-cli", "copilot", "cline", "roo-code", "kilo-code", "pi", "omp", "qwen-code",
                "kimi-code", "amp",
            ]
        )
        #expect(try await program.stop().exitCode == 0)
    }

    /// Files come in any order and are written again; between two of them the collector is killed, or loses its memory of what it has read.
    @Test(arguments: ["sqlite", "jsonl"])
    func `a collector that is killed between files comes to the true sums`(store: String) async throws {
        try prepare(store)
        var random = SeededGenerator(seed: 7)
        var program = try await sandbox.serve()
        let steps = try Self.steps(&random)
        for (number, file) in steps.enumerated() {
            try write(file.bytes, to: file.path)
            guard number % 4 == 3 else { continue }
            #expect(try await program.request("POST", "/api/telemetry/scan").status == 200)
            guard number % 12 == 11 else { continue }
            program.send(SIGKILL)
            _ = try await program.outcome()
            if Bool.random(using: &random) {
                try? FileManager.default.removeItem(at: sandbox.home.appending(path: "agent_sessions.checkpoint"))
            }
            program = try await sandbox.serve()
        }
        #expect(try await program.request("POST", "/api/telemetry/scan").status == 200)
        #expect(try await figures(program) == Self.truth)
        #expect(try await program.stop().exitCode == 0)
    }

    /// All files in any order in which the versions of one file keep theirs.
    private static func steps(_ random: inout SeededGenerator) throws -> [(path: String, bytes: [UInt8])] {
        let files = try fixtures.flatMap(\.files)
        var order = Array(files.indices).shuffled(using: &random)
        for path in Set(files.map(\.path)) {
            let places = order.indices.filter { files[order[$0]].path == path }
            for (place, index) in zip(places, places.map { order[$0] }.sorted()) { order[place] = index }
        }
        return order.map { files[$0] }
    }
}
