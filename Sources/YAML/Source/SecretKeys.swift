// SPDX-License-Identifier: Apache-2.0

/// Decides by a key's name whether its value is a secret.
///
/// A secret key hides everything below it, so `headers` covers every header value.
public struct SecretKeys: Hashable, Sendable {
    private static let wellKnown: Set<String> = [
        "api_key", "apikey", "authorization", "credential", "credentials", "headers", "key", "passphrase", "passwd",
        "password", "secret", "token",
    ]
    private static let suffixes = ["_key", "_token", "_password", "_passphrase", "_secret", "_credential"]

    private var declared: Set<String> = []

    /// Creates the rule with the well-known names and those the caller declares.
    public init(adding names: some Sequence<String> = []) {
        for name in names { insert(name) }
    }

    /// Declares one more key name whose values are secret.
    public mutating func insert(_ name: String) {
        declared.insert(Self.normalized(name))
    }

    /// Returns whether the value of this key must not be shown; upper case and `-` count as lower case and `_`.
    public func contains(_ key: String) -> Bool {
        let name = Self.normalized(key)
        return Self.wellKnown.contains(name) || declared.contains(name)
            || Self.suffixes.contains { name.hasSuffix($0) }
    }

    private static func normalized(_ key: String) -> String {
        String(key.lowercased().map { $0 == "-" ? "_" : $0 })
    }
}
