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

    /// The program's home; gone with the test.
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A receiver, its store and what it sends; of two over the same parts the second one is a restarted program.
    private func bench(
        _ config: UsageMetricsConfig = UsageMetricsConfig(),
        _ rules: NamingRules? = nil,
        store: ChangingStore = ChangingStore(),
        sink: Sink = Sink(),
        now: @escaping @Sendable () -> Timestamp = { Self.now }
    ) throws -> (receiver: UsageMetricsReceiver, store: ChangingStore, sink: Sink) {
        let settings = ComponentSettings(
            id: try #require(ComponentID("usage_metrics")),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            home: folder.path,
            now: now
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
        #expect(await ComponentConformance(ComponentFactory.usageMetrics, home: folder.path).violations() == [])
    }

    @Test func `tokens, cost, calls and durations are sums by the names that are asked for`() async throws {
        var config = UsageMetricsConfig()
        config.by = ["model", "team"]
        let (receiver, store, sink) = try bench(config)
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
        let (receiver, store, sink) = try bench(config, rules)
        var ofAda = Self.call(1, "m", team: nil, cost: 1, duration: nil)
        ofAda.names.user = "ada"
        store.put([ofAda, Self.call(2, "m", team: "blue", cost: 1, duration: nil)])
        await receiver.send()
        #expect(try Self.points(sink.last)["hammurabi.calls"] == ["team.id=red": "1", "team.id=blue": "1"])
    }

    @Test func `a late correction moves a call, and its former series is zero`() async throws {
        var config = UsageMetricsConfig()
        config.by = ["team"]
        let (receiver, store, sink) = try bench(config)
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

    /// Calls of one team each, which cost this much.
    private static func calls(_ costs: KeyValuePairs<String, Int64>) -> [CountedCall] {
        costs.enumerated().map { call(UInt64($0 + 1), "m", team: $1.key, cost: $1.value, duration: nil) }
    }

    /// How many calls each team has in the last request; `""` is for calls without a team.
    private static func teams(_ sink: Sink) throws -> [String: String] {
        let points = try points(sink.last)["hammurabi.calls"] ?? [:]
        return Dictionary(uniqueKeysWithValues: points.map { (String($0.dropFirst("team.id=".count)), $1) })
    }

    private static func byTeam(_ most: Int) -> UsageMetricsConfig {
        var config = UsageMetricsConfig()
        (config.by, config.maxNames) = (["team"], most)
        return config
    }

    @Test func `names are bounded, and a listed one makes way only for one that costs more than twice as much`()
        async throws
    {
        let (receiver, store, sink) = try bench(Self.byTeam(2))
        store.put(Self.calls(["a": 1, "b": 3, "c": 2]))
        await receiver.send()
        #expect(try Self.teams(sink) == ["b": "1", "c": "1", "other": "1"])
        store.put(Self.calls(["a": 4, "b": 3, "c": 2]))
        await receiver.send()
        #expect(try Self.teams(sink) == ["b": "1", "c": "1", "other": "1"])
        store.put(Self.calls(["a": 5, "b": 3, "c": 2]))
        await receiver.send()
        #expect(try Self.teams(sink) == ["a": "1", "b": "1", "c": "0", "other": "1"])
        // As long as it does not cost twice as much it does not come back.
        store.put(Self.calls(["a": 5, "b": 3, "c": 6]))
        await receiver.send()
        #expect(try Self.teams(sink) == ["a": "1", "b": "1", "c": "0", "other": "1"])
    }

    @Test func `the cheap teams of the first hour do not hide the dear ones that follow`() async throws {
        let (receiver, store, sink) = try bench(Self.byTeam(2))
        store.put(Self.calls(["cheap1": 1, "cheap2": 1]))
        await receiver.send()
        store.put(Self.calls(["cheap1": 1, "cheap2": 1, "dear": 12_500, "dear2": 12_500]))
        await receiver.send()
        #expect(
            try Self.teams(sink) == ["cheap1": "0", "cheap2": "0", "dear": "1", "dear2": "1", "other": "2"]
        )
    }

    @Test func `a name that no call has any more leaves its place`() async throws {
        let (receiver, store, sink) = try bench(Self.byTeam(2))
        store.put(Self.calls(["a": 9, "b": 8, "c": 1]))
        await receiver.send()
        store.put(Self.calls(["new": 9, "b": 8, "c": 1]))
        await receiver.send()
        #expect(try Self.teams(sink) == ["new": "1", "a": "0", "b": "1", "other": "1"])
    }

    @Test func `calls without a name are not other and take no place`() async throws {
        let (receiver, store, sink) = try bench(Self.byTeam(1))
        let nameless = Self.call(9, "m", team: nil, cost: 100, duration: nil)
        store.put(Self.calls(["a": 3, "b": 2]) + [nameless])
        await receiver.send()
        #expect(try Self.teams(sink) == ["": "1", "a": "1", "other": "1"])
    }

    // MARK: - Series that have no calls any more

    @Test func `a series that vanished is zero after a restart, with other dimensions and for a day`() async throws {
        let clock = Mutex(Self.now)
        let (first, store, sink) = try bench(Self.byTeam(9))
        store.put(Self.calls(["a": 1, "b": 1]))
        await first.send()
        store.put(Self.calls(["b": 1]))
        let (second, _, _) = try bench(Self.byTeam(9), store: store, sink: sink) { clock.withLock { $0 } }
        await second.send()
        #expect(try Self.teams(sink) == ["a": "0", "b": "1"])
        var config = Self.byTeam(9)
        config.by = ["model"]
        let (third, _, _) = try bench(config, store: store, sink: sink) { clock.withLock { $0 } }
        await third.send()
        let all = ["gen_ai.response.model=m": "1", "team.id=a": "0", "team.id=b": "0"]
        #expect(try Self.points(sink.last)["hammurabi.calls"] == all)
        clock.withLock { $0 = Timestamp(nanoseconds: $0.nanoseconds + 86_400_000_000_000) }
        await third.send()
        #expect(try Self.points(sink.last)["hammurabi.calls"] == ["gen_ai.response.model=m": "1"])
    }

    @Test func `a zero that was not taken is sent again`() async throws {
        let clock = Mutex(Self.now)
        let (receiver, store, sink) = try bench(Self.byTeam(9)) { clock.withLock { $0 } }
        store.put(Self.calls(["a": 1, "b": 1]))
        await receiver.send()
        store.put(Self.calls(["b": 1]))
        sink.refuses(true)
        await receiver.send()
        clock.withLock { $0 = Timestamp(nanoseconds: $0.nanoseconds + 90_000_000_000_000) }
        sink.refuses(false)
        await receiver.send()
        #expect(try Self.teams(sink) == ["a": "0", "b": "1"])
    }

    @Test func `the histogram of a series that vanished is zero, too`() async throws {
        let zeros = Array(repeating: "0", count: 15).joined(separator: " ")
        let (receiver, store, sink) = try bench(Self.byTeam(9))
        store.put([Self.call(1, "m", team: "a", cost: 1, duration: 1)])
        await receiver.send()
        store.put(Self.calls(["b": 1]))
        await receiver.send()
        // A series that never had durations has no histogram.
        #expect(try Self.points(sink.last)["hammurabi.call.duration"] == ["team.id=a": zeros])
        let (restarted, _, _) = try bench(Self.byTeam(9), store: store, sink: sink)
        await restarted.send()
        #expect(try Self.points(sink.last)["hammurabi.call.duration"] == ["team.id=a": zeros])
    }

    @Test func `a file that is damaged or cannot be written does not keep the metrics from being sent`() async throws {
        let path = folder.path + "/usage_metrics.json"
        try Data("{".utf8).write(to: URL(filePath: path))
        let (receiver, store, sink) = try bench(Self.byTeam(9))
        store.put(Self.calls(["a": 1]))
        await receiver.send()
        #expect(try Self.teams(sink) == ["a": "1"])
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        store.put(Self.calls(["b": 1]))
        await receiver.send()
        #expect(try Self.teams(sink) == ["a": "0", "b": "1"])
    }

    @Test func `of very many series without calls each is zero once, and the latest ones again`() {
        func series(_ name: String) -> SentSeries.Series { [SentSeries.Label(key: "team.id", value: name)] }
        var sums: [SentSeries.Series: UsageMeter.Sums] = [:]
        for number in 0..<5_000 { sums[series("\(number)")] = UsageMeter.Sums() }
        var sent = SentSeries()
        #expect(sent.take(sums, at: Self.now).count == 5_000)
        let later = { (seconds: Int64) in Timestamp(nanoseconds: Self.now.nanoseconds + seconds * 1_000_000_000) }
        #expect(sent.take([:], at: later(60)).count == 5_000)
        #expect(sent.take([:], at: later(120)).count == 1_000)
    }

    @Test func `a store that does not run is noted, and nothing is sent`() async throws {
        var config = UsageMetricsConfig()
        config.store = "jsonl"
        let (receiver, _, sink) = try bench(config)
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
    private let isRefusing = Mutex(false)

    /// Whether batches are refused from now on.
    func refuses(_ isRefusing: Bool) { self.isRefusing.withLock { $0 = isRefusing } }

    var last: Batch? { batch.withLock { $0 } }

    func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        if isRefusing.withLock({ $0 }) { throw ConsumeError.retryable("refused") }
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
