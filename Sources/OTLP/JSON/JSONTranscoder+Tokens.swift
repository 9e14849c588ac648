// SPDX-License-Identifier: Apache-2.0

/// A string literal: what is between its quotes, and whether that contains escapes.
struct StringToken {
    var range: Range<Int>
    var isEscaped: Bool
}

extension JSONTranscoder {
    func failure(_ reason: StaticString) -> ParseFailure { ParseFailure(offset: position, reason: reason) }

    /// The byte at the position, or 0 at the end; no token begins with 0.
    @inline(__always)
    func peek(_ bytes: RawSpan) -> UInt8 {
        position < bytes.byteCount ? bytes.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self) : 0
    }

    @inline(__always)
    mutating func skipWhitespace(_ bytes: RawSpan) {
        while position < bytes.byteCount {
            let byte = bytes.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self)
            guard byte <= 0x20, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            position &+= 1
        }
    }

    @inline(__always)
    mutating func expect(_ byte: UInt8, _ bytes: RawSpan, _ reason: StaticString) throws(ParseFailure) {
        skipWhitespace(bytes)
        guard peek(bytes) == byte else { throw failure(reason) }
        position &+= 1
    }

    /// Whether an object or array that has just been opened is empty; steps over its end.
    mutating func closes(_ end: UInt8, _ bytes: RawSpan) throws(ParseFailure) -> Bool {
        skipWhitespace(bytes)
        guard peek(bytes) == end else { return false }
        position &+= 1
        return true
    }

    /// Whether another member follows; steps over the comma or the end.
    @inline(__always)
    mutating func continues(_ end: UInt8, _ bytes: RawSpan) throws(ParseFailure) -> Bool {
        skipWhitespace(bytes)
        let byte = peek(bytes)
        guard byte == UInt8(ascii: ",") || byte == end else { throw failure("expected a comma or the end") }
        position &+= 1
        return byte != end
    }

    mutating func literal(_ text: StaticString, _ bytes: RawSpan) throws(ParseFailure) {
        let count = text.utf8CodeUnitCount
        let isThere = text.withUTF8Buffer { bytes.isEqual(at: position, to: $0.span.bytes, at: 0, count: count) }
        guard isThere else { throw failure("expected a value") }
        position &+= count
    }

    /// Reads a string literal, eight bytes at a time (the SWAR test is exact for the first hit).
    mutating func string(
        _ bytes: RawSpan,
        _ reason: StaticString = "expected a string"
    ) throws(ParseFailure) -> StringToken {
        guard peek(bytes) == UInt8(ascii: "\"") else { throw failure(reason) }
        let start = position &+ 1
        var current = start
        var isEscaped = false
        while true {
            current = bytes.nextSpecial(current)
            guard current < bytes.byteCount else { throw failure("the string has no end") }
            let byte = bytes.byte(current)
            if byte == UInt8(ascii: "\"") { break }
            guard byte == UInt8(ascii: "\\") else {
                throw ParseFailure(offset: current, reason: "a string contains a control character")
            }
            isEscaped = true
            current &+= 2
        }
        position = current &+ 1
        return StringToken(range: Range(uncheckedBounds: (start, current)), isEscaped: isEscaped)
    }

    /// Steps over a value nobody knows, checking its grammar.
    mutating func skipValue(_ bytes: RawSpan, depth: Int) throws(ParseFailure) {
        skipWhitespace(bytes)
        switch peek(bytes) {
        case UInt8(ascii: "\""): try skipString(bytes)
        case UInt8(ascii: "t"): try literal("true", bytes)
        case UInt8(ascii: "f"): try literal("false", bytes)
        case UInt8(ascii: "n"): try literal("null", bytes)
        case UInt8(ascii: "{"): try skipMembers(UInt8(ascii: "}"), bytes, depth: depth)
        case UInt8(ascii: "["): try skipMembers(UInt8(ascii: "]"), bytes, depth: depth)
        default:
            guard let number = DecimalNumber(bytes, position..<bytes.byteCount) else {
                throw failure("expected a value")
            }
            position = number.end
        }
    }

    private mutating func skipMembers(_ end: UInt8, _ bytes: RawSpan, depth: Int) throws(ParseFailure) {
        guard depth < Wire.maximumDepth else { throw failure("values are nested deeper than 100 levels") }
        position += 1
        guard try !closes(end, bytes) else { return }
        repeat {
            if end == UInt8(ascii: "}") {
                skipWhitespace(bytes)
                try skipString(bytes)
                try expect(UInt8(ascii: ":"), bytes, "expected a colon")
            }
            try skipValue(bytes, depth: depth + 1)
        } while try continues(end, bytes)
    }

    private mutating func skipString(_ bytes: RawSpan) throws(ParseFailure) {
        let token = try string(bytes)
        if token.isEscaped { try checkEscapes(bytes, token) }
    }
}

extension RawSpan {
    /// The position of the next quote, backslash or control character, or the end.
    @inline(__always)
    func nextSpecial(_ start: Int) -> Int {
        var position = start
        while position &+ 8 <= byteCount {
            let hits = word(position).specialBytes()
            if hits != 0 { return position &+ hits.trailingZeroBitCount / 8 }
            position &+= 8
        }
        while position < byteCount {
            let byte = unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self)
            if byte < 0x20 || byte == 0x22 || byte == 0x5c { return position }
            position &+= 1
        }
        return position
    }
}
