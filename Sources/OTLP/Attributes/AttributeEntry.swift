// SPDX-License-Identifier: Apache-2.0

/// The type of an attribute value.
public enum ValueKind: UInt8, Sendable, Hashable {
    case empty, string, bool, int, double, array, keyValueList, bytes
}

/// One attribute in the flat index of a batch: 24 bytes without references.
public struct AttributeEntry: Sendable, Hashable {
    /// The text of the key.
    public var key: Slice
    /// The value: an integer, a double's bit pattern, 0 or 1, or a packed ``Slice``, depending on ``kind``.
    public var bits: UInt64
    /// The start of the field that contains this attribute.
    var tagOffset: UInt32
    /// The key as a small integer, or `.unknown`.
    public var keyID: AttributeKey
    /// How to interpret ``bits``.
    public var kind: ValueKind
    /// Whether the message has a key and one scalar value, and nothing else.
    public var isPlain = false

    /// The decoded value.
    public var value: AttributeValue { AttributeValue(kind: kind, bits: bits) }
}
