// SPDX-License-Identifier: Apache-2.0

/// Masks values in single lines of JSON and TOML when the name of their key suggests a secret.
struct SecretMask {
    private static let words: Set<String> = [
        "key", "apikey", "token", "secret", "password", "passwd", "authorization", "credential", "credentials",
        "headers",
        "cookie", "bearer",
    ]

    /// The line with each such value replaced by asterisks.
    func masked(_ line: String) -> String {
        var result = ""
        var rest = Substring(line)
        var name = ""
        while let sign = rest.first {
            if sign == "\"" || sign == "'" {
                let text = Self.quoted(rest, sign)
                rest = rest.dropFirst(text.count)
                let after = rest.drop { $0 == " " || $0 == "\t" }.first
                if after == ":" || after == "=" {
                    name = String(text)
                    result += text
                } else {
                    result += Self.isSecret(name) ? "\(sign)***\(sign)" : Self.withoutUser(text)
                }
            } else if sign.isLetter || sign == "_" {
                let word = rest.prefix { $0.isLetter || $0.isNumber || "_-.".contains($0) }
                rest = rest.dropFirst(word.count)
                if rest.drop(while: { $0 == " " || $0 == "\t" }).first == "=" { name = String(word) }
                result += word
            } else {
                if sign == "," || sign == "{" { name = sign == "{" && Self.isSecret(name) ? name : "" }
                result.append(sign)
                rest = rest.dropFirst()
            }
        }
        return result
    }

    /// A quoted text with its quotes, to the end of the line when it is not closed.
    private static func quoted(_ text: Substring, _ quote: Character) -> Substring {
        var index = text.index(after: text.startIndex)
        while index < text.endIndex {
            if text[index] == "\\", quote == "\"" {
                index = text.index(after: index)
                if index == text.endIndex { break }
            } else if text[index] == quote {
                return text[...index]
            }
            index = text.index(after: index)
        }
        return text
    }

    /// A text in which the user and password of each address are masked.
    static func withoutUser(_ text: some StringProtocol) -> String {
        String(text).replacing(/:\/\/[^\/@\s"']+@/, with: "://***@")
    }

    /// Whether one of the words of a name suggests a secret value.
    static func isSecret(_ name: String) -> Bool {
        var words: [String] = [""]
        var wasLower = false
        for sign in name {
            if !sign.isLetter && !sign.isNumber {
                words.append("")
            } else {
                if sign.isUppercase, wasLower { words.append("") }
                words[words.count - 1] += sign.lowercased()
            }
            wasLower = sign.isLowercase
        }
        return words.contains { Self.words.contains($0) }
    }
}
