// SPDX-License-Identifier: Apache-2.0

/// Writes OTLP/JSON: camelCase names, 64-bit integers as strings, ids in hex, enums as numbers, defaults left out.
///
/// A writer can be used again and again: `removeAll` keeps its memory. Fields this program does not know have no JSON
/// name and are skipped.
public struct OTLPJSONWriter: ~Copyable, Sendable {
    let schema = Schema.otlp
    var sink = ByteSink(capacity: 256)
    /// Whether messages are put in order before they are written; see `whole`.
    private var putsInOrder = false

    /// Creates an empty writer.
    public init() {}

    /// How many bytes are written so far.
    public var count: Int { sink.count }

    /// The text so far, as a copy.
    public var text: [UInt8] { sink.finish() }

    /// The finished text.
    public consuming func finish() -> [UInt8] { sink.finish() }

    /// Forgets the text and keeps the memory.
    public mutating func removeAll() { sink.truncate(to: 0) }

    /// Lends the text so far, without a copy.
    public func withBytes<Result>(_ read: (RawSpan) throws -> Result) rethrows -> Result { try read(sink.bytes.bytes) }

    /// Adds the text so far to the end of a buffer.
    public func append(to buffer: inout [UInt8]) { buffer.append(contentsOf: sink.bytes) }

    /// Writes a byte of the caller's, such as a line feed or comma between records.
    public mutating func append(_ byte: UInt8) { sink.append(byte) }

    /// Writes a whole request, changes included, as one JSON object.
    public mutating func writeRequest(_ batch: OTLPBatch) {
        let bytes = batch.encoded()
        sink.reserve(bytes.count * 2)
        whole(.request(batch.signal), 0..<bytes.count, bytes.span.bytes, depth: 1)
    }

    /// Writes one record, changes included, as one JSON object: a span, log record or data point, without what is around it.
    public mutating func writeRecord(_ index: Int, of batch: OTLPBatch) {
        let record = batch.records[index]
        let id = batch.messageID(of: record)
        if batch.hasChanges(record: index) {
            let body = OverlaySplicer.body(ofRecord: index, in: batch)
            whole(id, 0..<body.count, body.span.bytes, depth: 4)
        } else {
            whole(id, record.message.range, batch.bytes.span.bytes, depth: 4)
        }
    }

    /// Writes a message that no other is around.
    ///
    /// JSON can be written in the order of the bytes if the values of a field follow each other and a field that is not
    /// repeated comes once, as with every known sender. Should one be otherwise, it is all written again with care.
    mutating func whole(_ id: MessageID, _ body: Range<Int>, _ bytes: RawSpan, depth: Int) {
        let start = sink.count
        if message(id, body, bytes, depth: depth) { return }
        sink.truncate(to: start)
        putsInOrder = true
        _ = message(id, body, bytes, depth: depth)
        putsInOrder = false
    }

    /// Writes a message; `false` if its fields do not come in an order in which it can be.
    @inline(__always)
    mutating func message(_ id: MessageID, _ body: Range<Int>, _ bytes: RawSpan, depth: Int) -> Bool {
        let start = sink.count
        if putsInOrder, !FieldOrder.isCanonical(id, body, bytes) {
            let ordered = FieldOrder.canonical(id, body, bytes)
            guard fields(of: id, 0..<ordered.count, ordered.span.bytes, depth: depth) else { return false }
        } else {
            guard fields(of: id, body, bytes, depth: depth) else { return false }
        }
        if sink.count == start { sink.append("{") } else { sink.setByte(at: start, to: UInt8(ascii: "{")) }
        sink.append(UInt8(ascii: "}"))
        return true
    }

    /// Writes the members of an object, a comma before each.
    private mutating func fields(of id: MessageID, _ body: Range<Int>, _ bytes: RawSpan, depth: Int) -> Bool {
        guard depth <= Wire.maximumDepth else { return true }
        var cursor = WireCursor(body)
        var seen: UInt32 = 0
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { return true }
            guard let index = schema.field(number: tag >> 3, in: id) else {
                guard (try? cursor.skip(tag, bytes)) != nil else { return true }
                continue
            }
            guard seen & schema.fields[index].excluded == 0 else { return false }
            seen |= schema.fields[index].bit
            if schema.fields[index].isRepeated {
                guard list(index, of: id, tag, &cursor, bytes, depth: depth) else { return false }
            } else {
                guard single(index, tag, &cursor, bytes, depth: depth) else { return false }
            }
        }
        return true
    }

    @inline(__always)
    private mutating func single(
        _ index: Int,
        _ tag: UInt32,
        _ cursor: inout WireCursor,
        _ bytes: RawSpan,
        depth: Int
    ) -> Bool {
        sink.reserve(64)
        let start = sink.count
        sink.put(schema.fields[index].label)
        let kind = schema.fields[index].kind
        guard tag & 7 == Wire.length else {
            let value = number(kind, tag, &cursor, bytes)
            if value == 0, !schema.fields[index].hasPresence { sink.truncate(to: start) }
            return true
        }
        guard let range = try? cursor.lengthDelimited(bytes) else {
            sink.truncate(to: start)
            return true
        }
        if kind == .message { return message(schema.fields[index].message, range, bytes, depth: depth &+ 1) }
        // An id of no length is as good as none.
        if range.isEmpty, !schema.fields[index].hasPresence {
            sink.truncate(to: start)
        } else {
            text(kind, bytes, range)
        }
        return true
    }

    /// Writes the values of a field that follow each other as an array.
    @inline(__always)
    private mutating func list(
        _ index: Int,
        of id: MessageID,
        _ tag: UInt32,
        _ cursor: inout WireCursor,
        _ bytes: RawSpan,
        depth: Int
    ) -> Bool {
        sink.reserve(64)
        sink.put(schema.fields[index].label)
        let start = sink.count
        var next: UInt32? = tag
        while let tag = next {
            guard element(index, tag, &cursor, bytes, depth: depth) else { return false }
            next = another(index, of: id, &cursor, bytes)
        }
        // The first comma makes room for the bracket.
        if sink.count == start { sink.append("[") } else { sink.setByte(at: start, to: UInt8(ascii: "[")) }
        sink.append(UInt8(ascii: "]"))
        return true
    }

    /// The tag of another value of the same field if one follows; fields nobody knows may lie between.
    @inline(__always)
    private func another(_ index: Int, of id: MessageID, _ cursor: inout WireCursor, _ bytes: RawSpan) -> UInt32? {
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(bytes) else { return nil }
            let found = schema.field(number: tag >> 3, in: id)
            if found == index { return tag }
            guard found == nil, (try? cursor.skip(tag, bytes)) != nil else {
                cursor.position = start
                return nil
            }
        }
        return nil
    }

    /// Writes one value of an array, or the values of a packed field, a comma before each.
    @inline(__always)
    private mutating func element(
        _ index: Int,
        _ tag: UInt32,
        _ cursor: inout WireCursor,
        _ bytes: RawSpan,
        depth: Int
    ) -> Bool {
        let kind = schema.fields[index].kind
        guard tag & 7 == Wire.length else {
            sink.append(UInt8(ascii: ","))
            _ = number(kind, tag, &cursor, bytes)
            return true
        }
        guard let range = try? cursor.lengthDelimited(bytes) else { return true }
        guard !kind.isPackable else {
            var packed = WireCursor(range)
            while !packed.atEnd {
                sink.append(UInt8(ascii: ","))
                _ = number(kind, kind.wireType, &packed, bytes)
            }
            return true
        }
        sink.append(UInt8(ascii: ","))
        guard kind == .message else {
            text(kind, bytes, range)
            return true
        }
        let id = schema.fields[index].message
        if id == .keyValue, depth < Wire.maximumDepth &- 1, plainAttribute(bytes, range) { return true }
        return message(id, range, bytes, depth: depth &+ 1)
    }
}
