// SPDX-License-Identifier: Apache-2.0

extension Array<UInt8> {
    /// Appends a text as a JSON string with quotes and the escapes that RFC 8259 requires; also valid in TOML.
    ///
    /// Line ends and tabs have their short escapes; other control characters and U+007F, which TOML forbids, have four digits.
    public mutating func append(jsonString text: String) {
        var text = text
        append(UInt8(ascii: "\""))
        text.withUTF8 { bytes in
            // Most texts have no escape and are copied whole.
            var start = 0
            for (position, byte) in bytes.enumerated() where Self.isEscaped(byte) {
                append(contentsOf: bytes[start..<position])
                append(escapeOf: byte)
                start = position + 1
            }
            append(contentsOf: bytes[start...])
        }
        append(UInt8(ascii: "\""))
    }

    @inline(__always)
    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
    }

    private mutating func append(escapeOf byte: UInt8) {
        append(UInt8(ascii: "\\"))
        if let letter = JSONEscapes.letter(for: byte) {
            append(letter)
        } else {
            let (high, low) = JSONEscapes.digits(of: byte)
            append(contentsOf: "u00".utf8)
            append(high)
            append(low)
        }
    }
}

extension String {
    /// The text as a JSON string, with quotes.
    public var jsonString: String {
        var bytes: [UInt8] = []
        bytes.append(jsonString: self)
        return String(decoding: bytes, as: UTF8.self)
    }
}
