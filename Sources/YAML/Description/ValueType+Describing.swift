// SPDX-License-Identifier: Apache-2.0

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
    /// What comes first is asked first: each question to the runtime whether a type conforms to a protocol costs a search through
    /// all conformances of the program, and a configuration is described at every start.
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
