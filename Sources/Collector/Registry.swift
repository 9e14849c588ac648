// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The factories this program knows, by kind and type.
public struct Registry: Sendable {
    private var factories: [ComponentKind: [String: any ComponentFactory]] = [:]

    /// Creates a registry.
    public init(
        receivers: [any ReceiverFactory] = [],
        processors: [any ProcessorFactory] = [],
        exporters: [any ExporterFactory] = [],
        extensions: [any ExtensionFactory] = []
    ) {
        // One by one: to convert an array, the runtime searches the conformances of each element.
        for factory in receivers { add(factory, as: .receiver) }
        for factory in processors { add(factory, as: .processor) }
        for factory in exporters { add(factory, as: .exporter) }
        for factory in extensions { add(factory, as: .extension) }
    }

    private mutating func add(_ factory: any ComponentFactory, as kind: ComponentKind) {
        for type in [factory.type] + factory.aliases {
            precondition(factories[kind]?[type] == nil, "two \(kind.rawValue) answer to \(type)")
            factories[kind, default: [:]][type] = factory
        }
    }

    /// The factory for a type or one of its aliases.
    public func factory(_ kind: ComponentKind, _ type: String) -> (any ComponentFactory)? { factories[kind]?[type] }

    /// The types of a kind in alphabetical order, aliases included.
    public func types(_ kind: ComponentKind) -> [String] { (factories[kind] ?? [:]).keys.sorted() }

    /// The factories of a kind, ordered by type.
    public func all(_ kind: ComponentKind) -> [any ComponentFactory] {
        (factories[kind] ?? [:]).filter { $0.key == $0.value.type }.sorted { $0.key < $1.key }.map(\.value)
    }
}
