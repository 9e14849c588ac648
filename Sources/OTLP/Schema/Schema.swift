// SPDX-License-Identifier: Apache-2.0

/// The whole wire table as one flat array, so that looking a field up touches no reference counts.
struct Schema: Sendable {
    static let otlp = Schema()

    let fields: [FieldSchema]
    /// Where the fields of each message begin; one entry more than there are messages.
    private let starts: [Int]
    /// The index of a field plus one by message and number, 0 for a number without a field.
    private let byNumber: [UInt8]
    private static let numbers = 17

    private init() {
        var fields: [FieldSchema] = []
        var starts = [0]
        var byNumber = [UInt8](repeating: 0, count: MessageID.allCases.count * Self.numbers)
        for message in MessageID.allCases {
            for field in message.fields {
                fields.append(field)
                byNumber[Int(message.rawValue) * Self.numbers + Int(field.number)] = UInt8(fields.count)
            }
            starts.append(fields.count)
        }
        for index in fields.indices where fields[index].kind == .message {
            let message = Int(fields[index].message.rawValue)
            fields[index].members = starts[message]..<starts[message + 1]
        }
        self.fields = fields
        self.starts = starts
        self.byNumber = byNumber
    }

    @inline(__always)
    func fieldIndices(_ message: MessageID) -> Range<Int> {
        Range(uncheckedBounds: (starts[Int(message.rawValue)], starts[Int(message.rawValue) &+ 1]))
    }

    /// The field with a number, as an index of `fields`.
    func field(number: UInt32, in message: MessageID) -> Int? {
        let number = number == Self.instrumentationLibrary && message.isResourceLevel ? 2 : number
        guard number < Self.numbers else { return nil }
        let index = Int(byNumber[Int(message.rawValue) &* Self.numbers &+ Int(number)])
        return index == 0 ? nil : index &- 1
    }

    /// Until 2022 scopes were called instrumentation libraries and had this number; the form is the same.
    static let instrumentationLibrary: UInt32 = 1000
}

extension MessageID {
    var isResourceLevel: Bool { self == .resourceSpans || self == .resourceLogs || self == .resourceMetrics }

    var fields: [FieldSchema] {
        switch self {
        case .traceRequest, .resourceSpans, .scopeSpans, .span, .spanEvent, .spanLink, .spanStatus: traceFields
        case .logsRequest, .resourceLogs, .scopeLogs, .logRecord: logFields
        case .metricsRequest, .resourceMetrics, .scopeMetrics, .metric, .gauge, .sum, .histogram, .exponentialHistogram,
            .summary:
            metricFields
        case .numberPoint, .histogramPoint, .exponentialHistogramPoint, .buckets, .summaryPoint, .quantile, .exemplar:
            pointFields
        case .resource, .entityReference, .scope, .keyValue, .anyValue, .arrayValue, .keyValueList: commonFields
        }
    }
}
