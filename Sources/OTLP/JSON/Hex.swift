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

    /// Appends the bytes of a text of digit pairs; `false` if it is none.
    static func decode(_ text: RawSpan, into sink: inout ByteSink) -> Bool {
        guard text.byteCount % 2 == 0 else { return false }
        var index = 0
        while index < text.byteCount {
            guard let high = value(text.unsafeLoad(fromByteOffset: index, as: UInt8.self)),
                let low = value(text.unsafeLoad(fromByteOffset: index &+ 1, as: UInt8.self))
            else { return false }
            sink.append(high << 4 | low)
            index &+= 2
        }
        return true
    }

    /// Appends bytes in lower-case digits.
    static func encode(_ bytes: RawSpan, into sink: inout ByteSink) {
        for index in 0..<bytes.byteCount {
            let byte = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            sink.append(digit(byte >> 4))
            sink.append(digit(byte & 0xf))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? value + UInt8(ascii: "0") : value - 10 + UInt8(ascii: "a")
    }
}

/// Base64 as protobuf's JSON mapping has it.
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
