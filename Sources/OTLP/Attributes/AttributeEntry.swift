// SPDX-License-Identifier: Apache-2.0

/// What an attribute value holds.
public enum ValueKind: UInt8, Sendable, Hashable {
    case empty, string, bool, int, double, array, keyValueList, bytes
}

/// One attribute in the flat index of a batch: 24 bytes, nothing to retain.
public struct AttributeEntry: Sendable, Hashable {
    /// The text of the key.
    public var key: Slice
    /// The value: an integer, a double's bit pattern, 0 or 1, or a packed ``Slice``, as ``kind`` says.
    public var bits: UInt64
    /// Where the field that carries this attribute begins.
    var tagOffset: UInt32
    /// The key as a small integer, or `.unknown`.
    public var keyID: AttributeKey
    /// How to read ``bits``.
    public var kind: ValueKind
    /// Whether the message holds a key and one scalar value, and nothing else.
    public var isPlain = false

    /// The decoded value.
    public var value: AttributeValue { AttributeValue(kind: kind, bits: bits) }
}
