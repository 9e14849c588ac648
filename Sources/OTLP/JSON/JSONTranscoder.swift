// SPDX-License-Identifier: Apache-2.0

import JSON

/// Converts an OTLP/JSON request to protobuf in one pass, using the schema table.
///
/// All later stages then see one format. It is lenient where clients differ: snake_case names, numbers as strings, enum names,
/// `null` anywhere, unpadded base64. Invalid UTF-8 is repaired. Of duplicate keys the last one counts.
struct JSONTranscoder: ~Copyable {
    private let table = Schema.otlp.fields
    private var sink: ByteSink
    var position = 0
    private var notes = OTLPNotes()
    private let memory: ReadingMemory
    /// The size of the sink for which memory is reserved.
    private var paid = 0
    /// How many bytes may still be scanned to remove values of duplicate keys; keeps hostile bodies linear.
    private var removalBudget: Int

    static func transcode(
        _ json: [UInt8],
        _ signal: Signal,
        _ allowance: (any MemoryAllowance)? = nil
    ) throws(OTLPError) -> (protobuf: [UInt8], notes: OTLPNotes) {
        guard json.count < Wire.maximumBatchSize else {
            throw OTLPError(offset: 0, path: "", reason: "the request is larger than 2 GiB")
        }
        let memory = ReadingMemory(allowance)
        var (json, invalidSequences) = (json, 0)
        do throws(ParseFailure) {
            if (try? UTF8Span(validating: json.span)) == nil {
                (json, invalidSequences) = try repaired(json, memory)
            }
            let capacity = json.count * 5 / 8 + 64
            try memory.take(capacity)
            var transcoder = JSONTranscoder(size: json.count, capacity: capacity, memory)
            transcoder.notes.invalidSequences = invalidSequences
            try transcoder.request(json.span.bytes, Schema.otlp.fieldIndices(.request(signal)))
            let notes = transcoder.notes
            return (try transcoder.finish(), notes)
        } catch {
            throw OTLPError(error) { FieldPath.inJSON(json, offset: $0) }
        }
    }

    /// The text with U+FFFD, which has three bytes, in place of invalid UTF-8.
    private static func repaired(
        _ json: [UInt8],
        _ memory: ReadingMemory
    ) throws(ParseFailure) -> (json: [UInt8], invalidSequences: Int) {
        let invalidSequences = json.span.bytes.invalidSequences
        let most = json.count + 2 * invalidSequences
        // The text is built in a buffer that doubles its size, and copied once more.
        try memory.take(3 * most)
        let json = Array(String(decoding: json, as: UTF8.self).utf8)
        memory.give(2 * most)
        return (json, invalidSequences)
    }

    private init(size: Int, capacity: Int, _ memory: ReadingMemory) {
        // Protobuf is about half the size of the JSON it came from.
        sink = ByteSink(capacity: capacity)
        self.memory = memory
        paid = capacity
        removalBudget = size * 64 + 4096
    }

    /// Reserves memory for the growth of the sink; a single value of the request makes it grow by its own length at most.
    @inline(__always)
    private mutating func pay() throws(ParseFailure) {
        if sink.capacity > paid { try payMore() }
    }

    @inline(never)
    private mutating func payMore() throws(ParseFailure) {
        try memory.take(sink.capacity - paid)
        paid = sink.capacity
    }

    /// The request as an array, in place of the sink.
    private consuming func finish() throws(ParseFailure) -> [UInt8] {
        try pay()
        try memory.take(sink.count)
        let bytes = sink.finish()
        memory.give(paid)
        return bytes
    }

    private mutating func request(_ bytes: RawSpan, _ fields: Range<Int>) throws(ParseFailure) {
        let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
        if bytes.isEqual(at: 0, to: byteOrderMark.span.bytes, at: 0, count: 3) { position = 3 }
        try message(bytes, fields, depth: 1)
        skipWhitespace(bytes)
        guard position == bytes.byteCount else { throw failure("something follows the end of the request") }
    }

    /// Reads an object and writes its known fields; the caller writes its length.
    private mutating func message(
        _ bytes: RawSpan,
        _ fields: Range<Int>,
        depth: Int
    ) throws(ParseFailure) {
        guard depth <= Wire.maximumDepth else { throw failure("messages are nested deeper than 100 levels") }
        try expect(UInt8(ascii: "{"), bytes, "expected an object")
        guard try !closes(UInt8(ascii: "}"), bytes) else { return }
        let start = sink.count
        var next = fields.lowerBound
        var seen: UInt32 = 0
        repeat {
            guard let index = try field(bytes, fields, &next) else {
                try skipValue(bytes, depth: depth)
                continue
            }
            if seen & table[index].bit != 0 { try removeField(table[index].number, from: start) }
            seen |= table[index].bit
            try pay()
            if peek(bytes) == UInt8(ascii: "n") {
                try literal("null", bytes)
            } else if table[index].isRepeated {
                try array(bytes, index, depth: depth)
            } else {
                try single(bytes, index, depth: depth)
            }
        } while try continues(UInt8(ascii: "}"), bytes)
    }

    /// Reads a key; returns its field, or `nil` for an unknown one.
    @inline(__always)
    private mutating func field(_ bytes: RawSpan, _ fields: Range<Int>, _ next: inout Int) throws(ParseFailure) -> Int?
    {
        if let index = expected(bytes, fields, &next) { return index }
        let name = try key(bytes)
        let index = match(name, fields, &next)
        if index == nil, FieldName.stringIndexes.contains(name) { notes.stringIndexes += 1 }
        if let index, table[index].camelCase != name { notes.snakeCaseNames += 1 }
        return index
    }

    /// Skips the name of the field that follows the last one in the table, in its usual spelling; `nil`, with nothing read, for any
    /// other text.
    @inline(__always)
    private mutating func expected(_ bytes: RawSpan, _ fields: Range<Int>, _ next: inout Int) -> Int? {
        var index = next
        while index < fields.upperBound {
            if table[index].label.follows(position &- 1, in: bytes) {
                position &+= table[index].label.length &- 1
                skipWhitespace(bytes)
                next = index &+ 1 == fields.upperBound ? fields.lowerBound : index &+ 1
                return index
            }
            index &+= 1
        }
        return nil
    }

    /// Senders write fields in the order of the table, so the search begins after the last one.
    @inline(never)
    private func match(
        _ name: FieldName,
        _ fields: Range<Int>,
        _ next: inout Int
    ) -> Int? {
        var index = next
        repeat {
            let following = index &+ 1 == fields.upperBound ? fields.lowerBound : index &+ 1
            if table[index].camelCase == name || table[index].snakeCase == name {
                next = following
                return index
            }
            index = following
        } while index != next
        return nil
    }

    private mutating func key(_ bytes: RawSpan) throws(ParseFailure) -> FieldName {
        skipWhitespace(bytes)
        let token = try string(bytes, "expected a key")
        try expect(UInt8(ascii: ":"), bytes, "expected a colon")
        skipWhitespace(bytes)
        guard token.isEscaped else { return FieldName(bytes, token.range) }
        let text = try unescaped(bytes, token)
        defer { memory.give(2 * token.range.count) }
        return FieldName(text)
    }

    private mutating func array(
        _ bytes: RawSpan,
        _ index: Int,
        depth: Int
    ) throws(ParseFailure) {
        try expect(UInt8(ascii: "["), bytes, "expected an array")
        guard try !closes(UInt8(ascii: "]"), bytes) else { return }
        let start = sink.count
        let isPacked = table[index].isPacked
        if isPacked { sink.varint(UInt64(table[index].tag)) }
        let packed = isPacked ? sink.openLength() : 0
        repeat {
            skipWhitespace(bytes)
            try pay()
            if peek(bytes) == UInt8(ascii: "n") {
                try literal("null", bytes)
                // An empty value is written to keep the positions of those after it.
                if table[index].kind == .message, table[index].message == .anyValue { emptyMessage(table[index].tag) }
            } else if table[index].kind == .message {
                if table[index].message == .keyValue, depth < Wire.maximumDepth - 1,
                    plainAttribute(bytes, table[index].tag)
                {
                    continue
                }
                try subMessage(bytes, index, depth: depth)
            } else if isPacked {
                try packedElement(bytes, table[index].kind)
            } else {
                try text(bytes, table[index].tag, keepsEmpty: true)
            }
        } while try continues(UInt8(ascii: "]"), bytes)
        guard isPacked else { return }
        if sink.count == packed { sink.truncate(to: start) } else { sink.closeLength(from: packed) }
    }

    private mutating func emptyMessage(_ tag: UInt32) {
        sink.varint(UInt64(tag))
        sink.append(0)
    }

    @inline(__always)
    mutating func subMessage(
        _ bytes: RawSpan,
        _ index: Int,
        depth: Int
    ) throws(ParseFailure) {
        sink.varint(UInt64(table[index].tag))
        let start = sink.openLength()
        try message(bytes, table[index].members, depth: depth &+ 1)
        sink.closeLength(from: start)
    }

    /// Removes the values that earlier duplicates of a key have written.
    private mutating func removeField(_ number: UInt32, from start: Int) throws(ParseFailure) {
        removalBudget -= sink.count - start
        guard removalBudget >= 0 else { throw failure("too many keys are repeated") }
        try memory.take(sink.count - start)
        let written = [UInt8](sink.bytes[start...])
        defer { memory.give(written.count) }
        let bytes = written.span.bytes
        sink.truncate(to: start)
        var cursor = WireCursor(0..<written.count)
        while !cursor.atEnd {
            let fieldStart = cursor.position
            let tag = try cursor.tag(bytes)
            try cursor.skip(tag, bytes)
            if tag >> 3 != number { sink.append(bytes.extracting(fieldStart..<cursor.position)) }
        }
    }
}

// MARK: - Attributes

extension JSONTranscoder {
    /// Transcodes an attribute in its most frequent form: `{"key":"…","value":{"stringValue":"…"}}` or with an
    /// integer, without escapes and spaces; `false`, with nothing read, for any other form.
    ///
    /// Attributes are four fifths of a body; knowing the lengths in advance doubles the total speed.
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

    /// Up to nineteen digits, with or without quotes.
    @inline(__always)
    private mutating func plainInteger(_ bytes: RawSpan, _ tag: UInt32, _ key: Range<Int>, from start: Int) -> Bool {
        let isQuoted = bytes.byte(start) == UInt8(ascii: "\"")
        let first = isQuoted ? start &+ 1 : start
        let (value, end) = bytes.shortNumber(first)
        guard end > first, end &+ 4 <= bytes.byteCount, value <= UInt64(Int64.max) else { return false }
        if end > first &+ 1, bytes.byte(first) == UInt8(ascii: "0") { return false }
        // The value's closing quote, if it has one, and the two braces.
        let closing = bytes.half(end) & (isQuoted ? 0xff_ffff : 0xffff)
        guard closing == (isQuoted ? 0x7d_7d22 : 0x7d7d) else { return false }
        beginAttribute(bytes, tag, key, valueSize: 1 &+ Wire.varintLength(value))
        sink.put(UInt8(truncatingIfNeeded: Tag.AnyValue.int))
        sink.putVarint(value)
        position = end &+ (isQuoted ? 3 : 2)
        return true
    }

    /// Writes everything before the value: the field, the key, and the length of the AnyValue, and reserves room for it.
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

    /// Parts of the form above as little-endian words.
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
    /// Four bytes, the first one lowest; the caller has checked that they exist.
    @inline(__always)
    fileprivate func half(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
    }

    /// The number of up to nineteen digits, which cannot overflow, and the position after them.
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

// MARK: - Scalars

extension JSONTranscoder {
    /// Writes a field that is not repeated; zero values only when the field has presence.
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

    /// Writes a number, usually a time.
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
        // One agent sends `{"doubleValue":{}}` for a missing value.
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

    private mutating func packedElement(_ bytes: RawSpan, _ kind: FieldKind) throws(ParseFailure) {
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

    /// The number of an enum value given by name; `nil` if it is not a name, including digits in quotes.
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

    /// A whole number in the range of its type, as the 64 bits to write; with or without quotes.
    @inline(__always)
    private mutating func whole(_ bytes: RawSpan, _ kind: FieldKind) throws(ParseFailure) -> UInt64 {
        let start = position
        let isQuoted = peek(bytes) == UInt8(ascii: "\"")
        if isQuoted { position &+= 1 }
        let first = position
        // Nineteen digits, the length of times, cannot overflow; anything else is parsed by the general function.
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

    /// Whether the digits read so far may not be the whole number: none, too many, a leading zero, a point or exponent.
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
    /// The number as the 64 bits of a field type; `nil` if it does not fit.
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

// MARK: - Strings

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

    /// Checks the escapes of a skipped text.
    private mutating func checkEscapes(_ bytes: RawSpan, _ token: StringToken) throws(ParseFailure) {
        let start = sink.count
        try Self.unescape(bytes, token.range, into: &sink)
        sink.truncate(to: start)
    }

    /// The text of a token with its escapes resolved; the caller releases its memory, twice the length of the token.
    private func unescaped(_ bytes: RawSpan, _ token: StringToken) throws(ParseFailure) -> [UInt8] {
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
        let sign = position + 1 < end ? bytes.byte(position + 1) : 0
        if sign == UInt8(ascii: "u") { return try unicodeEscape(bytes, &position, end, &sink) }
        guard let byte = JSONEscapes.byte(of: sign) else {
            throw ParseFailure(offset: position, reason: "the escape sequence is unknown")
        }
        sink.append(byte)
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
        let (scalar, isPair) = JSONEscapes.scalar(unit, codeUnit(bytes, position, end))
        if isPair { position += 6 }
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { sink.append(byte) }
    }

    /// The number in `\uXXXX`.
    private static func codeUnit(_ bytes: RawSpan, _ position: Int, _ end: Int) -> UInt16? {
        guard position + 6 <= end,
            bytes.byte(position) == UInt8(ascii: "\\"),
            bytes.byte(position + 1) == UInt8(ascii: "u")
        else { return nil }
        var value: UInt16 = 0
        for index in position + 2..<position + 6 {
            guard let digit = Hex.value(bytes.byte(index)) else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    /// Writes a trace or span id; an empty one counts as missing.
    ///
    /// An invalid id becomes one of a single byte: the index rejects that record because of its length and keeps the others.
    private mutating func identifier(_ bytes: RawSpan, _ tag: UInt32) throws(ParseFailure) {
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
    private mutating func base64(_ bytes: RawSpan, _ tag: UInt32) throws(ParseFailure) {
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

// MARK: - Tokens

/// A string literal: what is between its quotes, and whether that contains escapes.
struct StringToken {
    var range: Range<Int>
    var isEscaped: Bool
}

extension JSONTranscoder {
    private func failure(_ reason: StaticString) -> ParseFailure { ParseFailure(offset: position, reason: reason) }

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

    /// Whether an object or array that was just opened is empty; skips its closing bracket.
    private mutating func closes(_ end: UInt8, _ bytes: RawSpan) throws(ParseFailure) -> Bool {
        skipWhitespace(bytes)
        guard peek(bytes) == end else { return false }
        position &+= 1
        return true
    }

    /// Whether another member follows; skips the comma or the closing bracket.
    @inline(__always)
    mutating func continues(_ end: UInt8, _ bytes: RawSpan) throws(ParseFailure) -> Bool {
        skipWhitespace(bytes)
        let byte = peek(bytes)
        guard byte == UInt8(ascii: ",") || byte == end else { throw failure("expected a comma or the end") }
        position &+= 1
        return byte != end
    }

    private mutating func literal(_ text: StaticString, _ bytes: RawSpan) throws(ParseFailure) {
        let count = text.utf8CodeUnitCount
        let isThere = text.withUTF8Buffer { bytes.isEqual(at: position, to: $0.span.bytes, at: 0, count: count) }
        guard isThere else { throw failure("expected a value") }
        position &+= count
    }

    /// Reads a string literal, eight bytes at a time (the SWAR test is exact for the first match).
    private mutating func string(
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

    /// Skips an unknown value and checks its grammar.
    private mutating func skipValue(_ bytes: RawSpan, depth: Int) throws(ParseFailure) {
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
