// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The factories this program knows, by kind and type.
public struct Registry: Sendable {
    private var factories: [ComponentKind: [String: ComponentFactory]] = [:]

    /// Creates a registry; two factories of a kind must not share a type or alias.
    public init(_ factories: [ComponentFactory] = []) {
        for factory in factories { add(factory) }
    }

    /// Adds a factory; its type and aliases must be unused in its kind.
    public mutating func add(_ factory: ComponentFactory) {
        for type in [factory.type] + factory.aliases {
            precondition(factories[factory.kind]?[type] == nil, "two \(factory.kind.rawValue) answer to \(type)")
            factories[factory.kind, default: [:]][type] = factory
        }
    }

    /// The factory for a type or one of its aliases.
    public func factory(_ kind: ComponentKind, _ type: String) -> ComponentFactory? { factories[kind]?[type] }

    /// The types of a kind in alphabetical order, aliases included.
    public func types(_ kind: ComponentKind) -> [String] { (factories[kind] ?? [:]).keys.sorted() }

    /// The factories of a kind, ordered by type.
    public func all(_ kind: ComponentKind) -> [ComponentFactory] {
        (factories[kind] ?? [:]).filter { $0.key == $0.value.type }.sorted { $0.key < $1.key }.map(\.value)
    }
}
