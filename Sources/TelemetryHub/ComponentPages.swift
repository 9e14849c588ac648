// SPDX-License-Identifier: Apache-2.0

import CEmbedded
import Collector
import CollectorKit
import FoundationEssentials
import OTLP
import YAML

/// The documentation of components: for a built-in one the README of its folder, which is compiled in; for an added one what its
/// factory describes.
enum ComponentPages {
    /// The pages of all components.
    static var all: [ComponentPage] { builtIn + BuiltInPlugins.added.map { page(of: $0) } }

    /// A page generated from a factory: purpose, signals, keys.
    static func page(of factory: ComponentFactory) -> ComponentPage {
        let signals = factory.signals.map(\.rawValue).joined(separator: ", ")
        var lines = [
            "# \(factory.type)", "", factory.summary.prefix(1).uppercased() + factory.summary.dropFirst() + ".", "",
        ]
        lines.append("\(factory.kind.singular.capitalized). Signals: \(signals.isEmpty ? "none" : signals).")
        let keys = factory.configuration.keys
        if !keys.isEmpty { lines += ["", "## Keys", "", "| key | default | meaning |", "| --- | --- | --- |"] }
        for key in keys {
            let value = key.defaultText.map { $0.isEmpty ? "" : "`\($0)`" } ?? ""
            lines.append("| `\(key.name)` | \(value) | \(key.documentation) |")
        }
        return ComponentPage(kind: factory.kind, type: factory.type, text: lines.joined(separator: "\n") + "\n")
    }

    /// The pages that are compiled in.
    static let builtIn: [ComponentPage] = UnsafeBufferPointer(
        start: hammurabi_component_pages(),
        count: hammurabi_component_page_count()
    )
    .compactMap { page in
        guard let kind = ComponentKind(rawValue: String(cString: page.kind) + "s") else { return nil }
        let bytes = UnsafeBufferPointer(start: page.bytes, count: page.length)
        return ComponentPage(
            kind: kind,
            type: String(cString: page.type),
            text: String(decoding: bytes, as: UTF8.self)
        )
    }

    /// The pages for a name.
    ///
    /// - Parameters:
    ///   - name: A type or an alias of one, alone or after its kind and a slash: `otlp`, `otlphttp`, `exporter/sqlite`.
    ///   - registry: The components there are.
    /// - Throws: ``CommandFailure`` when it names no component, with the nearest type.
    static func named(_ name: String, among registry: Registry = BuiltInPlugins.registry) throws(CommandFailure)
        -> [ComponentPage]
    {
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let kinds = ComponentKind.allCases.filter { parts.count == 1 || [$0.singular, $0.rawValue].contains(parts[0]) }
        let type = parts.last ?? ""
        let types = kinds.map { ($0, registry.factory($0, type)?.type) }
        let plugins = ComponentKind.allCases.flatMap { registry.all($0) }.filter { $0.origin != .program }
        let pages = (all + plugins.map { page(of: $0) }).filter { page in
            types.contains { $0 == page.kind && $1 == page.type }
        }
        guard pages.isEmpty else { return pages }
        let known = ComponentKind.allCases.flatMap { kind in registry.types(kind).map { (kind, $0) } }
        throw CommandFailure(
            exitCode: Exit.inputMissing,
            code: "unknown-component",
            message: "there is no component \"\(name.printable)\"",
            suggestion: suggestion(for: parts, among: known)
        )
    }

    private static func suggestion(for parts: [String], among known: [(kind: ComponentKind, type: String)]) -> String {
        let type = parts.last ?? ""
        let nearest =
            if let same = known.first(where: { $0.type == type }) {
                "\(same.kind.singular)/\(type)"
            } else {
                YAML.suggestion(for: type, among: known.map(\.type))
            }
        return nearest.map { "did you mean \"\($0)\"?" } ?? "`hammurabi components` lists all of them"
    }
}
