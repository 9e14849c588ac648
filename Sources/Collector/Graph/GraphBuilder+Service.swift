// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import YAML

/// What the service section says: the extensions, the pipelines, and what the collector tells about itself.
extension GraphBuilder {
    mutating func readService(_ entry: Node.Entry) {
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
            // A near miss of the key has been reported as such.
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

    /// The components a list names; each must be declared, and none may be there twice.
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
