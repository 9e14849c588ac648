// SPDX-License-Identifier: Apache-2.0

extension AttributeKey {
    /// Every key, `.unknown` left out.
    public static let all: [AttributeKey] = spellings.map(\.key)

    /// The key as it is spelt in OTLP; empty for `.unknown`.
    public var name: String { Self.names[Int(rawValue)] }

    /// The key with that spelling, if it is a known one.
    public init?(name: String) {
        let key = AttributeKeyTable.shared.key(named: name)
        guard key != .unknown else { return nil }
        self = key
    }

    private static let names: [String] = {
        var names = Array(repeating: "", count: limit)
        for (key, name) in spellings { names[Int(key.rawValue)] = String(describing: name) }
        return names
    }()
}
