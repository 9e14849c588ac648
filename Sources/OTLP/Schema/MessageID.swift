// SPDX-License-Identifier: Apache-2.0

/// The messages of an OTLP request.
enum MessageID: UInt8, CaseIterable {
    case traceRequest, resourceSpans, scopeSpans, span, spanEvent, spanLink, spanStatus
    case logsRequest, resourceLogs, scopeLogs, logRecord
    case metricsRequest, resourceMetrics, scopeMetrics, metric, gauge, sum, histogram, exponentialHistogram, summary
    case numberPoint, histogramPoint, exponentialHistogramPoint, buckets, summaryPoint, quantile, exemplar
    case resource, entityReference, scope, keyValue, anyValue, arrayValue, keyValueList

    static func request(_ signal: Signal) -> MessageID {
        switch signal {
        case .traces: .traceRequest
        case .logs: .logsRequest
        case .metrics: .metricsRequest
        }
    }
}

/// The enumerations, whose values a sender may name instead of number.
enum EnumID: UInt8 {
    case none, spanKind, statusCode, severity, temporality
}

/// How a field looks in protobuf and in JSON.
enum FieldKind: UInt8 {
    case string, bytes, traceID, spanID, bool, int32, int64, uint32, uint64, sint32, fixed32, fixed64, sfixed64, double
    case enumeration, message

    var wireType: UInt32 {
        switch self {
        case .string, .bytes, .traceID, .spanID, .message: Wire.length
        case .bool, .int32, .int64, .uint32, .uint64, .sint32, .enumeration: Wire.varint
        case .fixed32: Wire.fixed32
        case .fixed64, .sfixed64, .double: Wire.fixed64
        }
    }

    /// Whether repeated values are written as one packed field.
    var isPackable: Bool { wireType != Wire.length }
}
