// SPDX-License-Identifier: Apache-2.0

import Crypto

/// The stored form of a key: its SHA-256.
///
/// A plain hash suffices because keys are not passwords: each has 256 random bits, which cannot be guessed, so that salt or a slow hash
/// would add nothing.
struct KeyDigest: Sendable, Hashable {
    private let words: InlineArray<4, UInt64>

    init(of key: String) {
        self.init(bytes: Array(Crypto.SHA256.hash(data: Array(key.utf8))))
    }

    /// Parses 64 digits `0` to `f`; nil for anything else.
    init?(hex: String) {
        let digits = hex.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue.map { UInt8($0) } }
        guard digits.count == 64, hex.utf8.count == 64 else { return nil }
        self.init(bytes: stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    private init(bytes: [UInt8]) {
        var words = InlineArray<4, UInt64>(repeating: 0)
        for (position, byte) in bytes.prefix(32).enumerated() {
            words[position / 8] = words[position / 8] << 8 | UInt64(byte)
        }
        self.words = words
    }

    /// 64 digits.
    var hex: String {
        (0..<4).map { word in
            let digits = String(words[word], radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Compares in constant time, whatever the position of the first difference.
    func matches(_ other: KeyDigest) -> Bool {
        var difference: UInt64 = 0
        for word in 0..<4 { difference |= words[word] ^ other.words[word] }
        return difference == 0
    }

    static func == (left: KeyDigest, right: KeyDigest) -> Bool { left.matches(right) }

    func hash(into hasher: inout Hasher) { hasher.combine(words[0]) }
}
