// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import Logging
import OTLP
import PostgresServer
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

/// 2026-11-22T08:00:00Z.
let morning = Timestamp(nanoseconds: 1_795_334_400_000_000_000)

extension Timestamp {
    static func + (left: Timestamp, seconds: Double) -> Timestamp {
        Timestamp(nanoseconds: left.nanoseconds + Int64(seconds * 1e9))
    }
}

extension Batch {
    /// A batch of log records that belong to these sessions, with observations that have nothing to do with them.
    init(
        _ observations: [Observation] = [],
        records: [(name: String, session: String, time: Timestamp)] = [],
        pricing: Pricing? = nil
    ) throws {
        let logs = records.map { record in
            #"{"eventName":"\#(record.name)","timeUnixNano":"\#(record.time.nanoseconds)","body":{"stringValue":"x"}}"#
        }
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[\#(logs.joined(separator: ","))]}]}]}"#
        self.init(try OTLPBatch(signal: .logs, json: Array(json.utf8)), receivedAt: morning)
        self.observations = observations
        self.pricing = pricing
        for (number, record) in records.enumerated() where !record.session.isEmpty {
            let known = sessions.firstIndex { $0.id == record.session }
            if let known { sessions[known].extend(to: record.time) }
            let update = SessionUpdate(id: record.session, time: record.time)
            sessions.assign(record: number, to: known ?? sessions.append(update))
        }
    }
}

extension Observation {
    /// An observation by a log record, unless told otherwise.
    init(
        _ id: UInt64,
        at time: Timestamp = morning,
        session: String? = "s",
        model: String? = "m",
        input: Int64 = 10,
        output: Int64 = 5,
        source: Source = .otlpLog
    ) {
        self.init(
            id: id,
            time: time,
            source: source,
            emitter: UInt64(source.rawValue),
            priority: source == .otlpLog ? 90 : 80
        )
        self.session = session
        self.model = model
        counts = TokenCounts(uncachedInput: input, output: output)
    }

    /// The same with some members changed.
    func with(_ change: (inout Observation) -> Void) -> Observation {
        var other = self
        change(&other)
        return other
    }
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

/// A period of days in a time zone.
func period(_ from: String, _ to: String, _ timezone: String = "UTC") throws -> Period {
    try Period(nil, from: from, to: to, timezone: timezone, now: morning)
}

/// The prices of these tests: one dollar for a million tokens in and two out.
func testPricing() throws -> Pricing {
    let own = try PriceOverride(model: "m", input: "1", output: "2", cacheRead: "0", cacheWrite: "1", cacheWrite1h: "2")
    let table = try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8))
    return Pricing(table: table.overridden(by: [own]))
}
