// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import Logging
import OTLP
import Synchronization
import Testing
import Usage

@testable import UsageMetricsConnector

/// What the connector sends of a store's calls.
struct UsageMetricsTests {
    private static let now = Timestamp(nanoseconds: 1_795_348_800_000_000_000)

    private static func call(_ id: UInt64, _ model: String, team: String?, cost: Int64, duration: Int64?) -> CountedCall
    {
        var call = CountedCall(
            id: id,
            time: now,
            counts: TokenCounts(
                uncachedInput: 10,
                cacheRead: 3,
                cacheWrite5m: 1,
                cacheWrite1h: 1,
                output: 4,
                reasoning: 2
            ),
            price: CallPrice(cost: Money(nanodollars: cost), isPriced: cost > 0, computed: nil)
        )
        (call.model, call.names.team, call.duration) = (model, team, duration)
        return call
    }

    /// The points of the last request by metric: attributes and value.
    private static func points(_ batch: Batch?) throws -> [String: [String: String]] {
        let json = try #require(batch).otlp.json()
        let root = try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
        let resources = root["resourceMetrics"] as? [[String: Any]] ?? []
        var found: [String: [String: String]] = [:]
        for resource in resources {
            for scope in resource["scopeMetrics"] as? [[String: Any]] ?? [] {
                for metric in scope["metrics"] as? [[String: Any]] ?? [] {
                    let name = metric["name"] as? String ?? ""
                    let data = (metric["sum"] ?? metric["histogram"]) as? [String: Any] ?? [:]
                    #expect(data["aggregationTemporality"] as? Int == 2, "\(name)")
                    for point in data["dataPoints"] as? [[String: Any]] ?? [] {
                        let attributes = (point["attributes"] as? [[String: Any]] ?? []).map { attribute in
                            let value = (attribute["value"] as? [String: Any])?["stringValue"] ?? "?"
                            return "\(attribute["key"] ?? "?")=\(value)"
                        }
                        let value = point["asInt"] ?? point["asDouble"] ?? point["bucketCounts"] ?? "?"
                        let text = (value as? [Any])?.map { "\($0)" }.joined(separator: " ") ?? "\(value)"
                        found[name, default: [:]][attributes.joined(separator: ",")] = text
                    }
                }
            }
        }
        return found
    }

    private static func bench(_ config: UsageMetricsConfig = UsageMetricsConfig(), _ rules: NamingRules? = nil) throws
        -> (receiver: UsageMetricsReceiver, store: ChangingStore, sink: Sink)
    {
        let (store, sink) = (ChangingStore(), Sink())
        let settings = ComponentSettings(
            id: try #require(ComponentID("usage_metrics")),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { now }
        )
        let next = SignalConsumers(
            [.metrics: sink],
            store: { $0.type == "sqlite" ? store : nil },
            namer: { id in
                guard id.type == "sqlite", let rules else { return nil }
                return { session, dimension in rules.name(of: session, in: dimension) }
            }
        )
        return (UsageMetricsReceiver(config, settings, next), store, sink)
    }

    @Test func `it keeps the contract of components`() async throws {
        let folder = try TemporaryFolder()
        #expect(await ComponentConformance(ComponentFactory.usageMetrics, home: folder.path).violations() == [])
    }

    @Test func `tokens, cost, calls and durations are sums by the names that are asked for`() async throws {
        var config = UsageMetricsConfig()
        config.by = ["model", "team"]
        let (receiver, store, sink) = try Self.bench(config)
        store.put([
            Self.call(1, "m", team: "red", cost: 1_500_000_001, duration: 10_000_000),
            Self.call(2, "m", team: "red", cost: 2, duration: 100_000_000_000),
            Self.call(3, "n", team: nil, cost: 0, duration: nil),
        ])
        await receiver.send()
        let points = try Self.points(sink.last)
        let red = "gen_ai.response.model=m,team.id=red"
        #expect(
            points["hammurabi.tokens"]?.filter { $0.key.hasPrefix(red) } == [
                red + ",gen_ai.token.type=input": "20", red + ",gen_ai.token.type=output": "8",
                red + ",gen_ai.token.type=cache_read": "6", red + ",gen_ai.token.type=cache_write": "4",
            ]
        )
        #expect(points["hammurabi.tokens.reasoning"] == [red: "4", "gen_ai.response.model=n": "2"])
        let cost = try #require(points["hammurabi.cost.usd"]?[red].flatMap { Money(dollars: $0) })
        #expect(cost == Money(nanodollars: 1_500_000_003))
        #expect(points["hammurabi.calls"] == [red: "2", "gen_ai.response.model=n": "1"])
        #expect(points["hammurabi.calls.unpriced"] == [red: "0", "gen_ai.response.model=n": "1"])
        #expect(points["hammurabi.call.duration"] == [red: "1 0 0 0 0 0 0 0 0 0 0 0 0 0 1"])
    }

    @Test func `teams that only the hub knows are attributes`() async throws {
        var config = UsageMetricsConfig()
        config.by = ["team"]
        var rules = NamingRules()
        rules.teamsOfUsers = ["ada": "red"]
        let (receiver, store, sink) = try Self.bench(config, rules)
        var ofAda = Self.call(1, "m", team: nil, cost: 1, duration: nil)
        ofAda.names.user = "ada"
        store.put([ofAda, Self.call(2, "m", team: "blue", cost: 1, duration: nil)])
        await receiver.send()
        #expect(try Self.points(sink.last)["hammurabi.calls"] == ["team.id=red": "1", "team.id=blue": "1"])
    }

    @Test func `a late correction moves a call, and its former series is zero`() async throws {
        var config = UsageMetricsConfig()
        config.by = ["team"]
        let (receiver, store, sink) = try Self.bench(config)
        store.put([Self.call(1, "m", team: "red", cost: 5, duration: nil)])
        await receiver.send()
        store.put([Self.call(1, "m", team: "blue", cost: 5, duration: nil)])
        await receiver.send()
        await receiver.send()
        #expect(try Self.points(sink.last)["hammurabi.calls"] == ["team.id=red": "0", "team.id=blue": "1"])
        // A store that was opened again hands over everything, which counts once.
        store.reopen()
        await receiver.send()
        #expect(try Self.points(sink.last)["hammurabi.calls"] == ["team.id=red": "0", "team.id=blue": "1"])
    }

    @Test func `names are bounded, and a listed one stays`() async throws {
        var config = UsageMetricsConfig()
        (config.by, config.maxNames) = (["team"], 2)
        let (receiver, store, sink) = try Self.bench(config)
        store.put([
            Self.call(1, "m", team: "a", cost: 1, duration: nil), Self.call(2, "m", team: "b", cost: 3, duration: nil),
            Self.call(3, "m", team: "c", cost: 2, duration: nil),
        ])
        await receiver.send()
        #expect(
            try Self.points(sink.last)["hammurabi.calls"] == ["team.id=b": "1", "team.id=c": "1", "team.id=other": "1"]
        )
        store.put([
            Self.call(1, "m", team: "a", cost: 100, duration: nil),
            Self.call(2, "m", team: "b", cost: 3, duration: nil),
        ])
        await receiver.send()
        #expect(
            try Self.points(sink.last)["hammurabi.calls"] == ["team.id=b": "1", "team.id=c": "0", "team.id=other": "1"]
        )
    }

    @Test func `a store that does not run is noted, and nothing is sent`() async throws {
        var config = UsageMetricsConfig()
        config.store = "jsonl"
        let (receiver, _, sink) = try Self.bench(config)
        await receiver.send()
        #expect(sink.last == nil)
    }

    @Test func `values that no series can be made of are errors of the configuration`() {
        var config = UsageMetricsConfig()
        (config.by, config.maxNames, config.interval) = (["model", "hour", "model"], 0, ConfigDuration(seconds: 0))
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map(\.path) == [["by", "1"], ["by"], ["max_names"], ["interval"]])
    }
}

/// Remembers the last batch.
private final class Sink: Consumer {
    private let batch = Mutex<Batch?>(nil)

    var last: Batch? { batch.withLock { $0 } }

    func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        self.batch.withLock { $0 = batch }
        return .unkept
    }
}

/// A store of one block of calls that answers nothing but its changes.
private final class ChangingStore: UsageStore {
    private let state = Mutex((parts: QualityParts(), revision: Int64(0), calls: [CountedCall]()))

    func put(_ calls: [CountedCall]) {
        state.withLock { state in
            state.revision += 1
            state.parts.note([0], in: state.revision)
            state.calls = calls
        }
    }

    func reopen() { state.withLock { $0.parts = QualityParts() } }

    func changes(since cursor: UsageCursor?) async throws -> UsageChanges {
        state.withLock { state in
            let page = state.parts.page(after: cursor, at: state.revision, lastCall: Int64(state.calls.count))
            let blocks = Dictionary(uniqueKeysWithValues: page.blocks.map { ($0, state.calls) })
            return UsageChanges(beginsAgain: page.beginsAgain, blocks: blocks, next: page.next)
        }
    }

    private struct Unasked: Error {}

    func summary(_ query: UsageQuery) async throws -> UsageSummary { throw Unasked() }
    func sessions(_ query: SessionQuery) async throws -> SessionPage { throw Unasked() }
    func session(id: String) async throws -> SessionDetail? { throw Unasked() }
    func calls(_ query: CallQuery) async throws -> [Call] { throw Unasked() }
    func quality(of period: Period) async throws -> DataQuality { throw Unasked() }
    func names(of dimension: UsageDimension) async throws -> Set<String> { throw Unasked() }
    func unpricedModels() async throws -> [UnpricedModel] { throw Unasked() }
    func reprice(by pricing: Pricing) async throws -> Int { throw Unasked() }
    func compact(before instant: Timestamp) async throws -> Int { throw Unasked() }
    func revision() async throws -> Int64 { throw Unasked() }
}
