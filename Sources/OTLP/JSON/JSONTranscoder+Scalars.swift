// SPDX-License-Identifier: Apache-2.0

extension JSONTranscoder {
    /// Writes a field that is not repeated; zero values only where the table asks for presence.
    @inline(__always)
    mutating func single(
        _ bytes: RawSpan,
        _ index: Int,
        depth: Int
    ) throws(ParseFailure) {
        switch table[index].kind {
        case .message: try subMessage(bytes, index, depth: depth)
        case .string where peek(bytes) == UInt8(ascii: "\""):
            try text(bytes, table[index].tag, keepsEmpty: table[index].hasPresence)
        case .traceID, .spanID: try identifier(bytes, table[index].tag)
        case .fixed64, .sfixed64: try eightBytes(bytes, index)
        default: try otherSingle(bytes, table[index])
        }
    }

    /// A time, in most cases.
    @inline(__always)
    private mutating func eightBytes(_ bytes: RawSpan, _ index: Int) throws(ParseFailure) {
        if table[index].form == .alternative { return try otherSingle(bytes, table[index]) }
        let value = try whole(bytes, table[index].kind)
        guard value != 0 || table[index].hasPresence else { return }
        sink.reserve(16)
        sink.put(UInt8(truncatingIfNeeded: table[index].tag))
        sink.put(value)
    }

    private mutating func otherSingle(
        _ bytes: RawSpan,
        _ field: FieldSchema
    ) throws(ParseFailure) {
        // One agent sends `{"doubleValue":{}}` for a value it does not have.
        if field.form == .alternative, peek(bytes) == UInt8(ascii: "{") { return try emptyObject(bytes) }
        switch field.kind {
        case .string: try text(bytes, field.tag, keepsEmpty: true)
        case .bytes: try base64(bytes, field.tag)
        case .double:
            let value = try double(bytes)
            guard value.bitPattern != 0 || field.hasPresence else { return }
            sink.varint(UInt64(field.tag))
            sink.fixed64(value.bitPattern)
        default:
            let value = try integer(bytes, field)
            guard value != 0 || field.hasPresence else { return }
            sink.varint(UInt64(field.tag))
            write(value, field.kind)
        }
    }

    mutating func packedElement(_ bytes: RawSpan, _ kind: FieldKind) throws(ParseFailure) {
        if kind == .double {
            sink.fixed64(try double(bytes).bitPattern)
        } else {
            write(try whole(bytes, kind), kind)
        }
    }

    private mutating func write(_ value: UInt64, _ kind: FieldKind) {
        switch kind {
        case .fixed64, .sfixed64: sink.fixed64(value)
        case .fixed32: sink.fixed32(UInt32(truncatingIfNeeded: value))
        case .sint32: sink.varint(Wire.zigzag(Int32(truncatingIfNeeded: value)))
        default: sink.varint(value)
        }
    }

    private mutating func emptyObject(_ bytes: RawSpan) throws(ParseFailure) {
        let start = position
        position += 1
        guard try closes(UInt8(ascii: "}"), bytes) else {
            throw ParseFailure(offset: start, reason: "expected a value, not an object")
        }
    }

    private mutating func integer(_ bytes: RawSpan, _ field: FieldSchema) throws(ParseFailure) -> UInt64 {
        switch field.kind {
        case .bool:
            let isTrue = peek(bytes) == UInt8(ascii: "t")
            try literal(isTrue ? "true" : "false", bytes)
            return isTrue ? 1 : 0
        case .enumeration:
            if let value = try named(bytes, field.enumeration) { return value }
            return try whole(bytes, .int32)
        default: return try whole(bytes, field.kind)
        }
    }

    /// The number of an enum value given by name; `nil` if it is not a name, quoted digits included.
    private mutating func named(_ bytes: RawSpan, _ enumeration: EnumID) throws(ParseFailure) -> UInt64? {
        let start = position
        guard peek(bytes) == UInt8(ascii: "\""), start + 1 < bytes.byteCount else { return nil }
        let first = bytes.byte(start + 1)
        guard first | 0x20 >= UInt8(ascii: "a"), first != UInt8(ascii: "\\") else { return nil }
        let token = try string(bytes)
        let name = bytes.extracting(token.range).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        guard let value = enumeration.value(named: name) else {
            throw ParseFailure(offset: start, reason: "the enum value is unknown")
        }
        return value
    }

    /// A whole number in the range of its kind, as the 64 bits that are written; bare or as a string.
    @inline(__always)
    private mutating func whole(_ bytes: RawSpan, _ kind: FieldKind) throws(ParseFailure) -> UInt64 {
        let start = position
        let isQuoted = peek(bytes) == UInt8(ascii: "\"")
        if isQuoted { position &+= 1 }
        let first = position
        // Nineteen digits, as times have them, cannot overflow; anything else takes the careful way.
        var value: UInt64
        (value, position) = bytes.shortNumber(first)
        if needsCare(bytes, from: first, value, kind) {
            position = first
            value = try carefulWhole(bytes, kind, from: start)
        }
        if isQuoted {
            guard peek(bytes) == UInt8(ascii: "\"") else {
                throw ParseFailure(offset: start, reason: "expected a whole number")
            }
            position &+= 1
        }
        return value
    }

    /// Whether the digits read so far are not plainly the number: none, too many, a leading zero, a point or exponent.
    @inline(__always)
    private func needsCare(_ bytes: RawSpan, from first: Int, _ value: UInt64, _ kind: FieldKind) -> Bool {
        let count = position &- first
        guard count > 0, value <= (kind.is32Bit ? UInt64(Int32.max) : UInt64(Int64.max)) else { return true }
        if count > 1, bytes.byte(first) == UInt8(ascii: "0") { return true }
        let next = peek(bytes)
        let isDigit = next &- UInt8(ascii: "0") < 10
        return isDigit || next == UInt8(ascii: ".") || next | 0x20 == UInt8(ascii: "e")
    }

    private mutating func carefulWhole(
        _ bytes: RawSpan,
        _ kind: FieldKind,
        from start: Int
    ) throws(ParseFailure) -> UInt64 {
        guard let number = DecimalNumber(bytes, position..<bytes.byteCount) else {
            throw ParseFailure(offset: start, reason: "expected a whole number")
        }
        position = number.end
        guard let bits = number.bits(of: kind) else {
            throw ParseFailure(offset: start, reason: "the number is out of range or not whole")
        }
        return bits
    }

    private mutating func double(_ bytes: RawSpan) throws(ParseFailure) -> Double {
        let start = position
        let isQuoted = peek(bytes) == UInt8(ascii: "\"")
        if isQuoted {
            if let special = specialDouble(bytes) { return special }
            position += 1
        }
        let first = position
        guard let number = DecimalNumber(bytes, first..<bytes.byteCount) else {
            throw ParseFailure(offset: start, reason: "expected a number")
        }
        position = number.end
        if isQuoted {
            guard peek(bytes) == UInt8(ascii: "\"") else {
                throw ParseFailure(offset: start, reason: "expected a number")
            }
            position += 1
        }
        guard let value = number.double(bytes, from: first) else {
            throw ParseFailure(offset: start, reason: "the number is out of range")
        }
        return value
    }

    private mutating func specialDouble(_ bytes: RawSpan) -> Double? {
        for (text, value) in Self.specialDoubles {
            if (try? literal(text, bytes)) != nil { return value }
        }
        return nil
    }

    private static var specialDoubles: [(StaticString, Double)] {
        [("\"NaN\"", .nan), ("\"Infinity\"", .infinity), ("\"-Infinity\"", -.infinity)]
    }
}

extension DecimalNumber {
    /// The number as the 64 bits a field of some kind holds; `nil` if it does not fit.
    func bits(of kind: FieldKind) -> UInt64? {
        switch kind {
        case .int32, .sint32, .enumeration:
            integer.flatMap(Int32.init(exactly:)).map { UInt64(bitPattern: Int64($0)) }
        case .int64, .sfixed64: integer.map { UInt64(bitPattern: $0) }
        case .uint32, .fixed32: unsigned.flatMap(UInt32.init(exactly:)).map(UInt64.init)
        default: unsigned
        }
    }

    private var unsigned: UInt64? { magnitude.flatMap { isNegative && $0 != 0 ? nil : $0 } }
}

extension FieldKind {
    var is32Bit: Bool {
        switch self {
        case .int32, .sint32, .uint32, .fixed32, .enumeration: true
        default: false
        }
    }
}
