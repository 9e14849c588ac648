// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import Foundation
import StdoutExporter
import Testing

@testable import TelemetryHub

/// Components in addition to the built-in ones.
struct AddedComponentTests {
    @Test func `a type that a built-in component has is refused, and nothing is added`() {
        #expect(throws: StartError.self) { try BuiltInPlugins.add([.stdout]) }
        #expect(BuiltInPlugins.added.isEmpty)
    }

    @Test func `the page of an added component has its purpose and its keys`() {
        let page = ComponentPages.page(of: .stdout)
        #expect(page.text.hasPrefix("# stdout\n"))
        #expect(page.text.contains("\n| key | default | meaning |\n"))
    }
}

/// Components with their own JSON Schema.
struct BroughtSchemaTests {
    private struct Nothing: ConfigValues {}

    private struct Silent: Exporter {
        func consume(_ batch: Batch) async throws(ConsumeError) {}
    }

    @Test func `config schema shows it as it is, and the listing shows its keys`() throws {
        let schema = #"{"type":"object","properties":{"map":{"type":"string","minLength":1}},"required":["map"]}"#
        let definition = ConfigDefinition(
            keys: [ConfigKey(path: ["map"], type: .string, documentation: "the file of teams")],
            schema: schema
        ) { _, _ in Nothing() }
        let factory = ComponentFactory.exporter("team", definition, summary: "keeps teams") { (_: Nothing, _) in
            Silent()
        }
        let text = ConfigSchema(registry: Registry([.stdout, factory])).text
        let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let exporters = (document?["properties"] as? [String: [String: Any]])?["exporters"]
        let patterns = try #require(exporters?["patternProperties"] as? [String: [String: Any]])
        let shown = try #require(patterns["^(team)(/.+)?$"])
        let given = try #require(try JSONSerialization.jsonObject(with: Data(schema.utf8)) as? [String: Any])
        #expect(NSDictionary(dictionary: shown) == NSDictionary(dictionary: given))
        #expect(ComponentPages.page(of: factory).text.contains("| `map` |  | the file of teams |"))
    }
}
