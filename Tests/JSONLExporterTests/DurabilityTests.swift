// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FlushCounter
import FoundationEssentials
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
        #expect(await suite.violations(of: ["t.jsonl"]) == [])
    }

    @Test(arguments: ["deleted", "cut"])
    func `a store whose file was taken away is another one at the next start`(loss: String) async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)])])
        let identity = await bench.exporter.stores
        if loss == "cut" { try bench.write([]) } else { bench.remove("t.jsonl") }
        try await bench.consume([Batch([Observation(2)])])
        await bench.exporter.shutdown()
        try await bench.exporter.start()
        #expect(await bench.exporter.stores.isDisjoint(with: identity))
        await bench.exporter.shutdown()
    }
}
