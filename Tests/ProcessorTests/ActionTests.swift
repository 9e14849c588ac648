// SPDX-License-Identifier: Apache-2.0

import AttributesProcessor
import CollectorKit
import CollectorTesting
import OTLP
import Testing
import Usage

/// The effect of each action on the attributes of a record.
@Suite struct ActionTests {
    @Test func `it keeps the contract`() async throws {
        let folder = try TemporaryFolder()
        let config = decoded(AttributesConfig.self, "actions: [{ key: a, action: upsert, value: 1 }]").config
        #expect(await ComponentConformance(.attributes, config: config, home: folder.path).violations() == [])
        #expect(await ComponentConformance(.attributes, home: folder.path).violations() == [])
    }

    private static let before =
        #"old=Str(x) n=Int(5) d=Dbl(2.7) t=Str(12) b=Bool(true) mail=Str(abc) url=Str(http://example.org/path?q=1)"#

    private static func without(_ attributes: String...) -> String {
        attributes.reduce(before) { $0.replacing($1 + " ", with: "") }
    }

    static let actions: [(String, String)] = [
        ("{ key: new, action: insert, value: v }", "\(before) new=Str(v)"),
        ("{ key: old, action: insert, value: v }", before),
        ("{ key: old, action: update, value: v }", without("old=Str(x)") + " old=Str(v)"),
        ("{ key: new, action: update, value: v }", before),
        ("{ key: new, action: upsert, value: 2245 }", "\(before) new=Int(2245)"),
        ("{ key: new, value: true }", "\(before) new=Bool(true)"),
        ("{ key: new, action: upsert, value: 2.5 }", "\(before) new=Dbl(2.5)"),
        ("{ key: new, action: upsert, value: '2245', converted_type: string }", "\(before) new=Str(2245)"),
        ("{ key: new, action: upsert, value: \"1.10\" }", "\(before) new=Str(1.10)"),
        ("{ key: new, action: upsert, value: '0012345' }", "\(before) new=Str(0012345)"),
        ("{ key: new, action: upsert, value: 'true' }", "\(before) new=Str(true)"),
        ("{ key: new, action: upsert, value: !!str 5 }", "\(before) new=Str(5)"),
        ("{ key: new, action: upsert, value: 1.10 }", "\(before) new=Dbl(1.1)"),
        ("{ key: new, action: upsert, from_attribute: no, default_value: \"7\" }", "\(before) new=Str(7)"),
        ("{ key: new, action: upsert, value: \"7\", converted_type: int }", "\(before) new=Int(7)"),
        ("{ key: new, action: upsert, value: nan }", "\(before) new=Str(nan)"),
        ("{ key: new, action: insert, from_attribute: n }", "\(before) new=Int(5)"),
        ("{ key: new, action: insert, from_attribute: none }", before),
        ("{ key: t, action: update, from_attribute: d }", without("t=Str(12)") + " t=Dbl(2.7)"),
        ("{ key: old, action: delete }", without("old=Str(x)")),
        ("{ key: none, action: delete }", before),
        ("{ action: delete, pattern: '^(old|mail)$' }", without("old=Str(x)", "mail=Str(abc)")),
        (
            "{ key: mail, action: hash }",
            without("mail=Str(abc)")
                + " mail=Str(ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad)"
        ),
        ("{ key: t, action: convert, converted_type: int }", without("t=Str(12)") + " t=Int(12)"),
        ("{ key: t, action: convert, converted_type: double }", without("t=Str(12)") + " t=Dbl(12.0)"),
        ("{ key: d, action: convert, converted_type: int }", without("d=Dbl(2.7)") + " d=Int(2)"),
        ("{ key: b, action: convert, converted_type: int }", without("b=Bool(true)") + " b=Int(1)"),
        ("{ key: n, action: convert, converted_type: string }", without("n=Int(5)") + " n=Str(5)"),
        ("{ key: old, action: convert, converted_type: int }", before),
        (
            "{ key: url, action: extract, pattern: '^(?P<scheme>[a-z]+)://(?P<host>[^/]+)/(?<path>[^?]*)' }",
            "\(before) scheme=Str(http) host=Str(example.org) path=Str(path)"
        ),
        ("{ key: url, action: extract, pattern: '^(?P<t>ftp)://' }", before),
        ("{ key: url, action: extract, pattern: '^(?P<t>[a-z]+):' }", without("t=Str(12)") + " t=Str(http)"),
        ("{ key: n, action: extract, pattern: '(?P<digit>5)' }", before),
    ]

    @Test(arguments: actions)
    func `an action`(action: String, after: String) throws {
        let (config, problems) = decoded(AttributesConfig.self, "actions: [\(action)]")
        #expect(problems == [])
        let attributes = """
            "attributes":[\(text("old", "x")),{"key":"n","value":{"intValue":"5"}},{"key":"d","value":{"doubleValue":2.7}},\(text("t", "12")),
            {"key":"b","value":{"boolValue":true}},\(text("mail", "abc")),\(text("url", "http://example.org/path?q=1"))]
            """
        let points = #""name":"m","gauge":{"dataPoints":[{"asInt":"1",\#(attributes)}]}"#
        for var batch in [try logs(attributes), try spans(attributes), try metrics(points)] {
            try ComponentFactory.attributes.makeProcessor(config, settings("attributes")).process(&batch)
            #expect(list(batch.otlp) == after)
            #expect(list(try OTLPBatch(signal: batch.signal, protobuf: batch.otlp.encoded())) == after)
        }
    }

    @Test func `actions are carried out in order, each on what the last one left`() throws {
        let config = decoded(
            AttributesConfig.self,
            """
            actions:
              - { key: a, action: insert, value: one }
              - { key: b, action: insert, from_attribute: a }
              - { key: a, action: delete }
              - { key: a, action: insert, value: 3 }
              - { key: b, action: extract, pattern: "(?P<first>.)" }
            """
        ).config
        var batch = try logs(#""eventName":"x""#)
        try ComponentFactory.attributes.makeProcessor(config, settings("attributes")).process(&batch)
        #expect(list(batch.otlp) == "b=Str(one) a=Int(3) first=Str(o)")
    }

    @Test func `numbers are hashed by their bytes, as the OpenTelemetry Collector does`() throws {
        let config = decoded(AttributesConfig.self, "actions: [{ action: hash, pattern: '.' }]").config
        var batch = try logs(
            #""attributes":[{"key":"n","value":{"intValue":"1"}},{"key":"b","value":{"boolValue":true}},{"key":"e","value":{"stringValue":""}}]"#
        )
        try ComponentFactory.attributes.makeProcessor(config, settings("attributes")).process(&batch)
        #expect(
            list(batch.otlp) == """
                n=Str(7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8) \
                b=Str(4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a) e=Str()
                """
        )
    }

    @Test func `resources and scopes stay as they are`() throws {
        let config = decoded(AttributesConfig.self, "actions: [{ action: delete, pattern: '.' }]").config
        var batch = try logs(#""attributes":[\#(text("a", "1"))]"#, resource: text("service.name", "s"))
        try ComponentFactory.attributes.makeProcessor(config, settings("attributes")).process(&batch)
        #expect(list(batch.otlp) == "")
        #expect(batch.otlp.attribute(.serviceName, resource: 0) != nil)
    }

    @Test func `every invalid action is reported with its position`() {
        let problems = decoded(
            AttributesConfig.self,
            """
            actions:
              - { action: insert, value: 1 }
              - { key: a, action: insert }
              - { key: a, action: upsert, value: 1, from_attribute: b }
              - { key: a, action: extract, pattern: "no groups" }
              - { key: a, action: extract, pattern: "(no) name" }
              - { key: a, action: convert }
              - { action: delete, pattern: "(" }
              - { action: hash }
              - { key: a, value: twelve, converted_type: int }
              - { key: a, action: rename }
            include: { match_type: regexp, services: ["["] }
            exclude: { match_type: strict }
            """
        ).problems
        let expected = [
            "action at actions.0.key: the action insert needs the key of an attribute",
            "action at actions.1: insert needs value, from_attribute or from_context",
            "action at actions.2: upsert has value and from_attribute",
            "action at actions.3.pattern: extract needs a pattern with named groups, which become attributes",
            "action at actions.4.pattern: extract needs a pattern with named groups, which become attributes",
            "action at actions.5.converted_type: convert needs converted_type",
            "action at actions.6.pattern: the pattern \"(\" cannot be read",
            "action at actions.7.key: the action hash needs the key of an attribute",
            "action at actions.8.value: \"twelve\" is no int",
            "pattern at include.services: the pattern \"[\" cannot be read",
            "empty-value at exclude: nothing is named that records should match",
        ]
        for message in expected {
            #expect(problems.contains { $0.hasPrefix(message) }, "\(message) is not among \(problems)")
        }
        #expect(problems.contains("\"rename\" is not one of insert, update, upsert, delete, hash, extract, convert"))
    }

    private func list(_ otlp: OTLPBatch) -> String {
        otlp.attributes(of: .record(0)).map { entry in
            let kind =
                switch entry.value {
                case .string: "Str"
                case .int: "Int"
                case .double: "Dbl"
                case .bool: "Bool"
                default: "?"
                }
            return "\(otlp.string(entry.key))=\(kind)(\(otlp.text(of: entry.value)))"
        }.joined(separator: " ")
    }
}
