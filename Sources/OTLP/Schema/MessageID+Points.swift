// SPDX-License-Identifier: Apache-2.0

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
