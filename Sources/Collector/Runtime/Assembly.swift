// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Logging
import OTLP
import Usage

/// The components of a graph, made and connected but not started.
struct Assembly: Sendable {
    var exporters: [Instance] = []
    var processors: [Instance] = []
    var extensions: [Instance] = []
    var receivers: [Instance] = []

    /// A component with its name and its numbers.
    struct Instance: Sendable {
        let kind: ComponentKind
        let id: ComponentID
        let component: any Component
        let counters: ComponentCounters
    }

    /// In the order of starting: what keeps data first, what takes it in last.
    var startOrder: [Instance] { exporters + processors + extensions + receivers }

    /// What all components answer, by endpoint.
    var sites: [Endpoint: Site] {
        var sites: [Endpoint: Site] = [:]
        for instance in startOrder {
            guard let serving = instance.component as? any HTTPServing else { continue }
            let terms = serving.connectionTerms
            sites[serving.endpoint, default: Site(terms: terms)].add(serving.routes, terms)
        }
        return sites
    }

    /// What the components on one endpoint answer, and how they treat its connections.
    struct Site {
        private(set) var routes: [Route] = []
        private(set) var terms: ConnectionTerms

        init(terms: ConnectionTerms) { self.terms = terms }

        mutating func add(_ routes: [Route], _ terms: ConnectionTerms) {
            self.routes += routes
            self.terms = self.terms.merged(with: terms)
        }
    }
}

/// Makes the components of a graph.
struct Assembler {
    let graph: PipelineGraph
    let logger: Logger
    let home: String
    let now: @Sendable () -> Timestamp

    func assemble() throws(StartError) -> Assembly {
        var assembly = Assembly()
        var exporters: [ComponentID: any Exporter] = [:]
        var parts = CollectorParts()
        for declared in graph.used(.exporter) {
            guard let factory = declared.factory as? any ExporterFactory else { continue }
            let settings = settings(for: declared)
            let exporter = try makeExporter(factory, declared, settings)
            exporters[declared.id] = exporter
            if let store = exporter as? any UsageStore { parts.stores[declared.id] = store }
            assembly.exporters.append(instance(declared, exporter, settings))
        }
        let heads = try pipelines(exporters, into: &assembly)
        parts.priceTables = assembly.processors.compactMap { $0.component as? any PriceTableHolding }
        for declared in graph.used(.receiver) {
            guard let factory = declared.factory as? any ReceiverFactory else { continue }
            let settings = settings(for: declared)
            let next = SignalConsumers(
                (heads[declared.id] ?? [:]).mapValues { $0.count == 1 ? $0[0] : FanOut(consumers: $0) }
            )
            let receiver = try makeReceiver(factory, declared, settings, next)
            if let scanner = receiver as? any SessionScanner { parts.scanners.append(scanner) }
            assembly.receivers.append(instance(declared, receiver, settings))
        }
        for id in graph.extensions {
            guard let declared = graph.component(.extension, id),
                let factory = declared.factory as? any ExtensionFactory
            else { continue }
            let settings = settings(for: declared)
            let made = try makeExtension(factory, declared, settings, parts)
            assembly.extensions.append(instance(declared, made, settings))
        }
        return assembly
    }

    /// Makes the pipelines and returns, for each receiver, where its batches of each signal go.
    private func pipelines(
        _ exporters: [ComponentID: any Exporter],
        into assembly: inout Assembly
    ) throws(StartError) -> [ComponentID: [Signal: [any Consumer]]] {
        var heads: [ComponentID: [Signal: [any Consumer]]] = [:]
        for pipeline in graph.pipelines {
            var processors: [any Processor] = []
            for id in pipeline.processors {
                guard let declared = graph.component(.processor, id),
                    let factory = declared.factory as? any ProcessorFactory
                else { continue }
                let settings = settings(for: declared)
                let processor = try makeProcessor(factory, declared, settings)
                processors.append(processor)
                assembly.processors.append(instance(declared, processor, settings))
            }
            let head = Pipeline(processors: processors, exporters: pipeline.exporters.compactMap { exporters[$0] })
            for receiver in pipeline.receivers {
                heads[receiver, default: [:]][pipeline.signal, default: []].append(head)
            }
        }
        return heads
    }

    private func makeProcessor<Factory: ProcessorFactory>(
        _ factory: Factory,
        _ declared: DeclaredComponent,
        _ settings: ComponentSettings
    ) throws(StartError) -> any Processor {
        try factory.makeProcessor(config(of: declared, for: factory), settings)
    }

    private func makeExporter<Factory: ExporterFactory>(
        _ factory: Factory,
        _ declared: DeclaredComponent,
        _ settings: ComponentSettings
    ) throws(StartError) -> any Exporter {
        factory.makeExporter(try config(of: declared, for: factory), settings)
    }

    private func makeReceiver<Factory: ReceiverFactory>(
        _ factory: Factory,
        _ declared: DeclaredComponent,
        _ settings: ComponentSettings,
        _ next: SignalConsumers
    ) throws(StartError) -> any Receiver {
        factory.makeReceiver(try config(of: declared, for: factory), settings, next: next)
    }

    private func makeExtension<Factory: ExtensionFactory>(
        _ factory: Factory,
        _ declared: DeclaredComponent,
        _ settings: ComponentSettings,
        _ parts: CollectorParts
    ) throws(StartError) -> any Extension {
        factory.makeExtension(try config(of: declared, for: factory), settings, with: parts)
    }

    private func config<Factory: ComponentFactory>(
        of declared: DeclaredComponent,
        for factory: Factory
    ) throws(StartError) -> Factory.Config {
        guard let config = declared.config as? Factory.Config else { throw Self.mismatch(declared) }
        return config
    }

    private static func mismatch(_ declared: DeclaredComponent) -> StartError {
        StartError(.configuration, "\(declared.id) was declared with the configuration of another component")
    }

    private func settings(for declared: DeclaredComponent) -> ComponentSettings {
        var logger = logger
        logger[metadataKey: declared.kind.singular] = "\(declared.id)"
        return ComponentSettings(id: declared.id, logger: logger, home: home, now: now)
    }

    private func instance(_ declared: DeclaredComponent, _ component: any Component, _ settings: ComponentSettings)
        -> Assembly.Instance
    {
        Assembly.Instance(kind: declared.kind, id: declared.id, component: component, counters: settings.counters)
    }
}
