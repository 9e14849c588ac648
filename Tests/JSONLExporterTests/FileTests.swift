// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import OTLP
import StoreFixtures
import Testing
import Usage

@testable import JSONLExporter

/// What stands in which files, and that it is read back.
struct FileTests {
    @Test func `a line is an OTLP request with what was learned from it`() async throws {
        let bench = try await Bench()
        let batches = try smallCorpus()
        try await bench.consume(batches)
        let lines = bench.lines()
        try #require(lines.count == batches.count)
        for (line, batch) in zip(lines, batches) {
            #expect(line.hasPrefix(#"{"version":1,"receivedAt":"2026-11-22T08:00:00.000Z","records":"#))
            let request = try OTLPBatch(signal: .logs, json: Array(line.utf8))
            #expect(request.json() == batch.otlp.json())
        }
        #expect(
            lines[0].contains(
                #""calls":[{"callId":"0000000000000047","timestamp":"2026-11-22T08:00:00.000Z","sessionId":"a","#
            )
        )
        #expect(lines[0].contains(#""inputTokens":10,"outputTokens":1000,"cacheReadTokens":0,"cacheWriteTokens":0,"#))
        #expect(lines[0].contains(#""cost":0.00201,"priced":true,"computedCost":0.00201,"observations":[{"#))
        #expect(lines[1].contains(#""records":[[1,1]]"#))
        #expect(lines[3].contains(#""retired":["0000000000000048"]"#))
    }

    @Test func `with records usage only calls and sessions are written`() async throws {
        let bench = try await Bench { $0.records = .usage }
        try await bench.consume(try smallCorpus())
        #expect(bench.lines().allSatisfy { !$0.contains("resourceLogs") })
        #expect(try await bench.store.session(id: "a")?.calls.count == 1)
        #expect(try await bench.store.session(id: "a")?.events == [])
        let size = bench.bytes().count
        try await bench.consume(try smallCorpus())
        #expect(bench.bytes().count == size)
    }

    @Test(arguments: JSONLConfig.Sync.allCases)
    func `everything is there after a restart`(sync: JSONLConfig.Sync) async throws {
        let bench = try await Bench { $0.sync = sync }
        try await bench.consume(try smallCorpus())
        let facts = try await Facts(bench.store)
        await bench.exporter.shutdown()
        #expect(bench.files() == ["t.jsonl", "t.jsonl.index"])
        let store = try await bench.again()
        #expect(try await Facts(store) == facts)
        await store.shutdown()
        bench.removeIndex()
        #expect(try await Facts(bench.again()) == facts)
    }

    @Test func `the checkpoint of an earlier version is no longer needed`() async throws {
        let bench = try await Bench()
        try await bench.consume(try smallCorpus())
        let facts = try await Facts(bench.store)
        await bench.exporter.shutdown()
        bench.removeIndex()
        try bench.write(Array(#"{"version":1,"checkpoint":[]}"#.utf8), "t.jsonl.checkpoint")
        let store = try await bench.again()
        #expect(try await Facts(store) == facts)
        #expect(bench.files() == ["t.jsonl", "t.jsonl.index"])
        await store.shutdown()
    }

    @Test func `files are for their owner only`() async throws {
        let bench = try await Bench(start: false, path: "deep/er/t.jsonl")
        try await bench.exporter.start()
        try await bench.consume(try smallCorpus())
        await bench.exporter.shutdown()
        func rights(_ path: String) -> Int? {
            let attributes = try? FileManager.default.attributesOfItem(atPath: bench.folder.path + path)
            return (attributes?[.posixPermissions] as? NSNumber)?.intValue
        }
        #expect(rights("/deep/er") == 0o700 && rights("/deep") == 0o700)
        for file in ["t.jsonl", "t.jsonl.lock", "t.jsonl.index"] { #expect(rights("/deep/er/" + file) == 0o600) }
    }

    // MARK: - Rotation

    /// Files whose megabytes are small.
    private static var small: StorageCalls {
        var calls = StorageCalls.system
        calls.megabyte = 1_000
        return calls
    }

    /// Batches of about 1 KB, each with a call and a record in a session of its own, a day apart.
    private func large(_ count: Int) throws -> [Batch] {
        try (0..<count).map { number in
            let time = morning + Double(number - count) * 86_400
            let call = Observation(UInt64(number + 1), at: time, session: "s\(number)").with {
                $0.keys.request = UInt64(number + 1)
            }
            let name = String(repeating: "e", count: 400)
            return try Batch([call], records: [(name, "s\(number)", time)], pricing: testPricing())
        }
    }

    @Test func `all files together are the store`() async throws {
        let bench = try await Bench(calls: Self.small) { $0.rotation.maxMegabytes = 3 }
        try await bench.consume(try large(10))
        let facts = try await Facts(bench.store)
        #expect(bench.files().count > 3)
        #expect(bench.files().contains("t-\(morning.milliseconds).jsonl"))
        await bench.exporter.shutdown()
        let store = try await bench.again()
        #expect(try await Facts(store) == facts)
        await store.shutdown()
        bench.removeIndex()
        #expect(try await Facts(bench.again()) == facts)
    }

    @Test(arguments: [0, 1, 3])
    func `a compaction leaves the rest in one file, and a crash in it changes nothing`(megabytes: Int) async throws {
        let bench = try await Bench(calls: Self.small) { $0.rotation.maxMegabytes = megabytes }
        try await bench.consume(try large(10))
        let before = bench.files().filter { $0.hasPrefix("t-") }.map { ($0, bench.bytes($0)) }
        #expect(try await bench.store.compact(before: morning + -4 * 86_400 + 1_800) == 14)
        let facts = try await Facts(bench.store)
        #expect(facts.description.split(separator: "\n").count == 4)
        let kept = bench.files().filter { $0.hasPrefix("t-") }
        #expect(kept.count < max(2, before.count))
        try await bench.consume([try Batch([Observation(99, at: morning, session: "s9")])])
        let after = try await Facts(bench.store)
        await bench.exporter.shutdown()
        // The files that were replaced come back, as if they had not been removed, and half of a new one.
        for (name, bytes) in before where !bench.files().contains(name) { try bench.write(bytes, name) }
        try bench.write(Array("{\"version\":1,\"snap".utf8), "t.jsonl.compacting")
        bench.removeIndex()
        let store = try await bench.again()
        #expect(try await Facts(store) == after)
        #expect(bench.files().filter { $0.hasPrefix("t-") } == kept)
        #expect(!bench.files().contains("t.jsonl.compacting"))
    }

    @Test func `batches may come while the store is compacted`() async throws {
        let bench = try await Bench()
        try await bench.consume(try large(6))
        async let removed = bench.store.compact(before: morning + -2 * 86_400 + -60)
        for number in UInt64(100)..<140 {
            try await bench.consume([
                try Batch([Observation(number, at: morning, session: "new")], records: [("e\(number)", "new", morning)])
            ])
        }
        #expect(try await removed == 8)
        let facts = try await Facts(bench.store)
        #expect(try await bench.store.session(id: "new")?.calls.count == 40)
        #expect(try await bench.store.session(id: "new")?.events.count == 40)
        await bench.exporter.shutdown()
        bench.removeIndex()
        #expect(try await Facts(bench.again()) == facts)
    }
}
