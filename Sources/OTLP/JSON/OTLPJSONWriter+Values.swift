// SPDX-License-Identifier: Apache-2.0

extension OTLPJSONWriter {
    /// Writes an attribute that has the plain form; `false`, with nothing written, if it has another.
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

    mutating func text(_ kind: FieldKind, _ bytes: RawSpan, _ range: Range<Int>) {
        guard kind != .string else { return sink.quoted(bytes, range) }
        sink.append(UInt8(ascii: "\""))
        if kind == .bytes {
            Base64.encode(bytes.extracting(range), into: &sink)
        } else {
            Hex.encode(bytes, range, into: &sink)
        }
        sink.append(UInt8(ascii: "\""))
    }

    /// Pieces of an attribute as little-endian words.
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
    /// The request as OTLP/JSON, changes included.
    public func json() -> [UInt8] {
        var writer = OTLPJSONWriter()
        writer.writeRequest(self)
        return writer.finish()
    }

    /// Appends the request as OTLP/JSON, changes included, to a buffer.
    public func writeRequest(into buffer: inout [UInt8]) {
        var writer = OTLPJSONWriter()
        writer.writeRequest(self)
        writer.append(to: &buffer)
    }

    /// Appends one record as OTLP/JSON, changes included.
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
