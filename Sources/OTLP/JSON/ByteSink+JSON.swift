// SPDX-License-Identifier: Apache-2.0

extension ByteSink {
    /// Appends a JSON string; invalid UTF-8 is repaired with U+FFFD.
    mutating func quoted(_ text: RawSpan) {
        append(UInt8(ascii: "\""))
        if text.isValidUTF8 {
            escaped(text)
        } else {
            let repaired = Array(text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }.utf8)
            escaped(repaired.span.bytes)
        }
        append(UInt8(ascii: "\""))
    }

    mutating func quoted(_ text: String) { quoted(Array(text.utf8).span.bytes) }

    private mutating func escaped(_ text: RawSpan) {
        var position = 0
        while position < text.byteCount {
            let next = text.nextSpecial(position)
            append(text.extracting(position..<next))
            position = next
            guard position < text.byteCount else { return }
            escape(text.unsafeLoad(fromByteOffset: position, as: UInt8.self))
            position += 1
        }
    }

    private mutating func escape(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case 0x0a: append(UInt8(ascii: "n"))
        case 0x0d: append(UInt8(ascii: "r"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x22, 0x5c: append(byte)
        default:
            append("u00")
            Hex.encode([byte].span.bytes, into: &self)
        }
    }

    /// Appends a number in decimal digits.
    mutating func decimal(_ value: UInt64) {
        reserve(20)
        let start = count
        var rest = value
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        reverse(from: start)
    }

    mutating func decimal(_ value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        decimal(value.magnitude)
    }

    /// Appends a double; JSON has no literals for what is not finite, so that becomes a string.
    mutating func double(_ value: Double) {
        if value.isFinite {
            append(value.description)
        } else if value.isNaN {
            append("\"NaN\"")
        } else {
            append(value < 0 ? "\"-Infinity\"" : "\"Infinity\"")
        }
    }
}

extension RawSpan {
    var isValidUTF8: Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var position = 0
        while position &+ 8 <= byteCount {
            let word = unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
            if word & (ones &* 0x80) != 0 { return validates }
            position &+= 8
        }
        while position < byteCount {
            if unsafeLoad(fromByteOffset: position, as: UInt8.self) >= 0x80 { return validates }
            position &+= 1
        }
        return true
    }

    private var validates: Bool {
        withUnsafeBytes { bytes in
            let bytes = bytes.bindMemory(to: UInt8.self)
            return (try? UTF8Span(validating: bytes.span)) != nil
        }
    }
}
