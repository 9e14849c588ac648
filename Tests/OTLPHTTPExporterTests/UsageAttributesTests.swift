// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Logging
import OTLP
import PricingProcessor
import RetentionProcessor
import SendingQueue
import SinkServer
import Synchronization
import Testing
import TokensProcessor
import Usage

@testable import OTLPHTTPExporter

/// The figures that a backend can chart from forwarded calls.
struct UsageAttributesTests {
    private func processed(_ batch: Batch, home: String) throws -> Batch {
        var batch = batch
        let settings = ComponentSettings(
            id: try #require(ComponentID("tokens")),
            logger: RecordedLog().logger,
            home: home,
            now: { Timestamp(nanoseconds: 1_800_000_000_000_000_000) }
        )
        try ComponentFactory.tokens.makeProcessor(TokensConfig(), settings).process(&batch)
        try ComponentFactory.pricing.makeProcessor(PricingConfig(), settings).process(&batch)
        return batch
    }

    private func batch() throws -> Batch {
        let call = #"""
            {"timeUnixNano":"1795334400000000000","body":{"stringValue":"claude_code.api_request"},"attributes":[
            {"key":"event.name","value":{"stringValue":"api_request"}},{"key":"session.id","value":{"stringValue":"s1"}},
            {"key":"model","value":{"stringValue":"claude-opus-4-8"}},{"key":"input_tokens","value":{"stringValue":"3"}},
            {"key":"output_tokens","value":{"intValue":"464"}},{"key":"cache_read_tokens","value":{"intValue":"9028"}},
            {"key":"cache_creation_tokens","value":{"intValue":"2416"}},{"key":"gen_ai.provider.name","value":{"stringValue":"own"}}]}
            """#
        let other =
            #"{"body":{"stringValue":"hi"},"attributes":[{"key":"event.name","value":{"stringValue":"user_prompt"}}]}"#
        let resource = #"{"attributes":[{"key":"service.name","value":{"stringValue":"claude-code"}}]}"#
        let json = #"{"resourceLogs":[{"resource":\#(resource),"scopeLogs":[{"logRecords":[\#(other),\#(call)]}]}]}"#
        return Batch(try OTLPBatch(signal: .logs, json: Array(json.utf8)), receivedAt: Timestamp(nanoseconds: 0))
    }

    @Test func `tokens, model, provider and cost are written onto the record of a call and onto no other`() async throws
    {
        let sink = try await SinkServer.start()
        let bench = Bench(sink.address) { $0.usageAttributes = true }
        let batch = try processed(try batch(), home: bench.folder)
        #expect(batch.observations.map(\.record) == [1])
        try await bench.start()
        try await bench.consume(batch)
        try await waitUntil { !sink.requests.isEmpty }
        let received = try sink.requests[0].batch()
        func value(_ key: String, _ record: Int = 1) -> AttributeValue? { received.attribute(key, of: .record(record)) }
        #expect(value("gen_ai.usage.input_tokens") == .int(11_447))
        #expect(value("gen_ai.usage.output_tokens") == .int(464))
        #expect(value("gen_ai.usage.cache_read.input_tokens") == .int(9_028))
        #expect(value("gen_ai.usage.cache_creation.input_tokens") == .int(2_416))
        #expect(value("gen_ai.usage.reasoning.output_tokens") == nil)
        #expect(value("gen_ai.response.model").map { received.text(of: $0) } == "claude-opus-4-8")
        #expect(value("gen_ai.provider.name").map { received.text(of: $0) } == "own")
        guard case .double(let cost)? = value("hammurabi.cost.usd") else {
            Issue.record("no cost")
            return
        }
        #expect(cost > 0.01 && cost < 1)
        #expect(value("gen_ai.usage.cost") == .double(cost))
        #expect(value("hammurabi.call.id").map { received.text(of: $0).count } == 16)
        #expect(value("gen_ai.operation.name") == nil && value("gen_ai.request.model") == nil)
        #expect(received.attributes(of: .record(0)).map { received.string($0.key) } == ["event.name"])
        let again = try processed(Batch(received, receivedAt: batch.receivedAt), home: bench.folder)
        #expect(again.observations.map(\.counts) == batch.observations.map(\.counts))
        #expect(again.observations.map(\.id) == batch.observations.map(\.id))
        #expect(again.observations.map(\.reportedCost) == batch.observations.map(\.reportedCost))
        await bench.stop()
        await sink.stop()
    }

    @Test func `without being asked nothing is written`() async throws {
        let sink = try await SinkServer.start()
        let bench = Bench(sink.address)
        let batch = try processed(try batch(), home: bench.folder)
        try await bench.start()
        try await bench.consume(batch)
        try await waitUntil { !sink.requests.isEmpty }
        #expect(sink.requests[0].body == batch.otlp.bytes)
        await bench.stop()
        await sink.stop()
    }

    // MARK: - One call, several records

    /// Records of calls as they are processed, each with its attributes as `key=value`.
    private func request(
        _ signal: Signal,
        service: String,
        _ records: [(scope: String, fields: String, attributes: [String])]
    )
        throws -> Batch
    {
        let scopes = records.map { record in
            let attributes = record.attributes.map { attribute in
                let parts = attribute.split(separator: "=", maxSplits: 1).map(String.init)
                let value = Int(parts[1]) == nil ? "stringValue" : "intValue"
                return #"{"key":"\#(parts[0])","value":{"\#(value)":"\#(parts[1])"}}"#
            }
            let body = #"{\#(record.fields),"attributes":[\#(attributes.joined(separator: ","))]}"#
            let kind = signal == .traces ? "spans" : "logRecords"
            return #"{"scope":{"name":"\#(record.scope)"},"\#(kind)":[\#(body)]}"#
        }
        let resource = #"{"attributes":[{"key":"service.name","value":{"stringValue":"\#(service)"}}]}"#
        let kinds = signal == .traces ? ("resourceSpans", "scopeSpans") : ("resourceLogs", "scopeLogs")
        let json = #"{"\#(kinds.0)":[{"resource":\#(resource),"\#(kinds.1)":[\#(scopes.joined(separator: ","))]}]}"#
        return Batch(
            try OTLPBatch(signal: signal, json: Array(json.utf8)),
            receivedAt: Timestamp(nanoseconds: 1_795_334_410_000_000_000)
        )
    }

    private static let times = #""startTimeUnixNano":"1795334400000000000","endTimeUnixNano":"1795334402000000000""#

    private func span(
        _ id: String,
        parent: String = "",
        name: String = "chat",
        trace: String = "0af7651916cd43dd8448eb211c80319c"
    )
        -> String
    {
        #""traceId":"\#(trace)","spanId":"\#(id)","parentSpanId":"\#(parent)","name":"\#(name)",\#(Self.times)"#
    }

    private let figures = ["gen_ai.usage.input_tokens=1000", "gen_ai.usage.output_tokens=50"]
    private let model = "gen_ai.response.model=claude-opus-4-8"

    /// OpenLLMetry and Anthropic's own SDK create a span each for one call.
    private func twoSpans(_ id: String = "msg_01ABC") throws -> Batch {
        let response = "gen_ai.response.id=\(id)"
        return try request(
            .traces,
            service: "app",
            [
                ("opentelemetry.instrumentation.anthropic", span("b7ad6b7169203331"), figures + [model, response]),
                ("anthropic", span("b7ad6b7169203332"), figures + [model, response]),
            ]
        )
    }

    /// Claude Code creates a span and a log event for one call.
    private func agentSpan() throws -> Batch {
        try request(
            .traces,
            service: "claude-code",
            [
                (
                    "com.anthropic.claude_code.tracing",
                    span(
                        "c7ad6b7169203331",
                        name: "claude_code.llm_request",
                        trace: "1af7651916cd43dd8448eb211c80319c"
                    ),
                    [
                        "span.type=llm_request", "session.id=s1", "model=claude-opus-4-8", "request_id=req_011CABC",
                        "input_tokens=1000", "output_tokens=50", "cache_read_tokens=0", "cache_creation_tokens=0",
                    ]
                )
            ]
        )
    }

    private func agentEvent() throws -> Batch {
        try request(
            .logs,
            service: "claude-code",
            [
                (
                    "com.anthropic.claude_code.events",
                    #""timeUnixNano":"1795334402000000000","body":{"stringValue":"claude_code.api_request"}"#,
                    [
                        "event.name=api_request", "session.id=s1", "model=claude-opus-4-8", "request_id=req_011CABC",
                        "input_tokens=1000", "output_tokens=50", "cache_read_tokens=0", "cache_creation_tokens=0",
                    ]
                )
            ]
        )
    }

    /// The written values of each record: its call, its cost, and whether it has tokens under the conventions' names.
    private func written(_ batch: OTLPBatch) -> [(call: String?, cost: Double?, input: Int64?)] {
        batch.records.indices.map { record in
            func value(_ key: String) -> AttributeValue? { batch.attribute(key, of: .record(record)) }
            var (cost, input): (Double?, Int64?)
            if case .double(let value)? = value("hammurabi.cost.usd") { cost = value }
            if case .int(let value)? = value("gen_ai.usage.input_tokens") { input = value }
            return (value("hammurabi.call.id").map { batch.text(of: $0) }, cost, input)
        }
    }

    private let home = "/nowhere"

    @Test func `a call that two libraries report has its cost once, and its id on both spans`() throws {
        let attributes = UsageAttributes()
        let found = written(attributes.write(on: try processed(try twoSpans(), home: home)).batch.otlp)
        #expect(found.count { $0.cost != nil } == 1)
        #expect(Set(found.map(\.call)).count == 1 && found[0].call?.count == 16)
    }

    @Test(arguments: [true, false])
    func `a call that a span and an event report has its cost once, whatever came first`(eventFirst: Bool) throws {
        let attributes = UsageAttributes()
        let batches = try eventFirst ? [agentEvent(), agentSpan()] : [agentSpan(), agentEvent()]
        var found = try batches.flatMap { written(attributes.write(on: try processed($0, home: home)).batch.otlp) }
        // A batch that is sent again, too.
        found += try batches.flatMap { written(attributes.write(on: try processed($0, home: home)).batch.otlp) }
        #expect(found.map { $0.cost != nil } == [true, false, false, false])
        #expect(found.map { $0.input != nil } == [true, false, false, false])
        #expect(Set(found.map(\.call)).count == 1 && found[0].call?.count == 16)
    }

    @Test func `forwarded calls cost as much as in the summary`() throws {
        let attributes = UsageAttributes()
        var (cost, ledger) = (0.0, MemoryLedger())
        var pricing: Pricing?
        for batch in try [twoSpans(), agentSpan(), twoSpans("msg_01DEF"), agentEvent(), twoSpans()] {
            let batch = try processed(batch, home: home)
            pricing = batch.pricing
            try ledger.absorb(batch.observations)
            cost += written(attributes.write(on: batch).batch.otlp).compactMap(\.cost).reduce(0, +)
        }
        let expected = ledger.calls.filter(\.isCounted).compactMap { pricing?.price($0).cost.dollars }.reduce(0, +)
        #expect(expected > 0)
        #expect(abs(cost - expected) < 1e-9)
    }

    @Test func `a batch that was not taken carries its cost when it comes again`() async throws {
        let isUp = Mutex(false)
        let sink = try await SinkServer.start { _ in SinkServer.Reply(isUp.withLock { $0 } ? 200 : 503) }
        let bench = Bench(sink.address) {
            $0.usageAttributes = true
            $0.sendingQueue.enabled = false
        }
        let batch = try processed(try agentEvent(), home: bench.folder)
        try await bench.start()
        await #expect(throws: ConsumeError.self) { try await bench.consume(batch) }
        isUp.withLock { $0 = true }
        try await bench.consume(batch)
        try await bench.consume(try processed(try agentSpan(), home: bench.folder))
        let costs = try sink.requests.flatMap { written(try $0.batch()) }.map { $0.cost != nil }
        #expect(costs == [true, true, false])
        await bench.stop()
        await sink.stop()
    }

    @Test func `a span that repeats what the span below it reports gets nothing`() throws {
        let batch = try request(
            .traces,
            service: "app",
            [
                (
                    "agent", span("b7ad6b7169203331", name: "invoke_agent"),
                    figures + [model, "gen_ai.operation.name=invoke_agent"]
                ),
                ("library", span("b7ad6b7169203332", parent: "b7ad6b7169203331"), figures + [model]),
            ]
        )
        let found = written(UsageAttributes().write(on: try processed(batch, home: home)).batch.otlp)
        #expect(found.map { $0.cost != nil } == [false, true])
        #expect(found.map { $0.call != nil } == [false, true])
    }

    @Test func `the record with a cost of the sender's own carries the figures, and its cost stays`() throws {
        let response = "gen_ai.response.id=msg_01GHI"
        let batch = try request(
            .traces,
            service: "app",
            [
                ("one", span("b7ad6b7169203331"), figures + [model, response]),
                ("two", span("b7ad6b7169203332"), figures + [model, response, "gen_ai.usage.cost=2"]),
            ]
        )
        let otlp = UsageAttributes().write(on: try processed(batch, home: home)).batch.otlp
        #expect(written(otlp).map { $0.cost != nil } == [false, true])
        #expect(otlp.attribute("gen_ai.usage.cost", of: .record(0)) == nil)
        #expect(otlp.attribute("gen_ai.usage.cost", of: .record(1)) == .int(2))
    }

    /// Arize Phoenix 20 does not show a span without operation or requested model as a model call.
    @Test func `a span of Claude Code says which operation it is and which model was asked`() throws {
        let otlp = UsageAttributes().write(on: try processed(try agentSpan(), home: home)).batch.otlp
        func text(_ key: String) -> String? { otlp.attribute(key, of: .record(0)).map { otlp.text(of: $0) } }
        #expect(text("gen_ai.operation.name") == "chat")
        #expect(text("gen_ai.request.model") == "claude-opus-4-8")
        #expect(
            otlp.attribute("gen_ai.usage.cost", of: .record(0)) == otlp.attribute("hammurabi.cost.usd", of: .record(0))
        )
        #expect(otlp.attribute("gen_ai.usage.cost", of: .record(0)) != nil)
    }

    @Test(arguments: [
        ("llm.request.type=embedding", "embeddings"), ("llm.request.type=completion", "text_completion"),
        ("llm.request.type=chat", "chat"),
    ])
    func `an operation that the sender names in other words is kept`(attribute: String, operation: String) throws {
        let batch = try request(
            .traces,
            service: "app",
            [("library", span("b7ad6b7169203331"), figures + [model, attribute])]
        )
        let otlp = UsageAttributes().write(on: try processed(batch, home: home)).batch.otlp
        #expect(otlp.attribute("gen_ai.operation.name", of: .record(0)).map { otlp.text(of: $0) } == operation)
    }

    @Test func `the next collector reads the same usage as this one`() throws {
        for batch in try [twoSpans(), agentSpan(), agentEvent()] {
            let first = try processed(batch, home: home)
            let sent = try OTLPBatch(
                signal: batch.signal,
                protobuf: UsageAttributes().write(on: first).batch.otlp.encoded()
            )
            let second = try processed(Batch(sent, receivedAt: batch.receivedAt), home: home)
            #expect(second.observations == first.observations)
            // The cost computed by the first collector is not a cost that the sender reported.
            #expect(second.observations.allSatisfy { $0.reportedCost == nil })
        }
    }

    @Test func `a cost of the sender's under another name is still its report for the next collector`() throws {
        let batch = try request(
            .traces,
            service: "app",
            [("library", span("b7ad6b7169203331"), figures + [model, "llm.cost.total=3"])]
        )
        let first = try processed(batch, home: home)
        let otlp = UsageAttributes().write(on: first).batch.otlp
        let second = try processed(
            Batch(try OTLPBatch(signal: .traces, protobuf: otlp.encoded()), receivedAt: batch.receivedAt),
            home: home
        )
        #expect(first.observations.map(\.reportedCost) == [Money(dollars: 3)])
        #expect(second.observations.map(\.reportedCost) == [Money(dollars: 3)])
    }

    @Test func `memory holds the calls reported last`() throws {
        let attributes = UsageAttributes(capacity: 2)
        func costs(_ id: String) throws -> Int {
            written(attributes.write(on: try processed(try twoSpans(id), home: home)).batch.otlp).count {
                $0.cost != nil
            }
        }
        #expect(try ["msg_01AAA", "msg_01BBB", "msg_01CCC"].map(costs) == [1, 1, 1])
        #expect(try ["msg_01CCC", "msg_01BBB", "msg_01AAA"].map(costs) == [0, 0, 1])
    }

    /// A record that a processor drops takes its figures with it.
    @Test func `each record has its own figures when an older one was dropped`() throws {
        let now: Int64 = 1_795_334_400_000_000_000
        let events = [(-10_800, 111, 1), (0, 2_222, 22), (1, 33_333, 333)].map { offset, input, output in
            (
                scope: "com.anthropic.claude_code.events",
                fields:
                    #""timeUnixNano":"\#(now + Int64(offset) * 1_000_000_000)","body":{"stringValue":"claude_code.api_request"}"#,
                attributes: [
                    "event.name=api_request", "session.id=s1", "model=claude-opus-4-8", "request_id=req_011C\(input)",
                    "input_tokens=\(input)", "output_tokens=\(output)",
                ]
            )
        }
        var batch = try processed(try request(.logs, service: "claude-code", events), home: home)
        var retention = RetentionConfig()
        retention.maxAge = ConfigDuration(seconds: 3_600)
        let settings = ComponentSettings(
            id: try #require(ComponentID("retention")),
            logger: RecordedLog().logger,
            home: home,
            now: { Timestamp(nanoseconds: now) }
        )
        try ComponentFactory.retention.makeProcessor(retention, settings).process(&batch)
        let sent = try OTLPBatch(signal: .logs, protobuf: UsageAttributes().write(on: batch).batch.otlp.encoded())
        #expect(written(sent).map(\.input) == [2_222, 33_333])
        #expect(written(sent).allSatisfy { $0.cost != nil })
    }
}
