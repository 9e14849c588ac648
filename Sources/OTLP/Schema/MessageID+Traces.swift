// SPDX-License-Identifier: Apache-2.0

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
