// SPDX-License-Identifier: Apache-2.0

/// A string that is never shown: printing, dumping, interpolating and encoding give `[redacted]`.
public struct Secret: ConfigScalar, Hashable, ExpressibleByStringLiteral {
    /// The text shown in place of the value.
    public static let redacted = "[redacted]"

    /// The secret itself; never log it.
    public let value: String

    /// Wraps a secret.
    public init(_ value: String) {
        self.value = value
    }

    /// Wraps a secret known at compile time, for tests and empty defaults.
    public init(stringLiteral value: String) {
        self.init(value)
    }

    /// Whether the text is empty.
    public var isEmpty: Bool { value.isEmpty }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `[redacted]`.
    public var description: String { Self.redacted }

    /// Always `[redacted]`.
    public var debugDescription: String { Self.redacted }

    /// A mirror without the value.
    public var customMirror: Mirror { Mirror(self, children: ["value": Self.redacted], displayStyle: .struct) }
}

extension Secret {
    /// The type of the value.
    public static var valueType: ValueType { .secret }

    /// Decodes any single value as text.
    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode(String.self))
    }

    /// Encodes `[redacted]`, for any encoder.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Self.redacted)
    }
}

extension Secret: PlaceholderProviding {
    static var placeholder: Self { Self("") }
}
