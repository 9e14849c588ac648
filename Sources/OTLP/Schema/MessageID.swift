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

    var isRecord: Bool {
        switch self {
        case .span, .logRecord, .numberPoint, .histogramPoint, .exponentialHistogramPoint, .summaryPoint: true
        default: false
        }
    }

    /// Whether it is a message with records that has an entry in the list of envelopes.
    var isEnvelope: Bool {
        switch self {
        case .resourceSpans, .resourceLogs, .resourceMetrics, .scopeSpans, .scopeLogs, .scopeMetrics, .metric, .gauge,
            .sum, .histogram, .exponentialHistogram, .summary:
            true
        default: false
        }
    }

    /// An envelope, or a message whose fields are changed one by one.
    var isFrame: Bool { isEnvelope || self == .resource || self == .scope }

    /// The tag of the attributes in a data point.
    var pointAttributesTag: UInt32 {
        switch self {
        case .histogramPoint: Tag.Point.histogramAttributes
        case .exponentialHistogramPoint: Tag.Point.exponentialHistogramAttributes
        default: Tag.Point.numberAttributes
        }
    }
}

/// The enumerations, whose values a sender may write as names or numbers.
enum EnumID: UInt8 {
    case none, spanKind, statusCode, severity, temporality
}

/// The type of a field in protobuf and in JSON.
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

// MARK: - Common

extension MessageID {
    /// opentelemetry/proto/common/v1 and resource/v1.
    ///
    /// The `…Strindex` fields are used only by profiles and are not read.
    var commonFields: [FieldSchema] {
        switch self {
        case .resource:
            [
                .init(1, "attributes", .keyValue, .repeated),
                .init(2, "droppedAttributesCount", .uint32),
                .init(3, "entityRefs", .entityReference, .repeated),
            ]
        case .entityReference:
            [
                .init(1, "schemaUrl", .string),
                .init(2, "type", .string),
                .init(3, "idKeys", .string, .repeated),
                .init(4, "descriptionKeys", .string, .repeated),
            ]
        case .scope:
            [
                .init(1, "name", .string),
                .init(2, "version", .string),
                .init(3, "attributes", .keyValue, .repeated),
                .init(4, "droppedAttributesCount", .uint32),
            ]
        case .keyValue:
            [.init(1, "key", .string), .init(2, "value", .anyValue)]
        case .anyValue:
            [
                .init(1, "stringValue", .string, .alternative),
                .init(2, "boolValue", .bool, .alternative),
                .init(3, "intValue", .int64, .alternative),
                .init(4, "doubleValue", .double, .alternative),
                .init(5, "arrayValue", .arrayValue, .alternative),
                .init(6, "kvlistValue", .keyValueList, .alternative),
                .init(7, "bytesValue", .bytes, .alternative),
            ]
        case .arrayValue: [.init(1, "values", .anyValue, .repeated)]
        case .keyValueList: [.init(1, "values", .keyValue, .repeated)]
        default: []
        }
    }
}

// MARK: - Logs

extension MessageID {
    /// opentelemetry/proto/collector/logs/v1 and logs/v1.
    var logFields: [FieldSchema] {
        switch self {
        case .logsRequest: [.init(1, "resourceLogs", .resourceLogs, .repeated)]
        case .resourceLogs:
            [
                .init(1, "resource", .resource),
                .init(2, "scopeLogs", .scopeLogs, .repeated),
                .init(3, "schemaUrl", .string),
            ]
        case .scopeLogs:
            [.init(1, "scope", .scope), .init(2, "logRecords", .logRecord, .repeated), .init(3, "schemaUrl", .string)]
        case .logRecord:
            [
                .init(1, "timeUnixNano", .fixed64),
                .init(2, "severityNumber", .enumeration, of: .severity),
                .init(3, "severityText", .string),
                .init(5, "body", .anyValue),
                .init(6, "attributes", .keyValue, .repeated),
                .init(7, "droppedAttributesCount", .uint32),
                .init(8, "flags", .fixed32),
                .init(9, "traceId", .traceID),
                .init(10, "spanId", .spanID),
                .init(11, "observedTimeUnixNano", .fixed64),
                .init(12, "eventName", .string),
            ]
        default: []
        }
    }
}

// MARK: - Metrics

extension MessageID {
    /// opentelemetry/proto/collector/metrics/v1 and metrics/v1, down to the metric.
    var metricFields: [FieldSchema] {
        switch self {
        case .metricsRequest: [.init(1, "resourceMetrics", .resourceMetrics, .repeated)]
        case .resourceMetrics:
            [
                .init(1, "resource", .resource),
                .init(2, "scopeMetrics", .scopeMetrics, .repeated),
                .init(3, "schemaUrl", .string),
            ]
        case .scopeMetrics:
            [.init(1, "scope", .scope), .init(2, "metrics", .metric, .repeated), .init(3, "schemaUrl", .string)]
        case .metric:
            [
                .init(1, "name", .string),
                .init(2, "description", .string),
                .init(3, "unit", .string),
                .init(5, "gauge", .gauge, .alternative),
                .init(7, "sum", .sum, .alternative),
                .init(9, "histogram", .histogram, .alternative),
                .init(10, "exponentialHistogram", .exponentialHistogram, .alternative),
                .init(11, "summary", .summary, .alternative),
                .init(12, "metadata", .keyValue, .repeated),
            ]
        case .gauge: [.init(1, "dataPoints", .numberPoint, .repeated)]
        case .sum:
            [
                .init(1, "dataPoints", .numberPoint, .repeated),
                .init(2, "aggregationTemporality", .enumeration, of: .temporality),
                .init(3, "isMonotonic", .bool),
            ]
        case .histogram:
            [
                .init(1, "dataPoints", .histogramPoint, .repeated),
                .init(2, "aggregationTemporality", .enumeration, of: .temporality),
            ]
        case .exponentialHistogram:
            [
                .init(1, "dataPoints", .exponentialHistogramPoint, .repeated),
                .init(2, "aggregationTemporality", .enumeration, of: .temporality),
            ]
        case .summary: [.init(1, "dataPoints", .summaryPoint, .repeated)]
        default: []
        }
    }
}

// MARK: - Points

extension MessageID {
    /// The data points of opentelemetry/proto/metrics/v1.
    var pointFields: [FieldSchema] {
        switch self {
        case .numberPoint: numberPointFields
        case .histogramPoint: histogramPointFields
        case .exponentialHistogramPoint: exponentialHistogramPointFields
        case .buckets: [.init(1, "offset", .sint32), .init(2, "bucketCounts", .uint64, .repeated)]
        case .summaryPoint: summaryPointFields
        case .quantile: [.init(1, "quantile", .double), .init(2, "value", .double)]
        case .exemplar: exemplarFields
        default: []
        }
    }

    private var numberPointFields: [FieldSchema] {
        [
            .init(2, "startTimeUnixNano", .fixed64),
            .init(3, "timeUnixNano", .fixed64),
            .init(4, "asDouble", .double, .alternative),
            .init(5, "exemplars", .exemplar, .repeated),
            .init(6, "asInt", .sfixed64, .alternative),
            .init(7, "attributes", .keyValue, .repeated),
            .init(8, "flags", .uint32),
        ]
    }

    private var histogramPointFields: [FieldSchema] {
        [
            .init(2, "startTimeUnixNano", .fixed64),
            .init(3, "timeUnixNano", .fixed64),
            .init(4, "count", .fixed64),
            .init(5, "sum", .double, .optional),
            .init(6, "bucketCounts", .fixed64, .repeated),
            .init(7, "explicitBounds", .double, .repeated),
            .init(8, "exemplars", .exemplar, .repeated),
            .init(9, "attributes", .keyValue, .repeated),
            .init(10, "flags", .uint32),
            .init(11, "min", .double, .optional),
            .init(12, "max", .double, .optional),
        ]
    }

    private var exponentialHistogramPointFields: [FieldSchema] {
        [
            .init(1, "attributes", .keyValue, .repeated),
            .init(2, "startTimeUnixNano", .fixed64),
            .init(3, "timeUnixNano", .fixed64),
            .init(4, "count", .fixed64),
            .init(5, "sum", .double, .optional),
            .init(6, "scale", .sint32),
            .init(7, "zeroCount", .fixed64),
            .init(8, "positive", .buckets),
            .init(9, "negative", .buckets),
            .init(10, "flags", .uint32),
            .init(11, "exemplars", .exemplar, .repeated),
            .init(12, "min", .double, .optional),
            .init(13, "max", .double, .optional),
            .init(14, "zeroThreshold", .double),
        ]
    }

    private var summaryPointFields: [FieldSchema] {
        [
            .init(2, "startTimeUnixNano", .fixed64),
            .init(3, "timeUnixNano", .fixed64),
            .init(4, "count", .fixed64),
            .init(5, "sum", .double),
            .init(6, "quantileValues", .quantile, .repeated),
            .init(7, "attributes", .keyValue, .repeated),
            .init(8, "flags", .uint32),
        ]
    }

    private var exemplarFields: [FieldSchema] {
        [
            .init(2, "timeUnixNano", .fixed64),
            .init(3, "asDouble", .double, .alternative),
            .init(4, "spanId", .spanID),
            .init(5, "traceId", .traceID),
            .init(6, "asInt", .sfixed64, .alternative),
            .init(7, "filteredAttributes", .keyValue, .repeated),
        ]
    }
}

// MARK: - Traces

extension MessageID {
    /// opentelemetry/proto/collector/trace/v1 and trace/v1.
    var traceFields: [FieldSchema] {
        switch self {
        case .traceRequest: [.init(1, "resourceSpans", .resourceSpans, .repeated)]
        case .resourceSpans:
            [
                .init(1, "resource", .resource),
                .init(2, "scopeSpans", .scopeSpans, .repeated),
                .init(3, "schemaUrl", .string),
            ]
        case .scopeSpans:
            [.init(1, "scope", .scope), .init(2, "spans", .span, .repeated), .init(3, "schemaUrl", .string)]
        case .span: spanFields
        case .spanEvent:
            [
                .init(1, "timeUnixNano", .fixed64),
                .init(2, "name", .string),
                .init(3, "attributes", .keyValue, .repeated),
                .init(4, "droppedAttributesCount", .uint32),
            ]
        case .spanLink:
            [
                .init(1, "traceId", .traceID),
                .init(2, "spanId", .spanID),
                .init(3, "traceState", .string),
                .init(4, "attributes", .keyValue, .repeated),
                .init(5, "droppedAttributesCount", .uint32),
                .init(6, "flags", .fixed32),
            ]
        case .spanStatus: [.init(2, "message", .string), .init(3, "code", .enumeration, of: .statusCode)]
        default: []
        }
    }

    private var spanFields: [FieldSchema] {
        [
            .init(1, "traceId", .traceID),
            .init(2, "spanId", .spanID),
            .init(3, "traceState", .string),
            .init(4, "parentSpanId", .spanID),
            .init(5, "name", .string),
            .init(6, "kind", .enumeration, of: .spanKind),
            .init(7, "startTimeUnixNano", .fixed64),
            .init(8, "endTimeUnixNano", .fixed64),
            .init(9, "attributes", .keyValue, .repeated),
            .init(10, "droppedAttributesCount", .uint32),
            .init(11, "events", .spanEvent, .repeated),
            .init(12, "droppedEventsCount", .uint32),
            .init(13, "links", .spanLink, .repeated),
            .init(14, "droppedLinksCount", .uint32),
            .init(15, "status", .spanStatus),
            .init(16, "flags", .fixed32),
        ]
    }
}
