// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Files
import FlushCounter
import FoundationEssentials
import StoreFixtures
import Testing
import Usage

@testable import JSONLExporter

/// An acknowledged batch is on the disk, under a name: counted, because no killed process can show what a power cut would take.
struct DurabilityTests {
    @Test func `each acknowledgement has flushed the file, the first one its folders, too`() async throws {
        let bench = try await Bench(start: false, path: "deep/er/t.jsonl")
        let flushes = FlushCounter(below: bench.folder.path)
        try await bench.exporter.start()
        for number in UInt64(1)...20 {
            try await bench.consume([Batch([Observation(number)])])
            #expect(flushes.count("t.jsonl") >= Int(number))
        }
        #expect(flushes.count("/") == 1)
        #expect(flushes.all["deep"] == 1)
        #expect(flushes.all["deep/er", default: 0] >= 1)
        await bench.exporter.shutdown()
    }

    @Test func `without a flush for each batch there is one for many`() async throws {
        let bench = try await Bench { $0.sync = .never }
        let flushes = FlushCounter(below: bench.folder.path)
        for number in UInt64(1)...20 { try await bench.consume([Batch([Observation(number)])]) }
        #expect(flushes.count("t.jsonl") == 0)
        await bench.exporter.shutdown()
        #expect(flushes.count("t.jsonl") >= 1)
    }

    @Test func `what is acknowledged after its file was taken away is there after a restart`() async throws {
        let bench = try await Bench(start: false)
        let suite = StoreLossConformance(home: bench.folder.path) { folder, _ in
            try Bench.makeExporter("\(folder)/t.jsonl")
        }
        let violations = await suite.violations(of: ["t.jsonl", "t.jsonl.index", "t.jsonl.index-wal"])
        #expect(violations == [])
    }

    @Test(arguments: ["deleted", "cut"])
    func `a store whose file was taken away is another one at the next start`(loss: String) async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)])])
        let identity = bench.exporter.storeIdentity
        if loss == "cut" { try bench.write([]) } else { bench.remove("t.jsonl") }
        try await bench.consume([Batch([Observation(2)])])
        await bench.exporter.shutdown()
        try await bench.exporter.start()
        #expect(bench.exporter.storeIdentity != identity)
        await bench.exporter.shutdown()
    }

    @Test func `what a compaction writes is on the disk before it takes the place of the old files`() async throws {
        let bench = try await Bench()
        for day in [-9.0, -1] {
            try await bench.consume([Batch([Observation(UInt64(10 + day), at: morning + day * 86_400)])])
        }
        let flushes = FlushCounter(below: bench.folder.path)
        #expect(try await bench.store.compact(before: morning + -4 * 86_400) == 1)
        #expect(flushes.all["t.jsonl.compacting"] == 1)
        // The folder, for the file that is closed, for the name of the new one, and for those that are removed.
        #expect(flushes.all["/", default: 0] >= 3)
        await bench.exporter.shutdown()
    }

    @Test func `a store that forgot its number has forgotten it after a power cut`() async throws {
        let bench = try await Bench(start: false)
        let flushes = FlushCounter(below: bench.folder.path)
        let lock = try StoreLock(bench.folder.path + "/lock")
        let identity = lock.identity(isNew: true)
        #expect(lock.identity(isNew: false) == identity)
        let before = flushes.all["lock", default: 0]
        lock.forgetIdentity()
        #expect(flushes.all["lock"] == before + 1)
        #expect(lock.identity(isNew: false) != identity)
    }
}
