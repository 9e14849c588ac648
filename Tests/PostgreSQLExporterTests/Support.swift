// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import Logging
import OTLP
import PostgresServer
import StoreFixtures
import Synchronization
import Testing
import Usage
import UsageDatabase
import YAML

@testable import PostgreSQLExporter

/// A schema in a database, for one test.
struct Bench {
    let config: PostgreSQLConfig
    /// Where queues are.
    let home: TemporaryFolder

    /// - Parameter server: nil for the one that tests share.
    init(_ server: PostgresServer? = nil, _ change: (inout PostgreSQLConfig) -> Void = { _ in }) async throws {
        let server = if let server { server } else { try await PostgresServer.shared.value }
        var config = PostgreSQLConfig()
        config.datasource = Secret(server.datasource)
        config.schema = "test_\(UInt32.random(in: 0 ... .max))"
        config.connections = 2
        change(&config)
        self.config = config
        home = try TemporaryFolder()
    }

    /// A store in the schema; several may be open at once.
    func makeExporter(
        now: @escaping @Sendable () -> Timestamp = { morning },
        library: Libpq? = nil,
        counters: ComponentCounters = ComponentCounters(),
        host: String = "",
        announcement: Duration = .milliseconds(50),
        change: (inout PostgreSQLConfig) -> Void = { _ in }
    ) throws -> PostgreSQLExporter {
        let settings = ComponentSettings(
            id: try #require(ComponentID("postgresql")),
            logger: Logger(label: "postgresql") { _ in SwiftLogNoOpLogHandler() },
            counters: counters,
            home: home.path,
            now: now
        )
        var config = config
        change(&config)
        return PostgreSQLExporter(
            config,
            settings,
            host: host,
            version: "1.2.3",
            announcement: announcement,
            library: library
        )
    }

    /// A store that is open.
    func start(_ change: (inout PostgreSQLConfig) -> Void = { _ in }) async throws -> PostgreSQLExporter {
        let exporter = try makeExporter(change: change)
        try await exporter.start()
        return exporter
    }

    /// A connection beside the store, in its schema.
    func connect() throws -> PostgresConnection {
        let library = try Libpq.load(for: try #require(ComponentID("test")))
        let connection = try PostgresConnection(library, PostgresConnection.Terms(datasource: config.datasource.value))
        try connection.execute("SET search_path = \(config.schema)")
        return connection
    }

    /// What a question in SQL answers, each row as its values joined by blanks.
    func rows(_ sql: String, columns: Int32) throws -> [String] {
        try connect().run(sql).map { row in
            (0..<columns).map { row.optionalInt($0).map(String.init) ?? "-" }.joined(separator: " ")
        }
    }
}

/// Stores in one database that share the deliveries among them, and the questions.
final class DealtExporter: Exporter {
    private let exporters: [PostgreSQLExporter]
    private let random: Mutex<SeededGenerator>

    init(_ exporters: [PostgreSQLExporter], seed: UInt64 = 1) {
        self.exporters = exporters
        random = Mutex(SeededGenerator(seed: seed))
    }

    private var next: PostgreSQLExporter { random.withLock { exporters[$0.below(exporters.count)] } }

    func start() async throws(StartError) { for exporter in exporters { try await exporter.start() } }
    func shutdown() async { for exporter in exporters { await exporter.shutdown() } }
    func consume(_ batch: Batch) async throws(ConsumeError) { try await next.consume(batch) }
    func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery { try await next.deliver(batch) }
    var storeIdentity: UInt64? { next.storeIdentity }
    var usageStore: (any UsageStore)? { next }
}

/// The figures of a summary in lines that can be compared.
func figures(_ summary: UsageSummary) -> [String] {
    let days = summary.byDay.enumerated().map { "day \($0.offset) \($0.element.totals.figures)" }
    let shares = UsageDimension.allCases.flatMap { dimension in
        summary[by: dimension].map { "\(dimension) \($0.key) \($0.value.totals.figures) \($0.value.sessions)" }.sorted()
    }
    let sessions = summary.sessions.map { "session \($0.id) \($0.totals.figures)" }
    return ["all \(summary.totals.figures) \(summary.sessionCount)"] + days + shares + sessions
}
