// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import YAML

/// Values for the references of a configuration, such as `${env:NAME}`, so that it can be checked without its environment.
///
/// Each value is of a form that its key takes, and the same reference has the same value everywhere. A host that is not known is another
/// machine; an address to listen on that is not known is one of the network. Only what is wrong whatever the references are is reported.
struct AssumedValues {
    /// Where a scalar is written.
    private struct Place: Hashable {
        var line: Int
        var column: Int

        init(_ mark: Mark) { (line, column) = (mark.line, mark.column) }
    }

    private let root: Node
    private var scalars: [Place: Scalar] = [:]
    /// Which form the value of each scalar has; the number of forms where none fits.
    private var forms: [Place: Int] = [:]
    private var names: [String] = []
    private var numbers: [String: Int] = [:]

    /// A configuration whose references are not replaced yet.
    init(_ root: Node) {
        self.root = root
        collect(root)
    }

    private mutating func collect(_ node: Node) {
        switch node {
        case .scalar(let scalar):
            guard scalar.text.contains("${") else { return }
            scalars[Place(scalar.mark)] = scalar
            forms[Place(scalar.mark)] = 0
            for source in Substitution.sources(in: scalar) where numbers[source.written] == nil {
                numbers[source.written] = names.count
                names.append(source.written)
            }
        case .sequence(let sequence): for element in sequence.elements { collect(element) }
        case .mapping(let mapping): for entry in mapping.entries { collect(entry.value) }
        }
    }

    /// The graph of the configuration, and what is wrong with it.
    mutating func check(_ source: SourceFile, registry: Registry) -> (graph: PipelineGraph, diagnostics: Diagnostics) {
        func build(_ root: Node) -> (graph: PipelineGraph, found: [Diagnostic]) {
            var diagnostics = Diagnostics()
            diagnostics.add(source)
            let graph = GraphBuilder.build(root, registry: registry, home: "/", diagnostics: &diagnostics)
            return (graph, diagnostics.items)
        }
        var problems = Diagnostics()
        var (graph, found) = build(applied(to: root, &problems))
        while advance(found) { (graph, found) = build(applied(to: root, &problems)) }
        let always = scalars.isEmpty ? found : build(root.withoutReferences).found
        var diagnostics = Diagnostics()
        diagnostics.add(source)
        diagnostics.append(contentsOf: problems.items)
        for var item in found where counts(item, always) {
            item.message = naming(item.message)
            item.help = item.help.map { naming($0) }
            diagnostics.append(item)
        }
        return (graph, diagnostics)
    }

    // MARK: - Values

    /// What a reference may be, in the order in which it is tried.
    private static let values: [@Sendable (_ number: Int) -> String] = [
        host, { "\(port($0))" }, { "\(host($0)):\(port($0))" }, { "https://\(host($0))" }, { _ in "1" }, { _ in "1s" },
        { _ in "true" }, { "/\(host($0))" },
    ]

    private static func host(_ number: Int) -> String { "value-\(number).invalid" }
    private static func port(_ number: Int) -> Int { 20_001 + number }

    private func applied(to node: Node, _ problems: inout Diagnostics) -> Node {
        switch node {
        case .scalar(let scalar): return applied(to: scalar, &problems)
        case .sequence(var sequence):
            sequence.elements = sequence.elements.map { applied(to: $0, &problems) }
            return .sequence(sequence)
        case .mapping(var mapping):
            for index in mapping.entries.indices {
                mapping.entries[index].value = applied(to: mapping.entries[index].value, &problems)
            }
            return .mapping(mapping)
        }
    }

    private func applied(to scalar: Scalar, _ problems: inout Diagnostics) -> Node {
        guard let form = forms[Place(scalar.mark)] else { return .scalar(scalar) }
        guard form < Self.values.count else { return Node.scalar(scalar).withoutReferences }
        var variables: [String: String] = [:]
        for case .variable(let name, let hasDefault) in Substitution.sources(in: scalar) where form > 0 || !hasDefault {
            variables[name] = value("${env:\(name)}", form)
        }
        let files = Dictionary(
            Substitution.sources(in: scalar).compactMap { source in
                if case .file(let path) = source { (path, value(source.written, form)) } else { nil }
            },
            uniquingKeysWith: { first, _ in first }
        )
        let substitution = Substitution(environment: variables) { Array((files[$0] ?? "").utf8) }
        return substitution.resolve(.scalar(scalar), diagnostics: &problems)
    }

    private func value(_ written: String, _ form: Int) -> String { Self.values[form](numbers[written] ?? 0) }

    // MARK: - Judgement

    /// Gives values that do not fit their keys the next form; false when there are none.
    private mutating func advance(_ found: [Diagnostic]) -> Bool {
        var isChanged = false
        for item in found where item.severity == .error && !GraphRules.codes.contains(item.code) {
            guard let place = item.mark.map({ Place($0) }), let form = forms[place], form < Self.values.count else {
                continue
            }
            forms[place] = form + 1
            isChanged = true
        }
        return isChanged
    }

    /// Whether a finding holds whatever the references are.
    ///
    /// - Parameter always: What is found where each of them has the default of its key.
    private func counts(_ item: Diagnostic, _ always: [Diagnostic]) -> Bool {
        let isRule = GraphRules.codes.contains(item.code)
        guard let mark = item.mark else { return true }
        // Whether there is an extension or store of an unknown name cannot be said.
        if scalars[Place(mark)] != nil { return isRule && item.code != "store" && item.code != "authenticator" }
        return isRule || always.contains { $0.code == item.code && $0.mark.map { Place($0) } == Place(mark) }
    }

    /// A message with the references in place of their values.
    private func naming(_ message: String) -> String {
        names.enumerated().reduce(message) { text, name in
            let (host, port) = (Self.host(name.offset), "\(Self.port(name.offset))")
            return text.replacing("\(host):\(port)", with: name.element).replacing(host, with: name.element)
                .replacing(port, with: name.element)
        }
    }
}

extension Substitution.Source {
    /// The reference without a default.
    fileprivate var written: String {
        switch self {
        case .variable(let name, _): "${env:\(name)}"
        case .file(let path): "${file:\(path)}"
        }
    }
}

extension Node {
    /// The node with the default of its key in place of each value with a reference.
    fileprivate var withoutReferences: Node {
        switch self {
        case .scalar(let scalar):
            return scalar.text.contains("${") ? .null(at: scalar.mark) : .scalar(scalar)
        case .sequence(var sequence):
            sequence.elements = sequence.elements.map(\.withoutReferences)
            return .sequence(sequence)
        case .mapping(var mapping):
            for index in mapping.entries.indices {
                mapping.entries[index].value = mapping.entries[index].value.withoutReferences
            }
            return .mapping(mapping)
        }
    }
}
