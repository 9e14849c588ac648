// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import GRDB
import Logging
import OTLP
import StoreFixtures
import Testing
import Usage

@testable import SQLiteExporter
@testable import SQLiteUsage

/// A store in a folder of its own, which is removed with it.
final class Bench: StoreBench, Sendable {
    private let home: TemporaryFolder
    let counters = ComponentCounters()
    let exporter: any Exporter
    let store: any UsageStore

    /// - Parameters:
    ///   - idle: After how many seconds without a commit the store cuts its log; nil for what it does by itself.
    ///   - packing: How many seconds after a change it packs the sums of calls; nil for what it does by itself.
    init(
        start: Bool = true,
        path: String = "telemetry.db",
        records: SQLiteConfig.Records = .all,
        idle: Double? = nil,
        packing: Double? = nil
    ) async throws {
        home = try TemporaryFolder()
        exporter = try Self.makeExporter(
            path: path.hasPrefix("/") ? path : home.url.appending(path: path).path,
            records,
            counters,
            idle: idle,
            packing: packing
        )
        store = try #require(exporter.usageStore)
        if start { try await exporter.start() }
    }

    var folder: URL { home.url }

    var path: String { folder.appending(path: "telemetry.db").path }

    static func makeExporter(
        path: String,
        _ records: SQLiteConfig.Records = .all,
        _ counters: ComponentCounters = ComponentCounters(),
        idle: Double? = nil,
        packing: Double? = nil
    ) throws
        -> any Exporter
    {
        var config = SQLiteConfig()
        config.path = ConfigPath(path)
        config.records = records
        let settings = ComponentSettings(
            id: try #require(ComponentID("sqlite")),
            logger: Logger(label: "sqlite") { _ in SwiftLogNoOpLogHandler() },
            counters: counters,
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 0) }
        )
        guard idle != nil || packing != nil else { return try ComponentFactory.sqlite.makeExporter(config, settings) }
        var limits = Checkpoints.Limits()
        if let idle { limits.idle = idle }
        return SQLiteExporter(config, settings, limits, packing: packing ?? 10)
    }

    /// What a question in SQL answers, each row as its values joined by blanks.
    func rows(_ sql: String) throws -> [String] {
        try DatabaseQueue(path: path).read { db in
            try Row.fetchAll(db, sql: sql).map { row in
                row.databaseValues.map { $0.isNull ? "-" : "\($0)" }.joined(separator: " ")
            }
        }
    }

    /// Changes the file from outside.
    func execute(_ sql: String) throws {
        try DatabaseQueue(path: path).write { db in try db.execute(sql: sql) }
    }
}

extension UsageTotals {
    /// Calls, unpriced calls, uncached input, cache read, cache written, output, reasoning, cost.
    var text: String {
        "\(calls)(\(unpricedCalls)) \(counts.uncachedInput)/\(counts.cacheRead)/\(counts.cacheWrite5m)+\(counts.cacheWrite1h)/\(counts.output)/\(counts.reasoning) \(cost.nanodollars)"
    }
}
