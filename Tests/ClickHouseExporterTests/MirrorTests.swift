// SPDX-License-Identifier: Apache-2.0

import ClickHouseServer
import CollectorKit
import CollectorTesting
import Foundation
import Logging
import OTLP
import SinkServer
import StoreFixtures
import Synchronization
import Testing
import Usage
import YAML

@testable import ClickHouseExporter

/// Where the tests must not be left out, they fail without a server.
struct InstalledServerTests {
    @Test func `a server can be started where the environment demands it`() {
        guard ProcessInfo.processInfo.environment["HAMMURABI_REQUIRE_CLICKHOUSE"] == "1" else { return }
        #expect(ClickHouseServer.isInstalled, "\(ClickHouseServer.need)")
    }
}

/// The sums over the table are those of the store.
@Suite(.enabled(if: ClickHouseServer.isInstalled, "\(ClickHouseServer.need)"), .serialized)
struct MirrorTests {
    @Test func `calls, corrections, new prices and compaction arrive, and a repeat changes nothing`() async throws {
        let bench = try await Bench(ClickHouseServer())
        try await bench.start()
        try await bench.store.consume(Batch((1...50).map { Observation($0) } + [Observation(51, model: "free")]))
        try await bench.agree()
        #expect(try await bench.mirrored().map { $0.prefix(4) } == ["free", "m\t50"].map { $0.prefix(4) })
        // A later observation of a call knows more; the call before it is taken back.
        try await bench.store.consume(Batch([Observation(7, input: 1_000, project: "hub")]))
        try await bench.agree()
        let rows = try await bench.server.ask(
            "SELECT sum(sign), count() FROM hammurabi_calls WHERE call_id = \(0x1000 + 7 * 16)"
        )
        #expect(rows == "1\t1" || rows == "1\t3")
        _ = try await bench.answers.reprice(by: testPricing(input: "3"))
        try await bench.agree()
        try await bench.store.consume(Batch((1...50).map { Observation($0) }))
        try await bench.agree()
        #expect(try await bench.server.ask("SELECT sum(sign) FROM hammurabi_calls FINAL") == "51")
        _ = try await bench.answers.compact(before: morning)
        try await bench.agree()
        #expect(try await bench.server.ask("SELECT sum(sign), sum(sign * cost) FROM hammurabi_calls") == "0\t0")
        #expect(try bench.mirror.trouble == nil)
        await bench.stop()
    }

    @Test(arguments: ClickHouseServer.Fault.allCases)
    func `a failed insert is sent again and counts once`(fault: ClickHouseServer.Fault) async throws {
        let bench = try await Bench(ClickHouseServer())
        try await bench.start()
        for round in UInt64(0)..<4 {
            try await bench.server.fail(fault, times: 2)
            let observations = (1...20).map { Observation($0 + round * 10, input: Int64(10 + round)) }
            try await bench.store.consume(Batch(observations))
            try await bench.agree()
        }
        await bench.stop()
    }

    /// The mirror is closed while its insert is under way, with or without its answer; the store changes meanwhile.
    @Test(arguments: ClickHouseServer.Fault.allCases)
    func `after a restart the insert that waited comes first and counts once`(fault: ClickHouseServer.Fault)
        async throws
    {
        let bench = try await Bench(ClickHouseServer())
        try await bench.start()
        try await bench.store.consume(Batch((1...30).map { Observation($0) }))
        try await bench.agree()
        for round in UInt64(0)..<4 {
            try await bench.server.fail(fault, times: 1_000)
            try await bench.store.consume(Batch((1...10).map { Observation($0 + round, input: Int64(20 + round)) }))
            try await waitUntil { try bench.mirror.trouble != nil }
            await bench.stop(keepsStore: round % 2 == 0)
            try await bench.server.heal()
            try await bench.start()
            try await bench.store.consume(Batch([Observation(900 + round)]))
            try await bench.agree()
        }
        await bench.stop()
    }

    @Test func `what was sent is found again after the mirror's work ended at any point`() async throws {
        let server = try await ClickHouseServer()
        let bench = try Bench(server)
        try await bench.start()
        try await bench.store.consume(Batch((1...40).map { Observation($0) }))
        try await bench.agree()
        // A power cut before the rows were noted: the queue has the insert, the notes are as they were.
        let notes = "\(bench.files)/sent/0.rows"
        let before = try Data(contentsOf: URL(filePath: notes))
        try await server.fail(.unheard, times: 1_000)
        try await bench.store.consume(Batch([Observation(5, input: 77)]))
        try await waitUntil { try bench.mirror.trouble != nil }
        await bench.stop()
        try before.write(to: URL(filePath: notes))
        try await server.heal()
        try await bench.start()
        try await bench.agree()
        await bench.stop()
    }

    @Test func `a table that was dropped is made and filled again`() async throws {
        let bench = try await Bench(ClickHouseServer())
        try await bench.start()
        try await bench.store.consume(Batch((1...20).map { Observation($0) }))
        try await bench.agree()
        _ = try await bench.server.ask("DROP TABLE hammurabi_calls")
        try await bench.store.consume(Batch([Observation(21)]))
        try await bench.agree()
        await bench.stop()
    }

    @Test func `a table that would count a repeat twice is refused, with the statement that mends it`() async throws {
        let server = try await ClickHouseServer()
        let bench = try Bench(server)
        try await bench.start()
        try await bench.store.consume(Batch([Observation(1)]))
        try await bench.agree()
        await bench.stop(keepsStore: true)
        _ = try await server.ask("ALTER TABLE hammurabi_calls RESET SETTING non_replicated_deduplication_window")
        try await bench.start()
        try await bench.store.consume(Batch([Observation(2)]))
        try await waitUntil { try bench.mirror.trouble?.contains("MODIFY SETTING") ?? false }
        _ = try await server.ask(
            "ALTER TABLE hammurabi_calls MODIFY SETTING non_replicated_deduplication_window = 1000"
        )
        try await bench.agree()
        await bench.stop()
    }

    @Test func `with create_schema false a missing table is reported and nothing is made`() async throws {
        let bench = try await Bench(ClickHouseServer()) { $0.createSchema = false }
        try await bench.start()
        try await waitUntil { try bench.mirror.trouble?.contains("create_schema is false") ?? false }
        #expect(try await bench.server.ask("SELECT count() FROM system.tables WHERE database = 'default'") == "0")
        await bench.stop()
    }

    @Test func `another database, a user with a password and each compression are understood`() async throws {
        for compression in ClickHouseConfig.Compression.allCases {
            let server = try await ClickHouseServer(user: ("hub", "se cret+/"))
            let bench = try Bench(server) { config in
                (config.database, config.username, config.password) = ("telemetry", "hub", "se cret+/")
                (config.compression, config.callsTableName) = (compression, "calls")
                config.ttl = ConfigDuration(seconds: 90 * 86_400)
            }
            try await bench.start()
            try await bench.store.consume(Batch((1...10).map { Observation($0) }))
            try await waitUntil { (try? await server.ask("SELECT sum(sign) FROM telemetry.calls")) == "10" }
            await bench.stop()
        }
        let server = try await ClickHouseServer(user: ("hub", "right-password"))
        let bench = try Bench(server) { ($0.username, $0.password) = ("hub", "wrong-password") }
        try await bench.start()
        try await waitUntil { try bench.mirror.trouble?.contains("516") ?? false }
        #expect(try bench.mirror.trouble?.contains("wrong-password") == false)
        await bench.stop()
    }

    /// Random histories, with failures, restarts and repricing at random.
    @Test(arguments: [1, 2, 3])
    func `generated histories come out exact whatever fails`(seed: UInt64) async throws {
        let server = try await ClickHouseServer()
        let bench = try Bench(server)
        try await bench.start()
        var random = SeededGenerator(seed: seed)
        for round in 0..<15 {
            let fault = ClickHouseServer.Fault.allCases[random.below(3)]
            if random.below(2) == 0 { try await server.fail(fault, times: 1 + random.below(3)) }
            let observations = (0..<(1 + random.below(30))).map { _ in
                Observation(
                    UInt64(1 + random.below(60)),
                    model: ["m", "n"][random.below(2)],
                    input: Int64(random.below(1_000)),
                    project: [nil, "a", "bb"][random.below(3)]
                )
            }
            try await bench.store.consume(Batch(observations))
            if random.below(4) == 0 { _ = try await bench.answers.reprice(by: testPricing(input: "\(1 + round)")) }
            if random.below(3) == 0 {
                await bench.stop(keepsStore: random.below(2) == 0)
                try await bench.start()
            }
            if random.below(3) == 0 { try await bench.agree() }
        }
        try await server.heal()
        try await bench.agree()
        await bench.stop()
    }

    @Test func `log records and spans are in the tables and columns of the OpenTelemetry Collector's exporter`()
        async throws
    {
        let server = try await ClickHouseServer()
        let bench = try Bench(server) { $0.records = .all }
        try await bench.start()
        let logs = #"""
            {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"agent"}}]},"scopeLogs":[{"scope":{"name":"lib","version":"1"},
            "logRecords":[{"timeUnixNano":"1795334400000000001","severityNumber":9,"severityText":"INFO","flags":1,"traceId":"0102030405060708090a0b0c0d0e0f10",
            "spanId":"0102030405060708","body":{"stringValue":"hé \u0000"},"attributes":[{"key":"n","value":{"intValue":"7"}}]}]}]}]}
            """#
        let spans = #"""
            {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"agent"}}]},"scopeSpans":[{"scope":{"name":"lib"},
            "spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","parentSpanId":"0000000000000009","name":"chat","kind":3,
            "traceState":"a=b","startTimeUnixNano":"1795334400000000000","endTimeUnixNano":"1795334401500000000","status":{"code":2,"message":"no"},
            "attributes":[{"key":"k","value":{"stringValue":"v"}}],
            "events":[{"timeUnixNano":"1795334400000000005","name":"e","attributes":[{"key":"x","value":{"boolValue":true}}]}],
            "links":[{"traceId":"0f0e0d0c0b0a09080706050403020100","spanId":"0000000000000001"}]}]}]}]}
            """#
        try await bench.mirror.consume(Batch(OTLPBatch(signal: .logs, json: Array(logs.utf8)), receivedAt: morning))
        try await bench.mirror.consume(Batch(OTLPBatch(signal: .traces, json: Array(spans.utf8)), receivedAt: morning))
        func ask(_ sql: String) async -> String { (try? await server.ask(sql)) ?? "" }
        try await waitUntil { await ask("SELECT count() FROM otel_logs") == "1" }
        try await waitUntil { await ask("SELECT count() FROM otel_traces") == "1" }
        let log = await ask(
            """
            SELECT toUnixTimestamp64Nano(Timestamp), TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, length(Body),
                ResourceAttributes['service.name'], ScopeName, ScopeVersion, LogAttributes['n'] FROM otel_logs
            """
        )
        #expect(
            log
                == "1795334400000000001\t0102030405060708090a0b0c0d0e0f10\t0102030405060708\t1\tINFO\t9\tagent\t5\tagent\tlib\t1\t7"
        )
        let span = await ask(
            """
            SELECT toUnixTimestamp64Nano(Timestamp), ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, SpanAttributes['k'], Duration,
                StatusCode, StatusMessage, toUnixTimestamp64Nano(Events.Timestamp[1]), Events.Name[1], Events.Attributes[1]['x'],
                Links.TraceId[1], Links.SpanId[1] FROM otel_traces
            """
        )
        #expect(
            span
                == "1795334400000000000\t0000000000000009\ta=b\tchat\tClient\tagent\tv\t1500000000\tError\tno\t1795334400000000005\te\ttrue\t0f0e0d0c0b0a09080706050403020100\t0000000000000001"
        )
        await bench.stop()
    }
}

/// Without a server.
struct ClickHouseConfigTests {
    @Test func `the exporter keeps the contract of components`() async throws {
        let home = try TemporaryFolder()
        var config = ClickHouseConfig()
        config.endpoint = "http://127.0.0.1:9"
        let violations = await ComponentConformance(.clickhouse(), config: config, home: home.path).violations()
        #expect(violations == [])
    }

    @Test func `an address is http or https with a host`() {
        #expect(ServerAddress("http://127.0.0.1:8123/")?.text == "http://127.0.0.1:8123")
        #expect(ServerAddress("https://db.example")?.port == 443)
        #expect(ServerAddress("http://[::1]:8123")?.host == "::1")
        for bad in [
            "", "127.0.0.1:8123", "tcp://h:9000", "http://", "http://h:0", "http://h/x", "http://u@h", "http://h:99999",
        ] {
            #expect(ServerAddress(bad) == nil, "\(bad)")
        }
    }

    @Test func `values that nothing can be mirrored with are refused with their place`() {
        var config = ClickHouseConfig()
        (config.endpoint, config.database, config.store) = ("tcp://h:9000", "a-b", "")
        config.callsTableName = "x`; DROP"
        var findings = ConfigFindings()
        config.validate(&findings)
        let places = Set(findings.items.map { $0.path.joined(separator: ".") })
        #expect(places.isSuperset(of: ["endpoint", "database", "store", "calls_table_name"]))
    }

    @Test func `a change is read back as it was written, and not from damaged bytes`() {
        var call = CountedCall(
            id: 9,
            time: morning,
            counts: TokenCounts(uncachedInput: 1),
            price: CallPrice(cost: Money(nanodollars: -5), isPriced: true, computed: nil)
        )
        (call.model, call.duration) = ("é", 12)
        var change = MirrorChange(version: 3)
        change.add(block: 2, former: [:], [call])
        change.add(block: 4, former: [9: SentRow(version: 1, row: CallRow(call))], [])
        let bytes = change.encoded
        let back = MirrorChange(encoded: bytes)
        #expect(
            back?.token == change.token && back?.rows.map(\.sign) == [1, -1] && back?.rows.map(\.version) == [3, 1]
        )
        #expect(back?.rows.map(\.row) == change.rows.map(\.row))
        for count in bytes.indices { #expect(MirrorChange(encoded: Array(bytes.prefix(count))) == nil) }
    }

    /// Proxies and load balancers answer, too.
    @Test func `an answer that is not ClickHouse's makes the mirror wait`() async throws {
        let sink = try await SinkServer.start { _ in SinkServer.Reply(502, [], Array("bad gateway".utf8)) }
        let home = try TemporaryFolder()
        var config = ClickHouseConfig()
        config.endpoint = sink.address
        let settings = ComponentSettings(
            id: try #require(ComponentID("clickhouse")),
            logger: .init(label: "x") { _ in SwiftLogNoOpLogHandler() },
            home: home.path,
            now: { morning }
        )
        let exporter = ClickHouseExporter(config, settings, version: "test")
        try await exporter.start()
        try await waitUntil { exporter.trouble?.contains("502: bad gateway") ?? false }
        await exporter.shutdown()
        await sink.stop()
    }
}
