// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Foundation
import Glibc
import Testing

/// Stores whose files are damaged, as by disks and careless programs: unreadable data is reported, and nothing ends the program.
@Suite(.serialized)
struct DamagedStoresTests {
    /// The kinds of damage to a file.
    enum Damage: CaseIterable {
        case random, zeroed, truncated, swapped

        /// Damages one or a few blocks of a file, never all of it.
        func apply(_ path: String, _ random: inout SeededGenerator) throws {
            let file = try FileHandle(forUpdating: URL(filePath: path))
            defer { try? file.close() }
            let size = Int(try file.seekToEnd())
            // A block is the unit that a disk loses.
            let block = [512, 4_096, 8_192].randomElement(using: &random) ?? 512
            guard size > block else { return }
            func place(_ random: inout SeededGenerator) -> UInt64 {
                UInt64(Int.random(in: 0...(size - block) / block, using: &random) * block)
            }
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let offset = place(&random)
                try file.seek(toOffset: offset)
                switch self {
                case .random: try file.write(contentsOf: Data(random.bytes(block)))
                case .zeroed: try file.write(contentsOf: Data(count: block))
                case .truncated: return try file.truncate(atOffset: max(offset, UInt64(block)))
                case .swapped:
                    let bytes = try file.read(upToCount: block) ?? Data()
                    try file.seek(toOffset: place(&random))
                    try file.write(contentsOf: bytes)
                }
            }
        }
    }

    private static let rounds = (1...hostileRounds).flatMap { round in
        ["sqlite", "jsonl"].flatMap { store in Damage.allCases.map { (store, $0, UInt64(round)) } }
    }

    @Test(arguments: rounds)
    func `a store that was damaged before the start is refused or degraded`(
        store: String,
        damage: Damage,
        seed: UInt64
    ) async throws {
        var random = SeededGenerator(seed: seed)
        let subject = try StoreProgram(store)
        try await subject.fill(200)
        // Read again from its lines: an intact checkpoint would hide the damage.
        if seed.isMultiple(of: 2) { try? FileManager.default.removeItem(atPath: subject.path + ".index") }
        try damage.apply(subject.path, &random)
        let program = try subject.sandbox.start(["run", "--config", "config.yaml"])
        while program.isRunning, !program.errorText.contains("ready http") {
            try await Task.sleep(for: .milliseconds(10))
        }
        guard program.isRunning else {
            let outcome = try await program.outcome()
            #expect([74, 77].contains(outcome.exitCode), "\(outcome.exitCode): \(outcome.errors)")
            #expect(outcome.errors.contains("store.\(store)"), "\(outcome.errors)")
            #expect(!outcome.errors.contains("free some space"), "\(outcome.errors)")
            return
        }
        try await Self.expectHonest(program, subject)
    }

    @Test(arguments: rounds)
    func `a store that is damaged while it is used is degraded`(store: String, damage: Damage, seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed: seed &+ 1_000)
        let subject = try StoreProgram(store)
        try await subject.fill(200)
        let program = try await subject.sandbox.serve()
        #expect(try await program.post("/api/telemetry/ingest", StoreProgram.events(200..<250)).status == 202)
        if seed.isMultiple(of: 2) { #expect(try await program.get("/api/telemetry/summary?period=30d").status == 200) }
        try damage.apply(subject.path, &random)
        try await Self.expectHonest(program, subject)
    }

    /// Each answer is complete or an error, a failing store makes the health degraded, and the program stops on request.
    private static func expectHonest(_ program: RunningProgram, _ subject: StoreProgram) async throws {
        let answers = try await program.askEverything()
        #expect(program.isRunning, "\(program.errorText)")
        for (question, status) in answers {
            #expect([200, 202, 404, 503].contains(status), "\(question): \(status)")
        }
        let errors = program.errorText
        let health = try await program.get("/api/health").json()["status"] as? String
        let unanswered = answers.filter { $0.key.hasPrefix("GET") && $0.value == 503 }
        if !unanswered.isEmpty {
            #expect(health == "degraded", "\(unanswered) \(errors)")
            #expect(errors.contains("store.\(subject.store)"), "\(errors)")
        }
        #expect(!errors.contains("free some space"), "\(errors)")
        // Not one line for each request, but one for each file or reason.
        #expect(
            errors.split(separator: "\n").count { $0.contains("is damaged") && $0.contains("found") } <= 1,
            "\(errors)"
        )
        #expect(try await program.stop().exitCode == 0, "\(program.errorText)")
    }

    @Test func `lines that cannot be read are passed over, counted and said`() async throws {
        let subject = try StoreProgram("jsonl")
        try await subject.fill(50)
        try FileManager.default.removeItem(atPath: subject.path + ".index")
        var lines = try String(contentsOfFile: subject.path, encoding: .utf8).split(separator: "\n").map(String.init)
        lines.insert("no JSON", at: 0)
        // A time before 1970 and a negative number of tokens: figures that this program never writes.
        let broken = lines[1].replacingOccurrences(of: #""inputTokens":1"#, with: #""inputTokens":-1"#)
        lines.insert(broken, at: 1)
        lines.insert(lines[2].replacingOccurrences(of: #""timeUnixNano":""#, with: #""timeUnixNano":"-"#), at: 1)
        try (lines.joined(separator: "\n") + "\n").write(toFile: subject.path, atomically: true, encoding: .utf8)
        let program = try await subject.sandbox.serve()
        #expect(try await program.get("/api/telemetry/summary?period=30d").json()["callCount"] as? Int == 50)
        let health = try await program.get("/api/health")
        #expect(try health.json()["status"] as? String == "degraded")
        let said = program.errorText.split(separator: "\n").filter { $0.contains("cannot be read and is passed over") }
        #expect(said.count == 1 && said[0].contains("data/store.jsonl"), "\(program.errorText)")
        let pipelines = try await program.get("/api/telemetry/pipelines").text
        #expect(pipelines.contains("3 lines of the store cannot be read"), "\(pipelines)")
        #expect(try await program.stop().exitCode == 0)
    }
}
