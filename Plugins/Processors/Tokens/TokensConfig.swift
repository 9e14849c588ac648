// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The keys under `tokens:`.
public struct TokensConfig: ComponentConfig {
    /// Custom rules: attributes that hold a figure under a user-defined name.
    public var rules: [TokenRule] = []

    /// The built-in rules alone.
    public init() {}

    /// What each key means.
    public static let documentation = [
        "rules": "custom rules, applied before the built-in ones: a list of {field, attribute}"
    ]

    /// Reports rules that can never apply.
    public func validate(_ findings: inout ConfigFindings) {
        for (position, rule) in rules.enumerated() where rule.attribute.isEmpty {
            findings.error(
                "empty-value",
                "a rule needs the name of an attribute",
                at: ["rules", "\(position)", "attribute"]
            )
        }
    }
}

/// One custom rule: this attribute holds that figure.
public struct TokenRule: Codable, Sendable, Hashable {
    /// The figure.
    public var field: Field
    /// The attribute's name.
    public var attribute: String

    /// Creates a rule.
    public init(field: Field, attribute: String) {
        self.field = field
        self.attribute = attribute
    }

    /// The figures that a rule can name.
    public enum Field: String, Codable, Sendable, CaseIterable {
        /// Prompt tokens.
        case input
        /// Tokens produced.
        case output
        /// Prompt tokens read from a cache.
        case cacheRead = "cache_read"
        /// Prompt tokens written to a cache.
        case cacheWrite = "cache_write"
        /// Reasoning tokens.
        case reasoning
        /// The model's name.
        case model
        /// The session's id.
        case session
        /// The project's name.
        case project
        /// The user's name.
        case user
        /// The team's name.
        case team
    }
}
