// SPDX-License-Identifier: Apache-2.0

extension ByteSink {
    /// Appends a JSON string; invalid UTF-8 is repaired with U+FFFD.
    mutating func quoted(_ bytes: RawSpan, _ range: Range<Int>) {
        reserve(range.count &+ 2)
        put(UInt8(ascii: "\""))
        escaped(bytes, range)
        reserve(1)
        put(UInt8(ascii: "\""))
    }

    mutating func quoted(_ text: ArraySlice<UInt8>) { quoted(text.span.bytes, 0..<text.count) }

    mutating func quoted(_ text: String) { quoted(Array(text.utf8)[...]) }

    /// Appends text with what JSON forbids in strings escaped; copies and looks for that in one pass over whole words.
    @inline(__always)
    mutating func escaped(_ bytes: RawSpan, _ range: Range<Int>) {
        reserve(range.count)
        var position = range.lowerBound
        while position &+ 8 <= range.upperBound {
            let word = bytes.word(position)
            put(word)
            guard word.specialBytes(orAlso: word) == 0 else { return rest(bytes, range, from: position) }
            position &+= 8
        }
        let left = range.upperBound &- position
        guard left > 0 else { return }
        guard position &+ 8 <= bytes.byteCount else { return rest(bytes, range, from: position, stored: 0) }
        let word = bytes.word(position)
        let mask = UInt64.max >> UInt64(64 &- 8 &* left)
        guard word.specialBytes(orAlso: word) & mask == 0 else { return rest(bytes, range, from: position, stored: 0) }
        put(word, left)
    }

    /// Goes on at a word that has something special in it, or that cannot be read as a whole.
    @inline(never)
    private mutating func rest(_ bytes: RawSpan, _ range: Range<Int>, from start: Int, stored: Int = 8) {
        truncate(to: count &- stored)
        let isASCII = !(start..<range.upperBound).contains { bytes.byte($0) >= 0x80 }
        if isASCII || bytes.extracting(start..<range.upperBound).isValidUTF8 {
            return escapedValid(bytes, start..<range.upperBound)
        }
        // Only whole ASCII words were copied so far, so a sequence cannot have begun in them.
        let text = bytes.extracting(start..<range.upperBound).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let repaired = Array(text.utf8)
        escapedValid(repaired.span.bytes, 0..<repaired.count)
    }

    private mutating func escapedValid(_ bytes: RawSpan, _ range: Range<Int>) {
        var position = range.lowerBound
        while position < range.upperBound {
            let next = min(bytes.nextSpecial(position), range.upperBound)
            append(bytes, position..<next)
            position = next
            guard position < range.upperBound else { return }
            escape(bytes.byte(position))
            position &+= 1
        }
    }

    private mutating func escape(_ byte: UInt8) {
        reserve(6)
        put(UInt8(ascii: "\\"))
        switch byte {
        case 0x0a: put(UInt8(ascii: "n"))
        case 0x0d: put(UInt8(ascii: "r"))
        case 0x09: put(UInt8(ascii: "t"))
        case 0x22, 0x5c: put(byte)
        default:
            append("u00")
            put(UInt64(Hex.digits(UInt32(byte))), 2)
        }
    }
}

extension UInt64 {
    /// The highest bit of each byte that JSON does not allow as it is in a string: quote, backslash, control characters; and
    /// of each byte that has that bit in `other`.
    ///
    /// The lowest bit set is exact. Bits above it may be false: the subtractions borrow.
    @inline(__always)
    func specialBytes(orAlso other: UInt64 = 0) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = self ^ (ones &* 0x22)
        let backslash = self ^ (ones &* 0x5c)
        let hits = (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (self &- ones &* 0x20) & ~self
        return (hits | other) & (ones &* 0x80)
    }
}

extension RawSpan {
    /// One byte; the caller has checked that it is there.
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 { unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self) }

    var isValidUTF8: Bool {
        withUnsafeBytes { bytes in
            let bytes = bytes.bindMemory(to: UInt8.self)
            return (try? UTF8Span(validating: bytes.span)) != nil
        }
    }
}
