// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import OTLP
import OTLPReceiver
import RawHTTP
import Synchronization
import Testing

@testable import Collector

/// Reloads of the configuration.
struct ExchangeTests {
    private let journal = Journal()

    private static let config = """
        receivers:
          probe/in:
        processors:
          probe/step:
        exporters:
          probe/out:
          probe/more:
        extensions:
          probe/side:
        service:
          extensions: [probe/side]
          pipelines:
            logs: { receivers: [probe/in], processors: [probe/step], exporters: [probe/out] }
            traces: { receivers: [probe/in], exporters: [probe/more] }
        """

    @Test func `processors of one id share their part over pipelines and reloads`() async throws {
        let config = Self.config.replacing("  probe/step:", with: "  sharing/a:\n  sharing/b:")
            .replacing("processors: [probe/step]", with: "processors: [sharing/a, sharing/b]")
            .replacing(
                "traces: { receivers: [probe/in],",
                with: "traces: { receivers: [probe/in], processors: [sharing/a],"
            )
        let registry = Registry(ComponentFactory.probes(journal) + [sharing])
        let text = ConfigText(config)
        let collector = try await RunningCollector(config, registry, load: text.loading(registry))
        text.value = config.replacing("sharing/a:", with: "sharing/a: { stalls: false }")
        _ = await collector.reload()
        try await collector.end()
        #expect(journal.entries.count { $0.hasPrefix("processor a") } == 4)
        #expect(journal.entries.filter { $0.hasPrefix("part of") }.sorted() == ["part of a", "part of b"])
    }

    /// Processors that share an object.
    private var sharing: ComponentFactory {
        .processor("sharing", ProbeConfig.self, summary: "shares") { [journal] config, settings in
            let name = settings.id.name
            journal.write("processor \(name)")
            let shared = settings.shared.part(of: settings.id) {
                journal.write("part of \(name)")
                return journal
            }
            return Probe(name: name, config: config, journal: shared)
        }
    }

    @Test func `nothing is touched when nothing has changed`() async throws {
        let text = ConfigText(Self.config)
        let collector = try await RunningCollector(Self.config, .probes(journal), load: text.loading(.probes(journal)))
        let before = journal.entries
        #expect(await collector.reload().changes == 0)
        text.value = "# a comment moves every line\n" + Self.config
        #expect(await collector.reload().changes == 0)
        #expect(journal.entries == before)
        #expect(collector.status.components.first { $0.id.name == "in" }?.location == "config.yaml:3")
        try await collector.end()
        #expect(journal.entries.count == 2 * before.count)
    }

    @Test(arguments: [
        ("probe/out:", "probe/out: { stalls: false }", ["stop out", "start out"], 1),
        ("probe/step:", "probe/step: { stalls: false }", ["start step", "stop step"], 1),
        ("probe/side:", "probe/side: { stalls: false }", ["stop side", "start side"], 1),
        ("probe/in:", "probe/in: { stalls: false }", ["stop in", "start in"], 1),
        ("exporters: [probe/more]", "exporters: [probe/out]", ["stop more"], 1),
        ("processors: [probe/step], ", "", ["stop step"], 1),
        ("service:\n  extensions: [probe/side]", "service:", ["stop side"], 1),
    ])
    func `only what differs is stopped and started`(old: String, new: String, expected: [String], changes: Int)
        async throws
    {
        let text = ConfigText(Self.config)
        let collector = try await RunningCollector(Self.config, .probes(journal), load: text.loading(.probes(journal)))
        let before = journal.entries.count
        text.value = Self.config.replacing(old, with: new)
        #expect(await collector.reload().changes == changes)
        #expect(await eventually { journal.entries.count >= before + expected.count })
        #expect(Array(journal.entries.dropFirst(before)) == expected)
        try await collector.end()
    }

    @Test func `a configuration with errors changes nothing, and all errors are reported`() async throws {
        let text = ConfigText(Self.config)
        let collector = try await RunningCollector(Self.config, .probes(journal), load: text.loading(.probes(journal)))
        let before = journal.entries
        text.value = Self.config.replacing("probe/out:", with: "probe/out: { flies: 1, swims: 2 }")
        guard case .refused(let reason) = await collector.reload() else {
            Issue.record("it was taken")
            return
        }
        #expect(reason.contains("\"flies\"") && reason.contains("\"swims\""))
        #expect(journal.entries == before)
        try await collector.end()
    }

    @Test(arguments: ["out", "step", "side", "in"])
    func `when a new component cannot start the old one is at work again`(name: String) async throws {
        let text = ConfigText(Self.config)
        let collector = try await RunningCollector(Self.config, .probes(journal), load: text.loading(.probes(journal)))
        text.value = Self.config.replacing("probe/\(name):", with: "probe/\(name): { fails: true }")
        guard case .refused(let reason) = await collector.reload() else {
            Issue.record("it was taken")
            return
        }
        #expect(reason == "\(name) may not start")
        #expect(collector.status.troubles.isEmpty)
        // Everything that was started is stopped in the end.
        try await collector.end()
        for name in ["out", "more", "step", "side", "in"] {
            let starts = journal.entries.count { $0 == "start \(name)" }
            #expect(starts == journal.entries.count { $0 == "stop \(name)" }, "\(name)")
        }
    }

    @Test func `a collector that cannot load it again says so`() async throws {
        let collector = try await RunningCollector(Self.config, .probes(journal))
        guard case .unavailable = await collector.reload() else {
            Issue.record("it was loaded")
            return
        }
        try await collector.end()
        guard case .unavailable = await collector.reload() else {
            Issue.record("it was loaded after the end")
            return
        }
    }

    @Test func `addresses come and go, and the others stay`() async throws {
        let routes = ["a": [echo], "b": [Route(.get, "/b") { _ in ServerResponse(.ok) }]]
        let registry = Registry.probes(journal, routes)
        let one = web("a")
        let text = ConfigText(one)
        let collector = try await RunningCollector(one, registry, load: text.loading(registry))
        let kept = try await collector.connect()
        try kept.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
        #expect(try await kept.answer().body == "ok")
        text.value = web("a", "b")
        #expect(await collector.reload().changes == 1)
        try kept.send("GET /b HTTP/1.1\nHost: localhost\n\n")
        #expect(try await kept.answer().status == 200)
        text.value = one
        #expect(await collector.reload().changes == 1)
        try kept.send("GET /b HTTP/1.1\nHost: localhost\n\n")
        #expect(try await kept.answer().status == 404)
        text.value = one.replacing("web/a:", with: "web/a: { endpoint: \"localhost:0\" }")
        #expect(await collector.reload().changes == 1)
        #expect(try await kept.rest().isEmpty)
        try await collector.end()
    }

    @Test func `a request that asks for the exchange of its own component is answered`() async throws {
        let registry = Registry.probes(journal, [:], reloading: true)
        let text = ConfigText(web("a"))
        let collector = try await RunningCollector(web("a"), registry, load: text.loading(registry))
        text.value = web("a").replacing("web/a:", with: "web/a: { endpoint: \"127.0.0.1:0\" }")
        let connection = try await collector.connect()
        for change in [1, 0] {
            try connection.send("POST /reload HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n")
            #expect(try await connection.answer().body == "\(change)")
        }
        try await collector.end()
    }

    /// Half of the configurations are invalid, alternately by an error and by an exporter that cannot start.
    @Test func `reloads under load lose nothing, double nothing and refuse no request`() async throws {
        let sinks = SinkStore()
        let registry = Registry(ComponentFactory.probes(journal) + [.otlp, .shelf(sinks)])
        func config(_ number: Int) -> String {
            let exporter = ["", "label: \(number)", "label: \(number / 4)", "label: x, swims: 1"][number % 4]
            let http = number % 3 == 0 ? ", response_headers: { X-Number: \(number) }" : ""
            return """
                receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0"\(http) } } } }
                processors: { probe/step: { stalls: \(number % 5 == 0) } }
                exporters: { shelf: { \(exporter) }, probe/bad: { fails: \(number % 4 == 2) } }
                service: { pipelines: {
                  logs: { receivers: [otlp], exporters: [shelf] },
                  traces: { receivers: [otlp], processors: [probe/step], exporters: [shelf, probe/bad] } } }
                """.replacing("stalls: true", with: "fails: false")
        }
        let text = ConfigText(config(0))
        let collector = try await RunningCollector(config(0), registry, load: text.loading(registry))
        let end = Flag()
        let body = try OTLPEncoding.protobuf.twoRecords(.logs)
        let sent = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var sent = 0
                    while !end.isSet {
                        // Every second request on a new connection.
                        let connection = try await collector.connect()
                        for _ in 0..<2 {
                            try await connection.post("/v1/logs", body, OTLPEncoding.protobuf.fields)
                            let answer = try await connection.answer()
                            #expect(answer.status == 200, "\(answer.body)")
                            sent += 2
                        }
                    }
                    return sent
                }
            }
            var outcomes = (applied: 0, refused: 0)
            for number in 1...100 {
                text.value = config(number)
                switch await collector.reload() {
                case .applied: outcomes.applied += 1
                case .refused: outcomes.refused += 1
                case .unavailable: Issue.record("not loaded")
                }
            }
            #expect(outcomes.applied == 50)
            #expect(outcomes.refused == 50)
            end.set()
            return try await group.reduce(0, +)
        }
        try await collector.end()
        #expect(sent > 0)
        #expect(sinks.count == sent)
    }
}

extension ReloadOutcome {
    /// The number of changes; nil when it was refused.
    var changes: Int? { if case .applied(let changes) = self { changes } else { nil } }
}

/// The configuration as it is on the disk.
final class ConfigText: Sendable {
    private let text: Mutex<String>

    init(_ text: String) {
        self.text = Mutex(text)
    }

    var value: String {
        get { text.withLock { $0 } }
        set { text.withLock { $0 = newValue } }
    }

    func loading(_ registry: Registry) -> Collector.Loading {
        {
            let loaded = LoadedConfig(self.value, registry: registry)
            guard let graph = loaded.graph, !loaded.diagnostics.hasErrors else {
                return .refused(loaded.diagnostics.items.map(\.message))
            }
            return .graph(graph)
        }
    }
}

/// A condition that becomes true once.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() { value.store(true, ordering: .relaxed) }
}

/// The data that all instances of an exporter have taken; refuses batches outside of the running time, as a store does.
final class SinkStore: Sendable {
    private let records = Atomic<Int>(0)
    /// Running instances: two at once would be two writers of one file.
    private let open = Atomic<Int>(0)

    var count: Int { records.load(ordering: .relaxed) }

    func enter() -> Bool { open.compareExchange(expected: 0, desired: 1, ordering: .relaxed).exchanged }

    func leave() { open.store(0, ordering: .relaxed) }

    func add(_ count: Int) { records.wrappingAdd(count, ordering: .relaxed) }
}

extension ComponentFactory {
    /// A factory of exporters that fill it.
    static func shelf(_ shelf: SinkStore) -> ComponentFactory {
        .exporter("shelf", SinkStoreConfig.self, summary: "counts records") { _, _ in StoreState(shelf: shelf) }
    }
}

private final class StoreState: Exporter {
    let shelf: SinkStore
    let isOpen = Atomic(false)

    init(shelf: SinkStore) {
        self.shelf = shelf
    }

    func start() async throws(StartError) {
        guard shelf.enter() else { throw StartError(.inputOutput, "another instance writes") }
        isOpen.store(true, ordering: .relaxed)
    }

    func shutdown() async {
        if isOpen.exchange(false, ordering: .relaxed) { shelf.leave() }
    }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        // Long enough for a reload to happen meanwhile.
        try? await Task.sleep(for: .milliseconds(1))
        guard isOpen.load(ordering: .relaxed) else { throw .retryable("it is closed") }
        shelf.add(batch.otlp.recordCount)
    }
}

/// Distinguishes exporters.
struct SinkStoreConfig: ComponentConfig {
    var label = ""

    static let documentation = ["label": "any text"]
}
