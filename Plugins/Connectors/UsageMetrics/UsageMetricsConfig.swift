// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Usage

/// The keys under `usage_metrics:`.
public struct UsageMetricsConfig: ComponentConfig {
    /// The id of the store whose calls are added up.
    public var store = "sqlite"
    /// How often the sums are sent.
    public var interval = ConfigDuration(seconds: 60)
    /// The dimensions of the series.
    public var by = ["model", "agent", "project", "team", "user"]
    /// How many names of each dimension have series of their own.
    public var maxNames = 100

    /// The sums of the default store, once a minute.
    public init() {}

    /// What each key means.
    public static let documentation = [
        "store": "the id of the store whose counted calls are added up",
        "interval": "how often the sums are sent",
        "by":
            "the dimensions of the series: model, agent, project, user, machine, team, branch and agent_kind; each becomes an attribute of the data points",
        "max_names":
            "how many names of each dimension have series of their own, those with the highest cost; one makes way for another that costs more than twice as much, and the others are summed as other",
    ]

    enum CodingKeys: String, CodingKey {
        case store, interval, by
        case maxNames = "max_names"
    }

    /// The dimensions; names that are none are left out.
    var dimensions: [UsageDimension] { by.compactMap(UsageDimension.init(rawValue:)) }

    /// Reports values that no series can be made of.
    public func validate(_ findings: inout ConfigFindings) {
        if ComponentID(store) == nil {
            findings.error("component-id", "\"\(store)\" is no component id", at: ["store"], help: "write sqlite")
        }
        let known = UsageDimension.allCases.filter { $0 == .model || $0.isOfSession }.map(\.rawValue)
        for (place, name) in by.enumerated() where !known.contains(name) {
            findings.error(
                "unknown-name",
                "calls are not added up by \"\(name)\"",
                at: ["by", "\(place)"],
                help: "write one of \(known.joined(separator: ", "))"
            )
        }
        if Set(by).count != by.count {
            findings.error("duplicate-name", "a dimension is named twice", at: ["by"])
        }
        if !(1...10_000).contains(maxNames) {
            findings.error("out-of-range", "max_names is from 1 to 10000, found \(maxNames)", at: ["max_names"])
        }
        if interval.nanoseconds < 1_000_000_000 {
            findings.error(
                "out-of-range",
                "an interval of \(interval) is too short",
                at: ["interval"],
                help: "write 60s"
            )
        }
    }

    /// The store.
    public var resources: [ConfigResource] { [ConfigResource(.store(store), at: ["store"])] }
}
