// SPDX-License-Identifier: Apache-2.0

/// Checks, with the schema table, the parts of a request that the index does not contain: events, exemplars, nested values.
///
/// So an accepted batch is well-formed throughout, and converting it to JSON later cannot fail.
struct WireChecker: Sendable {
    private let schema = Schema.otlp
    /// The deviations found here and by the index.
    var notes = OTLPNotes()
    var memory = ReadingMemory(nil)
    private var messages = 0
    /// The number of messages for which memory is reserved.
    private var paidMessages = 64

    /// The memory of a message inside a record when an event or link of it is dropped or rewritten later.
    private static let messageCost = 64

    /// Skips one field of a message and checks it; unknown fields of any wire type are accepted.
    @inline(never)
    mutating func field(
        _ tag: UInt32,
        _ cursor: inout WireCursor,
        _ bytes: RawSpan,
        in message: MessageID,
        depth: Int
    ) throws(ParseFailure) {
        guard let index = schema.field(number: tag >> 3, in: message) else {
            if message.isStringIndex(tag) { notes.stringIndexes += 1 }
            return try cursor.skip(tag, bytes, depth: depth)
        }
        let field = schema.fields[index]
        let start = cursor.position
        if field.kind == .message, tag & 7 == Wire.length {
            return try self.message(field.message, try cursor.lengthDelimited(bytes), bytes, depth: depth + 1)
        }
        if field.kind == .string, tag & 7 == Wire.length {
            return notes.inspect(bytes, try cursor.lengthDelimited(bytes))
        }
        if tag & 7 == field.kind.wireType { return try cursor.skip(tag, bytes) }
        guard field.isPacked, tag & 7 == Wire.length else {
            throw ParseFailure(offset: start, reason: "the field has the wrong wire type")
        }
        var packed = WireCursor(try cursor.lengthDelimited(bytes))
        while !packed.atEnd { try packed.skip(field.kind.wireType, bytes) }
    }

    /// Reserves memory for as many messages again.
    @inline(never)
    private mutating func pay() throws(ParseFailure) {
        try memory.take(paidMessages * Self.messageCost)
        paidMessages *= 2
    }

    /// Checks every field of a message.
    mutating func message(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan, depth: Int) throws(ParseFailure) {
        guard depth <= Wire.maximumDepth else {
            throw ParseFailure(offset: body.lowerBound, reason: "messages are nested deeper than 100 levels")
        }
        messages &+= 1
        if messages > paidMessages { try pay() }
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let tag = try cursor.tag(bytes)
            try field(tag, &cursor, bytes, in: message, depth: depth)
        }
    }
}

extension MessageID {
    /// Whether a tag is that of `key_strindex` or `string_value_strindex`.
    fileprivate func isStringIndex(_ tag: UInt32) -> Bool {
        self == .keyValue && tag == Tag.KeyValue.keyIndex || self == .anyValue && tag == Tag.AnyValue.stringIndex
    }
}
