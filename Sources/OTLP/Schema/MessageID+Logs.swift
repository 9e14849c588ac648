// SPDX-License-Identifier: Apache-2.0

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
