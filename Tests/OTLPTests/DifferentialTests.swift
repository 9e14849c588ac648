// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import OTLP

/// JSON and protobuf of one request are the same batch, for JSON of any writer.
@Suite struct DifferentialTests {
    /// Each seed gives one random request of a signal.
    private static let seeds: [(Signal, UInt64)] = Signal.allCases.flatMap { signal in (1...60).map { (signal, $0) } }

    @Test(arguments: seeds)
    func `a random request is the same in both encodings`(_ signal: Signal, _ seed: UInt64) throws {
        var generator = RandomRequest(seed: seed)
        let protobuf = try OTLPBatch(signal: signal, protobuf: generator.request(signal))
        let json = try OTLPBatch(signal: signal, json: protobuf.json())
        #expect(json.bytes == protobuf.bytes)
        #expect(json.resources == protobuf.resources)
        #expect(json.scopes == protobuf.scopes)
        #expect(json.records == protobuf.records)
        #expect(json.attributes == protobuf.attributes)
        #expect(json.metrics == protobuf.metrics)
        #expect(json.notes == protobuf.notes)
        #expect(json.rejected == 0)
    }

    @Test(arguments: seeds)
    func `the JSON of a random request is read by others, and theirs by us`(_ signal: Signal, _ seed: UInt64) throws {
        var generator = RandomRequest(seed: seed)
        try compareWithFoundation(OTLPBatch(signal: signal, protobuf: generator.request(signal)))
    }

    @Test(arguments: Fixture.all + Fixture.more)
    func `the JSON of a recorded request is read by others, and theirs by us`(_ fixture: Fixture) throws {
        try compareWithFoundation(fixture.batch())
    }

    @Test(arguments: Fixture.all + Fixture.more)
    func `a recorded request is the same in both encodings`(_ fixture: Fixture) throws {
        let batch = try fixture.batch()
        let json = try OTLPBatch(signal: fixture.signal, json: batch.json())
        let protobuf = try OTLPBatch(signal: fixture.signal, protobuf: json.bytes)
        #expect(json.records == protobuf.records)
        #expect(text(json.json()) == text(batch.json()))
        #expect(batch.records.indices.map { described(batch, $0) } == batch.records.indices.map { described(json, $0) })
    }

    @Test(arguments: seeds)
    func `unknown fields are passed on, with changes and without`(_ signal: Signal, _ seed: UInt64) throws {
        var generator = RandomRequest(seed: seed)
        generator.unknownFields = 0.3
        let bytes = generator.request(signal)
        let received = try OTLPBatch(signal: signal, protobuf: bytes)
        #expect(received.encoded() == bytes)
        var changed = received
        for record in changed.records.indices { changed.overlay.append("our.own", 7, toRecord: record) }
        var again = try changed.reread()
        for record in again.records.indices {
            #expect(again.attribute("our.own", of: .record(record)) == .int(7))
            again.removeAttributes("our.own", record: record)
        }
        #expect(again.encoded() == bytes)
        #expect(text(again.json()) == text(received.json()))
    }

    @Test(arguments: seeds)
    func `a writer that is used again writes the same, and records are parts of their request`(
        _ signal: Signal,
        _ seed: UInt64
    ) throws {
        var generator = RandomRequest(seed: seed)
        let batch = try OTLPBatch(signal: signal, protobuf: generator.request(signal))
        var writer = OTLPJSONWriter()
        var buffer = Array("before".utf8)
        for _ in 0..<2 {
            writer.removeAll()
            writer.writeRequest(batch)
            #expect(writer.text == batch.json())
            writer.append(to: &buffer)
            #expect(writer.withBytes { $0.byteCount } == writer.count)
        }
        #expect(buffer == Array("before".utf8) + batch.json() + batch.json())
        let request = text(batch.json())
        for record in batch.records.indices {
            writer.removeAll()
            writer.writeRecord(record, of: batch)
            #expect(request.contains(text(writer.text)))
        }
    }

    private func compareWithFoundation(_ batch: OTLPBatch) throws {
        let ours = try #require(try Self.values(of: batch))
        let pretty = try JSONSerialization.data(withJSONObject: ours, options: [.prettyPrinted, .sortedKeys])
        let theirs = try OTLPBatch(signal: batch.signal, json: Array(pretty))
        #expect(theirs.records.count == batch.recordCount)
        #expect(try Self.values(of: theirs) == ours)
        #expect(theirs.bytes.count == (try OTLPBatch(signal: batch.signal, json: batch.json())).bytes.count)
    }

    private func described(_ batch: OTLPBatch, _ record: Int) -> [String] {
        batch.attributes(of: .record(record)).map { batch.string($0.key) + "=" + batch.text(of: $0.value) }
            + [batch.string(batch.records[record].name), batch.text(of: batch.records[record].body)]
    }

    /// The JSON of a batch as Foundation reads it.
    private static func values(of batch: OTLPBatch) throws -> NSDictionary? {
        try JSONSerialization.jsonObject(with: Data(batch.json())) as? NSDictionary
    }
}
