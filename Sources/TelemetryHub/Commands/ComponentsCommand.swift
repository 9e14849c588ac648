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
            on a terminal as text, behind a pipe as Markdown. Those of the plugins that the configuration names are among them. A running collector serves the same under /docs/components.

            Examples:
              hammurabi components sqlite
              hammurabi components exporter/otlp_http
            """
    )

    @Argument(help: ArgumentHelp("The component to explain: a type, or its kind and type.", valueName: "name"))
    var name: String?

    @Flag(help: "Print the list as JSON.")
    var json = false

    @OptionGroup var options: ConfigOptions
    @OptionGroup var plugins: PluginOptions

    func run() throws {
        let registry = options.registry(.process, asksPlugins: !plugins.noPlugins)
        guard let name else { return try list(registry) }
        let pages: [ComponentPage]
        do throws(CommandFailure) {
            pages = try ComponentPages.named(name, among: registry)
        } catch {
            if json { Console.answer(json: error.json) } else { Console.prose(error.text) }
            throw ExitCode(error.exitCode)
        }
        if json { try list(registry, only: pages) } else { explain(pages) }
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

    private func list(_ registry: Registry, only pages: [ComponentPage]? = nil) throws {
        let entries = ComponentKind.allCases.flatMap { kind in
            registry.all(kind)
                .filter { factory in pages?.contains { $0.kind == kind && $0.type == factory.type } ?? true }
                .map { Entry($0) }
        }
        guard json else {
            let width = Console.isTerminal ? Console.columns : Int.max
            return Console.answer(entries.map { $0.text(width: width) }.joined(separator: "\n"))
        }
        Console.answer(JSONText.indented(["components": entries]))
    }

    private struct Entry: Encodable {
        var id: String
        var aliases: [String]
        var kind: String
        var signals: [String]
        var stability: String
        var origin: String
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

        init(_ factory: ComponentFactory) {
            id = factory.type
            aliases = factory.aliases
            kind = factory.kind.singular
            signals = factory.signals.map(\.rawValue)
            stability = factory.stability.rawValue
            let isAdded = BuiltInPlugins.added.contains { $0.kind == factory.kind && $0.type == factory.type }
            origin =
                if case .plugin(let name, _) = factory.origin { "plugin \(name)" } else {
                    isAdded ? "added" : "built-in"
                }
            summary = factory.summary
            keys = factory.configuration.keys.map {
                Key(key: $0.name, type: $0.type.name, defaultValue: $0.defaultText, description: $0.documentation)
            }
        }

        /// The component for people: its keys in one column, their meaning in another, wrapped at the width.
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

/// Renders Markdown for a terminal: wrapped, with tables in columns, or row by row where columns do not fit.
struct MarkdownText {
    let width: Int
    let style: Style

    /// Longer lines are hard to read, however wide the terminal is.
    private static let widest = 110
    /// The narrowest width of a table's last column.
    private static let narrowestCell = 32

    init(width: Int, style: Style) {
        self.width = min(Self.widest, width)
        self.style = style
    }

    func text(of markdown: Markdown) -> String {
        markdown.blocks.map { lines(of: $0).joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    private func lines(of block: Markdown.Block) -> [String] {
        switch block {
        case .heading(_, let text): [style.bold(plain(text))]
        case .paragraph(let text): plain(text).wrapped(to: width)
        case .list(let items): items.flatMap { hanging(plain($0), "\(style.bullet) ") }
        case .code(_, let lines): lines.map { $0.isEmpty ? "" : "    " + $0 }
        case .table(let titles, let rows): table(titles, rows.map { $0.map { plain($0, marksCode: false) } })
        }
    }

    /// The text with a mark before its first line and the other lines indented.
    private func hanging(_ text: String, _ mark: String) -> [String] {
        let indent = String(repeating: " ", count: mark.count)
        return text.wrapped(to: max(20, width - mark.count)).enumerated().map { ($0 == 0 ? mark : indent) + $1 }
    }

    private func table(_ titles: [String], _ rows: [[String]]) -> [String] {
        let widths = titles.indices.dropLast().map { column in
            ([titles[column]] + rows.map { $0[column] }).map(\.columns).max() ?? 0
        }
        let room = width - widths.reduce(0) { $0 + $1 + 2 }
        guard room >= Self.narrowestCell else { return rows.flatMap(stacked) }
        func line(_ cells: [String]) -> String {
            zip(cells, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.columns + 2)
            }.joined()
        }
        let blank = String(repeating: " ", count: width - room)
        let head = style.bold(line(titles) + (titles.last ?? ""))
        let rule = style.dim(String(repeating: style.rule, count: width))
        return [head, rule]
            + rows.flatMap { row in
                let last = (row.last ?? "").wrapped(to: room)
                return [line(row) + (last.first ?? "")] + last.dropFirst().map { blank + $0 }
            }
    }

    /// A row with its last cell below the others.
    private func stacked(_ row: [String]) -> [String] {
        let head = row.dropLast().filter { !$0.isEmpty }.joined(separator: "  ")
        let lines = head.columns <= width ? [head] : head.wrapped(to: width)
        return lines.map(style.bold) + hanging(row.last ?? "", "    ")
    }

    /// The text without Markdown marks, except those of code, which separate commands from words; a link is followed by its address.
    private func plain(_ text: String, marksCode: Bool = true) -> String {
        Markdown.spans(of: text).map { span in
            switch span {
            case .text(let text), .strong(let text): text
            case .code(let text): marksCode ? "`\(text)`" : text
            case .link(let text, let target): target.hasPrefix("http") ? "\(text) (\(target))" : text
            }
        }.joined()
    }
}
