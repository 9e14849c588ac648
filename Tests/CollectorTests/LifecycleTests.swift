// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import RawHTTP
import Testing
import Usage

@testable import Collector

struct LifecycleTests {
    private static let config = """
        receivers:
          probe/in:
        processors:
          probe/first:
          probe/second:
        exporters:
          probe/out:
          probe/more:
        extensions:
          probe/side:
          probe/beside:
        service:
          extensions: [probe/side, probe/beside]
          pipelines:
            logs: { receivers: [probe/in], processors: [probe/second, probe/first], exporters: [probe/out, probe/more] }
            traces: { receivers: [probe/in], processors: [probe/first], exporters: [probe/out] }
        """

    /// Each pipeline has its own processors; every other component exists once.
    private static let order = ["more", "out", "second", "first", "first", "side", "beside", "in"]

    private let journal = Journal()

    @Test func `exporters start first and receivers stop first`() async throws {
        let collector = try await RunningCollector(Self.config, .probes(journal))
        #expect(collector.addresses == [])
        #expect(journal.entries == Self.order.map { "start \($0)" })
        try await collector.end()
        #expect(journal.entries.dropFirst(Self.order.count) == Self.order.reversed().map { "stop \($0)" }[...])
    }

    @Test(arguments: ["more", "first", "side", "in"])
    func `a component that cannot start stops all that were started`(name: String) async throws {
        let config = Self.config.replacing("probe/\(name):", with: "probe/\(name): { fails: true }")
        let error = await #expect(throws: StartError.self) { try await RunningCollector(config, .probes(journal)) }
        #expect(error?.description == "\(name) may not start")
        #expect(error?.reason == .permission)
        let started = try #require(Self.order.firstIndex(of: name)) + 1
        let names = Self.order.prefix(started)
        #expect(journal.entries == names.map { "start \($0)" } + names.reversed().map { "stop \($0)" })
    }

    @Test func `a component that never ends is given up`() async throws {
        let config = Self.config.replacing("probe/side:", with: "probe/side: { stalls: true }")
        let collector = try await RunningCollector(config, .probes(journal), drainDeadline: .milliseconds(50))
        try await collector.end()
        #expect(journal.entries.suffix(3) == ["stop in", "stop beside", "stop side"])
    }

    @Test func `making a collector opens nothing`() throws {
        let graph = try RunningCollector.graph(Self.config, .probes(journal))
        _ = try Collector(graph, home: "/nowhere", logger: .silent, now: { .init(nanoseconds: 0) }, onReady: { _ in })
        #expect(journal.entries.isEmpty)
    }

    @Test func `two components with one route on one endpoint do not fit together`() throws {
        let route = Route(.get, "/a") { _ in ServerResponse(.ok) }
        let config = Self.config
            .replacing(
                "extensions: [probe/side, probe/beside]",
                with: "extensions: [probe/side, probe/beside, web/a, web/b]"
            )
            .replacing("  probe/beside:", with: "  probe/beside:\n  web/a:\n  web/b:")
        let graph = try RunningCollector.graph(config, .probes(journal, ["a": [route], "b": [route]]))
        let error = #expect(throws: StartError.self) {
            try Collector(graph, home: "/nowhere", logger: .silent, now: { .init(nanoseconds: 0) }, onReady: { _ in })
        }
        #expect(error?.reason == .configuration)
    }
}
