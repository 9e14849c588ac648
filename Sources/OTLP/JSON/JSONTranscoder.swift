// SPDX-License-Identifier: Apache-2.0

/// Turns an OTLP/JSON request into protobuf in one pass, driven by the wire table.
///
/// Everything behind it then sees one format. Deliberately lenient where clients differ: snake_case names, numbers as
/// strings, enum names, `null` anywhere, unpadded base64. Invalid UTF-8 is repaired. Of equal keys the last one counts.
struct JSONTranscoder {
    /// The wire table, borrowed for the life of the transcoder: as an array it would count references for every field.
    let table: UnsafeBufferPointer<FieldSchema>
    var sink: ByteSink
    var position = 0
    /// How many bytes may still be walked to take out values of repeated keys; keeps hostile bodies linear.
    private var removalBudget: Int

    static func protobuf(signal: Signal, json: [UInt8]) throws(OTLPError) -> [UInt8] {
        guard json.count < Wire.maximumBatchSize else {
            throw OTLPError(offset: 0, path: "", reason: "the request is larger than 2 GiB")
        }
        let isValid = (try? UTF8Span(validating: json.span)) != nil
        let json = isValid ? json : Array(String(decoding: json, as: UTF8.self).utf8)
        let schema = Schema.otlp
        do throws(ParseFailure) {
            return try schema.fields.withUnsafeBufferPointer { table throws(ParseFailure) in
                var transcoder = JSONTranscoder(table: table, size: json.count)
                try transcoder.request(json.span.bytes, schema.fieldIndices(.request(signal)))
                return transcoder.sink.finish()
            }
        } catch {
            let path = FieldPath.inJSON(json, offset: error.offset)
            throw OTLPError(offset: error.offset, path: path, reason: error.reason.description)
        }
    }

    private init(table: UnsafeBufferPointer<FieldSchema>, size: Int) {
        self.table = table
        // Protobuf is about half the size of the JSON it came from.
        sink = ByteSink(capacity: size * 5 / 8 + 64)
        removalBudget = size * 64 + 4096
    }

    private mutating func request(_ bytes: RawSpan, _ fields: Range<Int>) throws(ParseFailure) {
        let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]
        if bytes.isEqual(at: 0, to: byteOrderMark.span.bytes, at: 0, count: 3) { position = 3 }
        try message(bytes, fields, depth: 1)
        skipWhitespace(bytes)
        guard position == bytes.byteCount else { throw failure("something follows the end of the request") }
    }

    /// Reads an object and writes its known fields; the length in front is the caller's.
    mutating func message(
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
            guard let index = match(try key(bytes), fields, &next) else {
                try skipValue(bytes, depth: depth)
                continue
            }
            let bit: UInt32 = 1 << UInt32(truncatingIfNeeded: index &- fields.lowerBound)
            if seen & bit != 0 { try removeField(table[index].number, from: start) }
            seen |= bit
            if peek(bytes) == UInt8(ascii: "n") {
                try literal("null", bytes)
            } else if table[index].isRepeated {
                try array(bytes, index, depth: depth)
            } else {
                try single(bytes, index, depth: depth)
            }
        } while try continues(UInt8(ascii: "}"), bytes)
    }

    /// Senders keep the order of the table, so the search begins behind the field found last.
    @inline(__always)
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
        return FieldName(try unescaped(bytes, token))
    }

    private mutating func array(
        _ bytes: RawSpan,
        _ index: Int,
        depth: Int
    ) throws(ParseFailure) {
        let field = table[index]
        try expect(UInt8(ascii: "["), bytes, "expected an array")
        guard try !closes(UInt8(ascii: "]"), bytes) else { return }
        let start = sink.count
        if field.isPacked { sink.varint(UInt64(field.tag)) }
        let packed = field.isPacked ? sink.openLength() : 0
        repeat {
            skipWhitespace(bytes)
            if peek(bytes) == UInt8(ascii: "n") {
                try literal("null", bytes)
                // An empty value keeps the places of those after it.
                if field.message == .anyValue, field.kind == .message { emptyMessage(field) }
            } else if field.kind == .message {
                if field.message == .keyValue, depth < Wire.maximumDepth - 1, plainAttribute(bytes, field.tag) {
                    continue
                }
                try subMessage(bytes, index, depth: depth)
            } else if field.isPacked {
                try packedElement(bytes, field.kind)
            } else {
                try text(bytes, field.tag, keepsEmpty: true)
            }
        } while try continues(UInt8(ascii: "]"), bytes)
        guard field.isPacked else { return }
        if sink.count == packed { sink.truncate(to: start) } else { sink.closeLength(from: packed) }
    }

    private mutating func emptyMessage(_ field: FieldSchema) {
        sink.varint(UInt64(field.tag))
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

    /// Takes out what earlier values of a key have written.
    private mutating func removeField(_ number: UInt32, from start: Int) throws(ParseFailure) {
        removalBudget -= sink.count - start
        guard removalBudget >= 0 else { throw failure("too many keys are repeated") }
        let written = Array(sink[start..<sink.count])
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
