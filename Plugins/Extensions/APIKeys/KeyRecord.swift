// SPDX-License-Identifier: Apache-2.0

/// One key as the file has it; the key itself is not in it.
public struct KeyRecord: Codable, Sendable, Hashable {
    /// By what it can be revoked.
    public var id: String
    /// Whose it is.
    public var name: String
    /// The first letters of the key, to find it among others.
    public var prefix: String
    /// The SHA-256 of the key, in hexadecimal digits.
    public var hash: String
    /// What it allows.
    public var scopes: [KeyScope]
    /// When it was made, ISO 8601.
    public var createdAt: String
    /// When it was last shown, ISO 8601; written now and then.
    public var lastUsedAt: String?
}

/// A key that was just made: the only moment at which it can be read.
public struct NewKey: Sendable {
    /// What is kept of it.
    public let record: KeyRecord
    /// The key.
    public let key: String

    /// By this a key can be told from other secrets, by people and by programs that look for leaks.
    public static let prefix = "hammurabi_"

    /// Makes a key of 256 random bits.
    ///
    /// - Parameter createdAt: The present, ISO 8601.
    public init(name: String, scopes: [KeyScope], createdAt: String) {
        // The system's generator is that of the kernel.
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

    /// Bytes in the letters of addresses (RFC 4648 §5), without padding.
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
