// SPDX-License-Identifier: Apache-2.0

import Crypto

/// SHA-256 (FIPS 180-4) of bytes in memory.
public enum SHA256 {
    /// The digest, 32 bytes.
    public static func digest(_ message: [UInt8]) -> [UInt8] { Array(Crypto.SHA256.hash(data: message)) }

    /// The keyed digest of a message (HMAC, RFC 2104).
    public static func authenticationCode(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        Array(HMAC<Crypto.SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }

    /// Bytes as digits `0` to `f`.
    public static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
