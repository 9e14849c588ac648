// SPDX-License-Identifier: Apache-2.0

/// The type of a key's value.
public indirect enum ValueType: Hashable, Sendable {
    /// Any text.
    case string
    /// A whole number.
    case integer
    /// A number.
    case number
    /// `true` or `false`.
    case boolean
    /// A `ConfigDuration`.
    case duration
    /// A `ConfigByteSize`.
    case size
    /// A `ConfigPath`.
    case path
    /// A `Secret`.
    case secret
    /// One of the given words.
    case choice([String])
    /// A list of values of one type.
    case list(ValueType)
    /// Values of one type under user-defined keys.
    case map(ValueType)
    /// Fixed keys; the encoded defaults when they are known without an instance (see `ConfigSection`).
    case section(Node?)
    /// A single value whose format only its type knows, with a name for it.
    case custom(String)

    /// The name for listings, such as `list of string` or `always|interval|never`.
    public var name: String {
        switch self {
        case .string: "string"
        case .integer: "integer"
        case .number: "number"
        case .boolean: "boolean"
        case .duration: "duration"
        case .size: "size"
        case .path: "path"
        case .secret: "secret"
        case .choice(let words): words.joined(separator: "|")
        case .list(let element): "list of \(element.name)"
        case .map(let value): "map of \(value.name)"
        case .section: "section"
        case .custom(let name): name
        }
    }

    /// Whether it is a secret or a collection of secrets.
    var holdsSecret: Bool {
        switch self {
        case .secret: true
        case .list(let element), .map(let element): element.holdsSecret
        default: false
        }
    }

    /// Whether it is a type of the standard library.
    var isPrimitive: Bool { [.string, .integer, .number, .boolean].contains(self) }

    /// Whether its keys are user-defined.
    var isMap: Bool { if case .map = self { true } else { false } }

    /// The expectation in error messages, such as `a whole number`.
    var expectation: String {
        switch self {
        case .string: "a string"
        case .integer: "a whole number"
        case .number: "a number"
        case .boolean: "true or false"
        case .duration: "a duration such as 30s"
        case .size: "a size such as 64MiB"
        case .path: "a path"
        case .secret: "a string"
        case .choice(let words): "one of \(words.joined(separator: ", "))"
        case .list(let element): "a list of \(element.name)"
        case .map, .section: "a mapping"
        case .custom(let name): "a \(name)"
        }
    }
}

// MARK: - Describing

/// A type whose conformance says what it is in a configuration.
///
/// One protocol for all kinds: each question to the runtime whether a type conforms to a protocol costs a search through all
/// conformances of the program, and a configuration is described at every start.
public protocol ConfigDescribed {
    /// What the type is.
    static var configKind: ConfigKind { get }
}

/// What a type is in a configuration.
public enum ConfigKind {
    /// A single value.
    case value(ValueType)
    /// A value that may be absent.
    case optional(Any.Type)
    /// A list of values of one type.
    case list(Any.Type)
    /// Values of one type under keys of the user's choice.
    case map(Any.Type)
    /// Fixed keys that have defaults.
    case section(any ConfigSection.Type)

    /// What a type says it is; nil when it says nothing.
    init?(of type: Any.Type) {
        if type == String.self {
            self = .value(.string)
        } else if type == Bool.self {
            self = .value(.boolean)
        } else if type == Int.self {
            self = .value(.integer)
        } else if type == Double.self {
            self = .value(.number)
        } else if let type = type as? any ConfigDescribed.Type {
            self = type.configKind
        } else {
            return nil
        }
    }

    var isOptional: Bool { if case .optional = self { true } else { false } }

    /// Whether the type itself says what holds where nothing is given.
    var hasOwnDefault: Bool {
        switch self {
        case .optional, .section: true
        default: false
        }
    }
}

extension Array: ConfigDescribed {
    /// A list of its elements.
    public static var configKind: ConfigKind { .list(Element.self) }
}

extension Dictionary: ConfigDescribed where Key == String {
    /// Its values under keys of the user's choice.
    public static var configKind: ConfigKind { .map(Value.self) }
}

extension Optional: ConfigDescribed {
    /// What it wraps, or nothing.
    public static var configKind: ConfigKind { .optional(Wrapped.self) }
}

extension ConfigSection {
    /// A section.
    public static var configKind: ConfigKind { .section(Self.self) }
}

extension ConfigScalar {
    /// Its value type.
    public static var configKind: ConfigKind { .value(valueType) }
}

extension ValueType {
    /// Describes a Swift type as it appears in a configuration.
    ///
    /// With `templateDepth` above 0 the defaults of sections are encoded too, that many levels deep.
    static func describing(_ type: Any.Type, templateDepth: Int = 0) -> ValueType {
        switch ConfigKind(of: type) {
        case .value(let valueType): valueType
        case .optional(let wrapped): describing(wrapped, templateDepth: templateDepth)
        case .list(let element): .list(describing(element, templateDepth: templateDepth))
        case .map(let value): .map(describing(value, templateDepth: templateDepth))
        case .section(let section):
            templateDepth > 0
                ? .section(try? NodeEncoder(templateDepth: templateDepth - 1).encode(section.init())) : .section(nil)
        case nil: describing(unmarked: type)
        }
    }

    /// Describes a type of the standard library or an enumeration.
    private static func describing(unmarked type: Any.Type) -> ValueType {
        switch type {
        case let type as any CaseIterable.Type: words(of: type).map { .choice($0) } ?? .section(nil)
        case is any BinaryInteger.Type: .integer
        case is any BinaryFloatingPoint.Type: .number
        default: .section(nil)
        }
    }

    /// Returns the raw values of an enumeration of strings.
    private static func words<Choice: CaseIterable>(of type: Choice.Type) -> [String]? {
        let words = type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
        return words.isEmpty ? nil : words
    }
}
