// SPDX-License-Identifier: Apache-2.0

/// The description of one key of a component, for `components`, the reference and the JSON schema.
public struct KeyDescription: Hashable, Sendable {
    /// The keys from the component down; `[]` stands for the items of a list, `*` for user-defined keys.
    public var path: [String]
    /// The type of its value.
    public var type: ValueType
    /// The default as it would be written, or nil when there is none.
    public var defaultText: String?

    /// Creates a description.
    public init(path: [String], type: ValueType, defaultText: String? = nil) {
        self.path = path
        self.type = type
        self.defaultText = defaultText
    }

    /// Lists every key of a configuration in the order of its properties.
    ///
    /// Inside an absent optional, a list or a dictionary the keys of `ConfigSection` types are listed too.
    public static func list(of defaults: some Encodable) throws -> [KeyDescription] {
        let deepestTemplate = 4
        return keys(of: try NodeEncoder(templateDepth: deepestTemplate).encode(defaults), at: [])
    }

    private static func keys(of node: Node, at path: [String]) -> [KeyDescription] {
        if case .mapping(let mapping) = node, !mapping.isDictionary {
            return mapping.entries.flatMap { keys(of: $0.value, at: path + [$0.key.text]) }
        }
        let type = node.valueType ?? .custom("value")
        if case .section(let template?) = type { return keys(of: template, at: path) }
        let own = KeyDescription(path: path, type: type, defaultText: text(of: node))
        switch type {
        case .list(.section(let template?)): return [own] + keys(of: template, at: path + ["[]"])
        case .map(.section(let template?)): return [own] + keys(of: template, at: path + ["*"])
        default: return [own]
        }
    }

    private static func text(of node: Node) -> String? {
        switch node {
        case .scalar(let scalar):
            if scalar.isSecret { return scalar.text.isEmpty ? nil : Secret.redacted }
            return node.isNull ? nil : ScalarText.text(of: scalar)
        case .sequence(let sequence):
            return "[\(sequence.elements.map { text(of: $0) ?? "" }.joined(separator: ", "))]"
        case .mapping(let mapping):
            return "{\(mapping.entries.map { "\($0.key.text): \(text(of: $0.value) ?? "")" }.joined(separator: ", "))}"
        }
    }
}
