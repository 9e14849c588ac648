// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials
import OTLP
import YAML

/// `hammurabi components`
struct ComponentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "components",
        abstract: "Lists every component this program offers, with its configuration keys."
    )

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() throws {
        let entries = ComponentKind.allCases.flatMap { kind in
            BuiltInPlugins.registry.all(kind).map { Entry($0, kind) }
        }
        guard json else { return Console.answer(entries.map(\.text).joined(separator: "\n")) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        Console.answer(String(decoding: try encoder.encode(["components": entries]), as: UTF8.self) + "\n")
    }

    private struct Entry: Encodable {
        var id: String
        var aliases: [String]
        var kind: String
        var signals: [String]
        var stability: String
        var origin = "built-in"
        var summary: String
        var keys: [Key]

        struct Key: Encodable {
            var key: String
            var type: String
            var defaultValue: String?
            var description: String

            enum CodingKeys: String, CodingKey {
                case key, type, description
                case defaultValue = "default"
            }
        }

        init(_ factory: some ComponentFactory, _ kind: ComponentKind) {
            id = factory.type
            aliases = factory.aliases
            self.kind = kind.singular
            signals = factory.signals.map(\.rawValue)
            stability = factory.stability.rawValue
            summary = factory.summary
            keys = ConfigKeys.of(factory).map {
                Key(key: $0.name, type: $0.type.name, defaultValue: $0.defaultText, description: $0.documentation)
            }
        }

        var text: String {
            var lines = ["\(kind) \(id)  (\(stability), \(signals.joined(separator: ", ")), \(origin))", "  \(summary)"]
            let width = keys.map(\.key.count).max() ?? 0
            for key in keys {
                let name = key.key + String(repeating: " ", count: width - key.key.count)
                let value = key.defaultValue.map { $0.isEmpty ? "" : ", default \($0)" } ?? ""
                lines.append("    \(name)  \(key.description) (\(key.type)\(value))")
            }
            return lines.joined(separator: "\n") + "\n"
        }
    }
}
