// SPDX-License-Identifier: Apache-2.0

/// Reads a request once, from start to end, into the flat arrays of an ``OTLPBatch``.
///
/// Nothing is allocated per record: the arrays have trivial elements and are sized by the length of the body. Before one of them
/// grows, its memory is reserved from the allowance of the request.
struct BatchIndexer {
    let signal: Signal
    private let keys = AttributeKeyTable.shared
    var checker = WireChecker()

    var resources: [ResourceEntry] = []
    var scopes: [ScopeEntry] = []
    var records: [RecordEntry] = []
    var attributes: [AttributeEntry] = []
    var metrics: [MetricEntry] = []
    var envelopes: [Envelope] = []
    var attributeMessages: [AttributeMessage] = []

    /// Records that cannot be kept, and fields to remove from the others.
    var rejected: [Int] = []
    var rejectionReason: String?
    var unusableFields: [Slice] = []

    private let limits: ReadingLimits
    private let memory: ReadingMemory

    init(signal: Signal, _ limits: ReadingLimits = ReadingLimits()) {
        self.signal = signal
        self.limits = limits
        memory = ReadingMemory(limits.memory)
        checker.memory = memory
    }

    /// The memory of elements in bytes, in the index and in what is created from them later.
    ///
    /// A record is examined by every processor and written by every store, an attribute may be marked as removed. Measured with records and attributes of two bytes (`AmplifyingBodiesTests`).
    enum Cost {
        static let record = 512
        static let attribute = 48
        /// A field to remove: 8 bytes here, 16 as a change of the overlay, 24 as a cut, whose list is copied for sorting.
        static let field = 80
    }

    /// Reserves room for a body of usual records.
    private mutating func makeRoom(for size: Int) throws(ParseFailure) {
        // A record of an agent takes 300 to 700 bytes, an attribute 30 to 50. When they are smaller, there are more than expected, which
        // costs a copy; unused room would be held by every request in flight.
        let size = min(size, 4 << 20)
        try memory.grow(&records, to: min(size / 500 + 1, limits.records), Cost.record)
        try memory.grow(&attributes, to: size / 40 + 1, Cost.attribute)
    }

    /// Reserves room for one more record.
    @inline(__always)
    mutating func makeRoomForRecord() throws(ParseFailure) {
        if records.count == records.capacity { try growRecords() }
        if records.count >= limits.records {
            throw ParseFailure(offset: 0, reason: "the request has too many records", kind: .tooManyRecords)
        }
    }

    @inline(never)
    private mutating func growRecords() throws(ParseFailure) {
        try memory.grow(&records, to: max(16, min(2 * records.count, limits.records)), Cost.record)
    }

    /// A string field, checked for invalid UTF-8.
    @inline(__always)
    mutating func text(_ cursor: inout WireCursor, _ bytes: RawSpan) throws(ParseFailure) -> Slice {
        let range = try cursor.lengthDelimited(bytes)
        checker.notes.inspect(bytes, range)
        return Slice(range)
    }

    mutating func request(_ bytes: RawSpan) throws(ParseFailure) {
        try makeRoom(for: bytes.byteCount)
        var cursor = WireCursor(0..<bytes.byteCount)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            if tag == Tag.Level.resources {
                try resourceLevel(bytes, from: start, try cursor.lengthDelimited(bytes))
            } else {
                try checker.field(tag, &cursor, bytes, in: .request(signal), depth: 1)
            }
        }
        for index in envelopes.indices.reversed() where envelopes[index].parent != .max {
            envelopes[Int(envelopes[index].parent)].records += envelopes[index].records
        }
    }

    private mutating func resourceLevel(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>
    ) throws(ParseFailure) {
        var entry = ResourceEntry()
        entry.envelope = try addEnvelope(from: start, body, parent: .max)
        entry.scopeStart = UInt32(truncatingIfNeeded: scopes.count)
        let index = resources.count
        try memory.makeRoom(in: &resources, for: MemoryLayout<ResourceEntry>.stride)
        resources.append(entry)
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.Level.resource:
                entry.attributeMessage = UInt32(truncatingIfNeeded: attributeMessages.count)
                try resource(bytes, from: start, try cursor.lengthDelimited(bytes), &entry)
            case Tag.Level.scopes, Tag.Level.instrumentationLibrary:
                let body = try cursor.lengthDelimited(bytes)
                try scopeLevel(bytes, from: start, body, resource: index, envelope: entry.envelope)
            case Tag.Level.schemaURL: entry.schemaURL = try text(&cursor, bytes)
            default: try checker.field(tag, &cursor, bytes, in: signal.resourceLevel, depth: 2)
            }
        }
        entry.scopeEnd = UInt32(truncatingIfNeeded: scopes.count)
        resources[index] = entry
    }

    private mutating func resource(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        _ entry: inout ResourceEntry
    ) throws(ParseFailure) {
        try memory.makeRoom(in: &attributeMessages, for: MemoryLayout<AttributeMessage>.stride)
        attributeMessages.append(AttributeMessage(from: start, body, envelope: entry.envelope))
        entry.attributeStart = try continueAttributes(entry.attributes)
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            if tag == Tag.Resource.attributes {
                try attribute(bytes, from: start, try cursor.lengthDelimited(bytes), depth: 4)
            } else {
                try checker.field(tag, &cursor, bytes, in: .resource, depth: 3)
            }
        }
        entry.attributeEnd = UInt32(truncatingIfNeeded: attributes.count)
    }

    private mutating func scopeLevel(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        resource: Int,
        envelope parent: UInt32
    ) throws(ParseFailure) {
        var entry = ScopeEntry()
        entry.resourceIndex = UInt32(truncatingIfNeeded: resource)
        entry.envelope = try addEnvelope(from: start, body, parent: parent)
        entry.recordStart = UInt32(truncatingIfNeeded: records.count)
        let index = scopes.count
        try memory.makeRoom(in: &scopes, for: MemoryLayout<ScopeEntry>.stride)
        scopes.append(entry)
        let context = RecordContext(scope: UInt32(truncatingIfNeeded: index), envelope: entry.envelope)
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.Level.scope:
                entry.attributeMessage = UInt32(truncatingIfNeeded: attributeMessages.count)
                try scope(bytes, from: start, try cursor.lengthDelimited(bytes), &entry)
            case Tag.Level.records:
                let body = try cursor.lengthDelimited(bytes)
                switch signal {
                case .traces: try span(bytes, from: start, body, context)
                case .logs: try logRecord(bytes, from: start, body, context)
                case .metrics: try metric(bytes, from: start, body, context)
                }
            case Tag.Level.schemaURL: entry.schemaURL = try text(&cursor, bytes)
            default: try checker.field(tag, &cursor, bytes, in: signal.scopeLevel, depth: 3)
            }
        }
        entry.recordEnd = UInt32(truncatingIfNeeded: records.count)
        if signal != .metrics { envelopes[Int(entry.envelope)].records = entry.recordEnd - entry.recordStart }
        scopes[index] = entry
    }

    private mutating func scope(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        _ entry: inout ScopeEntry
    ) throws(ParseFailure) {
        try memory.makeRoom(in: &attributeMessages, for: MemoryLayout<AttributeMessage>.stride)
        attributeMessages.append(AttributeMessage(from: start, body, envelope: entry.envelope))
        entry.attributeStart = try continueAttributes(entry.attributes)
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.Scope.name: entry.name = try text(&cursor, bytes)
            case Tag.Scope.version: entry.version = try text(&cursor, bytes)
            case Tag.Scope.attributes: try attribute(bytes, from: start, try cursor.lengthDelimited(bytes), depth: 5)
            default: try checker.field(tag, &cursor, bytes, in: .scope, depth: 4)
            }
        }
        entry.attributeEnd = UInt32(truncatingIfNeeded: attributes.count)
    }
}

/// The context of a record: its scope, the enclosing message, and for data points the metric.
struct RecordContext {
    var scope: UInt32
    var envelope: UInt32
    var metric: UInt32 = .max
}

extension Signal {
    var resourceLevel: MessageID {
        switch self {
        case .traces: .resourceSpans
        case .logs: .resourceLogs
        case .metrics: .resourceMetrics
        }
    }

    var scopeLevel: MessageID {
        switch self {
        case .traces: .scopeSpans
        case .logs: .scopeLogs
        case .metrics: .scopeMetrics
        }
    }
}

// MARK: - Attributes

extension BatchIndexer {
    /// Indexes one KeyValue.
    @inline(__always)
    mutating func attribute(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        depth: Int
    ) throws(ParseFailure) {
        guard let plain = PlainAttribute(bytes, body) else {
            return try anyAttribute(bytes, from: start, body, depth: depth)
        }
        let keyID = keys.key(bytes, plain.key)
        if keyID == .unknown { checker.notes.inspect(bytes, plain.key) }
        if plain.kind == .string { checker.notes.inspect(bytes, Slice(packed: plain.bits).range) }
        try memory.makeRoom(in: &attributes, for: Cost.attribute)
        attributes.append(
            AttributeEntry(
                key: Slice(plain.key),
                bits: plain.bits,
                tagOffset: UInt32(truncatingIfNeeded: start),
                keyID: keyID,
                kind: plain.kind,
                isPlain: true
            )
        )
    }

    @inline(never)
    private mutating func anyAttribute(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        depth: Int
    ) throws(ParseFailure) {
        var entry = AttributeEntry(
            key: .none,
            bits: 0,
            tagOffset: UInt32(truncatingIfNeeded: start),
            keyID: .unknown,
            kind: .empty
        )
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.KeyValue.key:
                let range = try cursor.lengthDelimited(bytes)
                entry.key = Slice(range)
                entry.keyID = keys.key(bytes, range)
                checker.notes.inspect(bytes, range)
            case Tag.KeyValue.value:
                try value(bytes, try cursor.lengthDelimited(bytes), depth: depth &+ 1, &entry.kind, &entry.bits)
            default: try checker.field(tag, &cursor, bytes, in: .keyValue, depth: depth)
            }
        }
        try memory.makeRoom(in: &attributes, for: Cost.attribute)
        attributes.append(entry)
    }

    /// Reads an AnyValue; of several members the last one counts.
    @inline(__always)
    mutating func value(
        _ bytes: RawSpan,
        _ body: Range<Int>,
        depth: Int,
        _ kind: inout ValueKind,
        _ bits: inout UInt64
    ) throws(ParseFailure) {
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let tag = try cursor.tag(bytes)
            switch tag {
            case Tag.AnyValue.string:
                bits = try text(&cursor, bytes).packed
                kind = .string
            case Tag.AnyValue.bool:
                bits = try cursor.varint(bytes) == 0 ? 0 : 1
                kind = .bool
            case Tag.AnyValue.int:
                bits = try cursor.varint(bytes)
                kind = .int
            case Tag.AnyValue.double:
                bits = try cursor.fixed64(bytes)
                kind = .double
            default: try rareValue(tag, bytes, &cursor, depth: depth, &kind, &bits)
            }
        }
    }

    @inline(never)
    private mutating func rareValue(
        _ tag: UInt32,
        _ bytes: RawSpan,
        _ cursor: inout WireCursor,
        depth: Int,
        _ kind: inout ValueKind,
        _ bits: inout UInt64
    ) throws(ParseFailure) {
        switch tag {
        case Tag.AnyValue.array, Tag.AnyValue.keyValueList:
            let range = try cursor.lengthDelimited(bytes)
            let isArray = tag == Tag.AnyValue.array
            try checker.message(isArray ? .arrayValue : .keyValueList, range, bytes, depth: depth + 1)
            bits = Slice(range).packed
            kind = isArray ? .array : .keyValueList
        case Tag.AnyValue.bytes:
            bits = try cursor.slice(bytes).packed
            kind = .bytes
        default: try checker.field(tag, &cursor, bytes, in: .anyValue, depth: depth)
        }
    }

    /// The start of a range to which the next attributes can be added.
    ///
    /// A Resource or scope message may arrive in several parts with other fields in between; the entries of the earlier parts are
    /// then repeated after them, so that each owner's attributes are one range.
    private mutating func continueAttributes(_ range: Range<Int>) throws(ParseFailure) -> UInt32 {
        if range.isEmpty { return UInt32(truncatingIfNeeded: attributes.count) }
        if range.upperBound == attributes.count { return UInt32(truncatingIfNeeded: range.lowerBound) }
        let start = attributes.count
        if attributes.capacity - start < range.count {
            try memory.grow(&attributes, to: max(start + range.count, 2 * start), Cost.attribute)
        }
        attributes.append(contentsOf: attributes[range])
        return UInt32(truncatingIfNeeded: start)
    }

    private mutating func addEnvelope(from start: Int, _ body: Range<Int>, parent: UInt32) throws(ParseFailure)
        -> UInt32
    {
        try memory.makeRoom(in: &envelopes, for: MemoryLayout<Envelope>.stride)
        envelopes.append(
            Envelope(tagOffset: UInt32(truncatingIfNeeded: start), message: Slice(body), parent: parent, records: 0)
        )
        return UInt32(truncatingIfNeeded: envelopes.count - 1)
    }
}

// MARK: - Logs

extension BatchIndexer {
    private mutating func logRecord(
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

    /// Marks a field of a kept record for removal.
    private mutating func leaveOut(_ field: Range<Int>) throws(ParseFailure) {
        try memory.makeRoom(in: &unusableFields, for: Cost.field)
        unusableFields.append(Slice(field))
    }
}

// MARK: - Metrics

extension BatchIndexer {
    mutating func metric(
        _ bytes: RawSpan,
        from start: Int,
        _ body: Range<Int>,
        _ context: RecordContext
    ) throws(ParseFailure) {
        var entry = MetricEntry(in: context.scope)
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

// MARK: - Spans

extension BatchIndexer {
    private mutating func span(
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

    /// Rejects the record that is about to be appended.
    private mutating func reject(_ id: StaticString) {
        rejected.append(records.count)
        if rejectionReason == nil { rejectionReason = "a span's \(id) is not of the right length" }
    }

    /// Reads a trace id; an empty one counts as missing, any other length but 16 is invalid.
    private func traceID(_ bytes: RawSpan, _ range: Range<Int>, _ record: inout RecordEntry) -> Bool {
        record.traceHigh = 0
        record.traceLow = 0
        guard range.count == 16 else { return range.isEmpty }
        let high = bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self)
        let low = bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound &+ 8, as: UInt64.self)
        record.traceHigh = UInt64(bigEndian: high)
        record.traceLow = UInt64(bigEndian: low)
        return true
    }

    /// Reads a span id; an empty one counts as missing (0), any other length but 8 is invalid (`nil`).
    private func spanID(_ bytes: RawSpan, _ range: Range<Int>) -> UInt64? {
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
