// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The factories this program knows, by kind and type.
public struct Registry: Sendable {
    private var components: [ComponentKind: [String: RegisteredComponent]] = [:]

    /// Creates a registry.
    public init(
        receivers: [any ReceiverFactory] = [],
        processors: [any ProcessorFactory] = [],
        exporters: [any ExporterFactory] = [],
        extensions: [any ExtensionFactory] = []
    ) {
        for factory in receivers { add(.receiver(factory)) }
        for factory in processors { add(.processor(factory)) }
        for factory in exporters { add(.exporter(factory)) }
        for factory in extensions { add(.extension(factory)) }
    }

    /// Adds a component; no other of its kind may answer to its type or an alias.
    public mutating func add(_ component: RegisteredComponent) {
        let (kind, factory) = (component.kind, component.factory)
        for type in [factory.type] + factory.aliases {
            precondition(components[kind]?[type] == nil, "two \(kind.rawValue) answer to \(type)")
            components[kind, default: [:]][type] = component
        }
    }

    /// The component for a type or one of its aliases.
    public func component(_ kind: ComponentKind, _ type: String) -> RegisteredComponent? { components[kind]?[type] }

    /// The factory for a type or one of its aliases.
    public func factory(_ kind: ComponentKind, _ type: String) -> (any ComponentFactory)? {
        component(kind, type)?.factory
    }

    /// The types of a kind in alphabetical order, aliases included.
    public func types(_ kind: ComponentKind) -> [String] { (components[kind] ?? [:]).keys.sorted() }

    /// The factories of a kind, ordered by type.
    public func all(_ kind: ComponentKind) -> [any ComponentFactory] {
        (components[kind] ?? [:]).map { (type: $0.key, factory: $0.value.factory) }.filter {
            $0.type == $0.factory.type
        }
        .sorted { $0.type < $1.type }.map(\.factory)
    }
}
