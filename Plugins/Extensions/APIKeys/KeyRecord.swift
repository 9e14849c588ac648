// SPDX-License-Identifier: Apache-2.0

/// One key in the file; the key itself is not stored.
public struct KeyRecord: Codable, Sendable, Hashable {
    /// The id for revoking it.
    public var id: String
    /// Its name.
    public var name: String
    /// The first characters of the key, to recognise it.
    public var prefix: String
    /// The SHA-256 of the key, in hexadecimal digits.
    public var hash: String
    /// Its scopes.
    public var scopes: [KeyScope]
    /// When it was created, ISO 8601.
    public var createdAt: String
    /// When it was last used, ISO 8601; written once a minute.
    public var lastUsedAt: String?
}

/// A key that was just created: the only time at which it can be read.
public struct NewKey: Sendable {
    /// Its record in the file.
    public let record: KeyRecord
    /// The key.
    public let key: String

    /// The prefix that distinguishes a key from other secrets, for people and for leak scanners.
    public static let prefix = "hammurabi_"

    /// Creates a key of 256 random bits.
    ///
    /// - Parameter createdAt: The present time, ISO 8601.
    public init(name: String, scopes: [KeyScope], createdAt: String) {
        // The system's generator uses the kernel's.
        var generator = SystemRandomNumberGenerator()
        let secret = (0..<4).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        key = Self.prefix + Self.text(secret)
        let id = withUnsafeBytes(of: UInt32.random(in: .min ... .max, using: &generator)) { Array($0) }
        record = KeyRecord(
            id: "key_" + id.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined(),
            name: name,
            prefix: String(key.prefix(Self.prefix.count + 4)),
            hash: KeyDigest(of: key).hex,
            scopes: scopes,
            createdAt: createdAt,
            lastUsedAt: nil
        )
    }

    /// Bytes in base64url (RFC 4648 §5) without padding.
    private static func text(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var text = ""
        var (bits, count) = (0, 0)
        for byte in bytes {
            (bits, count) = (bits << 8 | Int(byte), count + 8)
            while count >= 6 {
                count -= 6
                text.append(letters[bits >> count & 63])
            }
            bits &= (1 << count) - 1
        }
        if count > 0 { text.append(letters[bits << (6 - count) & 63]) }
        return text
    }
}
