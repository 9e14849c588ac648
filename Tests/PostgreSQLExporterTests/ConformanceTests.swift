// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import PostgresServer
import SendingQueue
import StoreFixtures
import Testing
import Usage
import YAML

@testable import PostgreSQLExporter

/// Where the tests must not be left out, they fail without a server.
struct InstalledServerTests {
    @Test func `a server can be started where the environment demands it`() {
        guard ProcessInfo.processInfo.environment["HAMMURABI_REQUIRE_POSTGRESQL"] == "1" else { return }
        #expect(PostgresServer.isInstalled, "\(PostgresServer.need)")
        #expect(PgBouncer.isInstalled, "\(PgBouncer.need)")
    }
}

/// What is refused before the start.
struct ConfigTests {
    @Test func `a schema has a name that needs no quotes`() {
        for name in ["telemetry_hub", "a", "t1", "_x", String(repeating: "a", count: 63)] {
            #expect(PostgreSQLConfig.isSchema(name), "\(name)")
        }
        for name in ["", "1a", "A", "a-b", "a b", "a\"b", "é", "pg_x", "a;b", String(repeating: "a", count: 64)] {
            #expect(!PostgreSQLConfig.isSchema(name), "\(name)")
        }
    }
}

/// The store answers like every other, also when several collectors share it.
@Suite(.enabled(if: PostgresServer.isInstalled, "\(PostgresServer.need)"))
struct ConformanceTests {
    @Test(arguments: [1, 3])
    func `generated telemetry gives the answers that every store gives`(collectors: Int) async throws {
        let server = try await PostgresServer.shared.value
        let home = try TemporaryFolder()
        let suite = UsageStoreConformance(home: home.path) { folder, settings in
            let exporters = (0..<collectors).map { _ in
                var config = PostgreSQLConfig()
                config.datasource = Secret(server.datasource)
                config.schema = "c" + (folder.split(separator: "/").last ?? "")
                config.connections = 1
                return PostgreSQLExporter(config, settings)
            }
            return DealtExporter(exporters)
        }
        #expect(await suite.violations() == [])
    }

    @Test func `the exporter keeps the contract of components`() async throws {
        let bench = try await Bench()
        let home = try TemporaryFolder()
        let violations = await ComponentConformance(.postgresql(), config: bench.config, home: home.path).violations()
        #expect(violations == [])
    }

    @Test func `without prepared statements, as an old pooler needs, it answers the same`() async throws {
        let bench = try await Bench { $0.preparedStatements = false }
        let store = try await bench.start()
        try await store.consume(Batch([Observation(1)], records: [("e", "s", morning)], pricing: testPricing()))
        let summary = try await store.summary(of: period("2026-11-22", "2026-11-22"), now: morning)
        #expect(summary.totals.calls == 1 && summary.totals.cost.nanodollars == 20_000)
        #expect(try await store.session(id: "s")?.events.map(\.name) == ["e"])
        await store.shutdown()
    }
}
