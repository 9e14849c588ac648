// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import JSON
import Usage

/// What a user writes under `metrics:` of the hub.
public struct SeriesConfig: ConfigSection, Hashable {
    /// The labels of the sums; empty for no sums.
    public var by: [String] = []
    /// How many values of each label are listed.
    public var maxNames = 100

    /// No sums.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case by
        case maxNames = "max_names"
    }

    /// The dimensions; names that are none are left out.
    var dimensions: [UsageDimension] { by.compactMap(UsageDimension.init(rawValue:)) }

    /// Reports labels that no sums can have.
    func validate(_ findings: inout ConfigFindings) {
        let known = UsageDimension.allCases.filter { $0 == .model || $0.isOfSession }.map(\.rawValue)
        for (place, name) in by.enumerated() where !known.contains(name) {
            findings.error(
                "unknown-name",
                "calls are not added up by \"\(name)\"",
                at: ["metrics", "by", "\(place)"],
                help: "write one of \(known.joined(separator: ", "))"
            )
        }
        if Set(by).count != by.count {
            findings.error("duplicate-name", "a label is named twice", at: ["metrics", "by"])
        }
        if !(1...10_000).contains(maxNames) {
            findings.error(
                "out-of-range",
                "max_names is from 1 to 10000, found \(maxNames)",
                at: ["metrics", "max_names"]
            )
        }
    }
}

/// Sums of all counted calls with labels, as samples of Prometheus' text format.
struct UsageSeries {
    /// The samples of one metric.
    struct Metric {
        var name: String
        var type = "gauge"
        var help: String
        var samples: [(suffix: String, labels: [(String, String)], value: String)] = []
    }

    private let dimensions: [UsageDimension]
    private let sums: [(names: [String], sums: UsageMeter.Sums)]

    init(_ sums: [StoreMeter.Series: UsageMeter.Sums], by dimensions: [UsageDimension]) {
        self.dimensions = dimensions
        self.sums = sums.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
    }

    /// All metrics.
    ///
    /// The sums are gauges: a late observation or a compaction may lower one, which is no restart of a counter.
    var metrics: [Metric] {
        let types: [(String, (UsageMeter.Sums) -> Int128)] = [
            ("input", \.input), ("output", \.output), ("cache_read", \.cacheRead), ("cache_write", \.cacheWrite),
        ]
        var tokens = Metric(name: "hammurabi_usage_tokens", help: "Tokens of all counted calls, each in one type.")
        tokens.samples = sums.flatMap { names, sums in
            types.map { ("", labels(names) + [("type", $0)], "\($1(sums))") }
        }
        let cost = plain("cost_dollars", "What all counted calls with a price cost.") {
            JSONNumber(billionths: Int64(clamping: $0.cost)).text
        }
        let calls = plain("calls", "All counted calls.") { "\($0.calls)" }
        let unpriced = plain("unpriced_calls", "All counted calls without a price.") { "\($0.unpricedCalls)" }
        return [tokens, cost, calls, unpriced, durations]
    }

    private func plain(_ name: String, _ help: String, _ value: (UsageMeter.Sums) -> String) -> Metric {
        Metric(name: "hammurabi_usage_" + name, help: help, samples: sums.map { ("", labels($0), value($1)) })
    }

    private var durations: Metric {
        var metric = Metric(
            name: "hammurabi_usage_call_duration_seconds",
            type: "histogram",
            help: "How long counted calls took that have a duration."
        )
        for (names, sums) in sums where sums.durations.count > 0 {
            var sum: Int64 = 0
            let bounds = DurationHistogram.bounds.map { JSONNumber(billionths: $0 * 1_000_000).text } + ["+Inf"]
            for (bound, count) in zip(bounds, sums.durations.counts) {
                sum += count
                metric.samples.append(("_bucket", labels(names) + [("le", bound)], "\(sum)"))
            }
            let seconds = JSONNumber(billionths: Int64(clamping: sums.durations.sum)).text
            metric.samples.append(("_sum", labels(names), seconds))
            metric.samples.append(("_count", labels(names), "\(sum)"))
        }
        return metric
    }

    private func labels(_ names: [String]) -> [(String, String)] {
        zip(dimensions, names).map { ($0.rawValue, $1.isEmpty ? "unknown" : $1) }
    }
}
