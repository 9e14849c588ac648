// SPDX-License-Identifier: Apache-2.0

/// A reading position inside one message.
///
/// The bytes are passed to each call (a stored `RawSpan` would make every user non-escapable). Every length is checked
/// against the end of the enclosing message, not only that of the buffer. `end` must not exceed the size of the bytes:
/// because every read is checked against it, the loads themselves are not checked again.
struct WireCursor {
    var position: Int
    let end: Int

    @inline(__always)
    init(_ range: Range<Int>) {
        position = range.lowerBound
        end = range.upperBound
    }

    @inline(__always)
    var atEnd: Bool { position >= end }

    @inline(__always)
    mutating func varint(_ bytes: RawSpan) throws(ParseFailure) -> UInt64 {
        guard position < end else { throw truncated }
        let first = bytes.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self)
        position &+= 1
        return first < 0x80 ? UInt64(first) : try longVarint(bytes, first: first)
    }

    @inline(never)
    private mutating func longVarint(_ bytes: RawSpan, first: UInt8) throws(ParseFailure) -> UInt64 {
        var value = UInt64(first & 0x7f)
        var shift: UInt64 = 7
        while shift < 70 {
            guard position < end else { throw truncated }
            let byte = bytes.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self)
            position &+= 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
        throw ParseFailure(offset: position, reason: "a varint is longer than ten bytes")
    }

    /// The field number and wire type, as encoded.
    @inline(__always)
    mutating func tag(_ bytes: RawSpan) throws(ParseFailure) -> UInt32 {
        guard position < end else { throw truncated }
        let first = bytes.unsafeLoad(fromUncheckedByteOffset: position, as: UInt8.self)
        guard first >= 8, first < 0x80 else { return try longTag(bytes) }
        position &+= 1
        return UInt32(first)
    }

    @inline(never)
    private mutating func longTag(_ bytes: RawSpan) throws(ParseFailure) -> UInt32 {
        let start = position
        let value = try varint(bytes)
        guard value >= 8, value <= UInt64(UInt32.max) else {
            throw ParseFailure(offset: start, reason: "the field number is out of range")
        }
        return UInt32(truncatingIfNeeded: value)
    }

    @inline(__always)
    mutating func fixed64(_ bytes: RawSpan) throws(ParseFailure) -> UInt64 {
        guard end &- position >= 8 else { throw truncated }
        let value = bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
        position &+= 8
        return UInt64(littleEndian: value)
    }

    mutating func fixed32(_ bytes: RawSpan) throws(ParseFailure) -> UInt32 {
        guard end &- position >= 4 else { throw truncated }
        let value = bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt32.self)
        position &+= 4
        return UInt32(littleEndian: value)
    }

    /// The range of a length-delimited value; the cursor moves after it.
    @inline(__always)
    mutating func lengthDelimited(_ bytes: RawSpan) throws(ParseFailure) -> Range<Int> {
        let start = position
        let length = try varint(bytes)
        guard length <= UInt64(end &- position) else {
            throw ParseFailure(offset: start, reason: "a length reaches beyond the end of its message")
        }
        let range = Range(uncheckedBounds: (position, position &+ Int(length)))
        position = range.upperBound
        return range
    }

    @inline(__always)
    mutating func slice(_ bytes: RawSpan) throws(ParseFailure) -> Slice { Slice(try lengthDelimited(bytes)) }

    /// Skips a value of any wire type; groups count as nesting.
    @inline(never)
    mutating func skip(_ tag: UInt32, _ bytes: RawSpan, depth: Int = 0) throws(ParseFailure) {
        switch tag & 7 {
        case Wire.varint: _ = try varint(bytes)
        case Wire.fixed64: _ = try fixed64(bytes)
        case Wire.length: _ = try lengthDelimited(bytes)
        case Wire.fixed32: _ = try fixed32(bytes)
        case Wire.startGroup: try skipGroup(tag, bytes, depth: depth)
        default: throw ParseFailure(offset: position, reason: "the wire type is unknown or a group ends unopened")
        }
    }

    private mutating func skipGroup(_ tag: UInt32, _ bytes: RawSpan, depth: Int) throws(ParseFailure) {
        guard depth < Wire.maximumDepth else {
            throw ParseFailure(offset: position, reason: "messages are nested deeper than 100 levels")
        }
        while true {
            let inner = try self.tag(bytes)
            if inner == (tag & ~7 | Wire.endGroup) { return }
            try skip(inner, bytes, depth: depth + 1)
        }
    }

    private var truncated: ParseFailure {
        ParseFailure(offset: position, reason: "the message ends in the middle of a field")
    }
}
