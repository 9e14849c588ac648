// SPDX-License-Identifier: Apache-2.0

/// Turns an OTLP/JSON request into protobuf in one pass, driven by the wire table.
///
/// Everything behind it then sees one format. Deliberately lenient where clients differ: snake_case names, numbers as
/// strings, enum names, `null` anywhere, unpadded base64. Invalid UTF-8 is repaired. Of equal keys the last one counts.
struct JSONTranscoder: ~Copyable {
    let table = Schema.otlp.fields
    var sink: ByteSink
    var position = 0
    private var notes = OTLPNotes()
    let memory: ReadingMemory
    /// For how large a sink memory was taken.
    private var paid = 0
    /// How many bytes may still be walked to take out values of repeated keys; keeps hostile bodies linear.
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

    /// The text with U+FFFD, which has three bytes, in place of what is no UTF-8.
    private static func repaired(
        _ json: [UInt8],
        _ memory: ReadingMemory
    ) throws(ParseFailure) -> (json: [UInt8], invalidSequences: Int) {
        let invalidSequences = json.span.bytes.invalidSequences
        let most = json.count + 2 * invalidSequences
        // The text is made in a buffer that doubles, and copied once more.
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

    /// Takes memory for what the sink has grown to since; a single value of the request lets it grow by its own length at most.
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

    /// Reads a key; the field it names, or `nil` if none.
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

    /// Steps over the name of a field that comes behind the one found last, spelt as everyone does; `nil`, with nothing
    /// read, if it is none.
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

    /// Senders keep the order of the table, so the search begins behind the field found last.
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
                // An empty value keeps the places of those after it.
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

    /// Takes out what earlier values of a key have written.
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
