// SPDX-License-Identifier: Apache-2.0

import YAML

extension String {
    /// The text on one line, without characters that control a terminal or change the direction of writing.
    var printable: String {
        var result = ""
        for scalar in unicodeScalars {
            if scalar.steersTerminal { result += " " } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }

    /// A JSON text in which such characters are escaped; its meaning is unchanged.
    var escapingInvisibles: String {
        var result = ""
        for scalar in unicodeScalars {
            guard scalar.steersTerminal, scalar != "\n" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }

    /// How many columns of a terminal the text takes.
    var columns: Int { unicodeScalars.reduce(0) { $0 + DisplayWidth.columns(of: $1) } }

    /// The longest prefix of the text that fits into so many columns.
    func beginning(columns: Int) -> String {
        var (result, width) = ("", 0)
        for character in self {
            width += String(character).columns
            guard width <= columns else { break }
            result.append(character)
        }
        return result
    }

    /// The words of the text in lines of at most `width` characters; a longer word has a line of its own.
    func wrapped(to width: Int) -> [String] {
        var lines: [String] = []
        for word in split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    /// Prose of several lines, each of at most `width` characters: what does not fit goes on in the next line, two further to the right.
    func prose(width: Int) -> String {
        split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard line.count > width else { return String(line) }
            let indent = String(line.prefix { $0 == " " })
            let lines = String(line).wrapped(to: max(20, width - indent.count - 2))
            return indent + lines.joined(separator: "\n" + indent + "  ")
        }.joined(separator: "\n")
    }
}

extension StringProtocol {
    /// The text without white space at its ends.
    var trimmingEnds: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}

extension Unicode.Scalar {
    /// Whether it moves the cursor, starts a terminal command, is invisible, or changes the direction of writing.
    var steersTerminal: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
