// SPDX-License-Identifier: Apache-2.0

extension BatchIndexer {
    mutating func metric(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        _ context: RecordContext
    ) throws(ParseFailure) {
        var entry = MetricEntry(message: Slice(body), tagOffset: UInt32(truncatingIfNeeded: start), context.scope)
        entry.pointStart = UInt32(truncatingIfNeeded: records.count)
        let envelope = try addEnvelope(from: start, body, parent: context.envelope)
        let context = RecordContext(
            scope: context.scope,
            envelope: envelope,
            metric: UInt32(truncatingIfNeeded: metrics.count)
        )
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.Metric.name: entry.name = try text(&cursor, bytes)
            case Tag.Metric.description: entry.description = try text(&cursor, bytes)
            case Tag.Metric.unit: entry.unit = try text(&cursor, bytes)
            default:
                guard let kind = MetricKind(tag: tag) else {
                    try checker.field(tag, &cursor, bytes, in: .metric, depth: 4)
                    continue
                }
                begin(kind, &entry, envelope: envelope)
                try data(bytes, from: start, try cursor.lengthDelimited(bytes), &entry, context)
            }
        }
        entry.pointEnd = UInt32(truncatingIfNeeded: records.count)
        try memory.makeRoom(in: &metrics, for: MemoryLayout<MetricEntry>.stride)
        metrics.append(entry)
    }

    /// Of several kinds of data in one metric the last one counts, several of one kind merge.
    private mutating func begin(_ kind: MetricKind, _ entry: inout MetricEntry, envelope: UInt32) {
        if entry.kind != kind, entry.kind != .none {
            records.removeLast(records.count - Int(entry.pointStart))
            for index in Int(envelope)..<envelopes.count { envelopes[index].records = 0 }
            entry.temporality = .unspecified
            entry.isMonotonic = false
        }
        entry.kind = kind
    }

    private mutating func data(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        _ entry: inout MetricEntry,
        _ context: RecordContext
    ) throws(ParseFailure) {
        var context = context
        context.envelope = try addEnvelope(from: start, body, parent: context.envelope)
        let first = records.count
        let (message, point) = (entry.kind.message, entry.kind.point)
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.MetricData.points:
                try self.point(bytes, from: start, try cursor.lengthDelimited(bytes), point, context)
            case Tag.MetricData.temporality where entry.kind.hasTemporality:
                entry.temporality = Temporality(rawValue: UInt8(clamping: try cursor.varint(bytes))) ?? .unspecified
            case Tag.MetricData.isMonotonic where entry.kind == .sum:
                entry.isMonotonic = try cursor.varint(bytes) != 0
            default: try checker.field(tag, &cursor, bytes, in: message, depth: 5)
            }
        }
        envelopes[Int(context.envelope)].records = UInt32(truncatingIfNeeded: records.count - first)
    }

    private mutating func point(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        _ message: MessageID,
        _ context: RecordContext
    ) throws(ParseFailure) {
        var record = newRecord(from: start, body, context)
        let attributesTag = message.pointAttributesTag
        let isNumber = message == .numberPoint
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            switch tag {
            case attributesTag: try attribute(bytes, from: start, try cursor.lengthDelimited(bytes), depth: 7)
            case Tag.Point.startTime: record.startTime = try cursor.fixed64(bytes)
            case Tag.Point.time: record.endTime = try cursor.fixed64(bytes)
            case Tag.Point.asDouble where isNumber:
                record.bodyBits = try cursor.fixed64(bytes)
                record.bodyKind = .double
            case Tag.Point.asInt where isNumber:
                record.bodyBits = try cursor.fixed64(bytes)
                record.bodyKind = .int
            default: try checker.field(tag, &cursor, bytes, in: message, depth: 6)
            }
        }
        try append(&record)
    }
}

extension MetricKind {
    init?(tag: UInt32) {
        switch tag {
        case Tag.Metric.gauge: self = .gauge
        case Tag.Metric.sum: self = .sum
        case Tag.Metric.histogram: self = .histogram
        case Tag.Metric.exponentialHistogram: self = .exponentialHistogram
        case Tag.Metric.summary: self = .summary
        default: return nil
        }
    }

    var hasTemporality: Bool { self == .sum || self == .histogram || self == .exponentialHistogram }

    var message: MessageID {
        switch self {
        case .none, .gauge: .gauge
        case .sum: .sum
        case .histogram: .histogram
        case .exponentialHistogram: .exponentialHistogram
        case .summary: .summary
        }
    }

    var point: MessageID {
        switch self {
        case .none, .gauge, .sum: .numberPoint
        case .histogram: .histogramPoint
        case .exponentialHistogram: .exponentialHistogramPoint
        case .summary: .summaryPoint
        }
    }
}

extension MessageID {
    /// The tag of the attributes in a data point.
    var pointAttributesTag: UInt32 {
        switch self {
        case .histogramPoint: Tag.Point.histogramAttributes
        case .exponentialHistogramPoint: Tag.Point.exponentialHistogramAttributes
        default: Tag.Point.numberAttributes
        }
    }
}
