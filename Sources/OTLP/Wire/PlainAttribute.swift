// SPDX-License-Identifier: Apache-2.0

/// A KeyValue of the most frequent form: a key followed by one scalar, nothing else.
///
/// Attributes are four fifths of a request; reading them with the schema table would be slower.
struct PlainAttribute {
    let key: Range<Int>
    let kind: ValueKind
    /// The value in the form of ``AttributeEntry/bits``.
    let bits: UInt64

    /// Reads the body of a KeyValue; `nil` if it has another form, valid or not.
    @inline(__always)
    init?(_ bytes: RawSpan, _ body: Range<Int>) {
        let end = body.upperBound
        guard body.count >= 7, bytes.byte(body.lowerBound) == UInt8(Tag.KeyValue.key) else { return nil }
        let keyLength = Int(bytes.byte(body.lowerBound &+ 1))
        let keyEnd = body.lowerBound &+ 2 &+ keyLength
        guard keyLength > 0, keyLength < 0x80, keyEnd &+ 4 <= end,
            bytes.byte(keyEnd) == UInt8(Tag.KeyValue.value)
        else { return nil }
        var cursor = WireCursor(Range(uncheckedBounds: (keyEnd &+ 1, end)))
        guard let value = try? cursor.lengthDelimited(bytes), value.upperBound == end, value.count >= 2 else {
            return nil
        }
        cursor.position = value.lowerBound &+ 1
        let member = UInt32(bytes.byte(value.lowerBound))
        if member == Tag.AnyValue.string {
            guard let text = try? cursor.slice(bytes) else { return nil }
            (kind, bits) = (.string, text.packed)
        } else if member == Tag.AnyValue.int {
            guard let number = try? cursor.varint(bytes) else { return nil }
            (kind, bits) = (.int, number)
        } else if member == Tag.AnyValue.double {
            guard let number = try? cursor.fixed64(bytes) else { return nil }
            (kind, bits) = (.double, number)
        } else if member == Tag.AnyValue.bool {
            guard let number = try? cursor.varint(bytes) else { return nil }
            (kind, bits) = (.bool, number == 0 ? 0 : 1)
        } else {
            return nil
        }
        guard cursor.atEnd else { return nil }
        key = Range(uncheckedBounds: (body.lowerBound &+ 2, keyEnd))
    }
}
