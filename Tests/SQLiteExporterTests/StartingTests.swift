// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import Testing
import Usage

/// What a start does to files that are there.
struct StartingTests {
    /// A collector that was killed because of a full disk starts while it is full: whatever it wrote would be refused.
    @Test func `a start after a kill writes nothing`() async throws {
        let killed = try await Bench()
        try await killed.consume([Batch([Observation(1)], records: [("e", "s", morning)])])
        let bench = try await Bench(start: false)
        var before: [String: Data] = [:]
        for end in ["", "-wal"] {
            before[end] = try Data(contentsOf: URL(filePath: killed.path + end))
            try before[end]?.write(to: URL(filePath: bench.path + end))
        }
        await killed.exporter.shutdown()
        try await bench.exporter.start()
        for (end, bytes) in before { #expect(try Data(contentsOf: URL(filePath: bench.path + end)) == bytes) }
        #expect(try await bench.store.session(id: "s")?.calls.count == 1)
        await bench.exporter.shutdown()
    }
}
