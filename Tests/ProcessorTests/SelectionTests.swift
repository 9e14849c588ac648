// SPDX-License-Identifier: Apache-2.0

import AttributesProcessor
import CollectorKit
import OTLP
import Testing
import Usage

/// The selection of records to change.
@Suite struct SelectionTests {
    static let matches: [(String, [String])] = [
        ("include: { match_type: strict, services: [shop, other] }", ["a", "b", "c"]),
        ("include: { match_type: strict, services: [sho] }", []),
        ("include: { match_type: regexp, services: ['^sho'] }", ["a", "b", "c"]),
        ("include: { span_names: [a, c] }", ["a", "c"]),
        ("include: { match_type: regexp, span_names: ['[bc]'] }", ["b", "c"]),
        ("exclude: { span_names: [a] }", ["b", "c"]),
        ("include: { span_names: [a, b] }\nexclude: { span_names: [b] }", ["a"]),
        ("include: { attributes: [{ key: k }] }", ["a", "b"]),
        ("include: { attributes: [{ key: k, value: v }] }", ["a"]),
        ("include: { attributes: [{ key: n, value: 5 }] }", ["b"]),
        ("include: { attributes: [{ key: k }, { key: n }] }", ["b"]),
        ("include: { match_type: regexp, attributes: [{ key: n, value: '^[0-9]$' }] }", ["b"]),
        ("include: { resources: [{ key: service.name, value: shop }] }", ["a", "b", "c"]),
        ("exclude: { resources: [{ key: service.name, value: shop }], span_names: [c] }", ["a", "b"]),
        ("include: { log_bodies: [x] }", []),
        ("include: { metric_names: [x] }", []),
    ]

    @Test(arguments: matches)
    func `spans by what they are`(match: String, changed: [String]) throws {
        let batch = try spans(
            #""name":"a","attributes":[\#(text("k", "v"))]"#,
            #""name":"b","attributes":[\#(text("k", "w")),{"key":"n","value":{"intValue":"5"}}]"#,
            #""name":"c""#,
            resource: text("service.name", "shop")
        )
        #expect(try self.changed(in: batch, match) == changed)
    }

    @Test func `log records by their bodies, data points by the name of their metric`() throws {
        let records = try logs(
            #""eventName":"a","body":{"stringValue":"the end"}"#,
            #""eventName":"b","body":{"intValue":"7"}"#,
            #""eventName":"c""#
        )
        #expect(try changed(in: records, "include: { match_type: regexp, log_bodies: [end$, '7'] }") == ["a", "b"])
        #expect(try changed(in: records, "include: { log_bodies: [the end] }") == ["a"])
        #expect(try changed(in: records, "include: { span_names: [a] }") == [])
        var points = try metrics(
            #""name":"m","gauge":{"dataPoints":[{"asInt":"1"}]}"#,
            #""name":"n","gauge":{"dataPoints":[{"asInt":"2"}]}"#
        )
        try processor("include: { metric_names: [n] }").process(&points)
        #expect(
            points.otlp.records.indices.map { points.otlp.attribute("mark", of: .record($0)) != nil } == [false, true]
        )
    }

    @Test func `a record without a service is of no service`() throws {
        #expect(try changed(in: logs(#""eventName":"a""#), "include: { match_type: regexp, services: ['.*'] }") == [])
        #expect(
            try changed(in: logs(#""eventName":"a""#), "exclude: { match_type: regexp, services: ['.*'] }") == ["a"]
        )
    }

    @Test func `dropped records are left alone`() throws {
        var batch = try logs(#""eventName":"a""#, #""eventName":"b""#)
        batch.otlp.overlay.drop(record: 0)
        #expect(try changed(in: batch, "") == ["b"])
    }

    private func processor(_ match: String) throws -> any Processor {
        let (config, problems) = decoded(AttributesConfig.self, "actions: [{ key: mark, value: true }]\n\(match)\n")
        #expect(problems == [])
        return try ComponentFactory.attributes.makeProcessor(config, settings("attributes"))
    }

    private func changed(in batch: Batch, _ match: String) throws -> [String] {
        var batch = batch
        try processor(match).process(&batch)
        let otlp = batch.otlp
        return otlp.records.indices.filter { otlp.attribute("mark", of: .record($0)) == .bool(true) }
            .map { otlp.string(otlp.records[$0].name) }
    }
}
