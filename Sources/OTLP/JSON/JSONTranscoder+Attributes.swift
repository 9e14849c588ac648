// SPDX-License-Identifier: Apache-2.0

extension JSONTranscoder {
    /// Transcodes an attribute in the form that almost every one has: `{"key":"…","value":{"stringValue":"…"}}` or an
    /// integer in its place, nothing escaped, no blanks; `false`, with nothing read, if it is another.
    ///
    /// Attributes are four fifths of a body, so knowing the lengths beforehand doubles the speed of the whole.
    @inline(__always)
    mutating func plainAttribute(_ bytes: RawSpan, _ tag: UInt32) -> Bool {
        let keyStart = position &+ 8
        guard keyStart &+ 32 <= bytes.byteCount, bytes.word(position) == Text.key else { return false }
        let keyEnd = bytes.nextSpecial(keyStart)
        let value = keyEnd &+ 12
        // `","value":{"`, read as two overlapping words
        guard value &+ 16 <= bytes.byteCount, bytes.word(keyEnd) == Text.value,
            bytes.word(keyEnd &+ 4) == Text.valueEnd, keyEnd > keyStart
        else { return false }
        let key = Range(uncheckedBounds: (keyStart, keyEnd))
        if bytes.word(value) == Text.stringV, bytes.word(value &+ 6) == Text.stringEnd {
            return plainString(bytes, tag, key, from: value &+ 14)
        }
        if bytes.word(value) == Text.intValue, bytes.word(value &+ 2) == Text.intEnd {
            return plainInteger(bytes, tag, key, from: value &+ 10)
        }
        return false
    }

    @inline(__always)
    private mutating func plainString(_ bytes: RawSpan, _ tag: UInt32, _ key: Range<Int>, from start: Int) -> Bool {
        let end = bytes.nextSpecial(start)
        // `"}}`
        guard end &+ 4 <= bytes.byteCount, bytes.half(end) & 0xff_ffff == 0x7d_7d22 else { return false }
        let value = Range(uncheckedBounds: (start, end))
        let header = 1 &+ Wire.varintLength(UInt64(value.count))
        beginAttribute(bytes, tag, key, valueSize: header &+ value.count)
        sink.put(UInt8(truncatingIfNeeded: Tag.AnyValue.string))
        sink.putVarint(UInt64(value.count))
        sink.put(bytes, value)
        position = end &+ 3
        return true
    }

    /// Up to nineteen digits, bare or quoted.
    @inline(__always)
    private mutating func plainInteger(_ bytes: RawSpan, _ tag: UInt32, _ key: Range<Int>, from start: Int) -> Bool {
        let isQuoted = bytes.byte(start) == UInt8(ascii: "\"")
        let first = isQuoted ? start &+ 1 : start
        let (value, end) = bytes.shortNumber(first)
        guard end > first, end &+ 4 <= bytes.byteCount, value <= UInt64(Int64.max) else { return false }
        if end > first &+ 1, bytes.byte(first) == UInt8(ascii: "0") { return false }
        // The value's quote, if it has one, and the two braces.
        let closing = bytes.half(end) & (isQuoted ? 0xff_ffff : 0xffff)
        guard closing == (isQuoted ? 0x7d_7d22 : 0x7d7d) else { return false }
        beginAttribute(bytes, tag, key, valueSize: 1 &+ Wire.varintLength(value))
        sink.put(UInt8(truncatingIfNeeded: Tag.AnyValue.int))
        sink.putVarint(value)
        position = end &+ (isQuoted ? 3 : 2)
        return true
    }

    /// Writes everything in front of the value: the field, the key, and the length of the AnyValue, for which it makes room.
    @inline(__always)
    private mutating func beginAttribute(_ bytes: RawSpan, _ tag: UInt32, _ key: Range<Int>, valueSize: Int) {
        sink.reserve(key.count &+ valueSize &+ 64)
        let valueField = 1 &+ Wire.varintLength(UInt64(valueSize)) &+ valueSize
        let keyField = 1 &+ Wire.varintLength(UInt64(key.count)) &+ key.count
        sink.put(UInt8(truncatingIfNeeded: tag))
        sink.putVarint(UInt64(keyField &+ valueField))
        sink.put(UInt8(truncatingIfNeeded: Tag.KeyValue.key))
        sink.putVarint(UInt64(key.count))
        sink.put(bytes, key)
        sink.put(UInt8(truncatingIfNeeded: Tag.KeyValue.value))
        sink.putVarint(UInt64(valueSize))
    }

    /// Pieces of the form above as little-endian words.
    private enum Text {
        // `{"key":"`
        static let key: UInt64 = 0x223a_2279_656b_227b
        // `","value`
        static let value: UInt64 = 0x6575_6c61_7622_2c22
        // `alue":{"`
        static let valueEnd: UInt64 = 0x227b_3a22_6575_6c61
        // `stringVa`
        static let stringV: UInt64 = 0x6156_676e_6972_7473
        // `Value":"`
        static let stringEnd: UInt64 = 0x223a_2265_756c_6156
        // `intValue`
        static let intValue: UInt64 = 0x6575_6c61_5674_6e69
        // `tValue":`
        static let intEnd: UInt64 = 0x3a22_6575_6c61_5674
    }
}

extension RawSpan {
    /// Four bytes, the first one lowest; the caller has checked that they are there.
    @inline(__always)
    fileprivate func half(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
    }

    /// The number that up to nineteen digits spell, so that it cannot overflow, and where they end.
    @inline(__always)
    func shortNumber(_ start: Int) -> (value: UInt64, end: Int) {
        var value: UInt64 = 0
        var end = start
        let limit = min(byteCount, start &+ 19)
        while end < limit {
            let digit = byte(end) &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            value = value &* 10 &+ UInt64(digit)
            end &+= 1
        }
        return (value, end)
    }
}
