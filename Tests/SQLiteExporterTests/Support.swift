// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import GRDB
import Logging
import OTLP
import Testing
import Usage

@testable import SQLiteExporter
@testable import SQLiteUsage

/// A store in a folder of its own, which is removed with it.
final class Bench: Sendable {
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

    /// Keeps batches one after the other.
    func consume(_ batches: [Batch]) async throws {
        for batch in batches { try await exporter.consume(batch) }
    }

    /// Why a batch is not kept; nil when it is.
    func refusal(of batch: Batch) async -> ConsumeError? {
        do throws(ConsumeError) {
            try await exporter.consume(batch)
            return nil
        } catch {
            return error
        }
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
            #"{"eventName":"\#(record.name)","timeUnixNano":"\#(record.time.nanoseconds)","body":{"stringValue":"\#(record.session)"}}"#
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
    /// A update by a log record, unless told otherwise.
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

/// The prices of these tests: one dollar for a million tokens in and two out; twice that for cache writes that live an hour.
func testPricing() throws -> Pricing {
    let own = try PriceOverride(model: "m", input: "1", output: "2", cacheRead: "0", cacheWrite: "1", cacheWrite1h: "2")
    let table = try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8))
    return Pricing(table: table.overridden(by: [own]))
}

/// A period of days in a time zone.
func period(_ from: String, _ to: String, _ timezone: String = "UTC") throws -> Period {
    try Period(nil, from: from, to: to, timezone: timezone, now: morning)
}

extension UsageTotals {
    /// Calls, unpriced calls, uncached input, cache read, cache written, output, reasoning, cost.
    var text: String {
        "\(calls)(\(unpricedCalls)) \(counts.uncachedInput)/\(counts.cacheRead)/\(counts.cacheWrite5m)+\(counts.cacheWrite1h)/\(counts.output)/\(counts.reasoning) \(cost.nanodollars)"
    }
}
