// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import SQLiteExporter
import Testing

/// The store answers like every other.
struct ConformanceTests {
    @Test func `generated telemetry gives the answers that every store gives`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sqlite-\(UInt64.random(in: 0 ... .max))")
            .path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let suite = UsageStoreConformance(home: folder) { folder, settings in
            var config = SQLiteConfig()
            config.path = ConfigPath("\(folder)/telemetry.db")
            return try ComponentFactory.sqlite.makeExporter(config, settings)
        }
        #expect(await suite.violations() == [])
    }
}
