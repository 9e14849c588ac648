// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

@Suite struct FixtureTests {
    @Test(arguments: Fixture.all)
    func `a recorded body is indexed and encoded again byte for byte`(_ fixture: Fixture) throws {
        let batch = try fixture.batch()
        #expect(batch.recordCount > 0)
        #expect(!batch.resources.isEmpty)
        #expect(batch.rejected == 0)
        #expect(batch.encoded() == batch.bytes)
        if !fixture.isJSON { #expect(batch.bytes == (try fixture.bytes())) }
        #expect(try OTLPBatch(signal: fixture.signal, protobuf: batch.bytes).records == batch.records)
    }

    @Test(arguments: Fixture.all)
    func `protobuf to JSON and back keeps every known field`(_ fixture: Fixture) throws {
        let batch = try fixture.batch()
        let json = batch.json()
        let again = try OTLPBatch(signal: fixture.signal, json: json)
        #expect(text(again.json()) == text(json))
        #expect(again.recordCount == batch.recordCount)
        #expect(again.attributes.map(\.keyID) == batch.attributes.map(\.keyID))
        // Only the JavaScript SDK writes zero values that proto3 omits.
        if !fixture.name.hasPrefix("claude") || fixture.isJSON { #expect(again.bytes == batch.bytes) }
    }

    @Test func `JSON and protobuf of one traces request are the same batch`() throws {
        let json = try Fixture("pair-traces.json", .traces).batch()
        let protobuf = try Fixture("pair-traces.pb", .traces).batch()
        #expect(json.bytes == protobuf.bytes)
        #expect(json.records == protobuf.records)
        #expect(json.attributes == protobuf.attributes)
        #expect(json.scopes == protobuf.scopes)
        #expect(json.resources == protobuf.resources)
    }

    /// The protobuf writer puts the observed time last, so the bytes differ although the content is the same.
    @Test func `JSON and protobuf of one logs request say the same`() throws {
        let json = try Fixture("pair-logs.json", .logs).batch()
        let protobuf = try Fixture("pair-logs.pb", .logs).batch()
        #expect(json.bytes.count == protobuf.bytes.count)
        let (left, right) = (try #require(json.records.first), try #require(protobuf.records.first))
        #expect((left.time, left.observedTime, left.severity) == (right.time, right.observedTime, right.severity))
        #expect(json.text(of: left.body) == protobuf.text(of: right.body))
        let (mine, its) = (json.attributes(of: .record(0)), protobuf.attributes(of: .record(0)))
        #expect(mine.map(\.keyID) == its.map(\.keyID))
        #expect(mine.map { json.text(of: $0.value) } == its.map { protobuf.text(of: $0.value) })
    }

    @Test func `a Claude Code log record is read`() throws {
        let batch = try Fixture("claude-logs.json", .logs).batch()
        let scope = try #require(batch.scopes.first)
        #expect(batch.string(scope.name) == "com.anthropic.claude_code.events")
        #expect(batch.attribute(.serviceName, resource: 0).map(batch.text) == "claude-code")
        let record = try #require(batch.records.first)
        #expect(batch.text(of: record.body).hasPrefix("claude_code."))
        #expect(batch.inheritedAttribute(.serviceName, record: 0).map(batch.text) == "claude-code")
        #expect(batch.attribute(.serviceName, record: 0) == nil)
        #expect(record.time > 1_700_000_000_000_000_000)
        let sequence = try #require(batch.attribute(.eventSequence, record: 0))
        #expect(batch.number(of: sequence) != nil)
    }

    @Test func `a span with status, kind and ids is read`() throws {
        let batch = try Fixture("example-traces.json", .traces).batch()
        let span = try #require(batch.records.first)
        #expect(span.traceHigh == 0x5b8e_fff7_9803_8103)
        #expect(span.traceLow == 0xd269_b633_813f_c60c)
        #expect(span.spanID == 0xeee1_9b7e_c3c1_b174)
        #expect(span.parentSpanID == 0xeee1_9b7e_c3c1_b173)
        #expect(batch.string(span.name) == "I'm a server span")
        #expect(span.kind == 2)
        #expect(span.startTime == 1_544_712_660_000_000_000)
        #expect(span.endTime == 1_544_712_661_000_000_000)
        #expect(span.metric == nil)
    }

    @Test func `every kind of metric is read`() throws {
        let batch = try Fixture("example-metrics.json", .metrics).batch()
        #expect(batch.metrics.map(\.kind) == [.sum, .gauge, .histogram, .exponentialHistogram])
        #expect(batch.metrics.map { batch.string($0.name) }.first == "my.counter")
        #expect(batch.metrics.map(\.temporality) == [.delta, .unspecified, .delta, .delta])
        #expect(batch.metrics[0].isMonotonic)
        #expect(batch.string(batch.metrics[0].unit) == "1")
        #expect(batch.records[batch.metrics[0].points.lowerBound].body == .double(5))
        #expect(batch.distribution(record: batch.metrics[0].points.lowerBound) == nil)
        #expect(batch.distribution(record: batch.metrics[2].points.lowerBound) == Distribution(count: 2, sum: 2))
        #expect(batch.distribution(record: batch.metrics[3].points.lowerBound) == Distribution(count: 3, sum: 10))
        #expect(batch.records.map(\.metric) == [0, 1, 2, 3])
    }

    @Test(arguments: Fixture.all)
    func `every record can be written alone`(_ fixture: Fixture) throws {
        let batch = try fixture.batch()
        for index in batch.records.indices {
            var line: [UInt8] = []
            batch.writeRecord(index, into: &line)
            #expect(line.first == UInt8(ascii: "{") && line.last == UInt8(ascii: "}"))
            #expect(text(batch.json()).contains(text(line)))
        }
    }
}
