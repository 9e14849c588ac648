// SPDX-License-Identifier: Apache-2.0

extension Array<UInt8> {
    /// Appends a text as a string of JSON, in quotes, with the escapes that RFC 8259 demands; valid in TOML, too.
    ///
    /// Line ends and tabs have their short escapes, other control characters and U+007F, which TOML forbids, four digits.
    public mutating func append(jsonString text: String) {
        var text = text
        append(UInt8(ascii: "\""))
        text.withUTF8 { bytes in
            for byte in bytes {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                    append(UInt8(ascii: "\\"))
                    append(byte)
                case 0x0A: append(contentsOf: "\\n".utf8)
                case 0x0D: append(contentsOf: "\\r".utf8)
                case 0x09: append(contentsOf: "\\t".utf8)
                case 0..<0x20, 0x7F:
                    append(contentsOf: "\\u00".utf8)
                    append(UInt8(ascii: "0") + byte >> 4)
                    append("0123456789abcdef".utf8.withContiguousStorageIfAvailable { $0[Int(byte & 15)] } ?? 0)
                default: append(byte)
                }
            }
        }
        append(UInt8(ascii: "\""))
    }
}

extension String {
    /// The text as a string of JSON, in quotes.
    public var jsonString: String {
        var bytes: [UInt8] = []
        bytes.append(jsonString: self)
        return String(decoding: bytes, as: UTF8.self)
    }
}
