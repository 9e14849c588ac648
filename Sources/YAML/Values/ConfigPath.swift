// SPDX-License-Identifier: Apache-2.0

/// A path to a file or directory; a leading `~` or `~/` stands for the home directory.
///
/// The home directory comes from the `ConfigDecoder`; without one the path stays as written. Relative paths stay relative.
public struct ConfigPath: ConfigScalar, Hashable, ExpressibleByStringLiteral {
    /// The text as the user wrote it.
    public let text: String
    /// The path with the home directory inserted.
    public let path: String

    /// Creates a path from its text.
    public init(_ text: String, home: String? = nil) {
        self.text = text
        self.path = Self.expand(text, home: home)
    }

    /// Creates a default that is expanded when it is decoded.
    public init(stringLiteral text: String) {
        self.init(text)
    }

    /// Whether the path is empty.
    public var isEmpty: Bool { text.isEmpty }

    static let homeKey = CodingUserInfoKey(rawValue: "hammurabi.home")

    static func expand(_ text: String, home: String?) -> String {
        guard let home, text == "~" || text.hasPrefix("~/") else { return text }
        return (home.hasSuffix("/") ? String(home.dropLast()) : home) + text.dropFirst()
    }
}

extension ConfigPath: CustomStringConvertible {
    /// The text as the user wrote it.
    public var description: String { text }
}

extension ConfigPath {
    /// The type of the value.
    public static var valueType: ValueType { .path }

    /// Decodes the text and expands it with the decoder's home directory.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self.init(text, home: Self.homeKey.flatMap { decoder.userInfo[$0] as? String })
    }

    /// Encodes the text as the user wrote it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension ConfigPath: PlaceholderProviding {
    static var placeholder: Self { Self("") }
}
