// SPDX-License-Identifier: Apache-2.0

public import YAML

/// The configuration of a component type: its keys, how it is decoded, and an optional JSON Schema.
///
/// Created from a Swift type by ``init(_:)``; or from parts, when the keys are known only at run time, like those of a component in
/// another process.
public struct ConfigDefinition: Sendable {
    /// What each key means, in one line each; keys of nested sections are joined with dots.
    public let documentation: [String: String]
    /// A JSON Schema (2020-12) of the section; nil when it is generated from the keys.
    public let schema: String?
    private let list: @Sendable () -> [KeyDescription]
    private let encode: @Sendable ((any ConfigValues)?) -> Node?
    private let read: @Sendable (Node, ConfigDecoder, inout Diagnostics) -> any ConfigValues

    /// The definition of a type, from its properties.
    public init<Config: ComponentConfig>(_ type: Config.Type) {
        documentation = Config.documentation
        schema = nil
        list = { (try? KeyDescription.list(of: Config())) ?? [] }
        encode = { values in (values.map { $0 as? Config } ?? Config()).flatMap { try? Node(encoding: $0) } }
        read = { $1.decode(Config.self, from: $0, over: Config(), diagnostics: &$2) }
    }

    /// A definition from its parts.
    ///
    /// - Parameters:
    ///   - keys: The keys, for listings and documentation.
    ///   - schema: A JSON Schema of the section, which `hammurabi config schema` shows unchanged; nil to generate it from the keys.
    ///   - defaults: The values without any configuration; nil when they are not known.
    ///   - decode: Decodes the written section, null when there is none, and reports all its problems; the result after an error is not
    ///     used.
    public init(
        keys: [ConfigKey],
        schema: String? = nil,
        defaults: Node? = nil,
        decode: @escaping @Sendable (_ written: Node, inout Diagnostics) -> any ConfigValues
    ) {
        documentation = Dictionary(keys.map { ($0.name, $0.documentation) }) { first, _ in first }
        self.schema = schema
        list = { keys.map { KeyDescription(path: $0.path, type: $0.type, defaultText: $0.defaultText) } }
        encode = { $0 == nil ? defaults : nil }
        read = { decode($0, &$2) }
    }

    /// All keys in the order of their declaration, including those of items of lists and maps.
    ///
    /// They are computed on demand: a start does not need them.
    public var descriptions: [KeyDescription] { list() }

    /// The keys with their documentation; those of list items are described with the list.
    public var keys: [ConfigKey] {
        descriptions.filter { !$0.path.contains("[]") }.map { key in
            ConfigKey(
                path: key.path,
                type: key.type,
                defaultText: key.defaultText,
                documentation: documentation[key.path.joined(separator: ".")] ?? ""
            )
        }
    }

    /// The values without any configuration; nil when they are not known.
    public var defaults: Node? { encode(nil) }

    /// Values in the form in which they are written; nil when that is not known.
    public func written(_ values: any ConfigValues) -> Node? { encode(values) }

    /// Decodes a section and reports all its problems; values that cannot be decoded have their defaults.
    public func decode(_ written: Node, _ decoder: ConfigDecoder, diagnostics: inout Diagnostics) -> any ConfigValues {
        read(written, decoder, &diagnostics)
    }
}

/// One key that a component's configuration has.
public struct ConfigKey: Sendable, Hashable {
    /// The path from the component down; `*` stands for user-defined keys.
    public var path: [String]
    /// The type of its value.
    public var type: ValueType
    /// The default in the form in which it is written; nil when there is none.
    public var defaultText: String?
    /// What it means, in one line.
    public var documentation: String

    /// Creates a key.
    public init(path: [String], type: ValueType, defaultText: String? = nil, documentation: String) {
        self.path = path
        self.type = type
        self.defaultText = defaultText
        self.documentation = documentation
    }

    /// The path, joined with dots.
    public var name: String { path.joined(separator: ".") }
}
