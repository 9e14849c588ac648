// SPDX-License-Identifier: Apache-2.0

/// What a component does in a pipeline; the raw value is its section of the configuration.
public enum ComponentKind: String, Sendable, Hashable, CaseIterable {
    /// Takes telemetry in.
    case receiver = "receivers"
    /// Looks at batches or changes them.
    case processor = "processors"
    /// Keeps batches or sends them on.
    case exporter = "exporters"
    /// Serves beside the pipelines.
    case `extension` = "extensions"

    /// The word for one of them.
    public var singular: String { String(rawValue.dropLast()) }
}

/// The name of a component in a configuration: `type`, or `type/name` when there are several of a type.
public struct ComponentID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The type, which a factory answers to.
    public let type: String
    /// What tells it from others of its type; empty for the only one.
    public let name: String

    /// Parses `type` or `type/name`.
    ///
    /// A type is a letter followed by at most 62 letters, digits or `_`; a name is at most 1,024 characters without white space or
    /// control characters (as in the OpenTelemetry Collector). Returns nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let type = parts.first, (1...63).contains(type.utf8.count), type.utf8.first.map(Self.isLetter) == true,
            type.utf8.allSatisfy({ Self.isLetter($0) || (48...57).contains($0) || $0 == 95 })
        else { return nil }
        self.type = String(type)
        name = parts.count > 1 ? String(parts[1]) : ""
        guard parts.count == 1 || (1...1_024).contains(name.count), name.utf8.allSatisfy({ $0 > 32 && $0 != 127 })
        else { return nil }
    }

    private init(type: String) {
        self.type = type
        name = ""
    }

    /// Stands in where a type is not well-formed.
    package static let unnamed = ComponentID(type: "unnamed")

    /// The text as written in a configuration.
    public var description: String { name.isEmpty ? type : "\(type)/\(name)" }

    /// Orders ids by their text.
    public static func < (left: ComponentID, right: ComponentID) -> Bool { left.description < right.description }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
}
