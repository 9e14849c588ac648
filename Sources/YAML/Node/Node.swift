// SPDX-License-Identifier: Apache-2.0

/// A piece of configuration with the place it was written at.
public enum Node: Hashable, Sendable {
    /// A single value.
    case scalar(Scalar)
    /// A list.
    case sequence(Sequence)
    /// Keys with values, in the order written.
    case mapping(Mapping)

    /// A list of nodes.
    public struct Sequence: Hashable, Sendable {
        /// The items.
        public var elements: [Node]
        /// The first item's `-`, or the opening bracket.
        public var mark: Mark
        /// What the items are for, known for encoded defaults only.
        public var valueType: ValueType?

        /// Creates a list.
        public init(_ elements: [Node], mark: Mark, valueType: ValueType? = nil) {
            self.elements = elements
            self.mark = mark
            self.valueType = valueType
        }
    }

    /// A key with its value; both have a mark.
    public struct Entry: Hashable, Sendable {
        /// The key as written.
        public var key: Scalar
        /// The value.
        public var value: Node

        /// Creates an entry.
        public init(key: Scalar, value: Node) {
            self.key = key
            self.value = value
        }
    }

    /// Keys with values, in the order written; every key occurs once.
    public struct Mapping: Hashable, Sendable {
        /// The entries.
        public var entries: [Entry]
        /// The first key, or the opening brace.
        public var mark: Mark
        /// What the mapping is for, known for encoded defaults only.
        public var valueType: ValueType?

        /// Creates a mapping.
        public init(_ entries: [Entry] = [], mark: Mark, valueType: ValueType? = nil) {
            self.entries = entries
            self.mark = mark
            self.valueType = valueType
        }

        /// Returns the entry of a key.
        public func entry(_ key: String) -> Entry? {
            entries.first { $0.key.text == key }
        }

        /// The value of a key; setting nil removes the entry.
        public subscript(key: String) -> Node? {
            get { entry(key)?.value }
            set {
                let index = entries.firstIndex { $0.key.text == key }
                switch (index, newValue) {
                case (let index?, let value?): entries[index].value = value
                case (let index?, nil): entries.remove(at: index)
                case (nil, let value?):
                    entries.append(Entry(key: Scalar(key, mark: value.mark), value: value))
                case (nil, nil): break
                }
            }
        }
    }
}

extension Node {
    /// The place of the value.
    public var mark: Mark {
        switch self {
        case .scalar(let scalar): scalar.mark
        case .sequence(let sequence): sequence.mark
        case .mapping(let mapping): mapping.mark
        }
    }

    /// What the value is for, known for encoded defaults only.
    public var valueType: ValueType? {
        switch self {
        case .scalar(let scalar): scalar.valueType
        case .sequence(let sequence): sequence.valueType
        case .mapping(let mapping): mapping.valueType
        }
    }

    /// Whether it is `null`, `~` or nothing at all.
    public var isNull: Bool {
        guard case .scalar(let scalar) = self else { return false }
        return scalar.resolved == .null
    }

    /// The scalar, when it is one.
    public var scalar: Scalar? {
        guard case .scalar(let scalar) = self else { return nil }
        return scalar
    }

    /// The list, when it is one.
    public var sequence: Sequence? {
        guard case .sequence(let sequence) = self else { return nil }
        return sequence
    }

    /// The mapping, when it is one.
    public var mapping: Mapping? {
        guard case .mapping(let mapping) = self else { return nil }
        return mapping
    }

    /// Returns the value of a key, or nil when this is no mapping or has no such key.
    public subscript(key: String) -> Node? { mapping?[key] }

    /// Creates a value that stands for nothing written.
    public static func null(at mark: Mark) -> Node {
        .scalar(Scalar("", mark: mark))
    }
}
