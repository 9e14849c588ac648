// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import YAML

/// What must hold between the components of a graph, each of which is well-formed by itself.
struct GraphRules {
    let graph: PipelineGraph
    /// The words of the service section; a component that is named where it cannot be is not unused as well.
    let named: Set<String>

    func findings() -> [Diagnostic] {
        let uses = ComponentKind.allCases.flatMap { kind in
            graph.used(kind).flatMap { component in
                // What stands in for a value that could not be had is no one's fault.
                component.config.resources.filter { !component.locations.isUnresolved($0.path) }
                    .map { Use(component: component, resource: $0) }
            }
        }
        return unused() + signals() + endpoints(uses) + encryption(uses) + paths(uses) + files(uses) + stores(uses)
            + authenticators(uses)
    }

    /// Something that a component uses.
    struct Use {
        var component: DeclaredComponent
        var resource: ConfigResource

        var mark: Mark { component.locations.location(of: resource.path) }
    }

    private func unused() -> [Diagnostic] {
        ComponentKind.allCases.flatMap { kind -> [Diagnostic] in
            let used = Set(graph.used(kind).map(\.id))
            let others = (graph.components[kind] ?? [:]).values.filter {
                !used.contains($0.id) && !named.contains($0.id.description)
            }
            return others.map { component in
                .warning(
                    "unused-component",
                    "the \(kind.singular) \"\(component.id)\" is declared and never used",
                    at: component.mark,
                    help: kind == .extension
                        ? "name it under service.extensions, or remove it" : "name it in a pipeline, or remove it"
                )
            }
        }
    }

    private func signals() -> [Diagnostic] {
        graph.pipelines.flatMap { pipeline in
            let members = [
                (ComponentKind.receiver, pipeline.receivers), (.processor, pipeline.processors),
                (.exporter, pipeline.exporters),
            ]
            return members.flatMap { kind, ids in
                ids.compactMap { graph.component(kind, $0) }.filter { !$0.factory.signals.contains(pipeline.signal) }
                    .map { component in
                        Diagnostic.error(
                            "signal",
                            "the \(kind.singular) \"\(component.id)\" cannot handle \(pipeline.signal.rawValue)",
                            at: pipeline.mark,
                            help: "it handles \(component.factory.signals.map(\.rawValue).joined(separator: ", "))"
                        )
                    }
            }
        }
    }

    private func files(_ uses: [Use]) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        var owners: [String: Use] = [:]
        for use in uses {
            guard case .file(let path) = use.resource.kind else { continue }
            if let owner = owners[path] {
                findings.append(
                    .error(
                        "file-conflict",
                        "\"\(use.component.id)\" and \"\(owner.component.id)\" would both write \(path)",
                        at: use.mark,
                        help: "give each a file of its own",
                        notes: [.init("the other path is here", at: owner.mark)]
                    )
                )
            } else {
                owners[path] = use
            }
        }
        return findings
    }

    private func stores(_ uses: [Use]) -> [Diagnostic] {
        let running = graph.used(.exporter)
        let stores = running.filter { ($0.factory as? any ExporterFactory)?.isStore == true }.map(\.id.description)
        return uses.compactMap { use in
            // What is no id has been reported with the component's own values.
            guard case .store(let name) = use.resource.kind, !stores.contains(name), ComponentID(name) != nil else {
                return nil
            }
            let isExporter = running.contains { $0.id.description == name }
            let similar = suggestion(for: name, among: stores).map { "did you mean \"\($0)\"?" }
            let message =
                isExporter
                ? "the exporter \"\(name)\" cannot answer queries" : "no exporter \"\(name)\" is used in a pipeline"
            return .error(
                "store",
                use.component.locations.concealing(message, at: use.resource.path),
                at: use.mark,
                help: similar
                    ?? (stores.isEmpty
                        ? "use an exporter that is a store, such as sqlite"
                        : "write \(stores.joined(separator: " or "))")
            )
        }
    }
}

extension Node {
    /// Every key and value of the part.
    var words: Set<String> {
        switch self {
        case .scalar(let scalar): [scalar.text]
        case .sequence(let sequence): sequence.elements.reduce(into: []) { $0.formUnion($1.words) }
        case .mapping(let mapping):
            mapping.entries.reduce(into: []) { $0.formUnion($1.value.words.union([$1.key.text])) }
        }
    }

    /// Whether nothing is written, or a mapping or list of nothing.
    var isEmpty: Bool { isNull || mapping?.entries.isEmpty == true || sequence?.elements.isEmpty == true }
}
