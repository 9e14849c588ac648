// SPDX-License-Identifier: Apache-2.0

/// A single value whose type its spelling decides, as YAML has it: a quoted one is a text, a plain one a number or a boolean where it looks so.
///
/// For keys that take a value of any type, such as the value of an attribute.
public struct TypedScalar: ConfigScalar, Hashable, ExpressibleByStringLiteral {
    /// The value as it was written, after substitution.
    public let text: String
    /// What it means.
    public let resolved: ResolvedValue

    /// A text.
    public init(_ text: String) { (self.text, resolved) = (text, .string) }

    /// A text that is known at compile time.
    public init(stringLiteral value: String) { self.init(value) }

    private init(_ scalar: Scalar) { (text, resolved) = (scalar.text, scalar.resolved) }

    /// Any text.
    public static var valueType: ValueType { .string }

    /// Decodes a text; a configuration is decoded with its types, without this initializer.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Encodes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension TypedScalar: PrimitiveValue {
    static var placeholder: Self { "" }
    var scalarText: String { text }
    /// The style that reads back as the same type.
    var style: Scalar.Style { resolved == .string ? .quoted : .plain }

    static func convert(_ scalar: Scalar) throws(ConversionFailure) -> Self { Self(scalar) }
}
