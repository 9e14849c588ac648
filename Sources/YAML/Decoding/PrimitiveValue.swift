// SPDX-License-Identifier: Apache-2.0

/// A standard library type that is one scalar in a configuration.
protocol PrimitiveValue: PlaceholderProviding {
    /// Converts the scalar.
    static func convert(_ scalar: Scalar) throws(ConversionFailure) -> Self

    /// The text that reads back as the same value.
    var scalarText: String { get }
}

enum ConversionFailure: Error {
    case mismatch(help: String? = nil)
    case outOfRange(String)
}

extension String: PrimitiveValue {
    static var placeholder: String { "" }
    var scalarText: String { self }

    /// Accepts any scalar as it was written: an unquoted `0123` or `true` is text where text is expected.
    static func convert(_ scalar: Scalar) throws(ConversionFailure) -> String { scalar.text }
}

extension Bool: PrimitiveValue {
    static var placeholder: Bool { false }
    var scalarText: String { description }

    static func convert(_ scalar: Scalar) throws(ConversionFailure) -> Bool {
        if case .boolean(let value) = scalar.resolved { return value }
        switch scalar.text.lowercased() {
        case "true", "false": throw .mismatch(help: "write \(scalar.text.lowercased()) without quotes")
        case "yes", "on", "y": throw .mismatch(help: "write true")
        case "no", "off", "n": throw .mismatch(help: "write false")
        default: throw .mismatch()
        }
    }
}

extension PrimitiveValue where Self: BinaryFloatingPoint & LosslessStringConvertible {
    static var placeholder: Self { 0 }

    var scalarText: String {
        if isNaN { return ".nan" }
        return isInfinite ? (self < 0 ? "-.inf" : ".inf") : description
    }

    static func convert(_ scalar: Scalar) throws(ConversionFailure) -> Self {
        let value: Double
        switch scalar.resolved {
        case .float(let number): value = number
        case .integer(let number?): value = Double(number)
        case .integer(nil): throw .outOfRange("the number is too large")
        default: throw .mismatch(help: unquotedHelp(scalar))
        }
        let isWrittenInfinite = scalar.text.lowercased().hasSuffix(".inf")
        guard !Self(value).isInfinite || isWrittenInfinite else { throw .outOfRange("the number is too large") }
        return Self(value)
    }
}

extension PrimitiveValue where Self: FixedWidthInteger {
    static var placeholder: Self { 0 }
    var scalarText: String { description }

    static func convert(_ scalar: Scalar) throws(ConversionFailure) -> Self {
        guard case .integer(let number) = scalar.resolved else { throw .mismatch(help: unquotedHelp(scalar)) }
        guard let number, let value = Self(exactly: number) else {
            throw .outOfRange("the number must be from \(Self.min) to \(Self.max)")
        }
        return value
    }
}

/// Returns the help for a number in quotes or with separators.
private func unquotedHelp(_ scalar: Scalar) -> String? {
    switch (scalar.style, CoreSchema.resolve(scalar.text)) {
    case (.quoted, .integer), (.quoted, .float): return "write \(scalar.text) without quotes"
    default:
        let bare = scalar.text.filter { $0 != "_" && $0 != "," }
        guard bare.count < scalar.text.count, case .integer = CoreSchema.resolve(bare) else { return nil }
        return "write \(bare)"
    }
}

extension Double: PrimitiveValue {}
extension Float: PrimitiveValue {}
extension Int: PrimitiveValue {}
extension Int8: PrimitiveValue {}
extension Int16: PrimitiveValue {}
extension Int32: PrimitiveValue {}
extension Int64: PrimitiveValue {}
extension UInt: PrimitiveValue {}
extension UInt8: PrimitiveValue {}
extension UInt16: PrimitiveValue {}
extension UInt32: PrimitiveValue {}
extension UInt64: PrimitiveValue {}
