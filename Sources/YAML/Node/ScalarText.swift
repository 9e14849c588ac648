// SPDX-License-Identifier: Apache-2.0

/// Writes scalars: plain where that is read back as the same value, otherwise in double quotes.
enum ScalarText {
    /// Returns the text of a scalar; nothing for null.
    static func text(of scalar: Scalar) -> String {
        switch scalar.resolved {
        case .null: ""
        case .string: scalar.text.contains("${") ? reference(scalar) : string(scalar.text)
        case .boolean, .integer, .float: scalar.text
        }
    }

    /// Returns a text with references in the style in which it was written: a plain value has the type of what is inserted, and a
    /// quoted one is always a string.
    private static func reference(_ scalar: Scalar) -> String {
        let hasMeaning = scalar.text.contains(": ") || scalar.text.contains(" #") || scalar.text.hasSuffix(":")
        let isPlain =
            scalar.style == .plain && scalar.tag != .string && !hasMeaning && isStart(scalar.text.unicodeScalars.first)
            && scalar.text.unicodeScalars.allSatisfy(isPrintable)
        return isPlain ? scalar.text : doubleQuoted(scalar.text)
    }

    /// Returns the text of a string.
    static func string(_ text: String) -> String {
        isPlain(text) ? text : doubleQuoted(text)
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
        guard isStart(first), last != ":", last != " ", text != "...", CoreSchema.resolve(text) == .string else {
            return false
        }
        guard !text.contains(": "), !text.contains(" #") else { return false }
        // Brackets and commas are valid here, but not after a user has copied the value into `[ ]`.
        return text.unicodeScalars.allSatisfy { isPrintable($0) && !"[]{},".unicodeScalars.contains($0) }
            || ConfigLine.endOfReference(in: Array(text.unicodeScalars), at: 0) == text.unicodeScalars.count
    }

    private static func isStart(_ first: Unicode.Scalar?) -> Bool {
        guard let first else { return false }
        return first.properties.isAlphabetic || first.properties.numericType != nil
            || "/._$+~".unicodeScalars.contains(first)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        !DisplayWidth.isControl(scalar) && scalar.value != 0xFEFF && scalar.value < 0xFFFE
    }

    private static func doubleQuoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isPrintable(scalar): result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return result + "\""
    }
}
