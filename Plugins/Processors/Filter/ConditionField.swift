// SPDX-License-Identifier: Apache-2.0

import OTLP

/// The context of a path without a prefix.
enum ConditionContext: String, Sendable {
    case span, log, metric, datapoint, resource, scope
    /// A data point, or its metric.
    case anyMetric
}

/// A field of a record, its scope or its resource that a condition can name.
enum ConditionField: Sendable, Hashable {
    case attribute(of: Owner, named: String)
    case spanName, spanKind, spanKindText, statusCode, parentSpanID, endTime
    case body, bodyText, severityNumber, eventName, observedTime
    case traceID, spanID, startTime, time
    case metricName, metricDescription, metricUnit, metricType, temporality, isMonotonic
    case intValue, doubleValue, count, sum
    case scopeName, scopeVersion

    enum Owner: Sendable, Hashable {
        case record, scope, resource
    }

    /// The fields of a context by path.
    static func fields(of context: ConditionContext) -> [String: ConditionField] {
        switch context {
        case .span:
            [
                "name": .spanName, "kind": .spanKind, "kind.string": .spanKindText, "status.code": .statusCode,
                "trace_id": .traceID, "trace_id.string": .traceID, "span_id": .spanID, "span_id.string": .spanID,
                "parent_span_id": .parentSpanID, "parent_span_id.string": .parentSpanID,
                "start_time_unix_nano": .startTime, "end_time_unix_nano": .endTime,
            ]
        case .log:
            [
                "body": .body, "body.string": .bodyText, "severity_number": .severityNumber, "event_name": .eventName,
                "trace_id": .traceID, "trace_id.string": .traceID, "span_id": .spanID, "span_id.string": .spanID,
                "time_unix_nano": .time, "observed_time_unix_nano": .observedTime,
            ]
        case .metric:
            [
                "name": .metricName, "description": .metricDescription, "unit": .metricUnit, "type": .metricType,
                "aggregation_temporality": .temporality, "is_monotonic": .isMonotonic,
            ]
        case .datapoint:
            [
                "value_int": .intValue, "value_double": .doubleValue, "count": .count, "sum": .sum,
                "start_time_unix_nano": .startTime, "time_unix_nano": .time,
            ]
        case .anyMetric: fields(of: .metric).merging(fields(of: .datapoint)) { $1 }
        case .scope: ["name": .scopeName, "version": .scopeVersion]
        case .resource: [:]
        }
    }

    /// The owner of `attributes[…]`; nil when there is none.
    static func attributeOwner(in context: ConditionContext) -> Owner? {
        switch context {
        case .span, .log, .datapoint, .anyMetric: .record
        case .scope: .scope
        case .resource: .resource
        case .metric: nil
        }
    }
}

extension ConditionField {
    /// The value of the field for a record.
    func value(of record: Int, in otlp: OTLPBatch) -> ConditionValue {
        let entry = otlp.records[record]
        switch self {
        case .attribute(.record, let name):
            return ConditionValue(otlp.attribute(name, of: .record(record)), in: otlp)
        case .attribute(.scope, let name):
            return ConditionValue(otlp.attribute(name, of: .scope(entry.scope)), in: otlp)
        case .attribute(.resource, let name):
            let resource = otlp.scopes[entry.scope].resource
            return ConditionValue(otlp.attribute(name, of: .resource(resource)), in: otlp)
        case .spanName, .eventName: return .slice(entry.name)
        case .spanKind, .severityNumber: return .int(Int64(entry.kind))
        case .spanKindText:
            return .text(Self.kinds.indices.contains(Int(entry.kind)) ? Self.kinds[Int(entry.kind)] : "")
        case .statusCode: return .int(Int64(entry.statusCode))
        case .body: return ConditionValue(entry.body, in: otlp)
        case .bodyText: return entry.bodyKind == .empty ? .text("") : .text(otlp.text(of: entry.body))
        case .traceID: return .text(hex(entry.traceHigh) + hex(entry.traceLow))
        case .spanID: return .text(hex(entry.spanID))
        case .parentSpanID: return .text(hex(entry.parentSpanID))
        case .startTime, .observedTime: return .int(Int64(clamping: entry.startTime))
        case .endTime, .time: return .int(Int64(clamping: entry.endTime))
        case .scopeName: return .slice(otlp.scopes[entry.scope].name)
        case .scopeVersion: return .slice(otlp.scopes[entry.scope].version)
        default: return metricValue(of: record, in: otlp)
        }
    }

    private func metricValue(of record: Int, in otlp: OTLPBatch) -> ConditionValue {
        let entry = otlp.records[record]
        guard let index = entry.metric else { return .nothing }
        let metric = otlp.metrics[index]
        switch self {
        case .metricName: return .slice(metric.name)
        case .metricDescription: return .slice(metric.description)
        case .metricUnit: return .slice(metric.unit)
        case .metricType: return .int(Int64(metric.kind.rawValue))
        case .temporality: return .int(Int64(metric.temporality.rawValue))
        case .isMonotonic: return .bool(metric.isMonotonic)
        case .intValue: if case .int = entry.body { return ConditionValue(entry.body, in: otlp) }
        case .doubleValue: if case .double = entry.body { return ConditionValue(entry.body, in: otlp) }
        case .count: return otlp.distribution(record: record).map { .int(Int64(clamping: $0.count)) } ?? .nothing
        case .sum: return otlp.distribution(record: record)?.sum.map { .double($0) } ?? .nothing
        default: break
        }
        return .nothing
    }

    private func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static let kinds = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]
}
