// SPDX-License-Identifier: Apache-2.0

/// A span, a log record or a metric data point in the flat index of a batch.
///
/// Which members are used depends on the signal; the others are zero. Times are nanoseconds since 1970, 0 if unknown.
public struct RecordEntry: Sendable, Hashable {
    /// The body of the message.
    public var message: Slice
    /// The start of the field that contains it.
    public var tagOffset: UInt32
    /// The span's name or the log record's event name; a data point's name is in its ``MetricEntry``.
    public var name: Slice
    /// Start of the span or of the point's interval; a log record's observed time.
    public var startTime: UInt64
    /// End of the span; time of the point or the log record.
    public var endTime: UInt64
    /// The first eight bytes of the trace id, big-endian; both halves are 0 when there is none.
    public var traceHigh: UInt64
    /// The last eight bytes of the trace id.
    public var traceLow: UInt64
    /// The span id, big-endian; 0 when there is none.
    public var spanID: UInt64
    /// The parent's span id; 0 for a root span.
    public var parentSpanID: UInt64
    /// A log record's body or a number point's value, interpreted like ``AttributeEntry/bits``.
    public var bodyBits: UInt64
    var scopeIndex: UInt32
    var envelope: UInt32
    var metricIndex: UInt32
    var attributeStart: UInt32
    var attributeEnd: UInt32
    /// How to interpret ``bodyBits``.
    public var bodyKind: ValueKind
    /// The span's kind or the log record's severity number.
    public var kind: UInt8
    /// The span's status: 0 unset, 1 ok, 2 error.
    public var statusCode: UInt8

    /// The scope it belongs to, as an index of ``OTLPBatch/scopes``.
    public var scope: Int { Int(scopeIndex) }
    /// The metric it belongs to, as an index of ``OTLPBatch/metrics``; `nil` for spans and log records.
    public var metric: Int? { metricIndex == .max ? nil : Int(metricIndex) }
    /// Its attributes as indices of ``OTLPBatch/attributes``, as received.
    public var attributes: Range<Int> { Int(attributeStart)..<Int(attributeEnd) }
    /// A log record's body or a number point's value.
    public var body: AttributeValue { AttributeValue(kind: bodyKind, bits: bodyBits) }
    /// The time of a log record or data point (the end of a span).
    public var time: UInt64 { endTime }
    /// When a log record was observed.
    public var observedTime: UInt64 { startTime }
    /// A log record's severity, 1 to 24.
    public var severity: UInt8 { kind }
}
