// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import OTLPHTTPExporter
import PricingProcessor
import SinkServer
import Testing
import TokensProcessor
import Usage

/// What a backend can chart of calls that it only gets forwarded.
struct UsageAttributesTests {
    private func processed(_ batch: Batch, home: String) throws -> Batch {
        var batch = batch
        let settings = ComponentSettings(
            id: try #require(ComponentID("tokens")),
            logger: RecordedLog().logger,
            home: home,
            now: { Timestamp(nanoseconds: 1_800_000_000_000_000_000) }
        )
        try TokensFactory().makeProcessor(TokensConfig(), settings).process(&batch)
        try PricingFactory().makeProcessor(PricingConfig(), settings).process(&batch)
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
        #expect(batch.recordOfObservation == [1])
        try await bench.start()
        try await bench.consume(batch)
        try await eventually { !sink.requests.isEmpty }
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
        try await eventually { !sink.requests.isEmpty }
        #expect(sink.requests[0].body == batch.otlp.bytes)
        await bench.stop()
        await sink.stop()
    }
}
