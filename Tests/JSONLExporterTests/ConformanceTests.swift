// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import StoreFixtures
import Testing
import Usage

@testable import JSONLExporter

/// The store keeps the contract of components and gives the answers of every store.
struct ConformanceTests {
    @Test func `it keeps the contract of exporters`() async throws {
        let bench = try await Bench(start: false)
        var config = JSONLConfig()
        config.path = ConfigPath(bench.path)
        let suite = ComponentConformance(.jsonl, config: config, home: bench.folder.path)
        #expect(await suite.violations() == [])
    }

    @Test(arguments: [false, true])
    func `it answers like every other store, with its index and with one made at each start`(hasIndex: Bool)
        async throws
    {
        let bench = try await Bench(start: false)
        let suite = UsageStoreConformance(home: bench.folder.path) { folder, settings in
            var config = JSONLConfig()
            config.path = ConfigPath("\(folder)/t.jsonl")
            if !hasIndex {
                for end in ["", "-wal", "-shm"] {
                    try? FileManager.default.removeItem(atPath: "\(folder)/t.jsonl.index\(end)")
                }
            }
            return try ComponentFactory.jsonl.makeExporter(config, settings)
        }
        let violations = await suite.violations()
        #expect(violations.prefix(5) == [])
    }
}
