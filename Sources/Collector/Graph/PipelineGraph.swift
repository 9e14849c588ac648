// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import OTLP
public import PluginProcesses
public import YAML

/// A configuration understood: which components there are and how they are connected.
///
/// A value; nothing of it is running.
public struct PipelineGraph: Sendable {
    /// The components by kind and id.
    public var components: [ComponentKind: [ComponentID: DeclaredComponent]] = [:]
    /// The pipelines in the order of the configuration.
    public var pipelines: [DeclaredPipeline] = []
    /// The extensions in the order in which they start.
    public var extensions: [ComponentID] = []
    /// What the collector tells about itself.
    public var telemetry = TelemetryConfig()
    /// The plugins that were asked what they offer.
    public var plugins: [KnownPlugin] = []
    /// What can be configured: the components of the program, and those of the plugins.
    public var registry = Registry()
    /// How many bytes requests in flight may take up together.
    public var memoryLimit = ServiceLimits.standardMemory

    /// Whether senders are asked for keys.
    public var hasAuthenticator: Bool {
        used(.extension).contains { $0.factory.isAuthenticator }
    }

    /// A declared component.
    public func component(_ kind: ComponentKind, _ id: ComponentID) -> DeclaredComponent? { components[kind]?[id] }

    /// The components of a kind that a pipeline or the service names, ordered by id.
    public func used(_ kind: ComponentKind) -> [DeclaredComponent] {
        let ids: Set<ComponentID> =
            switch kind {
            case .receiver: Set(pipelines.flatMap(\.receivers))
            case .processor: Set(pipelines.flatMap(\.processors))
            case .exporter: Set(pipelines.flatMap(\.exporters))
            case .extension: Set(extensions)
            }
        return ids.sorted().compactMap { component(kind, $0) }
    }
}

/// A component as it stands in the configuration.
public struct DeclaredComponent: Sendable {
    /// Its id.
    public let id: ComponentID
    /// What makes it.
    public let factory: ComponentFactory
    /// Its configuration with all defaults.
    public let config: any ConfigValues
    /// Where its key stands.
    public let mark: Mark
    /// Where its values stand.
    public let locations: ConfigLocations
    /// Whether defaults may stand where something else was meant.
    let hasErrors: Bool
    /// What was written, with references replaced.
    let content: Node

    /// What it does.
    public var kind: ComponentKind { factory.kind }
}

/// A pipeline as it stands in the configuration.
public struct DeclaredPipeline: Sendable {
    /// What flows through it.
    public let signal: Signal
    /// What tells it from others of its signal; empty for the only one.
    public let name: String
    /// Where its key stands.
    public let mark: Mark
    /// Where batches come from.
    public var receivers: [ComponentID] = []
    /// What looks at them, in this order.
    public var processors: [ComponentID] = []
    /// Where they go.
    public var exporters: [ComponentID] = []

    /// The name as written in a configuration.
    public var title: String { name.isEmpty ? signal.rawValue : "\(signal.rawValue)/\(name)" }
}
