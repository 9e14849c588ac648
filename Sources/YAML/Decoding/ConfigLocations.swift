// SPDX-License-Identifier: Apache-2.0

/// Finds the position in the file for a path of keys, so that a component's own checks can name a line.
public struct ConfigLocations: Sendable {
    /// Which half of an entry is meant.
    public enum Part: Hashable, Sendable {
        /// The key: for a key that should not be there.
        case key
        /// The value: for an invalid value.
        case value
    }

    private let root: Node
    private let rootKey: Mark?

    /// Creates a lookup in the user's configuration.
    ///
    /// - Parameters:
    ///   - root: The node that a type was decoded from.
    ///   - rootKey: The position of its key, used when nothing of the path is written.
    public init(_ root: Node, rootKey: Mark? = nil) {
        self.root = root
        self.rootKey = rootKey
    }

    /// Returns the position of a path such as `["protocols", "http", "endpoint"]`, or of the nearest enclosing part that is
    /// written; list items are found by their index.
    public func location(of path: [String], _ part: Part = .value) -> Mark {
        var node = root
        var key = rootKey
        for name in path {
            switch node {
            case .mapping(let mapping):
                guard let entry = mapping.entry(name) else { return enclosing(node, key) }
                (node, key) = (entry.value, entry.key.mark)
            case .sequence(let sequence):
                guard let index = Int(name), sequence.elements.indices.contains(index) else {
                    return enclosing(node, key)
                }
                (node, key) = (sequence.elements[index], nil)
            case .scalar: return enclosing(node, key)
            }
        }
        // An empty value has no useful position, so that of the key is used.
        return part == .key || node.isNull ? key ?? node.mark : node.mark
    }

    /// Whether the value at a path is a reference that could not be replaced, so that its default is used.
    public func isUnresolved(_ path: [String]) -> Bool {
        value(at: path)?.scalar?.isUnresolved == true
    }

    /// Whether the value at a path is such a reference, or is a section with such a reference under one of its own keys.
    public func holdsUnresolved(_ path: [String]) -> Bool {
        let value = value(at: path)
        if value?.scalar?.isUnresolved == true { return true }
        return value?.mapping?.entries.contains { $0.value.scalar?.isUnresolved == true } == true
    }

    /// The written value at a path.
    func value(at path: [String]) -> Node? {
        var node = root
        for name in path {
            switch node {
            case .mapping(let mapping):
                guard let value = mapping[name] else { return nil }
                node = value
            case .sequence(let sequence):
                guard let index = Int(name), sequence.elements.indices.contains(index) else { return nil }
                node = sequence.elements[index]
            case .scalar: return nil
            }
        }
        return node
    }

    private func enclosing(_ node: Node, _ key: Mark?) -> Mark { key ?? node.mark }
}
