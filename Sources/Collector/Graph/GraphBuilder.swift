// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
public import PluginProcesses
public import YAML

/// Builds a graph from a configuration and reports every error of the configuration in one run.
public struct GraphBuilder {
    private var registry: Registry
    private let decoder: ConfigDecoder
    private var graph = PipelineGraph()
    private var diagnostics: Diagnostics
    private let access: PluginCatalog.Access
    private var machine = Whereabouts.unknown
    private var catalog = PluginCatalog()
    /// Components that are declared and could not be understood; naming them is no second fault.
    private var misunderstood: [ComponentKind: Set<ComponentID>] = [:]

    private static let sections = [
        "receivers", "processors", "exporters", "connectors", "extensions", "service", "plugins",
    ]

    /// Keys of the service section that users often write at the top level.
    private static let partsOfService = ["pipelines": "service", "telemetry": "service"]

    /// Builds a graph; it may be used only if `diagnostics` has no errors afterwards.
    ///
    /// - Parameters:
    ///   - plugins: Whether and how plugins are asked what they offer; components of a plugin that is not asked are left out.
    ///   - machine: How the machine is reached on which the graph is to run.
    public static func build(
        _ root: Node,
        registry: Registry,
        home: String?,
        plugins: PluginCatalog.Access = .forbidden,
        machine: Whereabouts = .unknown,
        diagnostics: inout Diagnostics
    ) -> PipelineGraph {
        var builder = GraphBuilder(registry, ConfigDecoder(home: home), plugins, diagnostics)
        builder.machine = machine
        builder.read(root)
        diagnostics = builder.diagnostics
        return builder.graph
    }

    /// A graph of the extensions of one type that the service names, and of nothing else.
    ///
    /// It is for a command that is started many times a minute: to decode the other components takes longer than to ask a collector.
    ///
    /// - Returns: Nil when there are none, or one of them cannot be understood; what is wrong elsewhere is not noticed.
    public static func extensions(ofType type: String, in root: Node, registry: Registry, home: String?)
        -> PipelineGraph?
    {
        guard let sections = root.mapping, let service = sections["service"]?.mapping,
            var declared = sections["extensions"]?.mapping
        else { return nil }
        let named = (service["extensions"]?.words ?? []).compactMap { ComponentID($0) }.filter { $0.type == type }
        declared.entries.removeAll { entry in ComponentID(entry.key.text).map { !named.contains($0) } ?? true }
        guard !declared.entries.isEmpty else { return nil }
        var builder = GraphBuilder(registry, ConfigDecoder(home: home), .forbidden, Diagnostics())
        builder.readComponents(.extension, .mapping(declared))
        builder.graph.extensions = named
        return builder.diagnostics.hasErrors ? nil : builder.graph
    }

    private init(
        _ registry: Registry,
        _ decoder: ConfigDecoder,
        _ access: PluginCatalog.Access,
        _ diagnostics: Diagnostics
    ) {
        self.registry = registry
        self.decoder = decoder
        self.access = access
        self.diagnostics = diagnostics
    }

    private mutating func read(_ root: Node) {
        guard let sections = mapping(root, "the configuration", help: "begin with receivers: and no dash") else {
            return
        }
        checkKeys(of: sections, against: Self.sections, in: "the configuration", parts: Self.partsOfService)
        readPlugins(sections["plugins"])
        for kind in ComponentKind.allCases {
            readComponents(kind, sections[kind.rawValue] ?? misspelled(kind, in: sections))
        }
        guard let service = sections.entry("service") else {
            // A part of it at the top level was reported already, with the place where it belongs.
            if sections.entries.contains(where: { Self.partsOfService[$0.key.text] != nil }) { return }
            diagnostics.append(
                .error(
                    "missing-section",
                    "there is no service section",
                    at: root.mark,
                    help: "add service with pipelines"
                )
            )
            return
        }
        readService(service)
        guard !graph.pipelines.isEmpty else { return }
        diagnostics.append(
            contentsOf: GraphRules(graph: graph, named: service.value.words, machine: machine).findings()
        )
    }

    /// The section whose misspelled name is close to that of the kind: its components are not reported as undeclared too.
    private func misspelled(_ kind: ComponentKind, in sections: Node.Mapping) -> Node? {
        sections.entries.first { entry in
            !Self.sections.contains(entry.key.text)
                && suggestion(for: entry.key.text, among: Self.sections) == kind.rawValue
        }?.value
    }

    // MARK: - Plugins

    /// Adds what plugins offer to the components there are.
    private mutating func readPlugins(_ section: Node?) {
        catalog = PluginCatalog(section, access, decoder, &diagnostics)
        graph.plugins = catalog.plugins
        for plugin in catalog.plugins {
            for factory in plugin.factories {
                guard let other = registry.factory(factory.kind, factory.type) else {
                    registry.add(factory)
                    continue
                }
                let owner =
                    if case .plugin(let name, _) = other.origin { "the plugin \"\(name)\"" } else { "this program" }
                diagnostics.append(
                    .error(
                        "plugin",
                        "the plugin \"\(plugin.name)\" offers the \(factory.kind.singular) \(factory.type), which \(owner) has already",
                        at: section?.mapping?.entry(plugin.name)?.key.mark
                    )
                )
            }
        }
        graph.registry = registry
    }

    // MARK: - Components

    private mutating func readComponents(_ kind: ComponentKind, _ node: Node?) {
        guard let node, !node.isNull else { return }
        let help = node.words.min().map { "write each id as a key: \"\($0):\"" }
        guard let entries = mapping(node, kind.rawValue, help: help)?.entries else {
            // Components named in a misplaced section are not reported as undeclared too.
            misunderstood[kind, default: []].formUnion(node.words.compactMap { ComponentID($0) })
            return
        }
        for entry in entries {
            guard let id = ComponentID(entry.key.text) else {
                diagnostics.append(
                    .error(
                        "component-id",
                        "\"\(entry.key.text)\" is no component id",
                        at: entry.key.mark,
                        help: "write type or type/name"
                    )
                )
                continue
            }
            guard let factory = registry.factory(kind, id.type) else {
                misunderstood[kind, default: []].insert(id)
                if kind == .connector {
                    for side in [ComponentKind.receiver, .exporter] { misunderstood[side, default: []].insert(id) }
                }
                reportUnknown(kind, id, entry.key.mark)
                continue
            }
            let known = diagnostics.items.count
            let config = decode(factory, entry)
            let hasErrors = diagnostics.items.dropFirst(known).contains { $0.severity == .error }
            // A connector is named as an exporter and as a receiver.
            let factories = [factory] + (factory.sides.map { [$0.exporter, $0.receiver] } ?? [])
            for factory in factories {
                graph.components[factory.kind, default: [:]][id] = DeclaredComponent(
                    id: id,
                    factory: factory,
                    config: config,
                    mark: entry.key.mark,
                    locations: ConfigLocations(entry.value, rootKey: entry.key.mark),
                    hasErrors: hasErrors,
                    content: entry.value
                )
            }
        }
    }

    private mutating func decode(_ factory: ComponentFactory, _ entry: Node.Entry) -> any ConfigValues {
        let config = factory.configuration.decode(entry.value, decoder, diagnostics: &diagnostics)
        var findings = ConfigFindings()
        config.validate(&findings)
        let locations = ConfigLocations(entry.value, rootKey: entry.key.mark)
        // What a section lacks may be in the value that could not be replaced, which is reported already.
        for finding in findings.items where !locations.holdsUnresolved(finding.path) {
            diagnostics.append(finding.diagnostic(locations))
        }
        return config
    }

    private mutating func reportUnknown(_ kind: ComponentKind, _ id: ComponentID, _ mark: Mark) {
        if catalog.isIncomplete, kind != .extension, ForeignComponents(registry: registry).advice(kind, id.type) == nil
        {
            // Why a plugin was not asked is reported with the plugin, unless it was not to be.
            guard !access.isAllowed else { return }
            diagnostics.append(
                .warning(
                    "unchecked-component",
                    "the \(kind.singular) \"\(id)\" is not checked: no plugin is asked what it offers",
                    at: mark
                )
            )
            return
        }
        if let remark = ForeignComponents(registry: registry).remark(kind, id.type) {
            diagnostics.append(
                .warning("needless-component", "the \(kind.singular) \"\(id)\" is left out", at: mark, help: remark)
            )
            return
        }
        let types = registry.types(kind)
        var help = suggestion(for: id.type, among: types).map { "did you mean \"\($0)\"?" }
        if let advice = ForeignComponents(registry: registry).advice(kind, id.type) {
            help = advice
        } else if let other = ComponentKind.allCases.first(where: { $0 != kind && registry.factory($0, id.type) != nil }
        ) {
            misunderstood[other, default: []].insert(id)
            help = "\"\(id.type)\" is one of the \(other.rawValue); move it there"
        }
        diagnostics.append(
            .error(
                "unknown-component",
                "no \(kind.singular) of type \"\(id.type)\"",
                at: mark,
                help: help,
                notes: [.init("\(kind.rawValue) available: \(types.joined(separator: ", "))")]
            )
        )
    }

    // MARK: - Shapes

    private mutating func mapping(_ node: Node, _ name: String, help: String? = nil) -> Node.Mapping? {
        if let mapping = node.mapping { return mapping }
        diagnostics.append(.error("type-mismatch", "\(name) is a mapping of keys to values", at: node.mark, help: help))
        return nil
    }

    /// Reports unknown keys; `parts` maps a key to the section in which it is valid.
    private mutating func checkKeys(
        of section: Node.Mapping,
        against keys: [String],
        in name: String,
        parts: [String: String] = [:]
    ) {
        for entry in section.entries where !keys.contains(entry.key.text) {
            let home = parts[entry.key.text].map { "write it under \($0)" }
            diagnostics.append(
                .error(
                    "unknown-key",
                    "\(name) has no key \"\(entry.key.text)\"",
                    at: entry.key.mark,
                    help: home ?? suggestion(for: entry.key.text, among: keys).map { "did you mean \"\($0)\"?" },
                    notes: [.init("keys: \(keys.joined(separator: ", "))")]
                )
            )
        }
    }
}

extension ConfigFindings.Finding {
    /// The finding with its place, without a value that came from the environment or a file.
    fileprivate func diagnostic(_ locations: ConfigLocations) -> Diagnostic {
        let message = locations.concealing(message, at: path)
        let help = help.flatMap { locations.concealing($0, at: path) == $0 ? $0 : nil }
        let mark = locations.location(of: path)
        return Diagnostic(isWarning ? .warning : .error, code: code, message, at: mark, help: help)
    }
}

extension PipelineGraph {
    /// What is wrong in the files that the components of the pipelines and the service would read when they are made.
    public func fileFindings() -> [Diagnostic] {
        ComponentKind.allCases.flatMap { used($0) }.flatMap { component -> [Diagnostic] in
            var findings = ConfigFindings()
            component.config.checkFiles(&findings)
            return findings.items.map { $0.diagnostic(component.locations) }
        }
    }
}

// MARK: - Service

/// The service section: the extensions, the pipelines, and the collector's own telemetry.
extension GraphBuilder {
    private mutating func readService(_ entry: Node.Entry) {
        guard let service = mapping(entry.value, "service") else { return }
        checkKeys(of: service, against: ["extensions", "pipelines", "telemetry", "memory_limit"], in: "service")
        if let node = service["extensions"], !node.isNull {
            graph.extensions = references(node, .extension, "service.extensions")
        }
        if let node = service["telemetry"], !node.isNull {
            graph.telemetry = decoder.decode(
                TelemetryConfig.self,
                from: node,
                over: TelemetryConfig(),
                diagnostics: &diagnostics
            )
        }
        if let entry = service.entry("memory_limit"), !entry.value.isNull { readMemoryLimit(entry) }
        guard let pipelines = service.entry("pipelines"), !pipelines.value.isEmpty else {
            // A misspelled key was reported already.
            if service.entries.contains(where: { suggestion(for: $0.key.text, among: ["pipelines"]) != nil }) { return }
            diagnostics.append(
                .error(
                    "missing-section",
                    "there are no pipelines",
                    at: entry.key.mark,
                    help: "add service.pipelines with traces, logs or metrics"
                )
            )
            return
        }
        guard let entries = mapping(pipelines.value, "service.pipelines")?.entries else { return }
        for entry in entries { readPipeline(entry) }
    }

    private mutating func readMemoryLimit(_ entry: Node.Entry) {
        let limits = decoder.decode(
            ServiceLimits.self,
            from: .mapping(Node.Mapping([entry], mark: entry.key.mark)),
            over: ServiceLimits(),
            diagnostics: &diagnostics
        )
        graph.memoryLimit = limits.memoryLimit
        guard limits.memoryLimit.bytes < ServiceLimits.smallestMemory.bytes else { return }
        diagnostics.append(
            .error(
                "out-of-range",
                "no useful request would fit into \(limits.memoryLimit)",
                at: entry.value.mark,
                help: "write 256MiB, or 1MiB at least"
            )
        )
    }

    private mutating func readPipeline(_ entry: Node.Entry) {
        let parts = entry.key.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let signal = parts.first.flatMap({ Signal(rawValue: String($0)) }), ComponentID(entry.key.text) != nil
        else {
            let names = Signal.allCases.map(\.rawValue)
            let similar = suggestion(for: String(parts.first ?? ""), among: names).map { "did you mean \"\($0)\"?" }
            diagnostics.append(
                .error(
                    "unknown-signal",
                    "\"\(entry.key.text)\" is no pipeline",
                    at: entry.key.mark,
                    help: similar ?? "write traces, logs or metrics, or one of them with /name"
                )
            )
            return
        }
        var pipeline = DeclaredPipeline(
            signal: signal,
            name: parts.count > 1 ? String(parts[1]) : "",
            mark: entry.key.mark
        )
        if let section = entry.value.isNull
            ? Node.Mapping(mark: entry.value.mark) : mapping(entry.value, entry.key.text)
        {
            checkKeys(of: section, against: ["receivers", "processors", "exporters"], in: entry.key.text)
            let place = "service.pipelines.\(entry.key.text)"
            pipeline.receivers = section["receivers"].map { references($0, .receiver, "\(place).receivers") } ?? []
            pipeline.processors = section["processors"].map { references($0, .processor, "\(place).processors") } ?? []
            pipeline.exporters = section["exporters"].map { references($0, .exporter, "\(place).exporters") } ?? []
            reportEmpty(section, entry)
        }
        graph.pipelines.append(pipeline)
    }

    private mutating func reportEmpty(_ section: Node.Mapping, _ pipeline: Node.Entry) {
        for kind in [ComponentKind.receiver, .exporter] {
            let list = section.entry(kind.rawValue)
            guard list == nil || list?.value.isNull == true || list?.value.sequence?.elements.isEmpty == true else {
                continue
            }
            diagnostics.append(
                .error(
                    "empty-pipeline",
                    "the pipeline \(pipeline.key.text) has no \(kind.singular)",
                    at: list?.key.mark ?? pipeline.key.mark,
                    help: "name at least one under \(kind.rawValue)"
                )
            )
        }
    }

    /// The components that a list names; each must be declared, and must appear in the list once.
    private mutating func references(_ node: Node, _ kind: ComponentKind, _ place: String) -> [ComponentID] {
        guard !node.isNull else { return [] }
        guard let elements = node.sequence?.elements else {
            let text = node.scalar?.text
            diagnostics.append(
                .error("type-mismatch", "\(place) is a list", at: node.mark, help: text.map { "write [\($0)]" })
            )
            return []
        }
        var ids: [ComponentID] = []
        for element in elements {
            guard let scalar = element.scalar, let id = ComponentID(scalar.text) else {
                diagnostics.append(
                    .error(
                        "component-id",
                        "\(place) lists component ids",
                        at: element.mark,
                        help: "write type or type/name"
                    )
                )
                continue
            }
            if ids.contains(id) {
                diagnostics.append(.error("duplicate-reference", "\(place) names \"\(id)\" twice", at: element.mark))
            } else if graph.component(kind, id) == nil {
                reportUndeclared(kind, id, scalar)
            } else {
                ids.append(id)
            }
        }
        return ids
    }

    private mutating func reportUndeclared(_ kind: ComponentKind, _ id: ComponentID, _ written: Scalar) {
        guard misunderstood[kind]?.contains(id) != true else { return }
        let declared = (graph.components[kind] ?? [:]).keys.map(\.description).sorted()
        let help = suggestion(for: id.description, among: declared).map { "did you mean \"\($0)\"?" }
        diagnostics.append(
            .error(
                "undeclared-component",
                written.concealing("no \(kind.singular) \"\(id)\" is declared"),
                at: written.mark,
                help: help ?? "add \(written.reference ?? id.description): under \(kind.rawValue)"
            )
        )
    }
}

/// Advice about components of the OpenTelemetry Collector that this program does not have.
///
/// Configurations are often copied from there, so an unknown type is more often one of its types than a misspelling.
struct ForeignComponents {
    let registry: Registry

    /// Returns what to write instead of a type of this kind; nil when the type is not known from there.
    func advice(_ kind: ComponentKind, _ type: String) -> String? {
        if let needless = remark(kind, type) { return needless }
        switch Self.others[kind]?[type] {
        case nil: return nil
        case .absent(let remark)?: return "there is nothing like it here\(remark.map { ": \($0)" } ?? ""); remove it"
        case .replaced(let types, let how)?:
            guard let known = types.first(where: { registry.factory(kind, $0) != nil }) else {
                return "there is nothing like it here; remove it"
            }
            return "use \(known), which \(how)"
        }
    }

    /// Why a component is not carried over; nil when the type is not known from there.
    func reason(_ kind: ComponentKind, _ type: String) -> String? {
        if let note = Self.needless[kind]?[type] { return note }
        guard case .absent(let remark)? = Self.others[kind]?[type] else { return nil }
        return "there is nothing like it here\(remark.map { ": \($0)" } ?? "")"
    }

    /// Why a component is not needed here, so that a configuration that has it works as well without it; nil for every other.
    func remark(_ kind: ComponentKind, _ type: String) -> String? {
        guard let note = Self.needless[kind]?[type] else { return nil }
        let places = kind == .extension ? "service.extensions" : "the pipelines"
        return "\(note); remove it here and in \(places)"
    }

    /// What this program offers instead of a component.
    private enum Substitute {
        /// Types that do the same, the best one first, and how.
        case replaced([String], how: String)
        /// No replacement; names the nearest one, and why it is different.
        case absent(String? = nil)
    }

    private static let needless: [ComponentKind: [String: String]] = [
        .processor: [
            "batch": "requests are stored as they arrive, nothing has to be gathered first",
            "memory_limiter": "service.memory_limit bounds what requests in flight take up",
            "resourcedetection": "senders name their resource themselves",
        ],
        .extension: [
            "file_storage": "what is acknowledged is on disk already",
            "pprof": "there is no profiler to attach",
            "zpages": "hammurabi summary and the query API show what comes in",
        ],
    ]

    private static let text = Substitute.replaced(["stdout"], how: "writes what comes in as text")
    private static let overHTTP = Substitute.replaced(
        ["otlp_http"],
        how: "sends the same over HTTP, usually to port 4318 in place of 4317"
    )
    /// For programs that are built without these extensions.
    private static let absentCredentials = Substitute.absent(
        "an exporter sends its key with headers: { Authorization: ... }; api_keys checks the keys of senders"
    )
    private static let sampling = Substitute.absent(
        "filter drops records by their content; there is no random sampling, so that each call is counted"
    )

    private static let others: [ComponentKind: [String: Substitute]] = [
        .receiver: [
            "filelog": .absent("agent_sessions reads the session files of AI agents and no others"),
            "jaeger": .absent(),
            "prometheus": .absent(), "hostmetrics": .absent(), "zipkin": .absent(), "kafka": .absent(),
        ],
        .processor: [
            "transform": .absent("attributes sets, renames and removes attributes of records, by its own keys"),
            "probabilistic_sampler": sampling, "tail_sampling": sampling,
        ],
        .exporter: [
            "debug": text, "logging": text,
            "file": .replaced(["jsonl", "sqlite"], how: "keeps it in files, in a form of its own"), "otlp": overHTTP,
            "otlp_grpc": overHTTP, "otlp_http": .absent(), "otlphttp": .absent(), "prometheus": .absent(),
            "prometheusremotewrite": .absent(), "nop": .absent(),
        ],
        .extension: [
            "basicauth": absentCredentials, "bearertokenauth": absentCredentials, "oauth2client": absentCredentials,
            "headers_setter": .absent("headers of otlp_http are the same for every request"),
            "oidc": .absent("api_keys asks senders for keys"),
        ],
    ]
}
