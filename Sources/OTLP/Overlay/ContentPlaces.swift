// SPDX-License-Identifier: Apache-2.0

extension TextPlace {
    /// The place of a field's text; nil for a field without text.
    init?(field number: UInt32, in message: MessageID) {
        switch (message, number) {
        case (.span, 3): self = .traceState
        case (.span, 5): self = .spanName
        case (.spanStatus, 2): self = .statusMessage
        case (.spanEvent, 2): self = .eventName
        case (.spanLink, 3): self = .linkTraceState
        case (.logRecord, 3): self = .severityText
        case (.logRecord, 12): self = .logEventName
        case (.scope, 1): self = .scopeName
        case (.scope, 2): self = .scopeVersion
        case (.resourceSpans, 3), (.resourceLogs, 3), (.resourceMetrics, 3), (.scopeSpans, 3), (.scopeLogs, 3),
            (.scopeMetrics, 3):
            self = .schemaURL
        case (.entityReference, _): self = .entityReference
        case (.metric, 1): self = .metricName
        case (.metric, 2): self = .metricDescription
        case (.metric, 3): self = .metricUnit
        default: return nil
        }
    }
}

extension OTLPBatch {
    /// The value as one that can be written; nil when it is not a scalar.
    public func scalar(of value: AttributeValue) -> AttributeScalar? {
        switch value {
        case .string(let slice): .string(string(slice))
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        case .empty, .bytes, .array, .keyValueList: nil
        }
    }
}

extension MessageID {
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
}
