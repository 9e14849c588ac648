// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import SQLiteExporter
import Testing

/// The store answers like every other.
struct ConformanceTests {
    @Test func `generated telemetry gives the answers that every store gives`() async throws {
        let home = try TemporaryFolder()
        let suite = UsageStoreConformance(home: home.path) { folder, settings in
            var config = SQLiteConfig()
            config.path = ConfigPath("\(folder)/telemetry.db")
            return try ComponentFactory.sqlite.makeExporter(config, settings)
        }
        #expect(await suite.violations() == [])
    }
}
