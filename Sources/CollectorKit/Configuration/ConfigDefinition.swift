// SPDX-License-Identifier: Apache-2.0

public import YAML

/// What a user may write under the id of a component: its keys, how it is read, and a JSON Schema where there is one.
///
/// Made of a Swift type by ``init(_:)``; or of parts, when the keys are known only while the program runs, as those of a component in
/// another process.
public struct ConfigDefinition: Sendable {
    /// What each key means, in one line each; keys of nested sections are joined with dots.
    public let documentation: [String: String]
    /// A JSON Schema (2020-12) of the section; nil where it is made of the keys.
    public let schema: String?
    private let list: @Sendable () -> [KeyDescription]
    private let encode: @Sendable ((any ConfigValues)?) -> Node?
    private let read: @Sendable (Node, ConfigDecoder, inout Diagnostics) -> any ConfigValues

    /// The definition that a type has by its properties.
    public init<Config: ComponentConfig>(_ type: Config.Type) {
        documentation = Config.documentation
        schema = nil
        list = { (try? KeyDescription.list(of: Config())) ?? [] }
        encode = { values in (values.map { $0 as? Config } ?? Config()).flatMap { try? Node(encoding: $0) } }
        read = { $1.decode(Config.self, from: $0, over: Config(), diagnostics: &$2) }
    }

    /// A definition of parts.
    ///
    /// - Parameters:
    ///   - keys: The keys, for listings and documentation.
    ///   - schema: A JSON Schema of the section, which `hammurabi config schema` shows as it is; nil to have it made of the keys.
    ///   - defaults: What is in force where nothing is written; nil when that is not known.
    ///   - decode: Reads what was written, null where nothing was, and reports all that is wrong with it; what it returns after an error
    ///     is not used.
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

    /// Every key in the order in which they are declared, those of the items of lists and maps included.
    ///
    /// They are worked out when they are asked for: a start needs none.
    public var descriptions: [KeyDescription] { list() }

    /// The keys with their documentation; those of the items of a list are described with the list.
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

    /// What is in force where nothing is written; nil when that is not known.
    public var defaults: Node? { encode(nil) }

    /// Values as they would be written; nil when that is not known.
    public func written(_ values: any ConfigValues) -> Node? { encode(values) }

    /// Reads a section and reports all that is wrong with it; there are defaults where something cannot be read.
    public func decode(_ written: Node, _ decoder: ConfigDecoder, diagnostics: inout Diagnostics) -> any ConfigValues {
        read(written, decoder, &diagnostics)
    }
}

/// One key that a component's configuration has.
public struct ConfigKey: Sendable, Hashable {
    /// The keys from the component down; `*` stands for keys of the user's choice.
    public var path: [String]
    /// What it holds.
    public var type: ValueType
    /// The default as it would be written; nil when there is none.
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
