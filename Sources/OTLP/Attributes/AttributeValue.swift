// SPDX-License-Identifier: Apache-2.0

/// A value of OTLP's AnyValue; text and nested values stay undecoded slices of the batch.
public enum AttributeValue: Sendable, Hashable {
    /// No value at all, which OTLP allows.
    case empty
    case string(Slice)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case bytes(Slice)
    /// The slice is an encoded ArrayValue message.
    case array(Slice)
    /// The slice is an encoded KeyValueList message.
    case keyValueList(Slice)

    init(kind: ValueKind, bits: UInt64) {
        self =
            switch kind {
            case .empty: .empty
            case .string: .string(Slice(packed: bits))
            case .bool: .bool(bits != 0)
            case .int: .int(Int64(bitPattern: bits))
            case .double: .double(Double(bitPattern: bits))
            case .array: .array(Slice(packed: bits))
            case .keyValueList: .keyValueList(Slice(packed: bits))
            case .bytes: .bytes(Slice(packed: bits))
            }
    }
}

/// A value for an attribute that this program adds.
public enum AttributeScalar: Sendable, Hashable {
    case string(String)
    case int(Int64)
    case double(Double)
    case bool(Bool)
}

extension AttributeScalar: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    /// Creates a string value.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Creates an integer value.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// Creates a double value.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Creates a boolean value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}
