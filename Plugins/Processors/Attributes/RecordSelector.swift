// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// Selects records: every configured condition must match, and of several names in one, any.
struct RecordSelector: Sendable {
    private let services: [TextMatch]
    private let spanNames: [TextMatch]
    private let logBodies: [TextMatch]
    private let metricNames: [TextMatch]
    private let attributes: [AttributeCheck]
    private let resources: [AttributeCheck]

    private struct AttributeCheck: Sendable {
        var key: String
        var value: TextMatch?
    }

    static func make(_ config: MatchConfig?) throws(ActionError) -> RecordSelector? {
        guard let config else { return nil }
        return try RecordSelector(config)
    }

    /// Compiles a configuration.
    init(_ config: MatchConfig) throws(ActionError) {
        services = try Self.texts(config.services, config, key: "services")
        spanNames = try Self.texts(config.spanNames, config, key: "span_names")
        logBodies = try Self.texts(config.logBodies, config, key: "log_bodies")
        metricNames = try Self.texts(config.metricNames, config, key: "metric_names")
        attributes = try Self.checks(config.attributes, config, key: "attributes")
        resources = try Self.checks(config.resources, config, key: "resources")
    }

    /// Whether a record matches; a missing value matches nothing.
    func matches(_ record: Int, of otlp: OTLPBatch) -> Bool {
        let entry = otlp.records[record]
        let resource = otlp.scopes[entry.scope].resource
        if !services.isEmpty {
            guard let value = otlp.attribute(.serviceName, resource: resource) else { return false }
            if !Self.any(services, match: value, in: otlp) { return false }
        }
        if !spanNames.isEmpty {
            guard otlp.signal == .traces, Self.any(spanNames, match: .string(entry.name), in: otlp) else {
                return false
            }
        }
        if !logBodies.isEmpty {
            guard otlp.signal == .logs, Self.any(logBodies, match: entry.body, in: otlp) else { return false }
        }
        if !metricNames.isEmpty {
            guard let metric = entry.metric,
                Self.any(metricNames, match: .string(otlp.metrics[metric].name), in: otlp)
            else { return false }
        }
        return Self.all(attributes, hold: .record(record), in: otlp)
            && Self.all(resources, hold: .resource(resource), in: otlp)
    }

    private static func any(_ texts: [TextMatch], match value: AttributeValue, in otlp: OTLPBatch) -> Bool {
        texts.contains { $0.matches(value, in: otlp) }
    }

    private static func all(_ checks: [AttributeCheck], hold owner: AttributeOwner, in otlp: OTLPBatch) -> Bool {
        checks.allSatisfy { check in
            guard let value = otlp.attribute(check.key, of: owner) else { return false }
            return check.value?.matches(value, in: otlp) ?? true
        }
    }

    private static func texts(_ texts: [String], _ config: MatchConfig, key: String) throws(ActionError)
        -> [TextMatch]
    {
        var matches: [TextMatch] = []
        for text in texts { matches.append(try TextMatch(text, config.matchType, key: key)) }
        return matches
    }

    private static func checks(_ checks: [MatchConfig.AttributeMatch], _ config: MatchConfig, key: String)
        throws(ActionError) -> [AttributeCheck]
    {
        var result: [AttributeCheck] = []
        for check in checks {
            guard !check.key.isEmpty else { throw ActionError(message: "a match needs a key", key: key) }
            var value: TextMatch?
            if let text = check.value { value = try TextMatch(text, config.matchType, key: key) }
            result.append(AttributeCheck(key: check.key, value: value))
        }
        return result
    }
}

/// A text to compare with.
enum TextMatch: Sendable {
    case whole(String)
    case pattern(TextPattern)

    init(_ text: String, _ kind: MatchConfig.Kind, key: String) throws(ActionError) {
        switch kind {
        case .strict: self = .whole(text)
        case .regexp:
            do throws(ActionError) {
                self = .pattern(try TextPattern.forAction(text))
            } catch {
                throw ActionError(message: error.message, key: key, help: error.help)
            }
        }
    }

    /// Compares values that are not texts in their text form.
    func matches(_ value: AttributeValue, in otlp: OTLPBatch) -> Bool {
        switch (self, value) {
        case (.whole(let text), .string(let slice)): otlp.equals(slice, text)
        case (.whole(let text), _): otlp.text(of: value) == text
        case (.pattern(let pattern), .string(let slice)): pattern.isFound(in: otlp.bytes(of: slice))
        case (.pattern(let pattern), _): pattern.isFound(in: otlp.text(of: value).utf8)
        }
    }
}
