// SPDX-License-Identifier: Apache-2.0

/// Checks, by the wire table, the parts of a request that the index does not keep: events, exemplars, nested values.
///
/// So a batch that was accepted is well-formed throughout, and writing it as JSON later cannot fail.
struct WireChecker: Sendable {
    private let schema = Schema.otlp

    /// Steps over one field of a message and checks it; unknown fields of any wire type pass.
    @inline(never)
    func field(
        _ tag: UInt32,
        _ cursor: inout WireCursor,
        _ bytes: RawSpan,
        in message: MessageID,
        depth: Int
    ) throws(ParseFailure) {
        guard let index = schema.field(number: tag >> 3, in: message) else {
            return try cursor.skip(tag, bytes, depth: depth)
        }
        let field = schema.fields[index]
        let start = cursor.position
        if field.kind == .message, tag & 7 == Wire.length {
            return try self.message(field.message, try cursor.lengthDelimited(bytes), bytes, depth: depth + 1)
        }
        if tag & 7 == field.kind.wireType { return try cursor.skip(tag, bytes) }
        guard field.isPacked, tag & 7 == Wire.length else {
            throw ParseFailure(offset: start, reason: "the field has the wrong wire type")
        }
        var packed = WireCursor(try cursor.lengthDelimited(bytes))
        while !packed.atEnd { try packed.skip(field.kind.wireType, bytes) }
    }

    /// Checks every field of a message.
    func message(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan, depth: Int) throws(ParseFailure) {
        guard depth <= Wire.maximumDepth else {
            throw ParseFailure(offset: body.lowerBound, reason: "messages are nested deeper than 100 levels")
        }
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let tag = try cursor.tag(bytes)
            try field(tag, &cursor, bytes, in: message, depth: depth)
        }
    }
}
