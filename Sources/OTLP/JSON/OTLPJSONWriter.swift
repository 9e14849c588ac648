// SPDX-License-Identifier: Apache-2.0

/// Writes OTLP/JSON: camelCase names, 64-bit integers as strings, ids in hex, enums as numbers, defaults left out.
///
/// Fields this program does not know have no JSON name and are skipped.
public struct OTLPJSONWriter: Sendable {
    private let schema = Schema.otlp
    private var sink: ByteSink

    /// Creates an empty writer.
    public init() { sink = ByteSink(capacity: 256) }

    /// How many bytes are written so far.
    public var count: Int { sink.count }

    /// The finished text.
    public consuming func finish() -> [UInt8] { sink.finish() }

    /// Writes a byte of the caller's, such as a line feed or comma between records.
    public mutating func append(_ byte: UInt8) { sink.append(byte) }

    /// Writes a whole request, changes included, as one JSON object.
    public mutating func writeRequest(_ batch: OTLPBatch) {
        let bytes = batch.encoded()
        sink.reserve(bytes.count * 2)
        message(.request(batch.signal), 0..<bytes.count, bytes.span.bytes, depth: 1)
    }

    /// Writes one record, changes included, as one JSON object: a span, log record or data point, without what is around it.
    public mutating func writeRecord(_ index: Int, of batch: OTLPBatch) {
        let record = batch.records[index]
        let id = batch.messageID(of: record)
        if batch.overlay.isEmpty {
            message(id, record.message.range, batch.bytes.span.bytes, depth: 4)
        } else {
            let body = OverlaySplicer.body(ofRecord: index, in: batch)
            message(id, 0..<body.count, body.span.bytes, depth: 4)
        }
    }

    mutating func message(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan, depth: Int) {
        guard depth <= Wire.maximumDepth else { return sink.append("{}") }
        sink.append(UInt8(ascii: "{"))
        if isInOrder(message, body, bytes) {
            fields(of: message, body, bytes, depth: depth)
        } else {
            let ordered = FieldOrder.canonical(message, body, bytes)
            fields(of: message, 0..<ordered.count, ordered.span.bytes, depth: depth)
        }
        sink.append(UInt8(ascii: "}"))
    }

    /// Whether JSON can be written in the order of the bytes.
    ///
    /// It can if the values of a field follow each other and a field that is not repeated comes once, as with every known sender.
    private func isInOrder(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan) -> Bool {
        var cursor = WireCursor(body)
        let first = schema.fieldIndices(message).lowerBound
        var seen: UInt32 = 0
        var last = -1
        var hasAlternative = false
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes), (try? cursor.skip(tag, bytes)) != nil else { return true }
            guard let index = schema.field(number: tag >> 3, in: message) else { continue }
            let form = schema.fields[index].form
            if index == last, form == .repeated { continue }
            let bit: UInt32 = 1 << UInt32(truncatingIfNeeded: index &- first)
            if seen & bit != 0 || (form == .alternative && hasAlternative) { return false }
            hasAlternative = hasAlternative || form == .alternative
            seen |= bit
            last = index
        }
        return true
    }

    private mutating func fields(of message: MessageID, _ body: Range<Int>, _ bytes: RawSpan, depth: Int) {
        var cursor = WireCursor(body)
        var open = -1
        var isFirst = true
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { break }
            guard let index = schema.field(number: tag >> 3, in: message) else {
                guard (try? cursor.skip(tag, bytes)) != nil else { break }
                continue
            }
            let isRepeated = schema.fields[index].isRepeated
            if index == open {
                if sink.byte(at: sink.count - 1) != UInt8(ascii: "[") { sink.append(UInt8(ascii: ",")) }
            } else {
                if open >= 0 { sink.append(UInt8(ascii: "]")) }
                open = -1
                if !isRepeated, isDefault(index, tag, cursor, bytes) {
                    guard (try? cursor.skip(tag, bytes)) != nil else { break }
                    continue
                }
                if !isFirst { sink.append(UInt8(ascii: ",")) }
                isFirst = false
                name(schema.fields[index].name)
                if isRepeated {
                    sink.append(UInt8(ascii: "["))
                    open = index
                }
            }
            guard value(index, tag, &cursor, bytes, depth: depth) else { break }
        }
        if open >= 0 { sink.append(UInt8(ascii: "]")) }
    }

    private mutating func name(_ name: StaticString) {
        sink.append(UInt8(ascii: "\""))
        sink.append(name)
        sink.append("\":")
    }

    /// Whether a value is one that is left out.
    ///
    /// An id of no length is as good as none.
    private func isDefault(_ index: Int, _ tag: UInt32, _ cursor: WireCursor, _ bytes: RawSpan) -> Bool {
        guard !schema.fields[index].hasPresence, schema.fields[index].kind != .message else { return false }
        var cursor = cursor
        switch tag & 7 {
        case Wire.varint: return (try? cursor.varint(bytes)) == 0
        case Wire.fixed64: return (try? cursor.fixed64(bytes)) == 0
        case Wire.fixed32: return (try? cursor.fixed32(bytes)) == 0
        default: return (try? cursor.lengthDelimited(bytes))?.isEmpty ?? true
        }
    }

    /// Writes a field's value, or the values of a packed field; `false` if the bytes end early.
    private mutating func value(
        _ index: Int,
        _ tag: UInt32,
        _ cursor: inout WireCursor,
        _ bytes: RawSpan,
        depth: Int
    ) -> Bool {
        let kind = schema.fields[index].kind
        switch tag & 7 {
        case Wire.length:
            guard let range = try? cursor.lengthDelimited(bytes) else { return false }
            if kind == .message {
                message(schema.fields[index].message, range, bytes, depth: depth + 1)
            } else if kind.isPackable {
                packed(kind, range, bytes)
            } else {
                text(kind, bytes.extracting(range))
            }
            return true
        case kind.wireType: return number(kind, &cursor, bytes)
        default:
            sink.append("null")
            return (try? cursor.skip(tag, bytes)) != nil
        }
    }

    private mutating func packed(_ kind: FieldKind, _ range: Range<Int>, _ bytes: RawSpan) {
        var cursor = WireCursor(range)
        while !cursor.atEnd, number(kind, &cursor, bytes) {
            if !cursor.atEnd { sink.append(UInt8(ascii: ",")) }
        }
    }

    private mutating func text(_ kind: FieldKind, _ bytes: RawSpan) {
        guard kind != .string else { return sink.quoted(bytes) }
        sink.append(UInt8(ascii: "\""))
        if kind == .bytes {
            Base64.encode(bytes, into: &sink)
        } else {
            Hex.encode(bytes, into: &sink)
        }
        sink.append(UInt8(ascii: "\""))
    }

    private mutating func number(_ kind: FieldKind, _ cursor: inout WireCursor, _ bytes: RawSpan) -> Bool {
        let value: UInt64?
        switch kind.wireType {
        case Wire.varint: value = try? cursor.varint(bytes)
        case Wire.fixed64: value = try? cursor.fixed64(bytes)
        default: value = (try? cursor.fixed32(bytes)).map(UInt64.init)
        }
        guard let value else { return false }
        switch kind {
        case .bool: sink.append(value == 0 ? "false" : "true")
        case .double: sink.double(Double(bitPattern: value))
        case .int32, .enumeration: sink.decimal(Int64(Int32(truncatingIfNeeded: value)))
        case .sint32: sink.decimal(Int64(Wire.unzigzag(value)))
        case .uint32, .fixed32: sink.decimal(UInt64(UInt32(truncatingIfNeeded: value)))
        case .int64, .sfixed64: quotedDecimal(Int64(bitPattern: value))
        default: quotedDecimal(value)
        }
        return true
    }

    private mutating func quotedDecimal(_ value: UInt64) {
        sink.append(UInt8(ascii: "\""))
        sink.decimal(value)
        sink.append(UInt8(ascii: "\""))
    }

    private mutating func quotedDecimal(_ value: Int64) {
        sink.append(UInt8(ascii: "\""))
        sink.decimal(value)
        sink.append(UInt8(ascii: "\""))
    }
}

extension OTLPBatch {
    /// The request as OTLP/JSON, changes included.
    public func json() -> [UInt8] {
        var writer = OTLPJSONWriter()
        writer.writeRequest(self)
        return writer.finish()
    }

    /// Appends one record as OTLP/JSON, changes included.
    public func writeRecord(_ index: Int, into buffer: inout [UInt8]) {
        var writer = OTLPJSONWriter()
        writer.writeRecord(index, of: self)
        buffer += writer.finish()
    }

    func messageID(of record: RecordEntry) -> MessageID {
        switch signal {
        case .traces: .span
        case .logs: .logRecord
        case .metrics: metrics[Int(record.metricIndex)].kind.point
        }
    }
}
