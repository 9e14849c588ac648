// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import CollectorKit
import FoundationEssentials
import OTLP
import YAML

/// The command `hammurabi components`.
struct ComponentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "components",
        abstract: "Lists every component this program offers, or explains one.",
        discussion: """
            Without a name it lists all components with their configuration keys. With one it shows the documentation of that component:
            on a terminal as text, behind a pipe as Markdown. A running collector serves the same under /docs/components.

            Examples:
              hammurabi components sqlite
              hammurabi components exporter/otlp_http
            """
    )

    @Argument(help: ArgumentHelp("The component to explain: a type, or its kind and type.", valueName: "name"))
    var name: String?

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() throws {
        guard let name else { return try list() }
        let pages: [ComponentPage]
        do throws(CommandFailure) {
            pages = try ComponentPages.named(name)
        } catch {
            if json { Console.answer(json: error.json) } else { Console.error(error.text) }
            throw ExitCode(error.exitCode)
        }
        if json { try list(only: pages) } else { explain(pages) }
    }

    private func explain(_ pages: [ComponentPage]) {
        let style = Style(isTerminal: Console.isTerminal, environment: Environment.process.variables)
        for page in pages {
            guard Console.isTerminal else {
                Console.answer(page.text)
                continue
            }
            Console.answer(MarkdownText(width: Console.columns, style: style).text(of: Markdown(page.text)))
        }
    }

    private func list(only pages: [ComponentPage]? = nil) throws {
        let entries = ComponentKind.allCases.flatMap { kind in
            BuiltInPlugins.registry.all(kind)
                .filter { factory in pages?.contains { $0.kind == kind && $0.type == factory.type } ?? true }
                .map { Entry($0, kind) }
        }
        guard json else {
            let width = Console.isTerminal ? Console.columns : Int.max
            return Console.answer(entries.map { $0.text(width: width) }.joined(separator: "\n"))
        }
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

        /// The entry for people: the keys in one column, what they mean in another, wrapped at the width.
        func text(width: Int) -> String {
            let marks = [stability, signals.joined(separator: ", "), origin].filter { !$0.isEmpty }.joined(
                separator: ", "
            )
            var lines = ["\(kind) \(id)  (\(marks))", "  \(summary)"]
            let indent = 6 + (keys.map(\.key.count).max() ?? 0)
            for key in keys {
                let value = key.defaultValue.map { $0.isEmpty ? "" : ", default \($0)" } ?? ""
                let meaning = "\(key.description) (\(key.type)\(value))".wrapped(to: max(30, width - indent))
                for (number, line) in meaning.enumerated() {
                    let start = number == 0 ? "    " + key.key : ""
                    lines.append(start + String(repeating: " ", count: indent - start.count) + line)
                }
            }
            return lines.joined(separator: "\n") + "\n"
        }
    }
}
