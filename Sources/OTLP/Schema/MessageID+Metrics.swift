// SPDX-License-Identifier: Apache-2.0

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
