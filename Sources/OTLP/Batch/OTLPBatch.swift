// SPDX-License-Identifier: Apache-2.0

/// One export request: its OTLP protobuf bytes, a flat index of them, and the changes made to them.
///
/// A batch is a value. Reading it never decodes more than was requested; ``encoded()`` returns the bytes with all changes applied.
/// Unknown fields are passed on unchanged.
public struct OTLPBatch: Sendable {
    /// The signal of the records.
    public let signal: Signal
    /// The request as protobuf, as received or as transcoded from JSON; at most 2 GiB.
    public let bytes: [UInt8]
    /// The resources in the order of their bytes.
    public internal(set) var resources: [ResourceEntry]
    /// The scopes in the order of their bytes.
    public internal(set) var scopes: [ScopeEntry]
    /// The spans, log records or data points in the order of their bytes, including dropped ones.
    public internal(set) var records: [RecordEntry]
    /// The attributes that other entries refer to by range; entries outside every range have no meaning.
    public let attributes: [AttributeEntry]
    /// The metrics in the order of their bytes; empty for other signals.
    public internal(set) var metrics: [MetricEntry]
    /// The changes since the batch was received.
    public var overlay: Overlay
    /// How many records were refused while indexing; they are dropped in the overlay.
    public let rejected: Int
    /// Why the first of them was refused, for the sender's partial-success message.
    public var rejectionReason: String? { frame.rejectionReason }
    /// Deviations from OTLP that were accepted.
    public let notes: OTLPNotes

    /// Data that is needed only to encode the request again; a class, so that a copy of the batch retains one reference to all of it.
    private let frame: Frame
    var envelopes: [Envelope] { frame.envelopes }
    var attributeMessages: [AttributeMessage] { frame.attributeMessages }

    private final class Frame: Sendable {
        let envelopes: [Envelope]
        let attributeMessages: [AttributeMessage]
        let rejectionReason: String?

        init(_ indexer: borrowing BatchIndexer) {
            envelopes = indexer.envelopes
            attributeMessages = indexer.attributeMessages
            rejectionReason = indexer.rejectionReason
        }
    }

    /// Indexes a protobuf request.
    ///
    /// - Throws: ``OTLPError`` if the bytes are not a well-formed request of this signal, exceed 2 GiB or pass the limits.
    public init(signal: Signal, protobuf bytes: [UInt8], limits: ReadingLimits = ReadingLimits()) throws(OTLPError) {
        self = try OTLPBatch(indexing: bytes, signal: signal, limits)
    }

    /// Transcodes an OTLP/JSON request to protobuf and indexes that.
    ///
    /// - Throws: ``OTLPError`` with the path of the offending field.
    public init(signal: Signal, json bytes: [UInt8], limits: ReadingLimits = ReadingLimits()) throws(OTLPError) {
        let request = try JSONTranscoder.transcode(bytes, signal, limits.memory)
        self = try OTLPBatch(indexing: request.protobuf, signal: signal, limits, notes: request.notes)
    }

    /// A request for logs without any.
    public static let noRecords = OTLPBatch(BatchIndexer(signal: .logs), [])

    /// The number of records that are not dropped.
    public var recordCount: Int { records.count - overlay.droppedRecords }

    /// Whether a record is still part of the batch.
    public func isLive(record: Int) -> Bool { !overlay.isDropped(record: record) }

    /// The value as one that can be written; nil when it is not a scalar.
    public func scalar(of value: AttributeValue) -> AttributeScalar? {
        switch value {
        case .string(let slice): .string(string(slice))
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        case .empty, .bytes, .array, .keyValueList: nil
        }
    }

    // MARK: - Changes to content

    /// Applies changes, each to another field.
    public mutating func apply(_ found: ContentChanges) {
        guard !found.isEmpty else { return }
        var fields: [Overlay.FieldChange] = []
        var frames: [Overlay.FrameChange] = []
        for change in found.changes {
            // Without room for the replacement the whole field is removed: content that was to be dropped must not stay.
            let replacement = (change.replacement.isEmpty ? nil : overlay.store(change.replacement)) ?? .none
            let written = Overlay.FieldChange(field: change.field, replacement: replacement)
            if let envelope = change.envelope {
                frames.append(Overlay.FrameChange(change: written, envelope: envelope))
            } else {
                fields.append(written)
            }
            if let target = change.target { point(target, to: replacement) }
        }
        overlay.change(fields, frames: frames)
    }

    /// Lets the index refer to a text that was replaced.
    private mutating func point(_ target: ContentChanges.Target, to field: Slice) {
        let text = field.isEmpty ? .none : contentOfField(field)
        switch target {
        case .recordName(let index): records[index].name = text
        case .scopeName(let index): scopes[index].name = text
        case .scopeVersion(let index): scopes[index].version = text
        case .scopeSchema(let index): scopes[index].schemaURL = text
        case .resourceSchema(let index): resources[index].schemaURL = text
        case .metricName(let index): metrics[index].name = text
        case .metricDescription(let index): metrics[index].description = text
        case .metricUnit(let index): metrics[index].unit = text
        }
    }

    /// The content of a length-delimited field in the arena.
    private func contentOfField(_ field: Slice) -> Slice {
        let copy = Array(overlay.text(field))
        var cursor = WireCursor(0..<copy.count)
        guard (try? cursor.tag(copy.span.bytes)) != nil, let body = try? cursor.slice(copy.span.bytes) else {
            return .none
        }
        return Slice(offset: field.offset + body.offset, length: body.length)
    }

    /// Whether an attribute, given as an index of ``attributes``, has a key and one value of the schema and nothing else: no second
    /// value that the last one hides, no unknown field.
    public func isStrict(attribute index: Int) -> Bool {
        if attributes[index].isPlain { return true }
        let source = bytes.span.bytes
        var cursor = WireCursor(Int(attributes[index].tagOffset)..<bytes.count)
        guard (try? cursor.tag(source)) != nil, let body = try? cursor.lengthDelimited(source) else { return false }
        return StrictForm.holds(.keyValue, body, source)
    }

    /// Whether all values inside an array or a key-value list pass a test; true for an empty one.
    ///
    /// - Parameter test: Gets the nearest key around a value, nil in an array outside of a list, and the value; not called for arrays
    ///   and lists themselves.
    public func allInside(_ value: AttributeValue, _ test: (Slice?, AttributeValue) -> Bool) -> Bool {
        switch value {
        case .array(let slice):
            InnerValues(signal, slice).all(in: bytes(of: slice), isList: false, key: nil, depth: 0, test)
        case .keyValueList(let slice):
            InnerValues(signal, slice).all(in: bytes(of: slice), isList: true, key: nil, depth: 0, test)
        case .empty, .string, .bool, .int, .double, .bytes: true
        }
    }
}

// MARK: - Attributes

extension OTLPBatch {
    /// A record's own attribute, including changes; of duplicates the last one.
    public func attribute(_ key: AttributeKey, record: Int) -> AttributeValue? {
        attribute(key, range: records[record].attributes, owner: .record(record))
    }

    /// A scope's attribute, including changes.
    public func attribute(_ key: AttributeKey, scope: Int) -> AttributeValue? {
        attribute(key, range: scopes[scope].attributes, owner: .scope(scope))
    }

    /// A resource's attribute, including changes.
    public func attribute(_ key: AttributeKey, resource: Int) -> AttributeValue? {
        attribute(key, range: resources[resource].attributes, owner: .resource(resource))
    }

    /// An attribute of the record, else of its scope, else of its resource.
    public func inheritedAttribute(_ key: AttributeKey, record: Int) -> AttributeValue? {
        let scope = records[record].scope
        return attribute(key, record: record) ?? attribute(key, scope: scope)
            ?? attribute(key, resource: scopes[scope].resource)
    }

    /// An attribute under any key; known keys are found faster by ``AttributeKey``.
    public func attribute(_ key: String, of owner: AttributeOwner) -> AttributeValue? {
        if let known = AttributeKey(name: key) {
            return attribute(known, range: attributeRange(of: owner), owner: owner)
        }
        var found: AttributeValue?
        for entry in attributes(of: owner) where entry.keyID == .unknown && equals(entry.key, key) {
            found = entry.value
        }
        return found
    }

    /// All attributes of an owner, including changes, in the order in which they are encoded.
    public func attributes(of owner: AttributeOwner) -> LiveAttributes { LiveAttributes(batch: self, owner: owner) }

    /// Calls `body` with all attributes of an owner, in the order of ``attributes(of:)``, without a copy of the batch.
    @inlinable
    public func forEachAttribute(of owner: AttributeOwner, _ body: (AttributeEntry) -> Void) {
        guard !overlay.isEmpty else {
            for index in attributeRange(of: owner) { body(attributes[index]) }
            return
        }
        for entry in attributes(of: owner) { body(entry) }
    }

    /// Sets an attribute of a record and removes existing ones with that key.
    public mutating func set(_ key: String, to value: AttributeScalar, record: Int) {
        set(key, to: value, of: .record(record))
    }

    /// Sets an attribute of a record, scope or resource and removes existing ones with that key.
    public mutating func set(_ key: String, to value: AttributeScalar, of owner: AttributeOwner) {
        removeAttributes(key, of: owner)
        overlay.append(key, value, to: owner)
    }

    /// Removes a record's attributes with that key, received and added ones.
    public mutating func removeAttributes(_ key: String, record: Int) { removeAttributes(key, of: .record(record)) }

    /// Removes the attributes of a record, scope or resource with that key, received and added ones.
    public mutating func removeAttributes(_ key: String, of owner: AttributeOwner) {
        overlay.removeAdditions(key, of: owner)
        let id = AttributeKey(name: key)
        for index in attributeRange(of: owner) {
            let entry = attributes[index]
            if id.map({ $0 == entry.keyID }) ?? equals(entry.key, key) { overlay.remove(attribute: index) }
        }
    }

    @usableFromInline
    func attributeRange(of owner: AttributeOwner) -> Range<Int> {
        switch owner {
        case .record(let index): records[index].attributes
        case .scope(let index): scopes[index].attributes
        case .resource(let index): resources[index].attributes
        }
    }

    private func attribute(_ key: AttributeKey, range: Range<Int>, owner: AttributeOwner) -> AttributeValue? {
        if !overlay.isEmpty, let added = overlay.addition(key, of: owner) { return added.value }
        var index = range.upperBound
        while index > range.lowerBound {
            index -= 1
            if attributes[index].keyID == key && !overlay.isRemoved(attribute: index) { return attributes[index].value }
        }
        return nil
    }
}

/// The attributes of one owner, with the changes of the overlay.
public struct LiveAttributes: Sequence, IteratorProtocol, Sendable {
    private let batch: OTLPBatch
    private var index: Int
    private let end: Int
    private var addition: UInt32

    init(batch: OTLPBatch, owner: AttributeOwner) {
        self.batch = batch
        let range = batch.attributeRange(of: owner)
        index = range.lowerBound
        end = range.upperBound
        addition = batch.overlay.leaf(owner).map { batch.overlay.chain($0).first } ?? 0
    }

    /// The next attribute that is still part of the batch.
    public mutating func next() -> AttributeEntry? {
        while index < end {
            index += 1
            if !batch.overlay.isRemoved(attribute: index - 1) { return batch.attributes[index - 1] }
        }
        while addition > 0 {
            let added = batch.overlay.additions[Int(addition) - 1]
            addition = added.next
            if !added.isRemoved { return added.entry }
        }
        return nil
    }
}

extension Overlay {
    func addition(_ key: AttributeKey, of owner: AttributeOwner) -> AttributeEntry? {
        guard let leaf = leaf(owner) else { return nil }
        var number = chain(leaf).first
        var found: AttributeEntry?
        while number > 0 {
            let addition = additions[Int(number) - 1]
            if addition.entry.keyID == key && !addition.isRemoved { found = addition.entry }
            number = addition.next
        }
        return found
    }
}

// MARK: - Points

extension OTLPBatch {
    /// Count and sum of a histogram, exponential histogram or summary point; `nil` for any other record.
    public func distribution(record: Int) -> Distribution? {
        guard let metric = records[record].metric else { return nil }
        switch metrics[metric].kind {
        case .histogram, .exponentialHistogram, .summary: break
        case .none, .gauge, .sum: return nil
        }
        var found = Distribution(count: 0, sum: metrics[metric].kind == .summary ? 0 : nil)
        let bytes = bytes.span.bytes
        var cursor = WireCursor(records[record].message.range)
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { break }
            switch tag {
            case Tag.Point.count: found.count = (try? cursor.fixed64(bytes)) ?? 0
            case Tag.Point.sum: found.sum = (try? cursor.fixed64(bytes)).map(Double.init(bitPattern:))
            default: guard (try? cursor.skip(tag, bytes)) != nil else { return found }
            }
        }
        return found
    }
}

// MARK: - Text

extension OTLPBatch {
    /// The text of a slice; invalid UTF-8 is replaced by U+FFFD.
    public func string(_ slice: Slice) -> String { String(decoding: bytes(of: slice), as: UTF8.self) }

    /// The bytes of a slice, of the batch or of its overlay; empty for a slice of another batch.
    public func bytes(of slice: Slice) -> ArraySlice<UInt8> {
        let range = slice.range
        if range.upperBound <= bytes.count { return bytes[range] }
        guard range.lowerBound >= bytes.count, range.upperBound - bytes.count <= overlay.arena.count else { return [] }
        return overlay.text(slice)
    }

    /// Whether a slice is exactly this text, without creating a `String`.
    public func equals(_ slice: Slice, _ text: StaticString) -> Bool {
        guard Int(slice.length) == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { text in begins(slice, text.span.bytes) }
    }

    /// Whether a slice is exactly this text.
    public func equals(_ slice: Slice, _ text: String) -> Bool {
        guard Int(slice.length) == text.utf8.count else { return false }
        var text = text
        return text.withUTF8 { text in begins(slice, text.span.bytes) }
    }

    /// Whether a slice begins with this text.
    public func hasPrefix(_ slice: Slice, _ text: StaticString) -> Bool {
        guard Int(slice.length) >= text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { text in begins(slice, text.span.bytes) }
    }

    /// Whether a slice, which is long enough, begins with these bytes.
    ///
    /// Asked of every record; a slice of the array would be counted as one more reference to it.
    private func begins(_ slice: Slice, _ text: RawSpan) -> Bool {
        let range = slice.range
        guard range.upperBound <= bytes.count else { return bytes(of: slice).span.bytes.begins(with: text) }
        return bytes.span.bytes.extracting(range).begins(with: text)
    }

    /// The value as a whole number: an integer, an integral double, or a string with one (`12`, `1.2e3`).
    public func number(of value: AttributeValue) -> Int64? {
        switch value {
        case .int(let number): number
        case .double(let number): Int64(exactly: number)
        case .string(let slice): DecimalNumber.integer(bytes(of: slice))
        case .empty, .bool, .bytes, .array, .keyValueList: nil
        }
    }

    /// The value as a finite number: an integer, a double, or a string with one.
    public func double(of value: AttributeValue) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number.isFinite ? number : nil
        case .string(let slice): DecimalNumber.double(bytes(of: slice))
        case .empty, .bool, .bytes, .array, .keyValueList: nil
        }
    }

    /// The value as readable text.
    ///
    /// Strings unchanged, numbers and booleans in JSON's form, bytes as base64, arrays joined by commas, key-value
    /// lists as compact JSON; empty for an empty value.
    public func text(of value: AttributeValue) -> String {
        switch value {
        case .empty: ""
        case .string(let slice): string(slice)
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .double(let number): number.description
        case .bytes, .array, .keyValueList: plainText(of: value)
        }
    }
}

extension RawSpan {
    /// Whether the first bytes are these; compares eight at a time.
    fileprivate func begins(with other: RawSpan) -> Bool {
        let count = other.byteCount
        guard byteCount >= count else { return false }
        var offset = 0
        while offset &+ 8 <= count {
            guard word(offset) == other.word(offset) else { return false }
            offset &+= 8
        }
        while offset < count {
            guard byte(offset) == other.byte(offset) else { return false }
            offset &+= 1
        }
        return true
    }
}

// MARK: - Indexing

extension OTLPBatch {
    init(indexing bytes: [UInt8], signal: Signal, _ limits: ReadingLimits, notes: OTLPNotes = OTLPNotes())
        throws(OTLPError)
    {
        guard bytes.count < Wire.maximumBatchSize else {
            throw OTLPError(offset: 0, path: "", reason: "the request is larger than 2 GiB")
        }
        var indexer = BatchIndexer(signal: signal, limits)
        indexer.checker.notes = notes
        do throws(ParseFailure) {
            try indexer.request(bytes.span.bytes)
        } catch {
            throw OTLPError(error) { FieldPath.inProtobuf(bytes, offset: $0, signal: signal) }
        }
        self.init(indexer, bytes)
    }

    private init(_ indexer: BatchIndexer, _ bytes: [UInt8]) {
        signal = indexer.signal
        self.bytes = bytes
        resources = indexer.resources
        scopes = indexer.scopes
        records = indexer.records
        attributes = indexer.attributes
        metrics = indexer.metrics
        frame = Frame(indexer)
        rejected = indexer.rejected.count
        notes = indexer.checker.notes
        overlay = Overlay(
            base: bytes.count,
            records: records.count,
            resources: resources.count,
            scopes: scopes.count,
            attributes: attributes.count
        )
        for record in indexer.rejected { overlay.drop(record: record) }
        for field in indexer.unusableFields { overlay.remove(field: field) }
    }
}

extension AttributeMessage {
    init(from start: Int, _ body: Range<Int>, envelope: UInt32) {
        self.init(tagOffset: UInt32(truncatingIfNeeded: start), message: Slice(body), envelope: envelope)
    }
}

extension ResourceEntry {
    init() {
        self.init(
            schemaURL: .none,
            envelope: 0,
            attributeMessage: .max,
            attributeStart: 0,
            attributeEnd: 0,
            scopeStart: 0,
            scopeEnd: 0
        )
    }
}

extension ScopeEntry {
    init() {
        self.init(
            name: .none,
            version: .none,
            schemaURL: .none,
            resourceIndex: 0,
            envelope: 0,
            attributeMessage: .max,
            attributeStart: 0,
            attributeEnd: 0,
            recordStart: 0,
            recordEnd: 0
        )
    }
}

extension MetricEntry {
    init(in scope: UInt32) {
        self.init(
            name: .none,
            unit: .none,
            description: .none,
            kind: .none,
            temporality: .unspecified,
            isMonotonic: false,
            scopeIndex: scope,
            pointStart: 0,
            pointEnd: 0
        )
    }
}

extension RecordEntry {
    @inline(__always)
    init(message: Slice, tagOffset: UInt32, _ context: RecordContext, attributeStart: UInt32) {
        self.init(
            message: message,
            tagOffset: tagOffset,
            name: .none,
            startTime: 0,
            endTime: 0,
            traceHigh: 0,
            traceLow: 0,
            spanID: 0,
            parentSpanID: 0,
            bodyBits: 0,
            scopeIndex: context.scope,
            envelope: context.envelope,
            metricIndex: context.metric,
            attributeStart: attributeStart,
            attributeEnd: attributeStart,
            bodyKind: .empty,
            kind: 0,
            statusCode: 0
        )
    }
}

// MARK: - Plain Text

extension OTLPBatch {
    /// The text of bytes, arrays and key-value lists.
    private func plainText(of value: AttributeValue) -> String {
        var sink = ByteSink()
        switch value {
        case .bytes(let slice): Base64.encode(bytes(of: slice).span.bytes, into: &sink)
        case .array(let slice):
            for (index, element) in elements(of: slice).enumerated() {
                if index > 0 { sink.append(UInt8(ascii: ",")) }
                sink.append(string: text(of: element))
            }
        default: plainJSON(value, into: &sink, depth: 0)
        }
        return String(decoding: sink.finish(), as: UTF8.self)
    }

    /// The elements of an array value.
    public func elements(of array: Slice) -> [AttributeValue] {
        values(in: array) { cursor, tag, bytes, values in
            guard tag == Tag.ArrayValue.values, let range = try? cursor.lengthDelimited(bytes) else { return false }
            values.append(AttributeValue(anyValue: range, bytes))
            return true
        }
    }

    /// The keys and values of a key-value list.
    public func members(of list: Slice) -> [(key: Slice, value: AttributeValue)] {
        values(in: list) { cursor, tag, bytes, values in
            guard tag == Tag.ArrayValue.values, let range = try? cursor.lengthDelimited(bytes) else { return false }
            values.append(Self.member(range, bytes))
            return true
        }
    }

    /// Nested values always belong to the received bytes.
    private func values<Value>(
        in message: Slice,
        _ read: (inout WireCursor, UInt32, RawSpan, inout [Value]) -> Bool
    ) -> [Value] {
        var values: [Value] = []
        guard message.range.upperBound <= bytes.count else { return values }
        var cursor = WireCursor(message.range)
        let bytes = bytes.span.bytes
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { break }
            if read(&cursor, tag, bytes, &values) { continue }
            guard (try? cursor.skip(tag, bytes)) != nil else { break }
        }
        return values
    }

    private static func member(_ body: Range<Int>, _ bytes: RawSpan) -> (key: Slice, value: AttributeValue) {
        var member = (key: Slice.none, value: AttributeValue.empty)
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { break }
            switch tag {
            case Tag.KeyValue.key: member.key = (try? cursor.slice(bytes)) ?? .none
            case Tag.KeyValue.value:
                guard let range = try? cursor.lengthDelimited(bytes) else { return member }
                member.value = AttributeValue(anyValue: range, bytes)
            default: guard (try? cursor.skip(tag, bytes)) != nil else { return member }
            }
        }
        return member
    }

    private func plainJSON(_ value: AttributeValue, into sink: inout ByteSink, depth: Int) {
        guard depth < Wire.maximumDepth else { return sink.append("null") }
        switch value {
        case .empty: sink.append("null")
        case .string(let slice): sink.quoted(bytes(of: slice))
        case .bool(let flag): sink.append(flag ? "true" : "false")
        case .int(let number): sink.decimal(number)
        case .double(let number): sink.double(number)
        case .bytes: sink.quoted(plainText(of: value))
        case .array(let slice):
            sink.append(UInt8(ascii: "["))
            for (index, element) in elements(of: slice).enumerated() {
                if index > 0 { sink.append(UInt8(ascii: ",")) }
                plainJSON(element, into: &sink, depth: depth + 1)
            }
            sink.append(UInt8(ascii: "]"))
        case .keyValueList(let slice):
            sink.append(UInt8(ascii: "{"))
            for (index, member) in members(of: slice).enumerated() {
                if index > 0 { sink.append(UInt8(ascii: ",")) }
                sink.quoted(bytes(of: member.key))
                sink.append(UInt8(ascii: ":"))
                plainJSON(member.value, into: &sink, depth: depth + 1)
            }
            sink.append(UInt8(ascii: "}"))
        }
    }
}

extension AttributeValue {
    /// Reads a checked AnyValue message; of several members the last one counts.
    init(anyValue body: Range<Int>, _ bytes: RawSpan) {
        self = .empty
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes) else { return }
            switch tag {
            case Tag.AnyValue.bool, Tag.AnyValue.int:
                guard let number = try? cursor.varint(bytes) else { return }
                self = tag == Tag.AnyValue.bool ? .bool(number != 0) : .int(Int64(bitPattern: number))
            case Tag.AnyValue.double:
                guard let bits = try? cursor.fixed64(bytes) else { return }
                self = .double(Double(bitPattern: bits))
            case Tag.AnyValue.string, Tag.AnyValue.array, Tag.AnyValue.keyValueList, Tag.AnyValue.bytes:
                guard let slice = try? cursor.slice(bytes), let kind = ValueKind(lengthDelimitedTag: tag) else {
                    return
                }
                self.init(kind: kind, bits: slice.packed)
            default: guard (try? cursor.skip(tag, bytes)) != nil else { return }
            }
        }
    }
}

extension ValueKind {
    fileprivate init?(lengthDelimitedTag tag: UInt32) {
        switch tag {
        case Tag.AnyValue.string: self = .string
        case Tag.AnyValue.array: self = .array
        case Tag.AnyValue.keyValueList: self = .keyValueList
        case Tag.AnyValue.bytes: self = .bytes
        default: return nil
        }
    }
}

// MARK: - Body

extension OTLPBatch {
    /// Removes the body of a log record; its other fields stay.
    public mutating func removeBody(record: Int) {
        guard signal == .logs else { return }
        for field in bodyFields(of: record) { overlay.remove(field: field) }
        records[record].bodyKind = .empty
        records[record].bodyBits = 0
    }

    /// The fields of a log record's body: one, unless its sender wrote it in parts.
    private func bodyFields(of record: Int) -> [Slice] {
        var fields: [Slice] = []
        let source = bytes.span.bytes
        var cursor = WireCursor(records[record].message.range)
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(source), (try? cursor.skip(tag, source)) != nil else { break }
            if tag == Tag.LogRecord.body { fields.append(Slice(start..<cursor.position)) }
        }
        return fields
    }
}

// MARK: - Encoding

extension OTLPBatch {
    /// The request with all changes applied; without changes, the received bytes.
    public func encoded() -> [UInt8] { overlay.isEmpty ? bytes : OverlaySplicer(self).encode() }

    /// Whether a record was changed.
    func hasChanges(record index: Int) -> Bool {
        if overlay.isEmpty { return false }
        if overlay.chain(index).first > 0 { return true }
        if !overlay.removedAttributes.isEmpty, records[index].attributes.contains(where: overlay.isRemoved) {
            return true
        }
        let message = records[index].message.range
        let first = overlay.fieldChanges.partitioningIndex { $0.field.range.lowerBound >= message.lowerBound }
        guard first < overlay.fieldChanges.count else { return false }
        return overlay.fieldChanges[first].field.range.lowerBound < message.upperBound
    }

    func attributesTag(of record: RecordEntry) -> UInt8 {
        switch signal {
        case .traces: UInt8(Tag.Span.attributes)
        case .logs: UInt8(Tag.LogRecord.attributes)
        case .metrics: UInt8(metrics[Int(record.metricIndex)].kind.point.pointAttributesTag)
        }
    }
}
