// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

/// Changes to events, links, exemplars and bodies: fields of a record other than its attributes.
@Suite struct InteriorTests {
    private static let trace = """
        {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"s",
        "attributes":[{"key":"k","value":{"intValue":"1"}}],
        "events":[{"timeUnixNano":"1","name":"first","attributes":[{"key":"a","value":{"stringValue":"x"}},{"key":"b","value":{"intValue":"2"}}]},
        {"timeUnixNano":"2","name":"second","attributes":[{"key":"a","value":{"stringValue":"y"}}],"droppedAttributesCount":3}],
        "links":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","attributes":[{"key":"a","value":{"boolValue":true}}]}],
        "status":{"code":2}}]}]}]}
        """

    @Test func `attributes of events and links are dropped and replaced, all else stays`() throws {
        var batch = try batch(.traces, Self.trace)
        let view = batch
        batch.apply(
            view.changes(insideRecord: 0, dropsEvent: { _ in false }) { entry in
                if view.equals(entry.key, "b") { return .remove }
                return entry.value == .bool(true) ? .keep : .replace(.string("<\(view.text(of: entry.value))>"))
            }
        )
        let expected = Self.trace.replacing(#""x""#, with: #""<x>""#).replacing(#""y""#, with: #""<y>""#)
            .replacing(#",{"key":"b","value":{"intValue":"2"}}"#, with: "")
        #expect(try text(batch.json()) == text(reference(expected)))
    }

    @Test func `an event is dropped with all its contents`() throws {
        var batch = try batch(.traces, Self.trace)
        let view = batch
        batch.apply(
            view.changes(insideRecord: 0, dropsEvent: { view.equals($0, "first") }, attribute: { _ in .keep })
        )
        let json = text(batch.json())
        #expect(!json.contains("first") && json.contains("second"))
        #expect(try batch.reread().attribute("k", of: .record(0)) == .int(1))
    }

    @Test func `changes made one after the other add up`() throws {
        var batch = try batch(.traces, Self.trace)
        for key in ["a", "b"] {
            let view = batch
            batch.apply(
                view.changes(insideRecord: 0, dropsEvent: { _ in false }) {
                    view.equals($0.key, key) ? .replace(.string("new \(key) for \(view.text(of: $0.value))")) : .keep
                }
            )
        }
        let view = batch
        batch.apply(
            view.changes(insideRecord: 0, dropsEvent: { view.equals($0, "second") }) {
                view.text(of: $0.value) == "new b for 2" ? .remove : .keep
            }
        )
        let json = text(batch.json())
        #expect(json.contains("new a for x") && json.contains("new a for true"))
        #expect(!json.contains("new b") && !json.contains("second"))
        let fixed = batch
        #expect(
            fixed.changes(insideRecord: 0, dropsEvent: { fixed.equals($0, "second") }, attribute: { _ in .keep })
                .isEmpty
        )
    }

    @Test(arguments: ["gauge", "histogram", "exponentialHistogram"])
    func `exemplars lose attributes`(kind: String) throws {
        let exemplar = #""exemplars":[{"asDouble":1,"filteredAttributes":[{"key":"a","value":{"stringValue":"x"}}]}]"#
        var batch = try point(kind, exemplar)
        let view = batch
        batch.apply(view.changes(insideRecord: 0, dropsEvent: { _ in true }, attribute: { _ in .remove }))
        #expect(try text(batch.json()) == text(point(kind, #""exemplars":[{"asDouble":1}]"#).json()))
    }

    @Test(arguments: Fixture.all)
    func `unchanged records are not rewritten`(_ fixture: Fixture) throws {
        let batch = try fixture.batch()
        for record in batch.records.indices {
            #expect(batch.changes(insideRecord: record, dropsEvent: { _ in false }, attribute: { _ in .keep }).isEmpty)
        }
    }

    @Test(arguments: Fixture.all)
    func `everything inside can go, and what remains is read again`(_ fixture: Fixture) throws {
        var batch = try fixture.batch()
        for record in batch.records.indices {
            let view = batch
            batch.apply(view.changes(insideRecord: record, dropsEvent: { _ in true }, attribute: { _ in .remove }))
        }
        let again = try batch.reread()
        #expect(again.recordCount == batch.recordCount)
        #expect(!text(again.json()).contains(#""events":"#))
        #expect(text(again.json()) == text(batch.json()))
    }

    @Test func `a body goes and the rest of the record stays`() throws {
        var batch = try log(
            #""body":{"stringValue":"secret"},"eventName":"e","attributes":[{"key":"a","value":{"intValue":"1"}}]"#
        )
        batch.overlay.append("b", 2, toRecord: 0)
        batch.removeBody(record: 0)
        batch.removeBody(record: 0)
        #expect(batch.records[0].body == .empty)
        let again = try batch.reread()
        #expect(again.records[0].body == .empty)
        #expect(again.names == ["e"])
        #expect(again.attribute("b", of: .record(0)) == .int(2))
        var line: [UInt8] = []
        batch.writeRecord(0, into: &line)
        #expect(!text(line).contains("secret") && text(line).contains(#""eventName":"e""#))
    }

    @Test func `a data point's value is no body`() throws {
        var batch = try point("gauge", #""asInt":"7""#)
        batch.removeBody(record: 0)
        #expect(batch.records[0].body == .int(7))
    }

    private func reference(_ json: String) throws -> [UInt8] { try batch(.traces, json).json() }

    // MARK: - Texts

    @Test(arguments: Fixture.all)
    func `every text can go, and the index says what is left`(_ fixture: Fixture) throws {
        let given = try fixture.batch()
        for decision in [TextDecision.remove, .replace("x")] {
            var batch = given
            var review = TestReview()
            review.text = { _, _ in decision }
            batch.review(by: &review)
            let again = try batch.reread()
            #expect(again.recordCount == given.recordCount)
            let left: Set = ["", decision == .remove ? "" : "x"]
            for batch in [batch, again] {
                #expect(Set(batch.records.map { batch.string($0.name) }).isSubset(of: left))
                #expect(Set(batch.scopes.map { batch.string($0.name) }).isSubset(of: left))
                #expect(
                    Set(batch.metrics.map { batch.string($0.name) + batch.string($0.unit) }).isSubset(
                        of: left.union(["xx"])
                    )
                )
            }
            #expect(text(again.json()) == text(batch.json()))
            // Once more: replacements of an earlier change are reviewed, too.
            review.text = { _, _ in .remove }
            batch.review(by: &review)
            #expect(try batch.reread().records.allSatisfy { $0.name.isEmpty })
        }
    }

    @Test func `a field that this version does not know is found at every level`() throws {
        func message(_ field: UInt32, _ writer: inout ProtobufWriter, _ body: (inout ProtobufWriter) -> Void) {
            writer.message(field) {
                $0.string(90, "hidden")
                body(&$0)
                $0.string(60, "hidden")
            }
        }
        var writer = ProtobufWriter()
        writer.string(77, "hidden")
        message(1, &writer) { level in
            message(1, &level) { $0.attribute(1, "service.name", .string("s")) }
            message(2, &level) { scope in
                message(1, &scope) { $0.string(1, "lib") }
                message(2, &scope) { span in
                    span.bytes(1, [UInt8](repeating: 1, count: 16))
                    span.bytes(2, [UInt8](repeating: 2, count: 8))
                    span.string(5, "name")
                    message(9, &span) { key in
                        key.string(1, "k")
                        message(2, &key) { $0.int(3, 7) }
                    }
                    message(11, &span) { event in
                        event.string(2, "event")
                        message(3, &event) { key in
                            key.string(1, "k")
                            message(2, &key) { value in
                                value.string(1, "hidden")
                                value.int(3, 7)
                            }
                        }
                    }
                    message(13, &span) { $0.bytes(1, Array("hidden".utf8)) }
                }
            }
        }
        var batch = try OTLPBatch(signal: .traces, protobuf: writer.finish())
        var review = TestReview()
        review.text = { _, place in place == .unknownField ? .remove : .keep }
        #expect(!batch.isStrict(attribute: 1))
        batch.review(by: &review)
        let left = try batch.reread()
        #expect(left.string(left.records[0].name) == "name")
        // The remaining one is in the span's own attribute, which the review does not cover.
        #expect(text(batch.encoded()).components(of: "hidden") == 4)
        #expect(
            text(batch.json()).contains(
                #""events":[{"name":"event","attributes":[{"key":"k","value":{"intValue":"7"}}]}]"#
            )
        )
    }

    @Test func `all inside a list is handed over, with its key`() throws {
        let batch = try log(
            #""attributes":[{"key":"l","value":{"kvlistValue":{"values":[{"key":"a","value":{"stringValue":"x"}},{"key":"b","value":{"arrayValue":{"values":[{"intValue":"1"},{"kvlistValue":{"values":[{"key":"c","value":{"boolValue":true}}]}}]}}}]}}}]"#
        )
        var seen: [String] = []
        let value = try #require(batch.attribute("l", of: .record(0)))
        #expect(
            batch.allInside(value) { key, value in
                seen.append((key.map(batch.string) ?? "-") + batch.text(of: value))
                return true
            }
        )
        #expect(seen == ["ax", "b1", "ctrue"])
        #expect(!batch.allInside(value) { _, value in value != .int(1) })
        #expect(batch.allInside(.int(1)) { _, _ in false })
    }
}

/// A review as closures.
private struct TestReview: ContentReview {
    var event: (Slice) -> Bool = { _ in false }
    var attribute: (AttributeEntry) -> AttributeDecision = { _ in .keep }
    var text: (Slice, TextPlace) -> TextDecision = { _, _ in .keep }

    func drops(eventNamed name: Slice, in batch: OTLPBatch) -> Bool { event(name) }

    func decide(on attribute: AttributeEntry, in batch: OTLPBatch) -> AttributeDecision { self.attribute(attribute) }

    func decide(on text: Slice, at place: TextPlace, in batch: OTLPBatch) -> TextDecision { self.text(text, place) }
}

extension OTLPBatch {
    fileprivate mutating func review(by review: inout TestReview) {
        var reader = ContentReader(signal)
        var changes = ContentChanges()
        reader.reviewFrames(of: self, by: &review, &changes)
        for record in records.indices { reader.review(record: record, of: self, by: &review, &changes) }
        apply(changes)
    }

    fileprivate func changes(
        insideRecord record: Int,
        dropsEvent: @escaping (Slice) -> Bool,
        attribute: @escaping (AttributeEntry) -> AttributeDecision
    ) -> ContentChanges {
        var review = TestReview(event: dropsEvent, attribute: attribute)
        var reader = ContentReader(signal)
        var changes = ContentChanges()
        reader.review(record: record, of: self, by: &review, &changes)
        return changes
    }
}

extension String {
    fileprivate func components(of part: String) -> Int {
        split(separator: part, omittingEmptySubsequences: false).count - 1
    }
}
