// SPDX-License-Identifier: Apache-2.0

/// Text that came from outside, made safe for a terminal.
enum PrintableText {
    /// The text with everything escaped that would move the cursor, change colours or reorder what is shown.
    static func escape(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isUnsafe(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A pair as in logfmt: `key=value`, the value in quotes where its end could not be seen otherwise.
    static func pair(_ key: String, _ value: String) -> String {
        let value = escape(value)
        guard value.isEmpty || value.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else {
            return "\(key)=\(value)"
        }
        return "\(key)=\"\(value.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        // Format characters reorder text; the joiners among them only shape letters and emoji.
        case .control, .lineSeparator, .paragraphSeparator: true
        case .format: !(0x200C...0x200D).contains(scalar.value)
        default: false
        }
    }
}
