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
