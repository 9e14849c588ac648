// SPDX-License-Identifier: Apache-2.0

/// Writes OTLP/JSON: camelCase names, 64-bit integers as strings, ids in hex, enums as numbers, defaults left out.
///
/// A writer can be reused: `removeAll` keeps its memory. Unknown fields have no JSON name and are skipped.
public struct OTLPJSONWriter: ~Copyable, Sendable {
    private let schema = Schema.otlp
    private var sink = ByteSink(capacity: 256)
    /// Whether the fields of messages are sorted before they are written; see `whole`.
    private var putsInOrder = false

    /// Creates an empty writer.
    public init() {}

    /// The number of bytes written so far.
    public var count: Int { sink.count }

    /// The text so far, as a copy.
    public var text: [UInt8] { sink.finish() }

    /// The finished text.
    public consuming func finish() -> [UInt8] { sink.finish() }

    /// Removes the text and keeps the memory.
    public mutating func removeAll() { sink.truncate(to: 0) }

    /// Calls `read` with the text so far, without a copy.
    public func withBytes<Result>(_ read: (RawSpan) throws -> Result) rethrows -> Result { try read(sink.bytes.bytes) }

    /// Adds the text so far to the end of a buffer.
    public func append(to buffer: inout [UInt8]) { buffer.append(contentsOf: sink.bytes) }

    /// Writes a whole request, including changes, as one JSON object.
    public mutating func writeRequest(_ batch: OTLPBatch) {
        let bytes = batch.encoded()
        sink.reserve(bytes.count * 2)
        whole(.request(batch.signal), 0..<bytes.count, bytes.span.bytes, depth: 1)
    }

    /// Writes one record, including changes, as one JSON object: a span, log record or data point, without resource and scope.
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

    /// Writes a message that is not inside another.
    ///
    /// The bytes can be converted in order if the values of a field follow each other and a field that is not
    /// repeated occurs once, as from every known sender. Otherwise the message is written again with sorted fields.
    private mutating func whole(_ id: MessageID, _ body: Range<Int>, _ bytes: RawSpan, depth: Int) {
        let start = sink.count
        if message(id, body, bytes, depth: depth) { return }
        sink.truncate(to: start)
        putsInOrder = true
        _ = message(id, body, bytes, depth: depth)
        putsInOrder = false
    }

    /// Writes a message; `false` if its fields are not in a suitable order.
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

    /// Writes the members of an object, each with a comma before it.
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
        // An empty id counts as missing.
        if range.isEmpty, !schema.fields[index].hasPresence {
            sink.truncate(to: start)
        } else {
            text(kind, bytes, range)
        }
        return true
    }

    /// Writes consecutive values of a field as an array.
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
        // The first comma is replaced by the bracket.
        if sink.count == start { sink.append("[") } else { sink.setByte(at: start, to: UInt8(ascii: "[")) }
        sink.append(UInt8(ascii: "]"))
        return true
    }

    /// The tag of another value of the same field if one follows; unknown fields may be in between.
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

    /// Writes one value of an array, or the values of a packed field, each with a comma before it.
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

// MARK: - Origin

extension OTLPJSONWriter {
    /// Writes a resource as received, as one JSON object; an empty one when it is missing.
    public mutating func writeResource(_ index: Int, of batch: OTLPBatch) {
        write(.resource, batch.resources[index].attributeMessage, of: batch)
    }

    /// Writes an instrumentation scope as received, as one JSON object; an empty one when it is missing.
    public mutating func writeScope(_ index: Int, of batch: OTLPBatch) {
        write(.scope, batch.scopes[index].attributeMessage, of: batch)
    }

    private mutating func write(_ id: MessageID, _ attributeMessage: UInt32, of batch: OTLPBatch) {
        let range = attributeMessage == .max ? 0..<0 : batch.attributeMessages[Int(attributeMessage)].message.range
        whole(id, range, batch.bytes.span.bytes, depth: 3)
    }
}

// MARK: - Values

extension OTLPJSONWriter {
    /// Writes an attribute of the plain form; `false`, with nothing written, for another form.
    @inline(__always)
    mutating func plainAttribute(_ bytes: RawSpan, _ body: Range<Int>) -> Bool {
        guard let attribute = PlainAttribute(bytes, body) else { return false }
        sink.reserve(64)
        sink.put(Text.key)
        sink.escaped(bytes, attribute.key)
        sink.reserve(64)
        sink.put(Text.value)
        sink.put(Text.valueEnd, 4)
        switch attribute.kind {
        case .string:
            sink.put(Text.stringValue)
            sink.put(Text.stringEnd, 6)
            sink.escaped(bytes, Slice(packed: attribute.bits).range)
            sink.reserve(8)
            sink.put(Text.quotedEnd, 3)
        case .int:
            sink.put(Text.intValue)
            sink.put(Text.intEnd, 3)
            sink.decimal(Int64(bitPattern: attribute.bits))
            sink.put(Text.quotedEnd, 3)
        case .double:
            sink.append("doubleValue\":")
            sink.double(Double(bitPattern: attribute.bits))
            sink.append("}}")
        default: sink.append(attribute.bits == 0 ? "boolValue\":false}}" : "boolValue\":true}}")
        }
        return true
    }

    /// Writes a number and returns its bits; 0 if the bytes end early.
    @inline(__always)
    mutating func number(_ kind: FieldKind, _ tag: UInt32, _ cursor: inout WireCursor, _ bytes: RawSpan) -> UInt64 {
        let value: UInt64?
        switch tag & 7 {
        case Wire.varint: value = try? cursor.varint(bytes)
        case Wire.fixed64: value = try? cursor.fixed64(bytes)
        default: value = (try? cursor.fixed32(bytes)).map(UInt64.init)
        }
        write(kind, value ?? 0)
        return value ?? 0
    }

    private mutating func write(_ kind: FieldKind, _ value: UInt64) {
        switch kind {
        case .bool: sink.append(value == 0 ? "false" : "true")
        case .double: sink.double(Double(bitPattern: value))
        case .int32, .enumeration: sink.decimal(Int64(Int32(truncatingIfNeeded: value)))
        case .sint32: sink.decimal(Int64(Wire.unzigzag(value)))
        case .uint32, .fixed32: sink.decimal(UInt64(UInt32(truncatingIfNeeded: value)))
        default:
            sink.append(UInt8(ascii: "\""))
            if kind == .int64 || kind == .sfixed64 {
                sink.decimal(Int64(bitPattern: value))
            } else {
                sink.decimal(value)
            }
            sink.append(UInt8(ascii: "\""))
        }
    }

    private mutating func text(_ kind: FieldKind, _ bytes: RawSpan, _ range: Range<Int>) {
        guard kind != .string else { return sink.quoted(bytes, range) }
        sink.append(UInt8(ascii: "\""))
        if kind == .bytes {
            Base64.encode(bytes.extracting(range), into: &sink)
        } else {
            Hex.encode(bytes, range, into: &sink)
        }
        sink.append(UInt8(ascii: "\""))
    }

    /// Parts of an attribute as little-endian words.
    private enum Text {
        // `{"key":"`
        static let key: UInt64 = 0x223a_2279_656b_227b
        // `","value`
        static let value: UInt64 = 0x6575_6c61_7622_2c22
        // `":{"`
        static let valueEnd: UInt64 = 0x227b_3a22
        // `stringVa`
        static let stringValue: UInt64 = 0x6156_676e_6972_7473
        // `lue":"`
        static let stringEnd: UInt64 = 0x223a_2265_756c
        // `intValue`
        static let intValue: UInt64 = 0x6575_6c61_5674_6e69
        // `":"`
        static let intEnd: UInt64 = 0x22_3a22
        // `"}}`
        static let quotedEnd: UInt64 = 0x7d_7d22
    }
}

extension OTLPBatch {
    /// The request as OTLP/JSON, including changes.
    public func json() -> [UInt8] {
        var writer = OTLPJSONWriter()
        writer.writeRequest(self)
        return writer.finish()
    }

    /// Appends one record as OTLP/JSON, including changes.
    public func writeRecord(_ index: Int, into buffer: inout [UInt8]) {
        var writer = OTLPJSONWriter()
        writer.writeRecord(index, of: self)
        writer.append(to: &buffer)
    }

    func messageID(of record: RecordEntry) -> MessageID {
        switch signal {
        case .traces: .span
        case .logs: .logRecord
        case .metrics: metrics[Int(record.metricIndex)].kind.point
        }
    }
}

/// Rewrites a message so that it can be converted to JSON in one pass.
enum FieldOrder {
    /// Groups the values of each known field.
    ///
    /// Repeated values become adjacent, of single ones the last is kept, sub-messages are
    /// merged, and of several alternatives the last one is kept. Unknown fields are removed.
    static func canonical(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan) -> [UInt8] {
        let occurrences = occurrences(message, body, bytes)
        let alternative = occurrences.last { Schema.otlp.fields[$0.index].form == .alternative }?.index
        var sink = ByteSink(capacity: body.count)
        for index in Schema.otlp.fieldIndices(message) {
            let field = Schema.otlp.fields[index]
            if field.form == .alternative, index != alternative { continue }
            let values = occurrences.filter { $0.index == index }
            guard let last = values.last else { continue }
            if field.isRepeated {
                for value in values { sink.append(bytes.extracting(value.field)) }
            } else if field.kind == .message {
                sink.varint(UInt64(field.tag))
                let start = sink.openLength()
                for value in values { sink.append(bytes.extracting(value.content)) }
                sink.closeLength(from: start)
            } else {
                sink.append(bytes.extracting(last.field))
            }
        }
        return sink.finish()
    }

    /// Whether a message needs no rewriting: the values of a field are adjacent, and of fields that exclude each other there is only
    /// one.
    static func isCanonical(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan) -> Bool {
        var cursor = WireCursor(body)
        var seen: UInt32 = 0
        var last = -1
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes), (try? cursor.skip(tag, bytes)) != nil else { return true }
            guard let index = Schema.otlp.field(number: tag >> 3, in: message) else { continue }
            if index == last, Schema.otlp.fields[index].isRepeated { continue }
            if seen & Schema.otlp.fields[index].excluded != 0 { return false }
            seen |= Schema.otlp.fields[index].bit
            last = index
        }
        return true
    }

    private struct Occurrence {
        var index: Int
        var field: Range<Int>
        /// The body of a sub-message.
        var content: Range<Int>
    }

    private static func occurrences(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan) -> [Occurrence] {
        var found: [Occurrence] = []
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(bytes) else { break }
            var inner = cursor
            guard (try? cursor.skip(tag, bytes)) != nil else { break }
            guard let index = Schema.otlp.field(number: tag >> 3, in: message) else { continue }
            let content = (tag & 7 == Wire.length ? try? inner.lengthDelimited(bytes) : nil) ?? start..<start
            // Setting another alternative removes the previous one.
            if Schema.otlp.fields[index].form == .alternative {
                found.removeAll { $0.index != index && Schema.otlp.fields[$0.index].form == .alternative }
            }
            found.append(Occurrence(index: index, field: start..<cursor.position, content: content))
        }
        return found
    }
}
