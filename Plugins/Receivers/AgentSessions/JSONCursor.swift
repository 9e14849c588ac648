// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why a line cannot be read; the text is shown to the user and holds nothing of the line.
struct LineFault: Error, Equatable {
    let message: String

    init(_ message: String) {
        self.message = message
    }

    static let cutOff = LineFault("the line is cut off or is no JSON object")
    static let joined = LineFault("something that is no JSON object follows one on the line")
    static let number = LineFault("a token count is negative or beyond belief")
}

/// The bytes of a line, or of a part of it, in a buffer that lives longer.
struct LineBytes {
    let base: UnsafePointer<UInt8>
    let count: Int

    var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }
}

/// Walks through the JSON of one line without building anything: the caller takes the members it wants, the rest is stepped over.
///
/// The line must outlive the cursor and every ``Text`` that it gave out. Nothing recurses, so that deep nesting costs nothing. It checks
/// no more of the syntax than it needs to find the way.
struct JSONCursor {
    private let base: UnsafePointer<UInt8>
    private let end: Int
    private var position = 0

    /// A string of the line, as written, without its quotes.
    struct Text {
        let bytes: LineBytes

        /// Whether it is written exactly like this.
        @inline(__always)
        func equals(_ other: StaticString) -> Bool {
            bytes.count == other.utf8CodeUnitCount && memcmp(bytes.base, other.utf8Start, bytes.count) == 0
        }

        var isEmpty: Bool { bytes.count == 0 }

        /// The text; invalid UTF-8 is repaired.
        var string: String {
            memchr(bytes.base, 92, bytes.count) == nil
                ? String(decoding: bytes.buffer, as: UTF8.self) : JSONEscapes.resolve(bytes.buffer)
        }
    }

    /// How many bytes were stepped over.
    var offset: Int { position }

    init(_ line: LineBytes) {
        base = line.base
        end = line.count
    }

    /// Steps into an object; false when the value is something else, which is stepped over.
    @inline(__always)
    mutating func enterObject() throws(LineFault) -> Bool { try enter(UInt8(ascii: "{")) }

    /// Steps into an array; false when the value is something else, which is stepped over.
    mutating func enterArray() throws(LineFault) -> Bool { try enter(UInt8(ascii: "[")) }

    @inline(__always)
    private mutating func enter(_ sign: UInt8) throws(LineFault) -> Bool {
        skipSpace()
        guard position < end else { throw .cutOff }
        guard base[position] == sign else {
            try skipValue()
            return false
        }
        position += 1
        return true
    }

    /// The next key of the object that was stepped into; nil at its end.
    @inline(__always)
    mutating func nextKey() throws(LineFault) -> Text? {
        skipSpace()
        guard position < end else { throw .cutOff }
        if base[position] == UInt8(ascii: ",") {
            position += 1
            skipSpace()
        }
        guard position < end else { throw .cutOff }
        if base[position] == UInt8(ascii: "}") {
            position += 1
            return nil
        }
        let key = try string()
        skipSpace()
        guard position < end, base[position] == UInt8(ascii: ":") else { throw .cutOff }
        position += 1
        return key
    }

    /// Whether another element of the array that was stepped into follows.
    mutating func nextElement() throws(LineFault) -> Bool {
        skipSpace()
        if position < end, base[position] == UInt8(ascii: ",") { position += 1 }
        skipSpace()
        guard position < end else { throw .cutOff }
        guard base[position] == UInt8(ascii: "]") else { return true }
        position += 1
        return false
    }

    /// The string that is the next value; nil when it is something else or empty.
    mutating func text() throws(LineFault) -> Text? {
        skipSpace()
        guard position < end else { throw .cutOff }
        guard base[position] == UInt8(ascii: "\"") else {
            try skipValue()
            return nil
        }
        let text = try string()
        return text.isEmpty ? nil : text
    }

    /// Whether the next value is `true`.
    mutating func flag() throws(LineFault) -> Bool {
        skipSpace()
        let isTrue = position < end && base[position] == UInt8(ascii: "t")
        try skipValue()
        return isTrue
    }

    /// The next value as a count; nil when it is no number.
    ///
    /// - Throws: ``LineFault/number`` when it is negative, no whole number or larger than ``largestCount``.
    mutating func count() throws(LineFault) -> Int64? {
        skipSpace()
        guard position < end else { throw .cutOff }
        let first = base[position]
        guard (48...57).contains(first) || first == UInt8(ascii: "-") else {
            try skipValue()
            return nil
        }
        let start = position
        var value: Int64 = 0
        while position < end, (48...57).contains(base[position]), value <= Self.largestCount {
            value = value * 10 + Int64(base[position]) - 48
            position += 1
        }
        let isPlain = position > start && (position == end || Self.endsWord(base[position]))
        if !isPlain {
            position = start
            guard let number = try number(), let whole = Int64(exactly: number) else { throw .number }
            value = whole
        }
        guard (0...Self.largestCount).contains(value) else { throw .number }
        return value
    }

    /// The largest count that is believed; sums of a few of them stay below what the pipeline believes.
    static let largestCount: Int64 = 1 << 38

    /// The next value as a number; nil when it is none.
    mutating func number() throws(LineFault) -> Double? {
        skipSpace()
        let start = position
        try skipValue()
        guard position - start <= 40 else { return nil }
        return Double(
            String(decoding: UnsafeBufferPointer(start: base + start, count: position - start), as: UTF8.self)
        )
    }

    /// Steps over the next value.
    mutating func skipValue() throws(LineFault) {
        skipSpace()
        guard position < end else { throw .cutOff }
        switch base[position] {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"), UInt8(ascii: "["): try skipContainer()
        default:
            while position < end, !Self.endsWord(base[position]) { position += 1 }
        }
    }

    private mutating func skipContainer() throws(LineFault) {
        var depth = 0
        while position < end {
            switch base[position] {
            case UInt8(ascii: "\""):
                _ = try string()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
            if depth == 0 { return }
        }
        throw .cutOff
    }

    /// The string at the cursor: from quote to quote by `memchr`, and back over backslashes.
    @inline(__always)
    private mutating func string() throws(LineFault) -> Text {
        guard base[position] == UInt8(ascii: "\"") else { throw .cutOff }
        let start = position + 1
        position = start
        while position < end, let found = memchr(base + position, 34, end - position) {
            let quote = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
            var slash = quote
            while slash > start, base[slash - 1] == UInt8(ascii: "\\") { slash -= 1 }
            position = quote + 1
            if (quote - slash) & 1 == 0 { return Text(bytes: LineBytes(base: base + start, count: quote - start)) }
        }
        throw .cutOff
    }

    /// Whether a byte cannot be part of a number or word.
    @inline(__always)
    private static func endsWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || byte <= 32
    }

    @inline(__always)
    private mutating func skipSpace() {
        while position < end, base[position] <= 32 { position += 1 }
    }
}

/// The escapes of JSON strings.
enum JSONEscapes {
    /// The text that a string of JSON stands for; what is no escape, and half a surrogate pair, becomes U+FFFD.
    static func resolve(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == UInt8(ascii: "\\"), index + 1 < bytes.count else {
                text.append(byte)
                index += 1
                continue
            }
            let sign = bytes[index + 1]
            index += 2
            if sign == UInt8(ascii: "u") {
                text.append(contentsOf: scalar(bytes, &index))
            } else if let plain = plain[sign] {
                text.append(plain)
            } else {
                text.append(contentsOf: UTF8.encodedReplacementCharacter)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let plain: [UInt8: UInt8] = [
        UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
        UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
    ]

    private static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int) -> UTF8.EncodedScalar {
        guard let high = unit(bytes, index) else { return UTF8.encodedReplacementCharacter }
        index += 4
        if UTF16.isLeadSurrogate(high), index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u"), let low = unit(bytes, index + 2), UTF16.isTrailSurrogate(low)
        {
            index += 6
            let code = 0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00)
            return Unicode.Scalar(code).flatMap(UTF8.encode) ?? UTF8.encodedReplacementCharacter
        }
        return Unicode.Scalar(high).flatMap(UTF8.encode) ?? UTF8.encodedReplacementCharacter
    }

    private static func unit(_ bytes: UnsafeBufferPointer<UInt8>, _ index: Int) -> UInt16? {
        guard index + 4 <= bytes.count else { return nil }
        var value: UInt16 = 0
        for byte in bytes[index..<index + 4] {
            switch byte {
            case 48...57: value = value << 4 | UInt16(byte - 48)
            case 65...70: value = value << 4 | UInt16(byte - 55)
            case 97...102: value = value << 4 | UInt16(byte - 87)
            default: return nil
            }
        }
        return value
    }
}
