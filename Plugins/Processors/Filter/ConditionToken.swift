// SPDX-License-Identifier: Apache-2.0

/// A token of a condition with its position.
struct ConditionToken: Hashable {
    var kind: Kind
    /// In characters from the start of the condition.
    var position: Int

    enum Kind: Hashable {
        case name(String)
        case text(String)
        case int(Int64)
        case double(Double)
        case symbol(String)
        case end
    }

    /// The token in error messages.
    var description: String {
        switch kind {
        case .name(let name): "\"\(name)\""
        case .text: "a text"
        case .int, .double: "a number"
        case .symbol(let symbol): "\"\(symbol)\""
        case .end: "the end"
        }
    }

    /// Splits a condition into tokens; the last one is the end.
    static func list(of text: String) throws(ConditionError) -> [ConditionToken] {
        var scanner = Scanner(characters: Array(text))
        var tokens: [ConditionToken] = []
        while true {
            let token = try scanner.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }
}

private struct Scanner {
    let characters: [Character]
    var position = 0

    private static let symbols = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", "."]

    private var current: Character? { position < characters.count ? characters[position] : nil }

    mutating func next() throws(ConditionError) -> ConditionToken {
        while let character = current, character.isWhitespace { position += 1 }
        let start = position
        guard let character = current else { return ConditionToken(kind: .end, position: start) }
        if character == "\"" { return ConditionToken(kind: .text(try text()), position: start) }
        if character.isASCII, character.isLetter || character == "_" {
            return ConditionToken(kind: .name(word()), position: start)
        }
        if character.isASCII, character.isNumber || character == "-" {
            return ConditionToken(kind: try number(), position: start)
        }
        for symbol in Self.symbols where characters[position...].starts(with: symbol) {
            position += symbol.count
            return ConditionToken(kind: .symbol(symbol), position: start)
        }
        throw ConditionError(
            position: start,
            message: "\"\(character)\" means nothing here",
            help: character == "'" ? "write texts in double quotes" : character == "=" ? "write == to compare" : nil
        )
    }

    private mutating func word() -> String {
        let start = position
        while let character = current, character.isASCII, character.isLetter || character.isNumber || character == "_" {
            position += 1
        }
        return String(characters[start..<position])
    }

    private mutating func text() throws(ConditionError) -> String {
        let start = position
        var result = ""
        position += 1
        while let character = current {
            position += 1
            if character == "\"" { return result }
            guard character == "\\" else {
                result.append(character)
                continue
            }
            guard let escaped = current else { break }
            position += 1
            switch escaped {
            case "n": result.append("\n")
            case "t": result.append("\t")
            case "r": result.append("\r")
            case "\"", "\\": result.append(escaped)
            // Escapes of a pattern, such as `\d`, are kept for the pattern.
            default: result += "\\\(escaped)"
            }
        }
        throw ConditionError(position: start, message: "the text has no end", help: "close it with a double quote")
    }

    private mutating func number() throws(ConditionError) -> ConditionToken.Kind {
        let start = position
        position += 1
        while let character = current, character.isASCII,
            character.isLetter || character.isNumber || character == "."
                || ("+-".contains(character) && "eE".contains(characters[position - 1]))
        {
            position += 1
        }
        let text = String(characters[start..<position])
        // OTTL's literal for bytes; ids are compared by their hexadecimal digits.
        if text.hasPrefix("0x") { return .text(text.dropFirst(2).lowercased()) }
        if let value = Int64(text) { return .int(value) }
        if let value = Double(text), value.isFinite { return .double(value) }
        throw ConditionError(position: start, message: "\"\(text)\" is no number, or too large a one")
    }
}
