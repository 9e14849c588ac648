// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// Writes sums of calls as an OTLP metrics request; all names of metrics are in this file.
///
/// Sums are cumulative since the first call of the store and not monotonic: a late observation may lower a series, when it shows that a
/// call was counted twice or belongs to another project.
struct UsageMetricsBatch {
    /// A point of each metric.
    struct Entry {
        let series: SentSeries.Series
        let sums: UsageMeter.Sums
        /// Whether the series has had durations.
        let hasDurations: Bool
    }

    private let time: UInt64

    init(at now: Timestamp) { time = UInt64(clamping: now.nanoseconds) }

    /// The attributes of dimensions, the standard ones where there are such.
    static let keys: [UsageDimension: String] = [
        .model: "gen_ai.response.model", .agent: "gen_ai.agent.name", .project: "project.name", .user: "user.id",
        .machine: "host.name", .team: "team.id", .branch: "vcs.ref.head.name", .agentKind: "hammurabi.agent.kind",
    ]

    /// The attributes of a series by its names; one that is not known is left out.
    static func series(_ names: StoreMeter.Series, by dimensions: [UsageDimension]) -> SentSeries.Series {
        let labels = zip(dimensions, names).filter { !$1.isEmpty }
        return labels.map { SentSeries.Label(key: keys[$0] ?? $0.rawValue, value: $1) }.sorted { $0.key < $1.key }
    }

    /// The scope of the metrics.
    static let scope = "hammurabi.usage"

    private enum Value {
        case int(Int64)
        case double(Double)
    }

    /// The ExportMetricsServiceRequest.
    func encoded(_ entries: [Entry]) -> [UInt8] {
        var request = ProtobufWriter()
        request.message(1) { resource in
            resource.message(1) { $0.attribute(1, "service.name", .string("hammurabi")) }
            resource.message(2) { scope in
                scope.message(1) { $0.string(1, Self.scope) }
                write(entries, to: &scope)
            }
        }
        return request.finish()
    }

    private func write(_ entries: [Entry], to scope: inout ProtobufWriter) {
        let types: [(String, (UsageMeter.Sums) -> Int128)] = [
            ("input", \.input), ("output", \.output), ("cache_read", \.cacheRead), ("cache_write", \.cacheWrite),
        ]
        sum("hammurabi.tokens", "Tokens of counted calls, each in one type.", "{token}", to: &scope) { metric in
            for entry in entries {
                for (type, tokens) in types {
                    point(
                        entry.series,
                        .int(Int64(clamping: tokens(entry.sums))),
                        ("gen_ai.token.type", type),
                        to: &metric
                    )
                }
            }
        }
        func plain(_ name: String, _ text: String, _ unit: String, _ value: (UsageMeter.Sums) -> Value) {
            sum(name, text, unit, to: &scope) { metric in
                for entry in entries { point(entry.series, value(entry.sums), to: &metric) }
            }
        }
        plain("hammurabi.tokens.reasoning", "The part of the output tokens that was reasoning.", "{token}") {
            .int(Int64(clamping: $0.reasoning))
        }
        plain("hammurabi.cost.usd", "The cost of counted calls with a price.", "USD") {
            .double(Double(Int64(clamping: $0.cost)) / 1e9)
        }
        plain("hammurabi.calls", "Counted calls.", "{call}") { .int($0.calls) }
        plain("hammurabi.calls.unpriced", "Counted calls without a price.", "{call}") { .int($0.unpricedCalls) }
        durations(entries, to: &scope)
    }

    private func sum(
        _ name: String,
        _ description: String,
        _ unit: String,
        to scope: inout ProtobufWriter,
        _ points: (inout ProtobufWriter) -> Void
    ) {
        scope.message(2) { metric in
            metric.string(1, name)
            metric.string(2, description)
            metric.string(3, unit)
            metric.message(7) { sum in
                points(&sum)
                // Cumulative.
                sum.uint(2, 2)
            }
        }
    }

    private func point(
        _ series: SentSeries.Series,
        _ value: Value,
        _ more: (key: String, text: String)? = nil,
        to metric: inout ProtobufWriter
    ) {
        metric.message(1) { point in
            point.fixed64(3, time)
            switch value {
            case .int(let number): point.fixed64(6, UInt64(bitPattern: number), always: true)
            case .double(let number): point.double(4, number, always: true)
            }
            attributes(series, 7, to: &point)
            if let more { point.attribute(7, more.key, .string(more.text)) }
        }
    }

    private func durations(_ entries: [Entry], to scope: inout ProtobufWriter) {
        scope.message(2) { metric in
            metric.string(1, "hammurabi.call.duration")
            metric.string(2, "How long counted calls took that have a duration.")
            metric.string(3, "s")
            metric.message(9) { histogram in
                for entry in entries where entry.hasDurations {
                    let durations = entry.sums.durations
                    histogram.message(1) { point in
                        point.fixed64(3, time)
                        point.fixed64(4, UInt64(clamping: durations.count), always: true)
                        point.double(5, Double(durations.sum) / 1e9, always: true)
                        for count in durations.counts { point.fixed64(6, UInt64(clamping: count), always: true) }
                        for bound in DurationHistogram.bounds { point.double(7, Double(bound) / 1_000, always: true) }
                        attributes(entry.series, 9, to: &point)
                    }
                }
                histogram.uint(2, 2)
            }
        }
    }

    private func attributes(_ series: SentSeries.Series, _ field: UInt32, to point: inout ProtobufWriter) {
        for label in series { point.attribute(field, label.key, .string(label.value)) }
    }
}
