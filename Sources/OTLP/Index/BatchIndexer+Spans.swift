// SPDX-License-Identifier: Apache-2.0

extension BatchIndexer {
    mutating func span(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        _ context: RecordContext
    ) throws(ParseFailure) {
        var record = newRecord(from: start, body, context)
        var badID: StaticString?
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.Span.attributes: try attribute(bytes, from: start, try cursor.lengthDelimited(bytes), depth: 5)
            case Tag.Span.traceID:
                let id = try cursor.lengthDelimited(bytes)
                if !traceID(bytes, id, &record) { badID = "trace id" }
            case Tag.Span.spanID:
                guard let id = spanID(bytes, try cursor.lengthDelimited(bytes)) else {
                    badID = "span id"
                    continue
                }
                record.spanID = id
            case Tag.Span.parentSpanID:
                guard let id = spanID(bytes, try cursor.lengthDelimited(bytes)) else {
                    badID = "parent span id"
                    continue
                }
                record.parentSpanID = id
            case Tag.Span.name: record.name = try text(&cursor, bytes)
            case Tag.Span.kind: record.kind = UInt8(clamping: try cursor.varint(bytes))
            case Tag.Span.startTime: record.startTime = try cursor.fixed64(bytes)
            case Tag.Span.endTime: record.endTime = try cursor.fixed64(bytes)
            case Tag.Span.status: record.statusCode = try statusCode(bytes, try cursor.lengthDelimited(bytes))
            default: try checker.field(tag, &cursor, bytes, in: .span, depth: 4)
            }
        }
        if let badID { reject(badID) }
        try append(&record)
    }

    private mutating func statusCode(_ bytes: RawSpan, _ body: Range<Int>) throws(ParseFailure) -> UInt8 {
        var code: UInt8 = 0
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let tag = try cursor.tag(bytes)
            if tag == Tag.Status.code {
                code = UInt8(clamping: try cursor.varint(bytes))
            } else {
                try checker.field(tag, &cursor, bytes, in: .spanStatus, depth: 5)
            }
        }
        return code
    }

    /// Leaves out the record that is about to be appended.
    private mutating func reject(_ id: StaticString) {
        rejected.append(records.count)
        if rejectionReason == nil { rejectionReason = "a span's \(id) is not of the right length" }
    }

    /// Reads a trace id; an empty one counts as absent, any other length but 16 is unusable.
    func traceID(_ bytes: RawSpan, _ range: Range<Int>, _ record: inout RecordEntry) -> Bool {
        record.traceHigh = 0
        record.traceLow = 0
        guard range.count == 16 else { return range.isEmpty }
        let high = bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self)
        let low = bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound &+ 8, as: UInt64.self)
        record.traceHigh = UInt64(bigEndian: high)
        record.traceLow = UInt64(bigEndian: low)
        return true
    }

    /// Reads a span id; an empty one counts as absent (0), any other length but 8 is unusable (`nil`).
    func spanID(_ bytes: RawSpan, _ range: Range<Int>) -> UInt64? {
        guard range.count == 8 else { return range.isEmpty ? 0 : nil }
        return UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
    }

    @inline(__always)
    func newRecord(from start: Int, _ body: Range<Int>, _ context: RecordContext) -> RecordEntry {
        RecordEntry(
            message: Slice(body),
            tagOffset: UInt32(truncatingIfNeeded: start),
            context,
            attributeStart: UInt32(truncatingIfNeeded: attributes.count)
        )
    }

    @inline(__always)
    mutating func append(_ record: inout RecordEntry) throws(ParseFailure) {
        try makeRoomForRecord()
        record.attributeEnd = UInt32(truncatingIfNeeded: attributes.count)
        records.append(record)
    }
}
