// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The keys under `attributes:`; they are those of the OpenTelemetry Collector.
public struct AttributesConfig: ComponentConfig {
    /// The actions on each record, in order.
    public var actions: [ActionConfig] = []
    /// The records to change; all when missing.
    public var include: MatchConfig?
    /// The records to leave unchanged.
    public var exclude: MatchConfig?

    /// A configuration without actions.
    public init() {}

    /// What each key means.
    public static let documentation: [String: String] = {
        var texts = ["actions": ActionConfig.documentation(of: "each record", hasTarget: true)]
        let match = [
            "match_type": "strict: whole values; regexp: regular expressions that are found anywhere in a value",
            "services": "values of the resource attribute service.name, of which one must match",
            "span_names": "names of spans, of which one must match",
            "log_bodies": "bodies of log records, of which one must match",
            "metric_names": "names of metrics, of which one must match",
            "attributes":
                "attributes of the record, which must all match: a list of {key, value}; without a value the key is enough",
            "resources": "attributes of the resource, which must all match: a list of {key, value}",
        ]
        for (key, text) in match {
            texts["include.\(key)"] = "only records that match everything here: \(text)"
            texts["exclude.\(key)"] = "no records that match everything here: \(text)"
        }
        return texts
    }()

    /// Reports invalid actions and patterns.
    public func validate(_ findings: inout ConfigFindings) {
        ActionConfig.validate(actions, at: "actions", &findings)
        for (name, match) in [("include", include), ("exclude", exclude)] {
            guard let match else { continue }
            if match.isEmpty {
                findings.error("empty-value", "nothing is named that records should match", at: [name])
            }
            do throws(ActionError) {
                _ = try RecordSelector(match)
            } catch {
                findings.error("pattern", error.message, at: [name] + (error.key.map { [$0] } ?? []), help: error.help)
            }
        }
    }

    /// Reports tables that cannot be read.
    public func checkFiles(_ findings: inout ConfigFindings) {
        ActionConfig.checkTables(actions, at: "actions", &findings)
    }
}

/// The conditions for a record to be changed; all of them must hold.
public struct MatchConfig: ConfigSection, Hashable {
    /// How texts are compared.
    public var matchType = Kind.strict
    /// Values of `service.name`.
    public var services: [String] = []
    /// Names of spans.
    public var spanNames: [String] = []
    /// Bodies of log records.
    public var logBodies: [String] = []
    /// Names of metrics.
    public var metricNames: [String] = []
    /// Attributes of the record.
    public var attributes: [AttributeMatch] = []
    /// Attributes of the resource.
    public var resources: [AttributeMatch] = []

    /// Creates a match for every record.
    public init() {}

    /// How texts are compared.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case strict, regexp
    }

    /// An attribute to match.
    public struct AttributeMatch: ConfigSection, Hashable {
        /// Its key.
        public var key = ""
        /// Its value as text; any value when missing.
        public var value: String?

        /// Creates a match without a key.
        public init() {}
    }

    enum CodingKeys: String, CodingKey {
        case services, attributes, resources
        case matchType = "match_type"
        case spanNames = "span_names"
        case logBodies = "log_bodies"
        case metricNames = "metric_names"
    }

    /// Whether there is no condition.
    var isEmpty: Bool {
        services.isEmpty && spanNames.isEmpty && logBodies.isEmpty && metricNames.isEmpty && attributes.isEmpty
            && resources.isEmpty
    }
}
