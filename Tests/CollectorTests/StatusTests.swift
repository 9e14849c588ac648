// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Logging
import OTLP
import RawHTTP
import Synchronization
import Testing
import Usage

@testable import Collector

/// The status of a running collector.
struct StatusTests {
    @Test func `every component is there once, with its place and its numbers`() async throws {
        let hub = try await OTLPHub(keys: "{ keys: [{ name: a, key: abcdefghijklmnopqrstuvwxyz }] }")
        let fields = OTLPEncoding.json.fields.merging(["X-Hammurabi-Api-Key": "abcdefghijklmnopqrstuvwxyz"]) { $1 }
        for _ in 0..<3 {
            #expect(try await hub.post(.logs, try OTLPEncoding.json.twoRecords(.logs), fields).status == 200)
        }
        let status = hub.collector.status
        #expect(status.startedAt != nil)
        #expect(status.memory.limitBytes == 256 << 20)
        #expect(Set(status.pipelines.map(\.name)) == ["traces", "logs", "metrics"])
        #expect(
            status.components.map { "\($0.kind.singular) \($0.id)" } == [
                "exporter sink", "extension api_keys", "receiver otlp",
            ]
        )
        #expect(status.components.allSatisfy { $0.state == .running && $0.location?.hasPrefix("config.yaml:") == true })
        #expect(status.components[2].counts[.accepted] == 6)
        #expect(status.components[0].counts[.accepted] == 6 && status.components[0].counts[.sent] == 6)
        #expect(status.components[0].lastError == nil)
        try await hub.end()
        #expect(hub.collector.status.components.allSatisfy { $0.state == .stopped })
    }

    @Test func `an exporter that cannot take anything is in trouble until it can`() async throws {
        let hub = try await OTLPHub()
        hub.sink.refuse(with: .retryable("the disk is full"))
        for _ in 0..<2 {
            _ = try await hub.post(.logs, try OTLPEncoding.json.twoRecords(.logs), OTLPEncoding.json.fields)
        }
        let sink = try #require(hub.collector.status.components.first)
        #expect(sink.state == .degraded("the disk is full"))
        #expect(sink.lastError?.message == "the disk is full")
        #expect(sink.lastError?.count == 2)
        #expect(sink.counts[.failed] == 4)
        #expect(hub.collector.status.troubles.map(\.id.description) == ["sink"])
        hub.sink.refuse(with: .permanent("what is this"))
        _ = try await hub.post(.logs, try OTLPEncoding.json.twoRecords(.logs), OTLPEncoding.json.fields)
        let counts = try #require(hub.collector.status.components.first?.counts)
        #expect(counts[.refused] == 2 && counts[.failed] == 4 && counts[.accepted] == 0 && counts[.sent] == 0)
        let receiver = try #require(hub.collector.status.components.last { $0.kind == .receiver }?.counts)
        #expect(receiver[.refused] == 2 && receiver[.failed] == 4 && receiver[.accepted] == 0)
        hub.sink.refuse(with: nil)
        _ = try await hub.post(.logs, try OTLPEncoding.json.twoRecords(.logs), OTLPEncoding.json.fields)
        #expect(hub.collector.status.troubles.isEmpty)
        #expect(hub.collector.status.components.first?.lastError?.message == "what is this")
        try await hub.end()
    }

    @Test func `a tap shows the batches of a component and delays no sender`() async throws {
        let hub = try await OTLPHub()
        let body = try OTLPEncoding.json.twoRecords(.logs)
        let id = try #require(ComponentID("otlp"))
        let tap = try #require(hub.collector.collector.state.assembly.instances(id).first?.tap)
        let samples = try #require(tap.watch(limit: 1))
        #expect(try await hub.post(.logs, body, OTLPEncoding.json.fields).status == 200)
        var shown: [[UInt8]] = []
        for try await sample in samples { shown.append(sample) }
        let text = String(decoding: shown.first ?? [], as: UTF8.self)
        #expect(shown.count == 1)
        #expect(text.hasPrefix("{\"resourceLogs\":["))
        #expect(text.split(separator: "\n").count == 1)
        // A second reader that reads nothing.
        let unread = try #require(tap.watch(limit: 1_000))
        for _ in 0..<5 { #expect(try await hub.post(.logs, body, OTLPEncoding.json.fields).status == 200) }
        try await hub.end()
        for try await _ in unread {}
    }

    @Test func `a message that repeats is written once a minute, with how often it came`() {
        let lines = Journal()
        var settings = TelemetryConfig.Logs()
        settings.encoding = .json
        let time = Clock()
        let output = LogOutput(settings, now: { time.now }) { lines.write($0) }
        let handler = StderrLogHandler(output)
        func log(_ message: String, _ level: TelemetryConfig.Level = .warn) {
            handler.log(
                event: .init(
                    level: level.logLevel,
                    message: "\(message)",
                    metadata: ["reason": "a \"b\""],
                    source: "",
                    file: "",
                    function: "",
                    line: 1
                )
            )
        }
        for _ in 0..<5 { log("the disk is full") }
        log("other")
        log("again", .info)
        log("again", .info)
        #expect(lines.entries.count == 4)
        #expect(
            lines.entries.first?.hasSuffix(
                "\"level\":\"warning\",\"message\":\"the disk is full\",\"reason\":\"a \\\"b\\\"\"}\n"
            ) == true
        )
        time.pass(61)
        log("the disk is full")
        #expect(lines.entries.last?.contains("\"repeated\":\"4\"") == true)
        settings.encoding = .console
        settings.level = .error
        output.settings = settings
        #expect(handler.logLevel == .error)
        log("console", .error)
        #expect(lines.entries.last?.hasSuffix(" error console reason=\"a \\\"b\\\"\"\n") == true)
    }

    @Test func `messages about several things are each written`() {
        let lines = Journal()
        let output = LogOutput(TelemetryConfig.Logs(), now: { Timestamp(nanoseconds: 0) }) { lines.write($0) }
        let logger = Logger(label: "hub") { _ in StderrLogHandler(output) }
        let key = ["signal", "name", "file", "target", "alert", "path"]
        for _ in 0..<2 {
            for key in key { for value in ["a", "b"] { logger.warning("lost", metadata: [key: "\(value)"]) } }
        }
        #expect(lines.entries.count == 12)
    }

    private final class Clock: Sendable {
        private let seconds = Atomic<Int64>(0)

        var now: Timestamp { Timestamp(nanoseconds: seconds.load(ordering: .relaxed) * 1_000_000_000) }

        func pass(_ more: Int64) { seconds.wrappingAdd(more, ordering: .relaxed) }
    }
}
