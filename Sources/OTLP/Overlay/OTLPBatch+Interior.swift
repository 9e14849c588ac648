// SPDX-License-Identifier: Apache-2.0

/// What becomes of an attribute that somebody looks at.
public enum AttributeDecision: Sendable, Hashable {
    case keep, remove
    case replace(AttributeScalar)
}

/// Changes to what lies inside a record beside its own attributes; made by ``OTLPBatch/changes(insideRecord:dropsEvent:attribute:)``.
public struct InteriorChanges: Sendable {
    var fields: [(field: Slice, replacement: [UInt8])] = []

    /// Whether everything stays as it is.
    public var isEmpty: Bool { fields.isEmpty }
}

extension OTLPBatch {
    /// Looks through the events and links of a span or the exemplars of a data point, changes made before included.
    ///
    /// - Parameters:
    ///   - record: The record, as an index of ``records``.
    ///   - dropsEvent: Whether a span event of this name goes, with all it carries.
    ///   - attribute: What becomes of an attribute; its slices are of this batch.
    /// - Returns: The changes, to be given to ``apply(_:)``.
    public func changes(
        insideRecord record: Int,
        dropsEvent: (Slice) -> Bool,
        attribute: (AttributeEntry) -> AttributeDecision
    ) -> InteriorChanges {
        var found = InteriorChanges()
        let source = bytes.span.bytes
        var cursor = WireCursor(records[record].message.range)
        // Most records have nothing inside.
        var reader: InteriorReader?
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(source) else { break }
            guard let form = interiorForm(tag, of: records[record]) else {
                guard (try? cursor.skip(tag, source)) != nil else { break }
                continue
            }
            guard let body = try? cursor.lengthDelimited(source) else { break }
            let field = Slice(start..<cursor.position)
            let rewritten: [UInt8]?
            if reader == nil { reader = InteriorReader(signal: signal) }
            if let change = overlay.change(at: field) {
                if change.replacement.isEmpty { continue }
                let copy = Array(overlay.text(change.replacement))
                var inner = WireCursor(0..<copy.count)
                guard (try? inner.tag(copy.span.bytes)) != nil, let body = try? inner.lengthDelimited(copy.span.bytes)
                else { continue }
                reader?.shift = change.replacement.offset
                rewritten = reader?.rewrite(copy.span.bytes, body, tag, form, dropsEvent, attribute)
            } else {
                reader?.shift = 0
                rewritten = reader?.rewrite(source, body, tag, form, dropsEvent, attribute)
            }
            if let rewritten { found.fields.append((field, rewritten)) }
        }
        return found
    }

    /// Makes changes to the interior of a record.
    public mutating func apply(_ changes: InteriorChanges) {
        for change in changes.fields {
            // Without room for what remains of a field nothing of it remains: what was to go must not stay.
            let replacement = change.replacement.isEmpty ? nil : overlay.store(change.replacement)
            overlay.change(Overlay.FieldChange(field: change.field, replacement: replacement ?? .none))
        }
    }

    /// Takes the body away from a log record; the other parts stay.
    public mutating func removeBody(record: Int) {
        guard signal == .logs, records[record].bodyKind != .empty else { return }
        for field in bodyFields(of: record) { overlay.remove(field: field) }
        records[record].bodyKind = .empty
        records[record].bodyBits = 0
    }

    /// The fields that carry a log record's body: one, unless its sender wrote it in parts.
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

    private func interiorForm(_ tag: UInt32, of record: RecordEntry) -> InteriorForm? {
        switch signal {
        case .logs: nil
        case .traces: tag == Tag.Span.events ? .event : tag == Tag.Span.links ? .link : nil
        case .metrics: tag == metrics[Int(record.metricIndex)].kind.point.exemplarsTag ? .exemplar : nil
        }
    }
}

/// A message inside a record that carries attributes of its own.
private enum InteriorForm {
    case event, link, exemplar

    var attributesTag: UInt32 {
        switch self {
        case .event: Tag.SpanEvent.attributes
        case .link: Tag.SpanLink.attributes
        case .exemplar: Tag.Exemplar.attributes
        }
    }
}

/// Reads one message inside a record and writes it again with its changes.
private struct InteriorReader {
    private var indexer: BatchIndexer
    /// Where the bytes that are read lie in the batch, which the slices of attributes must say.
    var shift: UInt32 = 0

    init(signal: Signal) {
        indexer = BatchIndexer(signal: signal)
    }

    /// The field with its changes, tag included; empty when it goes, nil when it stays as it is.
    mutating func rewrite(
        _ bytes: RawSpan,
        _ body: Range<Int>,
        _ tag: UInt32,
        _ form: InteriorForm,
        _ dropsEvent: (Slice) -> Bool,
        _ attribute: (AttributeEntry) -> AttributeDecision
    ) -> [UInt8]? {
        var writer = ProtobufWriter()
        var copied = body.lowerBound
        var isChanged = false
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            guard let inner = try? cursor.tag(bytes) else { return nil }
            if inner == form.attributesTag {
                guard let range = try? cursor.lengthDelimited(bytes), let entry = entry(bytes, start, range) else {
                    return nil
                }
                let decision = attribute(entry)
                if decision == .keep { continue }
                writer.append(bytes.extracting(copied..<start))
                copied = cursor.position
                isChanged = true
                if case .replace(let value) = decision {
                    let key = indexer.attributes[0].key.range
                    writer.attribute(inner >> 3, text(bytes.extracting(key)), value)
                }
            } else if form == .event, inner == Tag.SpanEvent.name {
                guard var name = try? cursor.slice(bytes) else { return nil }
                name.offset += shift
                if dropsEvent(name) { return [] }
            } else if (try? cursor.skip(inner, bytes)) == nil {
                return nil
            }
        }
        guard isChanged else { return nil }
        writer.append(bytes.extracting(copied..<body.upperBound))
        var field = ProtobufWriter()
        field.bytes(tag >> 3, writer.finish(), always: true)
        return field.finish()
    }

    private mutating func entry(_ bytes: RawSpan, _ start: Int, _ body: Range<Int>) -> AttributeEntry? {
        indexer.attributes.removeAll(keepingCapacity: true)
        guard (try? indexer.attribute(bytes, from: start, body, depth: 6)) != nil, var entry = indexer.attributes.first
        else { return nil }
        if shift == 0 { return entry }
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

    private func text(_ bytes: RawSpan) -> String {
        bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

extension MessageID {
    /// The tag of the exemplars in a data point; a summary has none.
    fileprivate var exemplarsTag: UInt32? {
        switch self {
        case .numberPoint: Tag.Point.numberExemplars
        case .histogramPoint: Tag.Point.histogramExemplars
        case .exponentialHistogramPoint: Tag.Point.exponentialHistogramExemplars
        default: nil
        }
    }
}

extension Tag.Span {
    fileprivate static let events: UInt32 = 0x5a
    fileprivate static let links: UInt32 = 0x6a
}

extension Tag.Point {
    fileprivate static let numberExemplars: UInt32 = 0x2a
    fileprivate static let histogramExemplars: UInt32 = 0x42
    fileprivate static let exponentialHistogramExemplars: UInt32 = 0x5a
}

extension Tag {
    fileprivate enum SpanEvent {
        static let name: UInt32 = 0x12
        static let attributes: UInt32 = 0x1a
    }
    fileprivate enum SpanLink {
        static let attributes: UInt32 = 0x22
    }
    fileprivate enum Exemplar {
        static let attributes: UInt32 = 0x3a
    }
}
