// SPDX-License-Identifier: Apache-2.0

extension BatchIndexer {
    mutating func logRecord(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        _ context: RecordContext
    ) throws(ParseFailure) {
        var record = newRecord(from: start, body, context)
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.LogRecord.attributes:
                try attribute(bytes, from: start, try cursor.lengthDelimited(bytes), depth: 5)
            case Tag.LogRecord.time: record.endTime = try cursor.fixed64(bytes)
            case Tag.LogRecord.observedTime: record.startTime = try cursor.fixed64(bytes)
            case Tag.LogRecord.severity: record.kind = UInt8(clamping: try cursor.varint(bytes))
            case Tag.LogRecord.eventName: record.name = try text(&cursor, bytes)
            case Tag.LogRecord.body:
                try value(bytes, try cursor.lengthDelimited(bytes), depth: 5, &record.bodyKind, &record.bodyBits)
            case Tag.LogRecord.traceID:
                let id = try cursor.lengthDelimited(bytes)
                if !traceID(bytes, id, &record) { try leaveOut(start..<cursor.position) }
            case Tag.LogRecord.spanID:
                let id = spanID(bytes, try cursor.lengthDelimited(bytes))
                record.spanID = id ?? 0
                if id == nil { try leaveOut(start..<cursor.position) }
            default: try checker.field(tag, &cursor, bytes, in: .logRecord, depth: 4)
            }
        }
        try append(&record)
    }

    /// Leaves out a field of a record that is kept.
    private mutating func leaveOut(_ field: Range<Int>) throws(ParseFailure) {
        try memory.makeRoom(in: &unusableFields, for: Cost.field)
        unusableFields.append(Slice(field))
    }
}
