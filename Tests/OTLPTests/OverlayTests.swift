// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing

@testable import OTLP

@Suite struct OverlayTests {
    @Test(arguments: [[0], [4], [2], [0, 4], [1, 2, 3], [0, 1, 2, 3]])
    func `dropped records are gone and the others stay`(_ dropped: [Int]) throws {
        var batch = try spans(5)
        for record in dropped { batch.overlay.drop(record: record) }
        let kept = batch.records.indices.filter { !dropped.contains($0) }
        #expect(batch.recordCount == kept.count)
        #expect(batch.records.indices.filter(batch.isLive) == kept)
        #expect(try batch.reread().names == kept.map { "span-\($0)" })
        #expect(try batch.reread().attribute(.serviceName, resource: 0) != nil)
    }

    @Test func `a scope or resource that loses its last record goes with it`() throws {
        var batch = try spans(8, scope: 2, resource: 2)
        #expect((batch.resources.count, batch.scopes.count) == (2, 4))
        batch.overlay.drop(record: 0)
        batch.overlay.drop(record: 1)
        #expect(try batch.reread().scopes.count == 3)
        #expect(try batch.reread().resources.count == 2)
        batch.overlay.drop(record: 3)
        batch.overlay.drop(record: 2)
        #expect(try batch.reread().resources.count == 1)
        #expect(try batch.reread().names == ["span-4", "span-5", "span-6", "span-7"])
        for record in 4..<8 { batch.overlay.drop(record: record) }
        #expect(batch.encoded() == [])
        #expect(batch.recordCount == 0)
    }

    @Test func `a metric without points is dropped, its neighbour stays`() throws {
        var batch = try Fixture("example-metrics.json", .metrics).batch()
        batch.overlay.drop(record: 1)
        batch.overlay.drop(record: 3)
        let again = try batch.reread()
        #expect(again.metrics.map(\.kind) == [.sum, .histogram])
        #expect(again.recordCount == 2)
    }

    @Test(arguments: Fixture.all)
    func `an attribute can be added to any record, scope and resource`(_ fixture: Fixture) throws {
        var batch = try fixture.batch()
        for record in batch.records.indices {
            batch.overlay.append(.model, .string("model-\(record)"), toRecord: record)
            batch.overlay.append("my.cost", 0.5, toRecord: record)
        }
        for scope in batch.scopes.indices { batch.overlay.append("on.scope", true, to: .scope(scope)) }
        for resource in batch.resources.indices { batch.overlay.appendResource("host.name", "h", resource: resource) }
        let again = try batch.reread()
        #expect(again.records.count == batch.records.count)
        for record in again.records.indices {
            for view in [batch, again] {
                #expect(view.attribute(.model, record: record).map(view.text) == "model-\(record)")
                #expect(view.attribute("my.cost", of: .record(record)) == .double(0.5))
            }
            #expect(again.records[record].attributes.count == batch.records[record].attributes.count + 2)
        }
        for view in [batch, again] {
            #expect(view.scopes.indices.allSatisfy { view.attribute("on.scope", of: .scope($0)) == .bool(true) })
            #expect(view.resources.indices.allSatisfy { view.attribute(.hostName, resource: $0).map(view.text) == "h" })
        }
        #expect(text(batch.json()) == text(again.json()))
    }

    @Test(arguments: Fixture.all)
    func `removing everything that was added gives the old bytes`(_ fixture: Fixture) throws {
        var changed = try fixture.batch()
        let before = changed.bytes
        for record in changed.records.indices { changed.overlay.append("zzz", 1, toRecord: record) }
        var again = try changed.reread()
        for record in again.records.indices { again.removeAttributes("zzz", record: record) }
        #expect(again.encoded() == before)
    }

    /// Every size at which a length prefix around the change needs one byte more or less.
    @Test(arguments: Array(0...40) + Array(100...140) + Array(16_300...16_400))
    func `lengths that cross a prefix boundary are rewritten`(_ length: Int) throws {
        var batch = try spans(3, valueLength: length)
        batch.overlay.append("a", .string(String(repeating: "y", count: 30)), toRecord: 1)
        let grown = try batch.reread()
        #expect(grown.names == ["span-0", "span-1", "span-2"])
        #expect(grown.attribute("a", of: .record(1)).map { grown.text(of: $0).count } == 30)
        #expect(grown.attribute(.model, record: 1).map { grown.text(of: $0).count } == length)
        var shrinking = grown
        shrinking.removeAttributes("a", record: 1)
        #expect(shrinking.encoded() == batch.bytes)
    }

    @Test func `removed attributes are not seen and not sent`() throws {
        var batch = try Fixture("pair-traces.pb", .traces).batch()
        let index = try #require(batch.records[0].attributes.dropFirst().first)
        let key = batch.string(batch.attributes[index].key)
        batch.overlay.remove(attribute: index)
        #expect(batch.attribute(key, of: .record(0)) == nil)
        #expect(Array(batch.attributes(of: .record(0))).count == batch.records[0].attributes.count - 1)
        #expect(try batch.reread().attribute(key, of: .record(0)) == nil)
        #expect(try batch.reread().records[0].attributes.count == batch.records[0].attributes.count - 1)
    }

    @Test func `setting an attribute replaces every older value`() throws {
        var batch = try log(
            #""attributes":[{"key":"model","value":{"stringValue":"a"}},{"key":"n","value":{"intValue":1}},{"key":"model","value":{"stringValue":"b"}}]"#
        )
        #expect(batch.attribute(.model, record: 0).map(batch.text) == "b")
        batch.set("model", to: "c", record: 0)
        batch.set("model", to: "d", record: 0)
        #expect(batch.attribute(.model, record: 0).map(batch.text) == "d")
        let again = try batch.reread()
        #expect(again.attributes.map { again.string($0.key) } == ["n", "model"])
        #expect(again.attribute(.model, record: 0).map(again.text) == "d")
    }

    @Test func `attributes of a resource or scope can be removed`() throws {
        var batch = try Fixture("example-logs.json", .logs).batch()
        batch.overlay.remove(attribute: batch.resources[0].attributes.lowerBound)
        batch.overlay.remove(attribute: batch.scopes[0].attributes.lowerBound)
        let again = try batch.reread()
        #expect(again.resources[0].attributes.isEmpty)
        #expect(again.scopes[0].attributes.isEmpty)
        #expect(again.string(again.scopes[0].name) == "my.library")
        #expect(again.records.count == batch.records.count)
    }

    @Test func `a resource the sender left out is made`() throws {
        var batch = try log(#""body":{"stringValue":"hi"}"#)
        batch.overlay.appendResource("service.name", "made", resource: 0)
        batch.overlay.append("s", 1, to: .scope(0))
        let again = try batch.reread()
        #expect(again.attribute(.serviceName, resource: 0).map(again.text) == "made")
        #expect(again.attribute("s", of: .scope(0)) == .int(1))
        #expect(again.text(of: again.records[0].body) == "hi")
    }

    @Test func `an index outside the batch changes nothing`() throws {
        var batch = try spans(2)
        for index in [-1, 2, .max] {
            batch.overlay.drop(record: index)
            batch.overlay.remove(attribute: index == 2 ? 99 : index)
            batch.overlay.append("a", 1, toRecord: index)
            batch.overlay.appendResource("a", 1, resource: index)
        }
        #expect(batch.overlay.isEmpty)
        #expect(batch.encoded() == batch.bytes)
    }

    @Test func `unknown fields survive a change beside them`() throws {
        let bytes = request { writer in
            writer.string(777, "from the future")
            writer.attribute(6, "a", 1)
            writer.fixed64(778, 5)
        }
        var batch = try OTLPBatch(signal: .logs, protobuf: bytes)
        batch.set("a", to: 2, record: 0)
        let expected = request { writer in
            writer.string(777, "from the future")
            writer.attribute(6, "a", 2)
            writer.fixed64(778, 5)
        }
        #expect(batch.encoded() == expected)
    }

    @Test func `random changes agree with the changes made one at a time`() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            var batch = try spans(12, scope: 3, resource: 2, valueLength: Int.random(in: 0..<200, using: &random))
            var expected: [(name: String, added: Int)] = []
            for record in batch.records.indices {
                let added = Int.random(in: 0..<3, using: &random)
                for number in 0..<added { batch.overlay.append("k\(number)", .int(Int64(number)), toRecord: record) }
                if Bool.random(using: &random) {
                    batch.overlay.drop(record: record)
                } else {
                    expected.append(("span-\(record)", added))
                }
            }
            let again = try batch.reread()
            #expect(again.names == expected.map(\.name))
            #expect(again.records.map { $0.attributes.count - 1 } == expected.map(\.added))
            #expect(try OTLPBatch(signal: .traces, json: batch.json()).bytes == again.bytes)
        }
    }

    @Test func `a record written alone shows its changes`() throws {
        var batch = try spans(3)
        batch.set("model", to: "new", record: 1)
        batch.overlay.append("n", 1, toRecord: 2)
        let request = text(batch.json())
        for record in batch.records.indices {
            var line: [UInt8] = []
            batch.writeRecord(record, into: &line)
            #expect(request.contains(text(line)))
            #expect(text(line).contains("new") == (record == 1))
        }
        var log = try log(#""traceId":"00","flags":1,"attributes":[{"key":"a"}]"#)
        log.overlay.remove(attribute: 0)
        var line: [UInt8] = []
        log.writeRecord(0, into: &line)
        #expect(text(line) == #"{"flags":1}"#)
    }
}
