// SPDX-License-Identifier: Apache-2.0

/// The decision about a reviewed attribute.
public enum AttributeDecision: Sendable, Hashable {
    case keep, remove
    case replace(AttributeScalar)
}

/// The decision about a text outside of attributes.
public enum TextDecision: Sendable, Hashable {
    case keep, remove
    case replace(String)
}

/// The places of texts outside of attributes.
public enum TextPlace: UInt8, Sendable, Hashable, CaseIterable {
    case spanName, traceState, statusMessage, eventName, linkTraceState
    case severityText, logEventName
    case scopeName, scopeVersion, schemaURL, entityReference
    case metricName, metricDescription, metricUnit
    /// An unknown field, or an id of a wrong length.
    case unknownField
}

/// Decides which contents of a request are kept; called by ``ContentReader``.
///
/// Slices belong to the batch that is passed with them.
public protocol ContentReview {
    /// Whether an event of a span is dropped with all its contents.
    mutating func drops(eventNamed name: Slice, in batch: OTLPBatch) -> Bool
    /// The decision about an attribute of an event, a link, an exemplar or a metric.
    mutating func decide(on attribute: AttributeEntry, in batch: OTLPBatch) -> AttributeDecision
    /// The decision about a non-empty text.
    mutating func decide(on text: Slice, at place: TextPlace, in batch: OTLPBatch) -> TextDecision
}

/// Changes to the contents of a request outside of the attributes of its records, scopes and resources.
public struct ContentChanges: Sendable {
    struct Change: Sendable {
        var field: Slice
        /// The new field; empty when it is removed.
        var replacement: [UInt8]
        /// The directly enclosing message when that is an envelope or the request.
        var envelope: UInt32?
        var target: Target?
    }

    /// The entry of the index that refers to the text.
    enum Target: Sendable {
        case recordName(Int), scopeName(Int), scopeVersion(Int), scopeSchema(Int), resourceSchema(Int)
        case metricName(Int), metricDescription(Int), metricUnit(Int)
    }

    var changes: [Change] = []

    /// Whether there are no changes.
    public var isEmpty: Bool { changes.isEmpty }

    /// Creates no changes.
    public init() {}
}

/// Checks a message with the schema table.
enum StrictForm {
    /// Whether a message has only known fields of the right type, and none twice that is not repeated.
    static func holds(_ message: MessageID, _ body: Range<Int>, _ bytes: RawSpan, depth: Int = 0) -> Bool {
        guard depth <= Wire.maximumDepth else { return false }
        let schema = Schema.otlp
        var cursor = WireCursor(body)
        var seen: UInt32 = 0
        while !cursor.atEnd {
            guard let tag = try? cursor.tag(bytes), let index = schema.field(number: tag >> 3, in: message),
                tag == schema.fields[index].tag
            else { return false }
            if !schema.fields[index].isRepeated, seen & schema.fields[index].excluded != 0 { return false }
            seen |= schema.fields[index].bit
            if schema.fields[index].kind == .message {
                guard let inner = try? cursor.lengthDelimited(bytes),
                    holds(schema.fields[index].message, inner, bytes, depth: depth + 1)
                else { return false }
            } else if (try? cursor.skip(tag, bytes)) == nil {
                return false
            }
        }
        return true
    }
}

/// The values inside an array or a key-value list.
struct InnerValues {
    /// The offset of the bytes being read within the batch.
    private let base: UInt32
    private let signal: Signal

    init(_ signal: Signal, _ slice: Slice) {
        self.signal = signal
        base = slice.offset
    }

    func all(
        in bytes: ArraySlice<UInt8>,
        isList: Bool,
        key: Slice?,
        depth: Int,
        _ test: (Slice?, AttributeValue) -> Bool
    ) -> Bool {
        let span = bytes.span.bytes
        return all(span, 0..<span.byteCount, isList: isList, key: key, depth: depth, test)
    }

    private func all(
        _ bytes: RawSpan,
        _ body: Range<Int>,
        isList: Bool,
        key: Slice?,
        depth: Int,
        _ test: (Slice?, AttributeValue) -> Bool
    ) -> Bool {
        guard depth <= Wire.maximumDepth else { return false }
        var indexer = BatchIndexer(signal: signal)
        var cursor = WireCursor(body)
        while !cursor.atEnd {
            let start = cursor.position
            guard let tag = try? cursor.tag(bytes), tag == Tag.ArrayValue.values,
                let inner = try? cursor.lengthDelimited(bytes)
            else { return false }
            var (kind, bits, name) = (ValueKind.empty, UInt64(0), key)
            if isList {
                indexer.attributes.removeAll(keepingCapacity: true)
                guard (try? indexer.attribute(bytes, from: start, inner, depth: 6)) != nil,
                    let entry = indexer.attributes.first
                else { return false }
                (kind, bits) = (entry.kind, entry.bits)
                name = Slice(offset: entry.key.offset + base, length: entry.key.length)
            } else if (try? indexer.value(bytes, inner, depth: 6, &kind, &bits)) == nil {
                return false
            }
            guard pass(bytes, kind, bits, name, depth, test) else { return false }
        }
        return true
    }

    private func pass(
        _ bytes: RawSpan,
        _ kind: ValueKind,
        _ bits: UInt64,
        _ key: Slice?,
        _ depth: Int,
        _ test: (Slice?, AttributeValue) -> Bool
    ) -> Bool {
        switch kind {
        case .array, .keyValueList:
            return all(
                bytes,
                Slice(packed: bits).range,
                isList: kind == .keyValueList,
                key: key,
                depth: depth + 1,
                test
            )
        case .string, .bytes:
            var slice = Slice(packed: bits)
            slice.offset += base
            return test(key, AttributeValue(kind: kind, bits: slice.packed))
        case .empty, .bool, .int, .double: return test(key, AttributeValue(kind: kind, bits: bits))
        }
    }
}
