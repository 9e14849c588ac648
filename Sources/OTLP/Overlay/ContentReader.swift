// SPDX-License-Identifier: Apache-2.0

/// Passes all contents of a request except the attributes of its records, scopes and resources to a review.
///
/// These are texts, events, links, exemplars, the metadata of metrics and unknown fields, including earlier changes; numbers, times
/// and ids are kept. One reader serves a whole batch.
public struct ContentReader {
    private let schema = Schema.otlp
    private let signal: Signal
    /// Created for the first attribute inside a record.
    private var indexer: BatchIndexer?
    /// The offset of the bytes being read within the batch, which slices need.
    private var shift: UInt32 = 0
    /// Whether the last reviewed log record has at most one body, which has one value of the schema and nothing else.
    public private(set) var hasStrictBody = true

    /// Creates a reader for batches of a signal.
    public init(_ signal: Signal) {
        self.signal = signal
    }

    // MARK: - Records

    /// Adds the changes inside a record, given as an index of `records`, except for its own attributes and a log record's body.
    public mutating func review(
        record: Int,
        of batch: OTLPBatch,
        by review: inout some ContentReview,
        _ found: inout ContentChanges
    ) {
        let message = batch.messageID(of: batch.records[record])
        let attributes = UInt32(batch.attributesTag(of: batch.records[record]))
        let body = signal == .logs ? Tag.LogRecord.body : 0
        var bodies = 0
        hasStrictBody = true
        let bytes = batch.bytes.span.bytes
        var cursor = WireCursor(batch.records[record].message.range)
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(bytes) else { break }
            if tag == attributes || tag == body {
                guard let value = try? cursor.lengthDelimited(bytes) else { break }
                if tag == body {
                    bodies += 1
                    hasStrictBody = bodies == 1 && StrictForm.holds(.anyValue, value, bytes)
                }
                continue
            }
            if isNumber(tag, in: message) {
                guard (try? cursor.skip(tag, bytes)) != nil else { break }
                continue
            }
            let changed = fieldChange(tag, in: message, &cursor, start, of: batch, isFrame: false, by: &review)
            guard let changed else { continue }
            let isName = TextPlace(field: tag >> 3, in: message).map { $0 == .spanName || $0 == .logEventName } ?? false
            found.changes.append(
                ContentChanges.Change(
                    field: Slice(start..<cursor.position),
                    replacement: changed,
                    target: isName ? .recordName(record) : nil
                )
            )
        }
    }

    @inline(__always)
    private func isNumber(_ tag: UInt32, in message: MessageID) -> Bool {
        guard tag & 7 != Wire.length, let index = schema.field(number: tag >> 3, in: message) else { return false }
        return tag & 7 == schema.fields[index].kind.wireType
    }

    /// The new content of the field at a tag; nil when it is kept, empty when it is removed.
    private mutating func fieldChange(
        _ tag: UInt32,
        in message: MessageID,
        _ cursor: inout WireCursor,
        _ start: Int,
        of batch: OTLPBatch,
        isFrame: Bool,
        by review: inout some ContentReview
    ) -> [UInt8]? {
        let bytes = batch.bytes.span.bytes
        shift = 0
        if !batch.overlay.isEmpty {
            var end = cursor
            guard (try? end.skip(tag, bytes)) != nil else {
                cursor.position = cursor.end
                return nil
            }
            let field = Slice(start..<end.position)
            if let change = isFrame ? batch.overlay.change(atFrame: field) : batch.overlay.change(at: field) {
                cursor = end
                return secondChange(change, in: message, of: batch, by: &review)
            }
        }
        do throws(ParseFailure) {
            return try outcome(tag, in: message, &cursor, bytes, of: batch, by: &review)
        } catch {
            cursor.position = cursor.end
            return nil
        }
    }

    /// Reviews what an earlier change wrote in place of a field.
    private mutating func secondChange(
        _ change: Overlay.FieldChange,
        in message: MessageID,
        of batch: OTLPBatch,
        by review: inout some ContentReview
    ) -> [UInt8]? {
        if change.replacement.isEmpty { return nil }
        let copy = Array(batch.overlay.text(change.replacement))
        var cursor = WireCursor(0..<copy.count)
        shift = change.replacement.offset
        defer { shift = 0 }
        guard let tag = try? cursor.tag(copy.span.bytes) else { return nil }
        return try? outcome(tag, in: message, &cursor, copy.span.bytes, of: batch, by: &review)
    }

    // MARK: - What is around records

    /// Adds the changes to the request, its resources, scopes and metrics.
    public mutating func reviewFrames(
        of batch: OTLPBatch,
        by review: inout some ContentReview,
        _ found: inout ContentChanges
    ) {
        var walk = FrameWalk()
        let request = MessageID.request(signal)
        frame(request, 0..<batch.bytes.count, envelope: .max, .none, &walk, of: batch, by: &review, &found)
    }

    /// The position of an iteration over the envelopes of a batch, which are ordered by their bytes.
    private struct FrameWalk {
        var envelopes: UInt32 = 0
        var resources = 0
        var scopes = 0
        var metrics = 0
    }

    /// The part of a batch that a message describes.
    private enum Part {
        case none
        case resource(Int), scope(Int), metric(Int)
    }

    private mutating func frame(
        _ message: MessageID,
        _ body: Range<Int>,
        envelope: UInt32?,
        _ part: Part,
        _ walk: inout FrameWalk,
        of batch: OTLPBatch,
        by review: inout some ContentReview,
        _ found: inout ContentChanges
    ) {
        let bytes = batch.bytes.span.bytes
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(bytes) else { break }
            let inner = tag & 7 == Wire.length ? schema.field(number: tag >> 3, in: message) : nil
            let child = inner.flatMap { schema.fields[$0].kind == .message ? schema.fields[$0].message : nil }
            if let child, child.isRecord || child == .keyValue && message != .metric {
                guard (try? cursor.lengthDelimited(bytes)) != nil else { break }
                continue
            }
            if let child, child.isFrame, !isHidden(child, part, batch) {
                guard let range = try? cursor.lengthDelimited(bytes) else { break }
                let isEnvelope = child.isEnvelope
                let next = isEnvelope ? walk.envelopes : nil
                if isEnvelope { walk.envelopes += 1 }
                let part = Self.part(child, in: part, &walk)
                frame(child, range, envelope: next, part, &walk, of: batch, by: &review, &found)
                continue
            }
            if let child, child.isEnvelope { walk.envelopes += 1 }
            let isFrame = envelope != nil
            let changed: [UInt8]?
            if let child, child.isFrame {
                // Points of a kind that a later one replaces are not in the index.
                guard (try? cursor.lengthDelimited(bytes)) != nil else { break }
                changed = []
            } else {
                changed = fieldChange(tag, in: message, &cursor, start, of: batch, isFrame: isFrame, by: &review)
            }
            guard let changed else { continue }
            found.changes.append(
                ContentChanges.Change(
                    field: Slice(start..<cursor.position),
                    replacement: changed,
                    envelope: envelope,
                    target: target(tag >> 3, in: message, part)
                )
            )
        }
    }

    /// Whether the data of a metric are of another kind than the one that counts.
    private func isHidden(_ child: MessageID, _ part: Part, _ batch: OTLPBatch) -> Bool {
        guard case .metric(let index) = part, index < batch.metrics.count else { return false }
        return batch.metrics[index].kind == .none || batch.metrics[index].kind.message != child
    }

    private static func part(_ child: MessageID, in part: Part, _ walk: inout FrameWalk) -> Part {
        switch child {
        case .resourceSpans, .resourceLogs, .resourceMetrics:
            walk.resources += 1
            return .resource(walk.resources - 1)
        case .scopeSpans, .scopeLogs, .scopeMetrics:
            walk.scopes += 1
            return .scope(walk.scopes - 1)
        case .metric:
            walk.metrics += 1
            return .metric(walk.metrics - 1)
        case .resource, .scope: return part
        default: return .none
        }
    }

    private func target(_ number: UInt32, in message: MessageID, _ part: Part) -> ContentChanges.Target? {
        switch (TextPlace(field: number, in: message), part) {
        case (.scopeName, .scope(let index)): .scopeName(index)
        case (.scopeVersion, .scope(let index)): .scopeVersion(index)
        case (.schemaURL, .scope(let index)): .scopeSchema(index)
        case (.schemaURL, .resource(let index)): .resourceSchema(index)
        case (.metricName, .metric(let index)): .metricName(index)
        case (.metricDescription, .metric(let index)): .metricDescription(index)
        case (.metricUnit, .metric(let index)): .metricUnit(index)
        default: nil
        }
    }

    // MARK: - Fields

    /// The new content of the field at a tag; nil when it is kept, empty when it is removed.
    private mutating func outcome(
        _ tag: UInt32,
        in message: MessageID,
        _ cursor: inout WireCursor,
        _ bytes: RawSpan,
        of batch: OTLPBatch,
        by review: inout some ContentReview
    ) throws(ParseFailure) -> [UInt8]? {
        let start = cursor.position
        guard let index = schema.field(number: tag >> 3, in: message),
            tag & 7 == Wire.length || tag & 7 == schema.fields[index].kind.wireType
        else {
            try cursor.skip(tag, bytes)
            return unknown(start..<cursor.position, of: batch, by: &review)
        }
        let kind = schema.fields[index].kind
        if kind.isPackable {
            try cursor.skip(tag, bytes)
            return nil
        }
        let body = try cursor.lengthDelimited(bytes)
        switch kind {
        case .message:
            return try inner(tag, schema.fields[index].message, body, start, bytes, of: batch, by: &review)
        case .traceID: return [0, 16].contains(body.count) ? nil : unknown(body, of: batch, by: &review)
        case .spanID: return [0, 8].contains(body.count) ? nil : unknown(body, of: batch, by: &review)
        default:
            guard !body.isEmpty, let place = TextPlace(field: tag >> 3, in: message) else { return nil }
            switch review.decide(on: slice(body), at: place, in: batch) {
            case .keep: return nil
            case .remove: return []
            case .replace(let text):
                var writer = ProtobufWriter()
                writer.string(tag >> 3, text, always: true)
                return writer.finish()
            }
        }
    }

    private mutating func unknown(_ range: Range<Int>, of batch: OTLPBatch, by review: inout some ContentReview)
        -> [UInt8]?
    {
        review.decide(on: slice(range), at: .unknownField, in: batch) == .keep ? nil : []
    }

    private mutating func inner(
        _ tag: UInt32,
        _ message: MessageID,
        _ body: Range<Int>,
        _ start: Int,
        _ bytes: RawSpan,
        of batch: OTLPBatch,
        by review: inout some ContentReview
    ) throws(ParseFailure) -> [UInt8]? {
        if message == .keyValue { return attribute(tag, body, start, bytes, of: batch, by: &review) }
        if message == .spanEvent, let name = try name(body, bytes), review.drops(eventNamed: slice(name), in: batch) {
            return []
        }
        guard let rewritten = try rewrite(message, body, bytes, of: batch, by: &review) else { return nil }
        var writer = ProtobufWriter()
        writer.bytes(tag >> 3, rewritten, always: true)
        return writer.finish()
    }

    /// A message with its changes; nil when there are none.
    private mutating func rewrite(
        _ message: MessageID,
        _ body: Range<Int>,
        _ bytes: RawSpan,
        of batch: OTLPBatch,
        by review: inout some ContentReview
    ) throws(ParseFailure) -> [UInt8]? {
        var writer = ProtobufWriter()
        var copied = body.lowerBound
        var isChanged = false
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            let tag = try cursor.tag(bytes)
            guard let changed = try outcome(tag, in: message, &cursor, bytes, of: batch, by: &review) else { continue }
            writer.append(bytes.extracting(copied..<start))
            writer.append(changed)
            copied = cursor.position
            isChanged = true
        }
        guard isChanged else { return nil }
        writer.append(bytes.extracting(copied..<body.upperBound))
        return writer.finish()
    }

    private mutating func attribute(
        _ tag: UInt32,
        _ body: Range<Int>,
        _ start: Int,
        _ bytes: RawSpan,
        of batch: OTLPBatch,
        by review: inout some ContentReview
    ) -> [UInt8]? {
        if indexer == nil { indexer = BatchIndexer(signal: signal) }
        indexer?.attributes.removeAll(keepingCapacity: true)
        guard (try? indexer?.attribute(bytes, from: start, body, depth: 6)) != nil,
            let found = indexer?.attributes.first
        else { return [] }
        let entry = shifted(found)
        var decision = review.decide(on: entry, in: batch)
        if decision == .keep {
            if entry.isPlain || StrictForm.holds(.keyValue, body, bytes) { return nil }
            decision = batch.scalar(of: entry.value).map { .replace($0) } ?? .remove
        }
        guard case .replace(let value) = decision else { return [] }
        var writer = ProtobufWriter()
        writer.attribute(tag >> 3, batch.string(entry.key), value)
        return writer.finish()
    }

    private func shifted(_ found: AttributeEntry) -> AttributeEntry {
        guard shift > 0 else { return found }
        var entry = found
        entry.key.offset += shift
        switch entry.kind {
        case .string, .bytes, .array, .keyValueList:
            var slice = Slice(packed: entry.bits)
            slice.offset += shift
            entry.bits = slice.packed
        case .empty, .bool, .int, .double: break
        }
        return entry
    }

    private func slice(_ range: Range<Int>) -> Slice {
        var slice = Slice(range)
        slice.offset += shift
        return slice
    }

    /// The name of a span's event; nil when it has none.
    private func name(_ body: Range<Int>, _ bytes: RawSpan) throws(ParseFailure) -> Range<Int>? {
        var name: Range<Int>?
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let tag = try cursor.tag(bytes)
            if tag == Self.eventName {
                name = try cursor.lengthDelimited(bytes)
            } else {
                try cursor.skip(tag, bytes)
            }
        }
        return name
    }

    private static let eventName: UInt32 = 0x12
}
