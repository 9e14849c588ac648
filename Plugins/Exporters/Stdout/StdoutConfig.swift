// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a user writes under `stdout:`.
public struct StdoutConfig: ComponentConfig {
    /// The form of what is written.
    public var format = Format.text
    /// How much of a batch the text tells.
    public var verbosity = Verbosity.basic

    /// One line of text for each batch.
    public init() {}

    /// What each key means.
    public static let documentation = [
        "format": "text: for people; json: OTLP/JSON, one object per line",
        "verbosity":
            "how much the text tells. basic: a line per batch; normal: a line per record and call; detailed: all attributes",
    ]

    /// The form of what is written.
    public enum Format: String, Codable, Sendable, CaseIterable {
        /// For people; its look may change.
        case text
        /// OTLP/JSON, one object per line.
        case json
    }

    /// How much the text tells.
    public enum Verbosity: String, Codable, Sendable, CaseIterable {
        /// A line for each batch.
        case basic
        /// A line for each record and call.
        case normal
        /// All attributes, too.
        case detailed
    }
}
