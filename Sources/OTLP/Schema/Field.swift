// SPDX-License-Identifier: Apache-2.0

/// Field numbers and tags that the index and the builders use directly; the complete table is in `MessageID.fields`.
enum Field {
    enum KeyValue {
        static let key: UInt32 = 1
        static let value: UInt32 = 2
    }
    enum AnyValue {
        static let string: UInt32 = 1
        static let bool: UInt32 = 2
        static let int: UInt32 = 3
        static let double: UInt32 = 4
    }
    enum LogRecord {
        static let time: UInt32 = 1
        static let severity: UInt32 = 2
        static let body: UInt32 = 5
        static let attributes: UInt32 = 6
        static let observedTime: UInt32 = 11
        static let eventName: UInt32 = 12
    }
    enum Scope {
        static let name: UInt32 = 1
        static let version: UInt32 = 2
    }
    /// Request → resource level → scope level: the same numbers for every signal.
    enum Level {
        static let resources: UInt32 = 1
        static let resource: UInt32 = 1
        static let scope: UInt32 = 1
        static let scopes: UInt32 = 2
        static let records: UInt32 = 2
    }
    enum Resource {
        static let attributes: UInt32 = 1
    }
    enum ExportResponse {
        static let partialSuccess: UInt32 = 1
    }
    enum PartialSuccess {
        static let rejected: UInt32 = 1
        static let errorMessage: UInt32 = 2
    }
    /// google.rpc.Status, not the status of a span.
    enum Status {
        static let code: UInt32 = 1
        static let message: UInt32 = 2
    }
}

/// Tags, `field << 3 | wire type`, for the switches of the index.
enum Tag {
    enum Level {
        static let resources: UInt32 = 0x0a
        static let resource: UInt32 = 0x0a
        static let scope: UInt32 = 0x0a
        static let scopes: UInt32 = 0x12
        static let records: UInt32 = 0x12
        static let schemaURL: UInt32 = 0x1a
        static let instrumentationLibrary: UInt32 = 1000 << 3 | 2
    }
    enum KeyValue {
        static let key: UInt32 = 0x0a
        static let value: UInt32 = 0x12
        static let keyIndex: UInt32 = 0x18
    }
    enum AnyValue {
        static let string: UInt32 = 0x0a
        static let bool: UInt32 = 0x10
        static let int: UInt32 = 0x18
        static let double: UInt32 = 0x21
        static let array: UInt32 = 0x2a
        static let keyValueList: UInt32 = 0x32
        static let bytes: UInt32 = 0x3a
        static let stringIndex: UInt32 = 0x40
    }
    /// ArrayValue and KeyValueList have one field, with one number.
    enum ArrayValue {
        static let values: UInt32 = 0x0a
    }
    enum Resource {
        static let attributes: UInt32 = 0x0a
    }
    enum Scope {
        static let name: UInt32 = 0x0a
        static let version: UInt32 = 0x12
        static let attributes: UInt32 = 0x1a
    }
    enum Span {
        static let traceID: UInt32 = 0x0a
        static let spanID: UInt32 = 0x12
        static let parentSpanID: UInt32 = 0x22
        static let name: UInt32 = 0x2a
        static let kind: UInt32 = 0x30
        static let startTime: UInt32 = 0x39
        static let endTime: UInt32 = 0x41
        static let attributes: UInt32 = 0x4a
        static let status: UInt32 = 0x7a
    }
    enum Status {
        static let code: UInt32 = 0x18
    }
    enum LogRecord {
        static let time: UInt32 = 0x09
        static let severity: UInt32 = 0x10
        static let body: UInt32 = 0x2a
        static let attributes: UInt32 = 0x32
        static let traceID: UInt32 = 0x4a
        static let spanID: UInt32 = 0x52
        static let observedTime: UInt32 = 0x59
        static let eventName: UInt32 = 0x62
    }
    enum Metric {
        static let name: UInt32 = 0x0a
        static let description: UInt32 = 0x12
        static let unit: UInt32 = 0x1a
        static let gauge: UInt32 = 0x2a
        static let sum: UInt32 = 0x3a
        static let histogram: UInt32 = 0x4a
        static let exponentialHistogram: UInt32 = 0x52
        static let summary: UInt32 = 0x5a
    }
    enum MetricData {
        static let points: UInt32 = 0x0a
        static let temporality: UInt32 = 0x10
        static let isMonotonic: UInt32 = 0x18
    }
    /// Start and end have the same tag in every kind of point; attributes have three different ones.
    enum Point {
        static let startTime: UInt32 = 0x11
        static let time: UInt32 = 0x19
        static let asDouble: UInt32 = 0x21
        static let asInt: UInt32 = 0x31
        static let count: UInt32 = 0x21
        static let sum: UInt32 = 0x29
        static let numberAttributes: UInt32 = 0x3a
        static let histogramAttributes: UInt32 = 0x4a
        static let exponentialHistogramAttributes: UInt32 = 0x0a
    }
}
