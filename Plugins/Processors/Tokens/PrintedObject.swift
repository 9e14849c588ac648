// SPDX-License-Identifier: Apache-2.0

import JSON

/// The numbers of an object that a program printed into a text: JSON, or what a language shows of an object.
///
/// One reader for JSON (`{"prompt_tokens":5}`), Python (`{'prompt_tokens': 5, 'cost': nan}`, `Usage(prompt_tokens=5, details=Wrapper(…))`,
/// `Decimal('5')`), JavaScript (`{ promptTokens: 5 }`), Rust (`Usage { prompt_tokens: 5, cached: Some(3) }`) and Java
/// (`Usage[promptTokens=5]`), and for any of them inside a text of JSON. Libraries do not say which of them they write: LiteLLM's
/// `metadata.usage_object` is a dictionary of Python or one with objects in it, by version. Numbers may be texts of digits. Lists are
/// stepped over. A text that is too long, too deep or broken has no numbers: half a text says nothing that can be relied on.
struct PrintedObject {
    /// The numbers by their names; those of objects inside are joined by dots (`prompt_tokens_details.cached_tokens`).
    private(set) var numbers: [String: Double] = [:]
    /// Whether there is something that was not read: the text is none of these, or a count of tokens in it is no number.
    private(set) var isUnread = false

    /// A longer text is no account of a call.
    private static let longest = 1 << 16
    /// No account of a call has more figures.
    private static let mostNumbers = 96
    private static let deepest = 32
    /// How many texts may be inside one another.
    private static let deepestText = 3

    /// Reads a text; an empty one has nothing.
    init(_ text: ArraySlice<UInt8>) {
        guard text.count <= Self.longest else {
            isUnread = true
            return
        }
        guard text.contains(where: { !PrintedCursor.isSpace($0) }) else { return }
        var scan = Scan(text, texts: 0)
        if scan.run(under: "") {
            (numbers, isUnread) = (scan.numbers, scan.isUnread)
        } else {
            isUnread = true
        }
    }

    private struct Scan {
        private var cursor: PrintedCursor
        private var depth = 0
        /// How many texts this one is inside of.
        private let texts: Int
        /// How many lists are open, whose numbers belong to no name.
        private var lists = 0
        private(set) var numbers: [String: Double] = [:]
        private(set) var isUnread = false

        init(_ text: ArraySlice<UInt8>, texts: Int) {
            cursor = PrintedCursor(text)
            self.texts = texts
        }

        /// Reads the whole text as one value; false when it is none.
        mutating func run(under name: String) -> Bool {
            guard value(under: name) else { return false }
            cursor.skipSpace()
            return cursor.isAtEnd
        }

        // MARK: Values

        /// Reads a value, whose numbers go under a name; false when there is none.
        private mutating func value(under name: String) -> Bool {
            cursor.skipSpace()
            guard let byte = cursor.next, depth < PrintedObject.deepest else { return false }
            depth += 1
            defer { depth -= 1 }
            switch byte {
            case UInt8(ascii: "{"):
                cursor.position += 1
                return members(until: "}", under: name)
            case UInt8(ascii: "["), UInt8(ascii: "("):
                cursor.position += 1
                lists += 1
                defer { lists -= 1 }
                return members(until: byte == UInt8(ascii: "[") ? "]" : ")", under: name)
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard let content = string() else { return false }
                add(text: content, under: name)
                return true
            case UInt8(ascii: "<"): return cursor.skipAngles()
            default:
                return PrintedCursor.isDigit(byte) || "+-.".utf8.contains(byte)
                    ? number(under: name) : word(under: name)
            }
        }

        /// Reads what is between brackets: members with names, and values without.
        private mutating func members(until end: Unicode.Scalar, under name: String) -> Bool {
            if cursor.skip(end) { return true }
            while true {
                cursor.skipSpace()
                let start = cursor.position
                if let member = memberName() {
                    guard value(under: name.isEmpty ? member : "\(name).\(member)") else { return false }
                } else {
                    cursor.position = start
                    guard value(under: name) else { return false }
                }
                guard cursor.skip(",") else { return cursor.skip(end) }
                // Python writes a comma behind the only element of a tuple.
                if cursor.skip(end) { return true }
            }
        }

        /// A name and the sign behind it; nil for what is a value.
        private mutating func memberName() -> String? {
            let name: [UInt8]
            if cursor.isAtPrefix { cursor.position += 1 }
            switch cursor.next {
            case let byte? where PrintedCursor.isQuote(byte):
                guard let content = string() else { return nil }
                name = content
            case let byte? where PrintedCursor.isWordSign(byte): name = Array(cursor.word())
            default: return nil
            }
            guard cursor.skip(":") || cursor.skip("=") else { return nil }
            return String(decoding: name, as: UTF8.self)
        }

        private mutating func number(under name: String) -> Bool {
            let start = cursor.position
            if cursor.next == UInt8(ascii: "-") || cursor.next == UInt8(ascii: "+") { cursor.position += 1 }
            // Minus infinity.
            if let byte = cursor.next, PrintedCursor.isWordSign(byte), !PrintedCursor.isDigit(byte) {
                return word(under: name)
            }
            while let byte = cursor.next, PrintedCursor.isWordSign(byte) || "+-.".utf8.contains(byte) {
                cursor.position += 1
            }
            guard let number = Self.number(cursor.text[start..<cursor.position]) else { return false }
            add(number, under: name)
            return true
        }

        private static func number(_ digits: ArraySlice<UInt8>) -> Double? {
            guard digits.count <= 40, digits.allSatisfy({ PrintedCursor.isDigit($0) || "+-.eE".utf8.contains($0) })
            else {
                return nil
            }
            return Double(String(decoding: digits, as: UTF8.self))
        }

        /// Reads a word: one of those for nothing and for truth, the name of a class with its members, or a text without quotes.
        private mutating func word(under name: String) -> Bool {
            let word = cursor.word()
            guard !word.isEmpty else { return false }
            // What Python writes in front of a text of bytes.
            if word.count == 1, let byte = cursor.next, PrintedCursor.isQuote(byte) { return value(under: name) }
            let behind = cursor.position
            cursor.skipSpace()
            switch cursor.next {
            case UInt8(ascii: "("):
                cursor.position += 1
                return members(until: ")", under: name)
            case UInt8(ascii: "{"):
                cursor.position += 1
                return members(until: "}", under: name)
            case UInt8(ascii: "["):
                cursor.position += 1
                return members(until: "]", under: name)
            default:
                cursor.position = behind
                return true
            }
        }

        // MARK: Texts

        /// Reads a text in quotes; nil when it has no end, or an escape without its digits.
        private mutating func string() -> [UInt8]? {
            guard let content = cursor.quoted() else { return nil }
            guard content.contains(UInt8(ascii: "\\")) else { return Array(content) }
            var text: [UInt8] = []
            var rest = content
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "\\") else {
                    text.append(byte)
                    continue
                }
                guard let resolved = Self.escape(&rest) else { return nil }
                text += resolved
            }
            return text
        }

        /// What the signs behind a backslash mean; nil when digits are missing.
        private static func escape(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
            guard let sign = rest.popFirst() else { return nil }
            let digits: Int
            switch sign {
            case UInt8(ascii: "n"): return [10]
            case UInt8(ascii: "t"): return [9]
            case UInt8(ascii: "r"): return [13]
            case UInt8(ascii: "x"): digits = 2
            case UInt8(ascii: "u"): digits = 4
            case UInt8(ascii: "U"): digits = 8
            default: return [sign]
            }
            let code = rest.prefix(digits)
            guard code.count == digits, let number = UInt32(String(decoding: code, as: UTF8.self), radix: 16) else {
                return nil
            }
            rest = rest.dropFirst(digits)
            // Half of a surrogate pair is of no name and no number.
            return Array(String(Unicode.Scalar(number) ?? "\u{FFFD}").utf8)
        }

        /// A text can be a number, or an object once more.
        private mutating func add(text content: [UInt8], under name: String) {
            guard lists == 0 else { return }
            let trimmed = content.drop(while: PrintedCursor.isSpace)
            guard let first = trimmed.first else { return }
            if let number = Self.number(trimmed) { return add(number, under: name) }
            let isObject =
                first == UInt8(ascii: "{") || first == UInt8(ascii: "\"") || trimmed.last == UInt8(ascii: ")")
            if isObject, texts < PrintedObject.deepestText {
                var scan = Scan(trimmed, texts: texts + 1)
                if scan.run(under: name) {
                    for (name, number) in scan.numbers { add(number, under: name) }
                    isUnread = isUnread || scan.isUnread
                    return
                }
            }
            // A text in place of a count, not the name of a model or the like.
            if name.isEmpty || Self.isCount(name) { isUnread = true }
        }

        private mutating func add(_ number: Double, under name: String) {
            guard lists == 0, !name.isEmpty, number.isFinite else { return }
            guard numbers.count < PrintedObject.mostNumbers || numbers[name] != nil else { return }
            numbers[name] = number
        }

        /// Whether a name is that of a count of tokens, or of several.
        private static func isCount(_ name: String) -> Bool {
            let last = name.split(separator: ".").last?.lowercased() ?? ""
            return last.hasSuffix("tokens") || last.hasSuffix("tokens_details") || last.hasSuffix("token_details")
                || last.hasSuffix("token_count")
        }
    }
}
