// SPDX-License-Identifier: Apache-2.0

/// Hexadecimal digits, in which OTLP/JSON writes ids.
enum Hex {
    @inline(__always)
    static func value(_ digit: UInt8) -> UInt8? {
        let number = digit &- UInt8(ascii: "0")
        if number < 10 { return number }
        let letter = (digit | 0x20) &- UInt8(ascii: "a")
        return letter < 6 ? letter &+ 10 : nil
    }

    /// Appends the bytes of a text of digit pairs; `false` if it is not such a text.
    @inline(__always)
    static func decode(_ text: RawSpan, _ range: Range<Int>, into sink: inout ByteSink) -> Bool {
        guard range.count % 2 == 0 else { return false }
        sink.reserve(range.count / 2)
        var index = range.lowerBound
        while index &+ 8 <= range.upperBound {
            guard let bytes = bytes(text.word(index)) else { return false }
            sink.put(bytes, 4)
            index &+= 8
        }
        while index < range.upperBound {
            guard let high = value(text.byte(index)), let low = value(text.byte(index &+ 1)) else { return false }
            sink.put(high << 4 | low)
            index &+= 2
        }
        return true
    }

    /// Appends bytes in lower-case digits.
    static func encode(_ bytes: RawSpan, _ range: Range<Int>, into sink: inout ByteSink) {
        sink.reserve(range.count * 2)
        var index = range.lowerBound
        while index &+ 8 <= range.upperBound {
            let word = bytes.word(index)
            sink.put(digits(UInt32(truncatingIfNeeded: word)))
            sink.put(digits(UInt32(truncatingIfNeeded: word >> 32)))
            index &+= 8
        }
        while index < range.upperBound {
            sink.put(digits(UInt32(bytes.byte(index))), 2)
            index &+= 1
        }
    }

    /// The eight digits of four bytes; in both words the lowest byte comes first.
    @inline(__always)
    static func digits(_ bytes: UInt32) -> UInt64 {
        var spread = UInt64(bytes)
        spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        let nibbles = (spread >> 4 | spread << 8) & 0x0f0f_0f0f_0f0f_0f0f
        // Adding six carries into the next nibble for values from ten on; letters are 39 higher than further digits would be.
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }

    /// The four bytes of eight digits, or `nil`; the result is correct if encoding it gives the same text again.
    @inline(__always)
    private static func bytes(_ text: UInt64) -> UInt64? {
        let letters = text & 0x4040_4040_4040_4040
        let nibbles = ((text & 0x0f0f_0f0f_0f0f_0f0f) &+ (letters >> 6) &* 9) & 0x0f0f_0f0f_0f0f_0f0f
        var packed = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff
        packed = (packed | packed >> 8) & 0x0000_ffff_0000_ffff
        packed = (packed | packed >> 16) & 0xffff_ffff
        return digits(UInt32(packed)) == text | letters >> 1 ? packed : nil
    }
}

/// Base64 of protobuf's JSON mapping.
enum Base64 {
    /// Appends the bytes of a text in either alphabet, padded or not; `false` if it is not base64.
    static func decode(_ text: RawSpan, into sink: inout ByteSink) -> Bool {
        var end = text.byteCount
        while end > 0, text.byteCount - end < 2,
            text.unsafeLoad(fromByteOffset: end - 1, as: UInt8.self) == UInt8(ascii: "=")
        {
            end -= 1
        }
        guard end == text.byteCount || text.byteCount % 4 == 0, end % 4 != 1 else { return false }
        var buffer: UInt32 = 0
        var bits = 0
        for index in 0..<end {
            guard let value = value(text.unsafeLoad(fromByteOffset: index, as: UInt8.self)) else { return false }
            buffer = buffer << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                sink.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        return true
    }

    /// Appends bytes in the standard alphabet with padding.
    static func encode(_ bytes: RawSpan, into sink: inout ByteSink) {
        for start in stride(from: 0, to: bytes.byteCount, by: 3) {
            let count = min(3, bytes.byteCount - start)
            var group: UInt32 = 0
            for index in 0..<3 {
                let byte = index < count ? bytes.unsafeLoad(fromByteOffset: start + index, as: UInt8.self) : 0
                group = group << 8 | UInt32(byte)
            }
            for index in 0..<4 {
                let digit = Int(group >> UInt32(18 - 6 * index) & 0x3f)
                sink.append(index <= count ? alphabet[digit] : UInt8(ascii: "="))
            }
        }
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
