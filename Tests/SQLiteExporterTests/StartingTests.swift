// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import Testing
import Usage

/// What a start does to a file that is there.
struct StartingTests {
    /// A full disk would refuse whatever a start writes.
    @Test func `a start and a shutdown without a batch between them write nothing`() async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)], records: [("e", "s", morning)])])
        await bench.exporter.shutdown()
        let before = try Data(contentsOf: URL(filePath: bench.path))
        try await bench.exporter.start()
        #expect(try Data(contentsOf: URL(filePath: bench.path)) == before)
        #expect((try? Data(contentsOf: URL(filePath: bench.path + "-wal")))?.isEmpty ?? true)
        #expect(try await bench.store.session(id: "s")?.calls.count == 1)
        await bench.exporter.shutdown()
        #expect(try Data(contentsOf: URL(filePath: bench.path)) == before)
    }
}
