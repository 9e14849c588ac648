// SPDX-License-Identifier: Apache-2.0

/// The facts about a line of configuration that need no parsing of the file: its indent and what looks like keys.
struct ConfigLine {
    struct Key {
        let name: String
        /// The index right after the `:` or `=`.
        let valueStart: Int
    }

    let scalars: [Unicode.Scalar]
    let indent: Int
    let keys: [Key]

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
        indent = scalars.prefix { $0 == " " }.count
        keys = Self.keys(in: scalars)
    }

    /// Whether there is nothing, or only a comment.
    var isBlank: Bool { indent == scalars.count || scalars[indent] == "#" }

    /// Whether the line begins an item of a list.
    var isItem: Bool {
        indent < scalars.count && scalars[indent] == "-" && (indent + 1 == scalars.count || scalars[indent + 1] == " ")
    }

    /// The index after the indent and the dashes.
    var contentStart: Int { indent + scalars[indent...].prefix { $0 == " " || $0 == "-" }.count }

    /// The key at the start of the line, if there is one.
    var firstKey: Key? { keys.first }

    /// Whether the line is `key:value`, which YAML reads as one word.
    var lacksSpaceAfterKey: Bool {
        guard let key = firstKey, key.valueStart < scalars.count, scalars[key.valueStart - 1] == ":" else {
            return false
        }
        let isAtStart = key.valueStart - 1 - key.name.unicodeScalars.count == contentStart
        // A URL is a value.
        let isURL = scalars[key.valueStart...].starts(with: "//".unicodeScalars)
        return isAtStart && scalars[key.valueStart] != " " && !isURL
    }

    /// Returns the index after a reference without default, `${env:NAME}`, that starts at the index.
    static func endOfReference(in scalars: [Unicode.Scalar], at start: Int) -> Int? {
        guard start + 1 < scalars.count, scalars[start] == "$", scalars[start + 1] == "{" else { return nil }
        var index = start + 2
        while index < scalars.count, isWord(scalars[index]) || scalars[index] == ":" || scalars[index] == "/" {
            if scalars[index] == ":", index + 1 < scalars.count, scalars[index + 1] == "-" { return nil }
            index += 1
        }
        return index < scalars.count && scalars[index] == "}" ? index + 1 : nil
    }

    /// Whether the text is exactly one reference without default, which may be shown whatever its value is.
    static func isPureReference(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        return endOfReference(in: scalars, at: 0) == scalars.count
    }

    /// Finds every word followed by `:` or `=`, quoted or not.
    private static func keys(in scalars: [Unicode.Scalar]) -> [Key] {
        var found: [Key] = []
        var wordStart: Int?
        var word: Range<Int>?
        for index in scalars.indices {
            let scalar = scalars[index]
            if isWord(scalar) {
                wordStart = wordStart ?? index
                word = (wordStart ?? index)..<(index + 1)
                continue
            }
            wordStart = nil
            if scalar == ":" || scalar == "=", let range = word {
                var name = String.UnicodeScalarView()
                name.append(contentsOf: scalars[range])
                found.append(Key(name: String(name), valueStart: index + 1))
            }
            if scalar != "\"", scalar != "'", scalar != " " { word = nil }
        }
        return found
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", "~": true
        default: !scalar.isASCII && scalar.properties.isAlphabetic
        }
    }
}
