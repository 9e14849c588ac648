// SPDX-License-Identifier: Apache-2.0

import ClickHouseServer
import CollectorKit
import CollectorTesting
import Foundation
import Logging
import OTLP
import SQLiteExporter
import SendingQueue
import StoreFixtures
import Synchronization
import Testing
import Usage
import YAML

@testable import ClickHouseExporter

/// A store with its mirror; both can be closed and opened again over the same files.
final class Bench: Sendable {
    let server: ClickHouseServer
    private let folder: TemporaryFolder
    private let change: @Sendable (inout ClickHouseConfig) -> Void
    private let state = Mutex<(store: (any Exporter)?, mirror: ClickHouseExporter?)>((nil, nil))

    init(_ server: ClickHouseServer, _ change: @escaping @Sendable (inout ClickHouseConfig) -> Void = { _ in }) throws {
        (self.server, self.change) = (server, change)
        folder = try TemporaryFolder()
    }

    var store: any Exporter {
        get throws {
            let store = state.withLock { $0.store }
            return try #require(store)
        }
    }

    var answers: any UsageStore {
        get throws { try #require(try store.usageStore) }
    }

    var mirror: ClickHouseExporter {
        get throws {
            let mirror = state.withLock { $0.mirror }
            return try #require(mirror)
        }
    }

    /// Opens the store, if it is not open, and the mirror.
    func start() async throws {
        if state.withLock({ $0.store == nil }) {
            var config = SQLiteConfig()
            config.path = ConfigPath("\(folder.path)/store.db")
            let store = try ComponentFactory.sqlite.makeExporter(config, settings("sqlite"))
            try await store.start()
            state.withLock { $0.store = store }
        }
        var config = ClickHouseConfig()
        config.endpoint = server.address
        config.interval = ConfigDuration(nanoseconds: 100_000_000)
        config.retryOnFailure.initialInterval = ConfigDuration(nanoseconds: 20_000_000)
        config.retryOnFailure.maxInterval = ConfigDuration(nanoseconds: 50_000_000)
        config.sendingQueue.batch.flushTimeout = ConfigDuration(nanoseconds: 10_000_000)
        change(&config)
        let mirror = ClickHouseExporter(config, try settings("clickhouse"), version: "test")
        try await mirror.start()
        state.withLock { $0.mirror = mirror }
    }

    /// Closes the mirror, and the store with it unless that is to stay open.
    func stop(keepsStore: Bool = false) async {
        let open = state.withLock { state in
            defer {
                state.mirror = nil
                if !keepsStore { state.store = nil }
            }
            return state
        }
        await open.mirror?.shutdown()
        if !keepsStore { await open.store?.shutdown() }
    }

    private func settings(_ id: String) throws -> ComponentSettings {
        var settings = ComponentSettings(
            id: try #require(ComponentID(id)),
            logger: Logger(label: id) { _ in SwiftLogNoOpLogHandler() },
            home: folder.path,
            now: { morning }
        )
        settings.store = { [weak self] id in
            id.description == "sqlite" ? self?.state.withLock { $0.store?.usageStore } : nil
        }
        return settings
    }

    /// The folder of the mirror's files.
    var files: String { "\(folder.path)/queue/clickhouse" }

    // MARK: - Comparing

    /// What the mirror has, summed up by model as anyone would: without FINAL.
    func mirrored(_ table: String = "default.hammurabi_calls") async throws -> [String] {
        let answer = try await server.ask(
            """
            SELECT model, sum(sign) AS calls, sum(sign * input_tokens), sum(sign * cache_read_tokens), sum(sign * output_tokens),
                toInt128(sum(sign * cost) * 1000000000), sum(sign * priced), sum(sign * toInt64(length(project)))
            FROM \(table) GROUP BY model HAVING calls <> 0 ORDER BY model
            """
        )
        return answer.isEmpty ? [] : answer.split(separator: "\n").map(String.init)
    }

    /// The same from the store.
    func stored() async throws -> [String] {
        var sums: [String: [Int64]] = [:]
        var cursor: UsageCursor?
        while true {
            let changes = try await answers.changes(since: cursor)
            for call in changes.blocks.values.joined() {
                let figures = [
                    1, call.counts.uncachedInput, call.counts.cacheRead, call.counts.output,
                    call.price.cost.nanodollars, call.price.isPriced ? 1 : 0,
                    Int64(call.names.project?.utf8.count ?? 0),
                ]
                sums[call.model ?? "", default: Array(repeating: 0, count: figures.count)] = zip(
                    sums[call.model ?? ""] ?? Array(repeating: 0, count: figures.count),
                    figures
                ).map(+)
            }
            cursor = changes.next
            if changes.isComplete { break }
        }
        return sums.sorted { $0.key < $1.key }.map { ([$0.key] + $0.value.map(String.init)).joined(separator: "\t") }
    }

    /// Waits until the mirror has what the store has.
    func agree(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let wanted = try await stored()
        for _ in 0..<400 {
            if (try? await mirrored()) == wanted { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try await mirrored() == wanted, sourceLocation: sourceLocation)
    }
}

extension Observation {
    init(_ id: UInt64, model: String = "m", input: Int64 = 10, project: String? = nil) {
        let time = Timestamp(nanoseconds: morning.nanoseconds - Int64(id) * 1_000_000_000)
        self.init(id: id, time: time, source: .otlpLog, emitter: 1, priority: 90)
        keys.request = 0x1000 + id * 16
        (self.session, self.model, self.project) = ("s\(id % 7)", model, project)
        counts = TokenCounts(uncachedInput: input, output: 5)
    }
}

extension Batch {
    init(_ observations: [Observation], input: String = "1") throws {
        self.init(receivedAt: morning)
        self.observations = observations
        pricing = try testPricing(input: input)
    }
}

/// Prices in dollars for a million tokens.
func testPricing(input: String = "1") throws -> Pricing {
    let own = try PriceOverride(model: "m", input: input, output: "2", cacheRead: "0", cacheWrite: "1")
    return Pricing(table: PriceTable.empty.overridden(by: [own]))
}
