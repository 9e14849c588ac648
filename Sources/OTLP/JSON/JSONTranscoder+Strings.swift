// SPDX-License-Identifier: Apache-2.0

extension JSONTranscoder {
    /// Writes a string field.
    @inline(__always)
    mutating func text(_ bytes: RawSpan, _ tag: UInt32, keepsEmpty: Bool) throws(ParseFailure) {
        let token = try string(bytes)
        if token.isEscaped {
            sink.varint(UInt64(tag))
            let start = sink.openLength()
            try Self.unescape(bytes, token.range, into: &sink)
            return sink.closeLength(from: start)
        }
        guard keepsEmpty || !token.range.isEmpty else { return }
        sink.varint(UInt64(tag))
        sink.varint(UInt64(token.range.count))
        sink.append(bytes, token.range)
    }

    /// Checks the escapes of a text that nobody reads.
    mutating func checkEscapes(_ bytes: RawSpan, _ token: StringToken) throws(ParseFailure) {
        let start = sink.count
        try Self.unescape(bytes, token.range, into: &sink)
        sink.truncate(to: start)
    }

    /// The text of a token with its escapes resolved; the caller gives its memory back, twice the length of the token.
    func unescaped(_ bytes: RawSpan, _ token: StringToken) throws(ParseFailure) -> [UInt8] {
        try memory.take(2 * token.range.count)
        var sink = ByteSink(capacity: token.range.count)
        try Self.unescape(bytes, token.range, into: &sink)
        return sink.finish()
    }

    /// Static, so that it can write into the transcoder's own sink or another.
    private static func unescape(_ bytes: RawSpan, _ range: Range<Int>, into sink: inout ByteSink) throws(ParseFailure)
    {
        var position = range.lowerBound
        while position < range.upperBound {
            // Inside a token only backslashes are special.
            let next = min(bytes.nextSpecial(position), range.upperBound)
            sink.append(bytes, position..<next)
            position = next
            if position < range.upperBound { try escape(bytes, &position, range.upperBound, &sink) }
        }
    }

    private static func escape(
        _ bytes: RawSpan,
        _ position: inout Int,
        _ end: Int,
        _ sink: inout ByteSink
    ) throws(ParseFailure) {
        let escape = position + 1 < end ? bytes.byte(position + 1) : 0
        switch escape {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): sink.append(escape)
        case UInt8(ascii: "b"): sink.append(0x08)
        case UInt8(ascii: "f"): sink.append(0x0c)
        case UInt8(ascii: "n"): sink.append(0x0a)
        case UInt8(ascii: "r"): sink.append(0x0d)
        case UInt8(ascii: "t"): sink.append(0x09)
        case UInt8(ascii: "u"): return try unicodeEscape(bytes, &position, end, &sink)
        default: throw ParseFailure(offset: position, reason: "the escape sequence is unknown")
        }
        position += 2
    }

    /// A surrogate without its partner becomes U+FFFD.
    private static func unicodeEscape(
        _ bytes: RawSpan,
        _ position: inout Int,
        _ end: Int,
        _ sink: inout ByteSink
    ) throws(ParseFailure) {
        guard let unit = codeUnit(bytes, position, end) else {
            throw ParseFailure(offset: position, reason: "a \\u escape needs four hexadecimal digits")
        }
        position += 6
        var value = unit
        if (0xd800..<0xdc00).contains(unit), let low = codeUnit(bytes, position, end), (0xdc00..<0xe000).contains(low) {
            value = 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
            position += 6
        }
        let scalar = Unicode.Scalar(value) ?? "\u{fffd}"
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { sink.append(byte) }
    }

    /// The number in `\uXXXX`.
    private static func codeUnit(_ bytes: RawSpan, _ position: Int, _ end: Int) -> UInt32? {
        guard position + 6 <= end,
            bytes.byte(position) == UInt8(ascii: "\\"),
            bytes.byte(position + 1) == UInt8(ascii: "u")
        else { return nil }
        var value: UInt32 = 0
        for index in position + 2..<position + 6 {
            guard let digit = Hex.value(bytes.byte(index)) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Writes a trace or span id; an empty one is absent.
    ///
    /// What is no hexadecimal number becomes an id of one byte: the index refuses that record for its length and keeps the rest.
    mutating func identifier(_ bytes: RawSpan, _ tag: UInt32) throws(ParseFailure) {
        let token = try string(bytes)
        guard !token.range.isEmpty else { return }
        sink.varint(UInt64(tag))
        let start = sink.openLength()
        if !Hex.decode(bytes, token.range, into: &sink) {
            sink.truncate(to: start)
            sink.append(0)
        }
        sink.closeLength(from: start)
    }

    /// Writes base64 in the standard or URL alphabet, padded or not.
    mutating func base64(_ bytes: RawSpan, _ tag: UInt32) throws(ParseFailure) {
        let offset = position
        let token = try string(bytes)
        sink.varint(UInt64(tag))
        let start = sink.openLength()
        let isValid: Bool
        if token.isEscaped {
            let text = try unescaped(bytes, token)
            defer { memory.give(2 * token.range.count) }
            isValid = Base64.decode(text.span.bytes, into: &sink)
        } else {
            isValid = Base64.decode(bytes.extracting(token.range), into: &sink)
        }
        guard isValid else { throw ParseFailure(offset: offset, reason: "expected base64") }
        sink.closeLength(from: start)
    }
}
