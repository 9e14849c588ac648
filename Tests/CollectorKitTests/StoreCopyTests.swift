// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import JSONLExporter
import Logging
import OTLP
import PostgreSQLExporter
import PostgresServer
import SQLiteExporter
import Synchronization
import Testing
import Usage
import YAML

@testable import CollectorTesting

/// The stores between which is copied.
private enum StoreType: String, CaseIterable {
    case sqlite, jsonl, postgresql

    static let usable = allCases.filter { $0 != .postgresql || PostgresServer.isInstalled }

    /// All ordered pairs, those of one type among them.
    static let pairs = usable.flatMap { first in usable.map { [first, $0] } }

    /// Pairs that lead from each type to each other one and back.
    static let returns = pairs.filter { $0[0].rawValue < $0[1].rawValue }

    /// A store in a folder, in which the store with the same number has its data.
    func make(_ folder: String, _ number: Int = 0, settings: ComponentSettings? = nil) async throws -> any Exporter {
        let settings = try settings ?? Self.settings(folder)
        switch self {
        case .sqlite:
            var config = SQLiteConfig()
            config.path = ConfigPath("\(folder)/\(number).db")
            return try ComponentFactory.sqlite.makeExporter(config, settings)
        case .jsonl:
            var config = JSONLConfig()
            config.path = ConfigPath("\(folder)/\(number).jsonl")
            return try ComponentFactory.jsonl.makeExporter(config, settings)
        case .postgresql:
            var config = PostgreSQLConfig()
            config.datasource = Secret(try await PostgresServer.shared.value.datasource)
            config.schema = "copy_\(folder.utf8.reduce(5381) { ($0 &* 33 ^ UInt64($1)) & 0xFFFF_FFFF_FFFF })_\(number)"
            config.connections = 1
            return try ComponentFactory.postgresql(host: nil, version: "").makeExporter(config, settings)
        }
    }

    static func settings(_ home: String) throws -> ComponentSettings {
        ComponentSettings(
            id: try #require(ComponentID("store")),
            logger: Logger(label: "store") { _ in SwiftLogNoOpLogHandler() },
            home: home,
            now: { GeneratedTelemetry.now }
        )
    }
}

/// Copies one store into another, ended after every page and begun again with what was kept of the progress.
///
/// - Parameter pages: After how many pages each run is ended; nil for one run.
/// - Returns: The figures of both.
private func copy(
    _ source: any Exporter,
    _ target: any Exporter,
    pages: Int? = nil,
    after former: Data? = nil,
    pageSize: Int = 7,
    pricing: Pricing = Pricing(table: .empty)
) async throws -> (source: StoreCopy.Figures, target: StoreCopy.Figures, kept: Data) {
    var kept = former
    for _ in 0..<10_000 {
        var run = try StoreCopy(
            from: try #require(source.usageStore),
            to: target,
            pricing: pricing,
            now: { GeneratedTelemetry.now }
        )
        run.pageSize = pageSize
        var left = pages ?? .max
        let progress = try kept.map { try JSONDecoder().decode(StoreCopy.Progress.self, from: $0) }
        let outcome = try await run.run(after: progress, sourceIdentity: source.storeIdentity) { progress, _ in
            kept = try JSONEncoder().encode(progress)
            left -= 1
            return left >= 0
        }
        if case .complete(let mine, let theirs) = outcome { return (mine, theirs, try #require(kept)) }
    }
    throw StoreError("the copy does not come to an end")
}

/// A store that is copied into another one each time it is opened: deliveries, questions, compaction and new prices then go to the copy.
private final class MovingStore: Exporter {
    private let types: [StoreType]
    private let folder: String
    private let settings: ComponentSettings
    private let present = Mutex<(any Exporter)?>(nil)

    init(_ types: [StoreType], _ folder: String, _ settings: ComponentSettings) {
        (self.types, self.folder, self.settings) = (types, folder, settings)
    }

    private var marks: Int { (try? FileManager.default.contentsOfDirectory(atPath: folder + "/moves").count) ?? 0 }

    func start() async throws(StartError) {
        do {
            let number = marks
            try FileManager.default.createDirectory(
                atPath: "\(folder)/moves/\(number)",
                withIntermediateDirectories: true
            )
            let target = try await types[number % types.count].make(folder, number, settings: settings)
            try await target.start()
            if number > 0 {
                let source = try await types[(number - 1) % types.count].make(folder, number - 1, settings: settings)
                try await source.start()
                let figures = try await CollectorKitTests.copy(source, target, pages: 1 + number % 4)
                #expect(figures.source == figures.target)
                await source.shutdown()
            }
            present.withLock { $0 = target }
        } catch {
            throw StartError(.inputOutput, "\(error)")
        }
    }

    private var open: (any Exporter)? { present.withLock { $0 } }

    func shutdown() async {
        let store = present.withLock { $0.take() }
        await store?.shutdown()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) { _ = try await deliver(batch) }

    func deliver(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        guard let open else { throw .retryable("not running") }
        return try await open.deliver(batch)
    }

    /// For who asks it, it stays the same store.
    var storeIdentity: UInt64? { open == nil ? nil : 1 }
    var usageStore: (any UsageStore)? { open?.usageStore }
}

/// A copy is the store: it has the same answers, and goes on to have them when more arrives.
struct StoreCopyTests {
    @Test(arguments: StoreType.returns)
    fileprivate func `a store that moves on at every restart answers like one that does not`(_ types: [StoreType])
        async throws
    {
        let home = try TemporaryFolder()
        let suite = UsageStoreConformance(home: home.path) { folder, settings in
            MovingStore(types, folder, settings)
        }
        let material = try GeneratedTelemetry(seed: 31).deliveries()[1]
        let violations = await suite.violations(ofMaterial: material)
        #expect(violations == [])
    }

    @Test(arguments: StoreType.pairs)
    fileprivate func
        `a copy that is ended after each page comes to the same end, and one that is repeated adds nothing`(
            _ types: [StoreType]
        ) async throws
    {
        let home = try TemporaryFolder()
        let (source, target) = try await (types[0].make(home.path, 0), types[1].make(home.path, 1))
        try await source.start()
        try await target.start()
        for batch in try GeneratedTelemetry(seed: 21, calls: 40).deliveries()[0] { try await source.consume(batch) }
        let first = try await copy(source, target, pages: 1)
        #expect(first.source == first.target)
        #expect(first.source.sums["calls"] ?? 0 > 15)
        let before = try await Contents(of: target)
        #expect(try await before.differences(to: Contents(of: source)) == [])
        let second = try await copy(source, target, after: first.kept)
        #expect(second.target == first.target)
        #expect(try await before.differences(to: Contents(of: target)) == [])
        await source.shutdown()
        await target.shutdown()
    }

    /// Prices that no table of the target has arrive as they are.
    @Test(arguments: StoreType.pairs)
    fileprivate func `costs are carried over and not computed again`(_ types: [StoreType]) async throws {
        let home = try TemporaryFolder()
        let (source, target) = try await (types[0].make(home.path, 0), types[1].make(home.path, 1))
        try await source.start()
        try await target.start()
        let batches = try GeneratedTelemetry(seed: 5, calls: 60).once()
        for batch in batches { try await source.consume(batch) }
        let own = try PriceOverride(model: "m", input: "7.123", output: "11.5", cacheRead: "0.3", cacheWrite: "3")
        let odd = Pricing(table: PriceTable.empty.overridden(by: [own]))
        _ = try await #require(source.usageStore).reprice(by: odd)
        let figures = try await copy(source, target, pricing: GeneratedTelemetry.pricing(.computed))
        #expect(figures.source == figures.target)
        #expect(try await Contents(of: source).differences(to: Contents(of: target)) == [])
        await source.shutdown()
        await target.shutdown()
    }

    @Test fileprivate func `a target with calls of its own keeps them and has those of the source, too`() async throws {
        let home = try TemporaryFolder()
        let (source, target) = try await (StoreType.sqlite.make(home.path, 0), StoreType.jsonl.make(home.path, 1))
        try await source.start()
        try await target.start()
        for batch in try GeneratedTelemetry(seed: 1).once() { try await source.consume(batch) }
        var own = Observation(id: 77, time: GeneratedTelemetry.now, source: .event, emitter: 9, priority: 99)
        (own.model, own.session, own.counts) = ("own", "own", TokenCounts(uncachedInput: 5, output: 6))
        var batch = Batch(receivedAt: GeneratedTelemetry.now)
        batch.observations = [own]
        try await target.consume(batch)
        let figures = try await copy(source, target)
        let (mine, theirs) = (figures.source.sums["calls"] ?? 0, figures.target.sums["calls"] ?? 0)
        #expect(theirs == mine + 1)
        #expect(figures.source.differences(to: figures.target, isShared: true) == [])
        #expect(figures.source.differences(to: figures.target, isShared: false).contains("calls"))
        await source.shutdown()
        await target.shutdown()
    }

    @Test fileprivate func `what a store was compacted of does not come back through its copy`() async throws {
        let home = try TemporaryFolder()
        let (source, target) = try await (StoreType.sqlite.make(home.path, 0), StoreType.jsonl.make(home.path, 1))
        try await source.start()
        try await target.start()
        let batches = try GeneratedTelemetry(seed: 3).once()
        for batch in batches { try await source.consume(batch) }
        _ = try await #require(source.usageStore).compact(before: GeneratedTelemetry.borders[2])
        let first = try await copy(source, target)
        #expect(first.source == first.target)
        for batch in batches { try await target.consume(batch) }
        for batch in batches { try await source.consume(batch) }
        #expect(try await Contents(of: source).differences(to: Contents(of: target)) == [])
        await source.shutdown()
        await target.shutdown()
    }
}

/// Everything that a store hands over, without the order in which it does.
private struct Contents {
    var sessions: Set<SessionUpdate> = []
    var calls: Set<StoredCall> = []
    var records: Set<String> = []

    init(of exporter: any Exporter) async throws {
        let store = try #require(exporter.usageStore)
        var cursor: StoreCursor?
        repeat {
            let page = try await store.contents(after: cursor, limit: 13)
            sessions.formUnion(page.sessions)
            for var call in page.calls {
                call.observations.sort { $0.id < $1.id }
                calls.insert(call)
            }
            for batch in page.batches {
                for record in batch.otlp.records.indices {
                    let session = batch.sessions[record: record]?.id ?? "-"
                    let text = "\(batch.time(ofRecord: record)) \(batch.name(ofRecord: record)) \(session)"
                    records.insert(text)
                }
            }
            cursor = page.next
        } while cursor != nil
    }

    /// Some of what is in one and not in the other.
    func differences(to other: Contents) -> [String] {
        func lines<Element: Hashable>(_ mine: Set<Element>, _ theirs: Set<Element>) -> [String] {
            mine.subtracting(theirs).prefix(2).map { "- \($0)" } + theirs.subtracting(mine).prefix(2).map { "+ \($0)" }
        }
        return lines(sessions, other.sessions) + lines(calls, other.calls) + lines(records, other.records)
    }
}
