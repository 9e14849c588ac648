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

/// An array, seen without its element type.
protocol ListType {
    static var elementType: Any.Type { get }
}

extension Array: ListType {
    static var elementType: Any.Type { Element.self }
}

/// A dictionary with string keys, seen without its value type.
protocol MapType {
    static var mappedType: Any.Type { get }
}

extension Dictionary: MapType where Key == String {
    static var mappedType: Any.Type { Value.self }
}

/// An optional, seen without its wrapped type.
protocol OptionalType {
    static var wrappedType: Any.Type { get }
}

extension Optional: OptionalType {
    static var wrappedType: Any.Type { Wrapped.self }
}

extension ValueType {
    /// Describes a Swift type as it appears in a configuration.
    ///
    /// With `templateDepth` above 0 the defaults of sections are encoded too, that many levels deep.
    ///
    /// The most frequent types are tested first: each test at run time whether a type conforms to a protocol searches all conformances of
    /// the program, and configurations are described at every start.
    static func describing(_ type: Any.Type, templateDepth: Int = 0) -> ValueType {
        if type == String.self { return .string }
        if type == Bool.self { return .boolean }
        if type == Int.self { return .integer }
        if type == Double.self { return .number }
        switch type {
        case let type as any ConfigSection.Type:
            guard templateDepth > 0 else { return .section(nil) }
            return .section(try? NodeEncoder(templateDepth: templateDepth - 1).encode(type.init()))
        default: return describing(unusual: type, templateDepth: templateDepth)
        }
    }

    private static func describing(unusual type: Any.Type, templateDepth: Int) -> ValueType {
        switch type {
        case let type as any ConfigScalar.Type: type.valueType
        case let type as any OptionalType.Type: describing(type.wrappedType, templateDepth: templateDepth)
        case let type as any ListType.Type: .list(describing(type.elementType, templateDepth: templateDepth))
        case let type as any CaseIterable.Type: words(of: type).map { .choice($0) } ?? .section(nil)
        case let type as any MapType.Type: .map(describing(type.mappedType, templateDepth: templateDepth))
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
