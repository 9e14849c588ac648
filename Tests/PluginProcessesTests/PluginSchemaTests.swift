// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSON
import Testing
import YAML

@testable import PluginProcesses

struct PluginSchemaTests {
    private static let text = """
        {"type": "object", "required": ["map"], "additionalProperties": false, "properties": {
          "map": {"type": "string", "minLength": 2, "description": "a file"},
          "limit": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
          "ratio": {"type": "number"},
          "mode": {"enum": ["fast", "exact"], "default": "fast"},
          "strict": {"type": "boolean"},
          "token": {"type": "string", "writeOnly": true},
          "users": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
          "http": {"type": "object", "properties": {"port": {"type": "integer"}}}}}
        """

    private static func schema() throws -> PluginSchema {
        var reader = JSONReader(Array(text.utf8))
        return PluginSchema(try reader.value())
    }

    private func read(_ yaml: String) throws -> (json: String, codes: [String], text: String) {
        var diagnostics = Diagnostics()
        let parsed = Node(parsing: SourceFile(name: "c.yaml", text: yaml), diagnostics: &diagnostics)
        let node = try #require(parsed)
        let json = try Self.schema().json(of: node, beside: ["timeout"], &diagnostics)
        return (json, diagnostics.items.map(\.code), diagnostics.rendered())
    }

    @Test func `what is written becomes JSON of the types that the schema wants, with its defaults`() throws {
        let read = try read("map: 0123\nratio: 2\nstrict: true\nusers: [a, 7]\nhttp: { port: 80 }\nlimit:\n")
        #expect(read.codes.isEmpty)
        #expect(
            read.json
                == #"{"http":{"port":80},"limit":3,"map":"0123","mode":"fast","ratio":2,"strict":true,"users":["a","7"]}"#
        )
    }

    @Test(arguments: [
        ("limit: 1", "missing-key"), ("map: x", "out-of-range"), ("map: xx\nlimit: 10", "out-of-range"),
        ("map: xx\nlimit: 1.5", "type-mismatch"), ("map: xx\nmode: fats", "invalid-value"),
        ("map: xx\nstrict: maybe", "type-mismatch"), ("map: [a]", "type-mismatch"), ("map: xx\nmpa: 1", "unknown-key"),
        ("map: xx\nusers: [a, b, c]", "out-of-range"), ("map: xx\nhttp: { prot: 1 }", "unknown-key"),
        ("map: xx\nusers: { a: 1 }", "type-mismatch"),
    ])
    func `what is wrong is reported with its place`(yaml: String, code: String) throws {
        let read = try read(yaml)
        #expect(read.codes == [code])
        #expect(read.text.contains("c.yaml:"))
    }

    @Test func `a near miss of the collector's own keys is one, too`() throws {
        #expect(try read("map: xx\ntimeuot: 3s").text.contains("did you mean \"timeout\"?"))
    }

    @Test func `keys are listed with their types, and secrets are known`() throws {
        let schema = try Self.schema()
        #expect(schema.keys.map(\.name) == ["http.port", "limit", "map", "mode", "ratio", "strict", "token", "users"])
        #expect(schema.secretNames == ["token"])
        #expect(schema.keys.first { $0.name == "mode" }?.type == .choice(["fast", "exact"]))
        #expect(schema.keys.first { $0.name == "limit" }?.defaultText == "3")
    }

    @Test func `without a schema every key is taken`() throws {
        var diagnostics = Diagnostics()
        let parsed = Node(parsing: SourceFile(name: "c", text: "a: { b: [1, x] }"), diagnostics: &diagnostics)
        let node = try #require(parsed)
        #expect(PluginSchema(nil).json(of: node, beside: [], &diagnostics) == #"{"a":{"b":[1,"x"]}}"#)
        #expect(diagnostics.isEmpty)
    }
}
