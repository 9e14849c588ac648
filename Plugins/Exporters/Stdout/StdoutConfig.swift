// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The keys under `stdout:`.
public struct StdoutConfig: ComponentConfig {
    /// The output format.
    public var format = Format.text
    /// The level of detail of the text.
    public var verbosity = Verbosity.basic

    /// One line of text for each batch.
    public init() {}

    /// What each key means.
    public static let documentation = [
        "format": "text: for people; json: OTLP/JSON, one object per line",
        "verbosity":
            "detail of the text. basic: a line per batch; normal: a line per record and call; detailed: all attributes",
    ]

    /// The output format.
    public enum Format: String, Codable, Sendable, CaseIterable {
        /// For people; its layout may change.
        case text
        /// OTLP/JSON, one object per line.
        case json
    }

    /// The level of detail of the text.
    public enum Verbosity: String, Codable, Sendable, CaseIterable {
        /// A line for each batch.
        case basic
        /// A line for each record and call.
        case normal
        /// Records and calls with all attributes.
        case detailed
    }
}
