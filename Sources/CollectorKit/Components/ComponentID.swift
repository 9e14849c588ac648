// SPDX-License-Identifier: Apache-2.0

/// The kind of a component; the raw value is its section of the configuration.
public enum ComponentKind: String, Sendable, Hashable, CaseIterable {
    /// Receives telemetry.
    case receiver = "receivers"
    /// Examines or changes batches.
    case processor = "processors"
    /// Stores batches or sends them on.
    case exporter = "exporters"
    /// An exporter of some pipelines and a receiver of others.
    case connector = "connectors"
    /// A service next to the pipelines.
    case `extension` = "extensions"

    /// The singular word.
    public var singular: String { String(rawValue.dropLast()) }
}

/// The name of a component in a configuration: `type`, or `type/name` when there are several of a type.
public struct ComponentID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The type or an alias of a factory.
    public let type: String
    /// Distinguishes it from other components of its type; may be empty.
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

    /// A placeholder for an invalid type.
    package static let unnamed = ComponentID(type: "unnamed")

    /// The text as written in a configuration.
    public var description: String { name.isEmpty ? type : "\(type)/\(name)" }

    /// Orders ids by their text.
    public static func < (left: ComponentID, right: ComponentID) -> Bool { left.description < right.description }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
}
