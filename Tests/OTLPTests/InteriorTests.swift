// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

/// Changes to events, links, exemplars and bodies: fields of a record that are no attributes of it.
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

    @Test func `an event goes with all it carries`() throws {
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
    func `what nobody changes is not written anew`(_ fixture: Fixture) throws {
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
}
