// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorKit
import Foundation
import OTLP
import Testing
import YAML

@testable import TelemetryHub

/// Compares the README of each component with the program.
struct ComponentPageTests {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The folders of components, such as `Receivers/OTLP`.
    private static let folders: [String] = ["Receivers", "Processors", "Exporters", "Connectors", "Extensions"].flatMap
    { kind in
        let folder = package.appending(path: "Plugins/\(kind)")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted().map { "\(kind)/\($0)" }
    }

    private static let components = ComponentKind.allCases.flatMap { kind in
        BuiltInPlugins.registry.all(kind).map { "\(kind.singular)/\($0.type)" }
    }

    private struct Documented {
        var kind: ComponentKind
        var factory: ComponentFactory
        var page: ComponentPage
        var blocks: [Markdown.Block]

        init(_ name: String) throws {
            let page = try #require(try ComponentPages.named(name).first)
            kind = page.kind
            factory = try #require(BuiltInPlugins.registry.factory(page.kind, page.type))
            blocks = Markdown(page.text).blocks
            self.page = page
        }
    }

    @Test func `there are components`() {
        #expect(Self.folders.count > 10)
        #expect(Self.components.count == Self.folders.count)
    }

    @Test(arguments: folders)
    func `a component's folder has a README, which is compiled in`(folder: String) throws {
        let file = Self.package.appending(path: "Plugins/\(folder)/README.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let page = try #require(ComponentPages.all.first { $0.text == text }, "name it in components.c")
        #expect(folder.lowercased().hasPrefix(page.kind.rawValue + "/"))
        #expect(BuiltInPlugins.registry.factory(page.kind, page.type) != nil)
    }

    @Test(arguments: components)
    func `a page says what the component is for and which signals it handles`(name: String) throws {
        let it = try Documented(name)
        try #require(it.blocks.count > 3)
        #expect(it.blocks[0] == .heading(1, it.factory.type))
        #expect(!it.page.purpose.isEmpty && it.page.purpose.hasSuffix("."))
        let signals = it.factory.signals.map(\.rawValue).joined(separator: ", ")
        let aliases = it.factory.aliases.map { "`\($0)`" }.joined(separator: ", ")
        let facts =
            "\(it.kind.singular.capitalized). Signals: \(signals.isEmpty ? "none" : signals)."
            + (aliases.isEmpty ? "" : " Also written \(aliases).")
        #expect(it.blocks[2] == .paragraph(facts))
        for heading in ["Keys", "Example", "Errors"] { #expect(it.blocks.contains(.heading(2, heading)), "\(heading)") }
    }

    @Test(arguments: components)
    func `a page names exactly the keys of the configuration, with their defaults`(name: String) throws {
        let it = try Documented(name)
        let rows = it.blocks.flatMap { block in
            if case .table(["key", "default", "meaning"], let rows) = block { rows } else { [] as [[String]] }
        }
        let keys = it.factory.configuration.keys
        #expect(Set(rows.map { $0[0] }) == Set(keys.map { "`\($0.name)`" }))
        #expect(rows.count == keys.count)
        for key in keys {
            let row = try #require(rows.first { $0[0] == "`\(key.name)`" }, "\(key.name)")
            #expect(row[1] == Self.written(key.defaultText), "\(key.name)")
            #expect(!row[2].isEmpty, "\(key.name)")
            if row[1] == Self.longList {
                #expect(it.blocks.contains(.code("", Self.items(of: key.defaultText ?? ""))), "\(key.name)")
            }
        }
    }

    @Test(arguments: components)
    func `the example of a page is a configuration, laid over the default one`(name: String) throws {
        let it = try Documented(name)
        let heading = try #require(it.blocks.firstIndex(of: .heading(2, "Example")))
        let example = it.blocks[heading...].lazy.compactMap { block -> String? in
            if case .code("yaml", let lines) = block { lines.joined(separator: "\n") } else { nil }
        }.first
        let text = try #require(example)
        #expect(text.contains("  \(it.factory.type):"))
        let names = text.matches(of: /\$\{env:(\w+)\}/).map { String($0.output.1) }
        let environment = Environment(
            variables: Dictionary(uniqueKeysWithValues: (names + ["HOME"]).map { ($0, "/nowhere/0123456789abcdef") }),
            readFile: { $0 == "example.yaml" ? Array(text.utf8) : Array(ConfigOptions.builtIn.utf8) },
            fileExists: { _ in true }
        )
        var options = ConfigOptions()
        (options.config, options.overrides) = (["config.yaml", "example.yaml"], [])
        var diagnostics = Diagnostics()
        let loaded = options.load(environment, diagnostics: &diagnostics)
        #expect(diagnostics.rendered() == "")
        #expect(loaded != nil)
    }

    @Test(arguments: [
        ("otlphttp", ["otlp_http"]), ("exporter/otlp_http", ["otlp_http"]), ("exporters/otlphttp", ["otlp_http"]),
        ("otlp", ["otlp"]),
    ])
    func `a component is named by its type, an alias, or with its kind`(name: String, types: [String]) throws {
        #expect(try ComponentPages.named(name).map(\.type) == types)
    }

    @Test(arguments: [
        ("sqlit", "did you mean \"sqlite\"?"), ("processor/sqlite", "did you mean \"exporter/sqlite\"?"),
        ("receiver/oltp", "did you mean \"otlp\"?"), ("kafka", "`hammurabi components` lists all of them"),
        ("", "`hammurabi components` lists all of them"), ("otlp/", "`hammurabi components` lists all of them"),
    ])
    func `an unknown component is refused with the nearest one`(name: String, help: String) {
        #expect {
            _ = try ComponentPages.named(name)
        } throws: { error in
            let failure = error as? CommandFailure
            return failure?.suggestion == help && failure?.exitCode == 66 && failure?.code == "unknown-component"
        }
    }

    private static let longList = "`[…]`"

    /// The form of a default in a README: a dash for an empty one; a long list is in a separate block.
    private static func written(_ text: String?) -> String {
        guard let text, !["", "\"\"", "[]", "{}"].contains(text) else { return "–" }
        return items(of: text).count > 6 ? longList : "`\(text)`"
    }

    private static func items(of list: String) -> [String] {
        guard list.hasPrefix("["), list.hasSuffix("]") else { return [list] }
        return list.dropFirst().dropLast().split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
}
