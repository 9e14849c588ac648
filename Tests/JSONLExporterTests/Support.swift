// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import Logging
import OTLP
import Testing
import Usage

@testable import JSONLExporter

/// A store in a folder of its own, which is removed with it.
final class Bench: Sendable {
    private let home: TemporaryFolder
    let counters = ComponentCounters()
    let exporter: any Exporter
    let store: any UsageStore

    init(
        start: Bool = true,
        path: String = "t.jsonl",
        calls: StorageCalls = .system,
        _ change: (inout JSONLConfig) -> Void = { _ in }
    ) async throws {
        home = try TemporaryFolder()
        exporter = try Self.makeExporter(
            home.url.appending(path: path).path,
            counters,
            calls,
            change
        )
        store = try #require(exporter.usageStore)
        if start { try await exporter.start() }
    }

    var folder: URL { home.url }

    var path: String { folder.appending(path: "t.jsonl").path }

    static func makeExporter(
        _ path: String,
        _ counters: ComponentCounters = ComponentCounters(),
        _ calls: StorageCalls = .system,
        _ change: (inout JSONLConfig) -> Void = { _ in }
    ) throws -> any Exporter {
        var config = JSONLConfig()
        config.path = ConfigPath(path)
        change(&config)
        let settings = ComponentSettings(
            id: try #require(ComponentID("jsonl")),
            logger: Logger(label: "jsonl") { _ in SwiftLogNoOpLogHandler() },
            counters: counters,
            home: "/nowhere",
            now: { morning }
        )
        return try ComponentFactory.jsonl(calls: calls).makeExporter(config, settings)
    }

    /// The same files opened anew by another store.
    func again(_ calls: StorageCalls = .system, _ change: (inout JSONLConfig) -> Void = { _ in }) async throws
        -> (any Exporter & UsageStore)
    {
        let exporter = try Self.makeExporter(path, ComponentCounters(), calls, change)
        try await exporter.start()
        return try #require(exporter as? any Exporter & UsageStore)
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

    /// The bytes of a file in the folder.
    func bytes(_ name: String = "t.jsonl") -> [UInt8] {
        (try? Data(contentsOf: folder.appending(path: name))).map(Array.init) ?? []
    }

    func write(_ bytes: [UInt8], _ name: String = "t.jsonl") throws {
        try Data(bytes).write(to: folder.appending(path: name))
    }

    /// Takes the index away, so that the next start makes it from the lines.
    func removeIndex() { for end in ["", "-wal", "-shm"] { remove("t.jsonl.index" + end) } }

    func remove(_ name: String) { try? FileManager.default.removeItem(at: folder.appending(path: name)) }

    /// The names of the files of the store, without the lock.
    func files() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { !$0.hasSuffix(".lock") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }.sorted()
    }

    func lines(_ name: String = "t.jsonl") -> [String] {
        bytes(name).split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
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

/// The prices of these tests: one dollar for a million tokens in and two out.
func testPricing() throws -> Pricing {
    let own = try PriceOverride(model: "m", input: "1", output: "2", cacheRead: "0", cacheWrite: "1", cacheWrite1h: "2")
    let table = try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8))
    return Pricing(table: table.overridden(by: [own]))
}

/// A period of days in a time zone.
func period(_ from: String, _ to: String, _ timezone: String = "UTC") throws -> Period {
    try Period(nil, from: from, to: to, timezone: timezone, now: morning)
}
