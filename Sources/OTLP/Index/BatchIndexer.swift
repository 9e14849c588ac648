// SPDX-License-Identifier: Apache-2.0

/// Reads a request once, from front to back, into the flat arrays of an ``OTLPBatch``.
///
/// Nothing is allocated per record: the arrays hold trivial values and are sized by the length of the body. Before one of them grows,
/// its memory is taken from the allowance of the request.
struct BatchIndexer {
    let signal: Signal
    let keys = AttributeKeyTable.shared
    var checker = WireChecker()

    var resources: [ResourceEntry] = []
    var scopes: [ScopeEntry] = []
    var records: [RecordEntry] = []
    var attributes: [AttributeEntry] = []
    var metrics: [MetricEntry] = []
    var envelopes: [Envelope] = []
    var attributeMessages: [AttributeMessage] = []

    /// Records that cannot be kept, and the fields that good records must lose.
    var rejected: [Int] = []
    var rejectionReason: String?
    var unusableFields: [Slice] = []

    private let limits: ReadingLimits
    let memory: ReadingMemory

    init(signal: Signal, _ limits: ReadingLimits = ReadingLimits()) {
        self.signal = signal
        self.limits = limits
        memory = ReadingMemory(limits.memory)
        checker.memory = memory
    }

    /// What elements cost, in the array of the index and in what is made of them later, in bytes.
    ///
    /// A record is looked at by every processor and written by every store, an attribute may be marked as removed. Measured with records and attributes of two bytes (`AmplifyingBodiesTests`).
    enum Cost {
        static let record = 512
        static let attribute = 48
        /// A field that is left out: 8 bytes here, 16 as a change of the overlay, 24 as a cut, whose list is copied to be put in order.
        static let field = 80
    }

    /// Makes room for what a body of usual records needs.
    private mutating func makeRoom(for size: Int) throws(ParseFailure) {
        // A record of an agent takes 300 to 700 bytes, an attribute 30 to 50. Of smaller ones there are more than expected, which
        // costs a copy; room that is not used would be held by every request in flight.
        let size = min(size, 4 << 20)
        try memory.grow(&records, to: min(size / 500 + 1, limits.records), Cost.record)
        try memory.grow(&attributes, to: size / 40 + 1, Cost.attribute)
    }

    /// Makes room for one more record.
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

    /// A string field, looked at for what is no UTF-8.
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
        var entry = ResourceEntry(message: Slice(body), tagOffset: UInt32(truncatingIfNeeded: start))
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
        var entry = ScopeEntry(message: Slice(body), tagOffset: UInt32(truncatingIfNeeded: start))
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

/// Where a record is found: its scope, the message around it, and for data points the metric.
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
