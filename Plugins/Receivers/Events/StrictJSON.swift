// SPDX-License-Identifier: Apache-2.0

/// What RFC 8259 forbids and the decoder lets pass: text that is not UTF-8, and commas behind the last element or member.
enum StrictJSON {
    /// What is wrong with a text, as its sender will read it; nil when it is nothing of these.
    static func fault(in bytes: [UInt8]) -> String? {
        // The decoder recognises UTF-16 and UTF-32, in which the brackets of JSON have zeros beside them.
        guard !bytes.contains(0), isUTF8(bytes) else { return "the body is not UTF-8" }
        return hasTrailingComma(bytes) ? "the body is no JSON: a comma is followed by nothing" : nil
    }

    private static func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

    private static func hasTrailingComma(_ bytes: [UInt8]) -> Bool {
        var (isInString, isEscaped, followsComma) = (false, false, false)
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): continue
            case UInt8(ascii: "]") where followsComma, UInt8(ascii: "}") where followsComma: return true
            case UInt8(ascii: "\""): isInString = true
            default: break
            }
            followsComma = byte == UInt8(ascii: ",")
        }
        return false
    }
}
