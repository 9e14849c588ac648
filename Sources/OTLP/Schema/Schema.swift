// SPDX-License-Identifier: Apache-2.0

/// The complete schema table, flat and at a fixed address, so that looking up a field retains no references and checks no bounds.
///
/// The tables are created once, live as long as the program and are never changed.
struct Schema: Sendable {
    static let otlp = Schema()

    nonisolated(unsafe) let fields: UnsafeBufferPointer<FieldSchema>
    /// The index of the first field of each message; one entry more than there are messages.
    nonisolated(unsafe) private let starts: UnsafeBufferPointer<Int>
    /// The index of a field plus one by message and number, 0 for a number without a field.
    nonisolated(unsafe) private let byNumber: UnsafeBufferPointer<UInt8>
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
        for message in MessageID.allCases {
            let members = starts[Int(message.rawValue)]..<starts[Int(message.rawValue) + 1]
            let alternatives = members.filter { fields[$0].form == .alternative }
            for index in members {
                let excluded = fields[index].form == .alternative ? alternatives : [index]
                fields[index].excluded = excluded.reduce(0) { $0 | 1 << UInt32($1 - members.lowerBound) }
                fields[index].bit = 1 << UInt32(index - members.lowerBound)
            }
            for index in fields.indices where fields[index].kind == .message && fields[index].message == message {
                fields[index].members = members
            }
        }
        self.fields = Self.immortal(fields)
        self.starts = Self.immortal(starts)
        self.byNumber = Self.immortal(byNumber)
    }

    private static func immortal<Element>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
        let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = copy.initialize(from: elements)
        return UnsafeBufferPointer(copy)
    }

    @inline(__always)
    func fieldIndices(_ message: MessageID) -> Range<Int> {
        Range(uncheckedBounds: (starts[Int(message.rawValue)], starts[Int(message.rawValue) &+ 1]))
    }

    /// The field with a number, as an index of `fields`.
    @inline(__always)
    func field(number: UInt32, in message: MessageID) -> Int? {
        let number = number == Self.instrumentationLibrary && message.isResourceLevel ? 2 : number
        guard number < Self.numbers else { return nil }
        let index = Int(byNumber[Int(message.rawValue) &* Self.numbers &+ Int(number)])
        return index == 0 ? nil : index &- 1
    }

    /// Until 2022 scopes were called instrumentation libraries and had this number; their form is the same.
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
