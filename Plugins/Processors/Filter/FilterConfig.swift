// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP

/// The keys under `filter:`; they are those of the OpenTelemetry Collector, new and old.
public struct FilterConfig: ComponentConfig {
    /// Accepted for configurations that have it, without effect: no valid condition can fail.
    public var errorMode = ErrorMode.ignore
    /// A span that meets one of these is dropped.
    public var traceConditions: [String] = []
    /// A log record that meets one of these is dropped.
    public var logConditions: [String] = []
    /// A data point that meets one of these, or whose metric does, is dropped.
    public var metricConditions: [String] = []
    /// The older form for traces.
    public var traces = Traces()
    /// The older form for logs.
    public var logs = Logs()
    /// The older form for metrics.
    public var metrics = Metrics()

    /// A configuration without conditions.
    public init() {}

    /// The behaviour of the OpenTelemetry Collector when a condition fails.
    public enum ErrorMode: String, Codable, Sendable, CaseIterable {
        case ignore, silent, propagate
    }

    /// Conditions on traces in the older form.
    public struct Traces: ConfigSection {
        /// Conditions on spans.
        public var span: [String] = []
        /// Conditions on resources.
        public var resource: [String] = []

        /// Creates a section without conditions.
        public init() {}
    }

    /// Conditions on logs in the older form.
    public struct Logs: ConfigSection {
        /// Conditions on log records.
        public var logRecord: [String] = []
        /// Conditions on resources.
        public var resource: [String] = []

        /// Creates a section without conditions.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case resource
            case logRecord = "log_record"
        }
    }

    /// Conditions on metrics in the older form.
    public struct Metrics: ConfigSection {
        /// Conditions on metrics.
        public var metric: [String] = []
        /// Conditions on data points.
        public var datapoint: [String] = []
        /// Conditions on resources.
        public var resource: [String] = []

        /// Creates a section without conditions.
        public init() {}
    }

    enum CodingKeys: String, CodingKey {
        case traces, logs, metrics
        case errorMode = "error_mode"
        case traceConditions = "trace_conditions"
        case logConditions = "log_conditions"
        case metricConditions = "metric_conditions"
    }

    /// What each key means.
    public static let documentation = [
        "error_mode": "accepted for the OpenTelemetry Collector's sake; no condition that is accepted here can fail",
        "trace_conditions":
            "spans that meet one of these are dropped, such as: span.attributes[\"http.route\"] == \"/health\"",
        "log_conditions":
            "log records that meet one of these are dropped, such as: log.severity_number < SEVERITY_NUMBER_INFO",
        "metric_conditions":
            "data points that meet one of these are dropped, such as: IsMatch(metric.name, \"^rpc\\\\.\")",
        "traces.span": "older form of trace_conditions: conditions on spans",
        "traces.resource": "older form: conditions on the resources of spans",
        "logs.log_record": "older form of log_conditions: conditions on log records",
        "logs.resource": "older form: conditions on the resources of log records",
        "metrics.metric": "older form of metric_conditions: conditions on metrics",
        "metrics.datapoint": "older form of metric_conditions: conditions on data points",
        "metrics.resource": "older form: conditions on the resources of metrics",
    ]

    /// Reports conditions that cannot be parsed, each with the position of the error.
    public func validate(_ findings: inout ConfigFindings) {
        for list in lists {
            for (position, text) in list.texts.enumerated() {
                do throws(ConditionError) {
                    _ = try Condition(parsing: text, in: list.context, of: list.signal)
                } catch {
                    findings.error(
                        "condition",
                        "character \(error.position + 1): \(error.message)",
                        at: list.path + ["\(position)"],
                        help: error.help ?? error.excerpt(of: text)
                    )
                }
            }
        }
    }

    struct ConditionList {
        var path: [String]
        var texts: [String]
        var context: ConditionContext
        var signal: Signal
    }

    var lists: [ConditionList] {
        [
            ConditionList(path: ["trace_conditions"], texts: traceConditions, context: .span, signal: .traces),
            ConditionList(path: ["log_conditions"], texts: logConditions, context: .log, signal: .logs),
            ConditionList(path: ["metric_conditions"], texts: metricConditions, context: .anyMetric, signal: .metrics),
            ConditionList(path: ["traces", "span"], texts: traces.span, context: .span, signal: .traces),
            ConditionList(path: ["traces", "resource"], texts: traces.resource, context: .resource, signal: .traces),
            ConditionList(path: ["logs", "log_record"], texts: logs.logRecord, context: .log, signal: .logs),
            ConditionList(path: ["logs", "resource"], texts: logs.resource, context: .resource, signal: .logs),
            ConditionList(path: ["metrics", "metric"], texts: metrics.metric, context: .metric, signal: .metrics),
            ConditionList(
                path: ["metrics", "datapoint"],
                texts: metrics.datapoint,
                context: .datapoint,
                signal: .metrics
            ),
            ConditionList(
                path: ["metrics", "resource"],
                texts: metrics.resource,
                context: .resource,
                signal: .metrics
            ),
        ]
    }
}
