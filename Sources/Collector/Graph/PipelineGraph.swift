// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import OTLP
public import PluginProcesses
public import YAML

/// A validated configuration: which components there are and how they are connected.
///
/// It is a value; creating one starts no component.
public struct PipelineGraph: Sendable {
    /// The components by kind and id.
    public var components: [ComponentKind: [ComponentID: DeclaredComponent]] = [:]
    /// The pipelines in the order of the configuration.
    public var pipelines: [DeclaredPipeline] = []
    /// The extensions in the order in which they start.
    public var extensions: [ComponentID] = []
    /// The settings of the collector's own telemetry.
    public var telemetry = TelemetryConfig()
    /// The plugins that were asked what they offer.
    public var plugins: [KnownPlugin] = []
    /// What can be configured: the components of the program, and those of the plugins.
    public var registry = Registry()
    /// How many bytes requests in flight may take up together.
    public var memoryLimit = ServiceLimits.standardMemory

    /// Whether an authenticator checks the keys of senders.
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
            case .connector: Set(pipelines.flatMap { $0.receivers + $0.exporters })
            case .extension: Set(extensions)
            }
        return ids.sorted().compactMap { component(kind, $0) }
    }
}

/// A component of the configuration.
public struct DeclaredComponent: Sendable {
    /// Its id.
    public let id: ComponentID
    /// Creates the component.
    public let factory: ComponentFactory
    /// Its configuration with all defaults filled in.
    public let config: any ConfigValues
    /// The position of its key.
    public let mark: Mark
    /// The positions of its values.
    public let locations: ConfigLocations
    /// Whether its values have errors, so that a default may replace what the user meant.
    let hasErrors: Bool
    /// Its configuration as written, with references replaced.
    let content: Node

    /// The kind of the component.
    public var kind: ComponentKind { factory.kind }
}

/// A pipeline of the configuration.
public struct DeclaredPipeline: Sendable {
    /// The signal that it processes.
    public let signal: Signal
    /// Distinguishes it from other pipelines of the signal; may be empty.
    public let name: String
    /// The position of its key.
    public let mark: Mark
    /// The receivers that its batches come from.
    public var receivers: [ComponentID] = []
    /// The processors, in order.
    public var processors: [ComponentID] = []
    /// The exporters that its batches go to.
    public var exporters: [ComponentID] = []

    /// The name as written in a configuration.
    public var title: String { name.isEmpty ? signal.rawValue : "\(signal.rawValue)/\(name)" }
}
