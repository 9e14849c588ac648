// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import YAML

/// Rules between the components of a graph, each of which is valid by itself.
struct GraphRules {
    let graph: PipelineGraph
    /// Every word of the service section; a component that is named in a wrong place is not reported as unused too.
    let named: Set<String>
    /// How this machine is reached.
    var machine = Whereabouts.unknown

    /// The codes of what the rules find.
    static let codes: Set<String> = [
        "unused-component", "signal", "open-listener", "port-conflict", "tls-conflict", "path-conflict",
        "file-conflict",
        "store", "authenticator", "loop",
    ]

    func findings() -> [Diagnostic] {
        // A connector is there as the exporter and the receiver that it is.
        let uses = Self.kinds.flatMap { kind in
            graph.used(kind).filter { kind != .receiver || graph.component(.connector, $0.id) == nil }.flatMap {
                component in
                // A placeholder for a value that could not be resolved is not reported.
                component.config.resources.filter { !component.locations.isUnresolved($0.path) }
                    .map { Use(component: component, resource: $0) }
            }
        }
        return unused() + signals() + endpoints(uses) + encryption(uses) + paths(uses) + files(uses) + stores(uses)
            + authenticators(uses) + loops(uses)
    }

    private static let kinds = ComponentKind.allCases.filter { $0 != .connector }

    /// A resource that a component uses.
    struct Use {
        var component: DeclaredComponent
        var resource: ConfigResource

        var mark: Mark { component.locations.location(of: resource.path) }
    }

    private func unused() -> [Diagnostic] {
        Self.kinds.flatMap { kind -> [Diagnostic] in
            let used = Set(graph.used(kind).map(\.id))
            let others = (graph.components[kind] ?? [:]).values.filter {
                !used.contains($0.id)
                    && (graph.component(.connector, $0.id) != nil || !named.contains($0.id.description))
            }
            return others.map { component in
                .warning(
                    "unused-component",
                    graph.component(.connector, component.id) == nil
                        ? "the \(kind.singular) \"\(component.id)\" is declared and never used"
                        : "the connector \"\(component.id)\" is no \(kind.singular) of any pipeline",
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

    /// Reports exporters that send to a receiver of the same pipeline, where records would circulate without an end.
    private func loops(_ uses: [Use]) -> [Diagnostic] {
        var ways: [(from: Int, to: Int, use: Use)] = []
        for (from, pipeline) in graph.pipelines.enumerated() {
            for use in uses where use.component.kind == .exporter && pipeline.exporters.contains(use.component.id) {
                guard case .destination(let destination, of: pipeline.signal) = use.resource.kind else { continue }
                let receivers = Set(
                    uses.filter { other in
                        guard case .endpoint(let listener) = other.resource.kind else { return false }
                        return other.component.kind == .receiver && machine.reaches(listener, at: destination)
                    }.map(\.component.id)
                )
                for (to, other) in graph.pipelines.enumerated()
                where other.signal == pipeline.signal && !receivers.isDisjoint(with: other.receivers) {
                    ways.append((from, to, use))
                }
            }
        }
        var reported: Set<Mark> = []
        return ways.compactMap { way in
            var reached: Set<Int> = [way.to]
            var next = [way.to]
            while let pipeline = next.popLast() {
                for further in ways where further.from == pipeline && reached.insert(further.to).inserted {
                    next.append(further.to)
                }
            }
            guard reached.contains(way.from), reported.insert(way.use.mark).inserted else { return nil }
            return .error(
                "loop",
                "\"\(way.use.component.id)\" sends \(graph.pipelines[way.from].signal) to a receiver of this configuration that feeds its own pipeline",
                at: way.use.mark,
                help: "name another collector or backend, or give the receiver a pipeline without this exporter"
            )
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
        let stores = running.filter { $0.factory.isStore }.map(\.id.description)
        return uses.compactMap { use in
            // A name that is not a component id was reported with the component's own values.
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

    /// Whether the node is null, or an empty mapping or list.
    var isEmpty: Bool { isNull || mapping?.entries.isEmpty == true || sequence?.elements.isEmpty == true }
}

// MARK: - Listeners

/// Rules between components that listen.
extension GraphRules {
    private func endpoints(_ uses: [Use]) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        let hasKeys = graph.hasAuthenticator
        var byPort: [Int: (endpoint: Endpoint, use: Use)] = [:]
        for use in uses {
            guard case .endpoint(let endpoint) = use.resource.kind else { continue }
            if !endpoint.isLoopback, !hasKeys {
                findings.append(
                    .error(
                        "open-listener",
                        "\(endpoint) would be open to everyone on the network, and no key is required",
                        at: use.mark,
                        help: "write 127.0.0.1:\(endpoint.port), or name an extension api_keys under service.extensions"
                    )
                )
            }
            guard endpoint.port != 0 else { continue }
            guard let first = byPort[endpoint.port] else {
                byPort[endpoint.port] = (endpoint, use)
                continue
            }
            guard first.endpoint != endpoint else { continue }
            findings.append(
                .error(
                    "port-conflict",
                    "\"\(use.component.id)\" wants \(endpoint), but \"\(first.use.component.id)\" listens on \(first.endpoint)",
                    at: use.mark,
                    help: "write \(first.endpoint) in both to share one listener, or another port",
                    notes: [.init("the other endpoint is here", at: first.use.mark)]
                )
            )
        }
        return findings
    }

    /// Reports components on one listener that do not all use the same TLS settings.
    private func encryption(_ uses: [Use]) -> [Diagnostic] {
        var wanted: [String: TLSConfig] = [:]
        for use in uses {
            if case .tls(let config, let endpoint) = use.resource.kind {
                wanted[Self.key(use.component, endpoint)] = config
            }
        }
        var findings: [Diagnostic] = []
        var owners: [Endpoint: Use] = [:]
        for use in uses {
            guard case .endpoint(let endpoint) = use.resource.kind else { continue }
            guard let owner = owners[endpoint] else {
                owners[endpoint] = use
                continue
            }
            guard wanted[Self.key(use.component, endpoint)] != wanted[Self.key(owner.component, endpoint)] else {
                continue
            }
            findings.append(
                .error(
                    "tls-conflict",
                    "\"\(use.component.id)\" and \"\(owner.component.id)\" share \(endpoint), but not their tls",
                    at: use.mark,
                    help: "write the same tls section in both, or give one of them another endpoint",
                    notes: [.init("the other endpoint is here", at: owner.mark)]
                )
            )
        }
        return findings
    }

    private static func key(_ component: DeclaredComponent, _ endpoint: Endpoint) -> String {
        "\(component.kind.rawValue)/\(component.id) \(endpoint)"
    }

    /// The extensions that components trust to ask for keys, or to show who the collector is.
    private func authenticators(_ uses: [Use]) -> [Diagnostic] {
        let running = graph.used(.extension)
        let asking = running.filter { $0.factory.isAuthenticator }.map(\.id.description)
        let showing = running.filter { $0.factory.isClientAuthenticator }.map(\.id.description)
        return uses.compactMap { use in
            switch use.resource.kind {
            case .authenticator(let name) where !asking.contains(name):
                missing(name, "checks keys", among: asking, orElse: "api_keys", use)
            case .clientAuthenticator(let name) where !showing.contains(name):
                missing(
                    name,
                    "holds credentials for exporters",
                    among: showing,
                    orElse: "basicauth, bearertokenauth or oauth2client",
                    use
                )
            default: nil
            }
        }
    }

    private func missing(
        _ name: String,
        _ ability: String,
        among known: [String],
        orElse types: String,
        _ use: Use
    ) -> Diagnostic {
        let message = "no extension \"\(name)\" that \(ability) is named under service.extensions"
        return .error(
            "authenticator",
            use.component.locations.concealing(message, at: use.resource.path),
            at: use.mark,
            help: known.isEmpty
                ? "declare \(types) under extensions and name it under service.extensions"
                : "write \(known.joined(separator: " or "))"
        )
    }

    /// Receivers of one kind on one listener: what is posted to a path can go to one of them only.
    private func paths(_ uses: [Use]) -> [Diagnostic] {
        var owners: [ConfigResource.Kind: Use] = [:]
        var conflicts: [(owner: Use, other: Use, endpoint: Endpoint, paths: [String])] = []
        for use in uses {
            // When it has errors, its endpoint may not be the intended one.
            guard case .path(let path, let endpoint) = use.resource.kind, !use.component.hasErrors else { continue }
            guard let owner = owners[use.resource.kind] else {
                owners[use.resource.kind] = use
                continue
            }
            let known = conflicts.firstIndex {
                $0.owner.component.id == owner.component.id && $0.other.component.id == use.component.id
            }
            if let known {
                conflicts[known].paths.append(path)
            } else {
                conflicts.append((owner, use, endpoint, [path]))
            }
        }
        return conflicts.map { owner, other, endpoint, paths in
            .error(
                "path-conflict",
                "\"\(other.component.id)\" and \"\(owner.component.id)\" would both answer "
                    + "\(paths.joined(separator: ", ")) on \(endpoint)",
                at: other.mark,
                help: "give one of them another endpoint or other paths, or name one receiver in all the pipelines",
                notes: [.init("the other receiver is here", at: owner.mark)]
            )
        }
    }
}
