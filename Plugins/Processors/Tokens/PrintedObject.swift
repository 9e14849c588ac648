// SPDX-License-Identifier: Apache-2.0

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
        guard text.contains(where: { !Scan.isSpace($0) }) else { return }
        var scan = Scan(text, texts: 0)
        if scan.run(under: "") {
            (numbers, isUnread) = (scan.numbers, scan.isUnread)
        } else {
            isUnread = true
        }
    }

    private struct Scan {
        private let text: ArraySlice<UInt8>
        private var position: Int
        private var depth = 0
        /// How many texts this one is inside of.
        private let texts: Int
        /// How many lists are open, whose numbers belong to no name.
        private var lists = 0
        private(set) var numbers: [String: Double] = [:]
        private(set) var isUnread = false

        init(_ text: ArraySlice<UInt8>, texts: Int) {
            self.text = text
            self.texts = texts
            position = text.startIndex
        }

        /// Reads the whole text as one value; false when it is none.
        mutating func run(under name: String) -> Bool {
            guard value(under: name) else { return false }
            skipSpace()
            return position == text.endIndex
        }

        // MARK: Signs

        static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

        private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

        private static func isWordSign(_ byte: UInt8) -> Bool {
            (0x61...0x7A).contains(byte | 0x20) || isDigit(byte) || byte == UInt8(ascii: "_") || byte >= 0x80
        }

        private var next: UInt8? { position < text.endIndex ? text[position] : nil }

        private mutating func skipSpace() {
            while let byte = next, Self.isSpace(byte) { position += 1 }
        }

        private mutating func skip(_ sign: Unicode.Scalar) -> Bool {
            skipSpace()
            guard next == UInt8(ascii: sign) else { return false }
            position += 1
            return true
        }

        // MARK: Values

        /// Reads a value, whose numbers go under a name; false when there is none.
        private mutating func value(under name: String) -> Bool {
            skipSpace()
            guard let byte = next, depth < PrintedObject.deepest else { return false }
            depth += 1
            defer { depth -= 1 }
            switch byte {
            case UInt8(ascii: "{"):
                position += 1
                return members(until: "}", under: name)
            case UInt8(ascii: "["), UInt8(ascii: "("):
                position += 1
                lists += 1
                defer { lists -= 1 }
                return members(until: byte == UInt8(ascii: "[") ? "]" : ")", under: name)
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard let content = string() else { return false }
                add(text: content, under: name)
                return true
            case UInt8(ascii: "<"): return skipAngles()
            default: return Self.isDigit(byte) || "+-.".utf8.contains(byte) ? number(under: name) : word(under: name)
            }
        }

        /// Reads what is between brackets: members with names, and values without.
        private mutating func members(until end: Unicode.Scalar, under name: String) -> Bool {
            if skip(end) { return true }
            while true {
                skipSpace()
                let start = position
                if let member = memberName() {
                    guard value(under: name.isEmpty ? member : "\(name).\(member)") else { return false }
                } else {
                    position = start
                    guard value(under: name) else { return false }
                }
                guard skip(",") else {
                    return skip(end)
                }
                // Python writes a comma behind the only element of a tuple.
                if skip(end) { return true }
            }
        }

        /// A name and the sign behind it; nil for what is a value.
        private mutating func memberName() -> String? {
            let name: [UInt8]
            // Python writes a letter in front of a text of bytes.
            if let byte = next, Self.isWordSign(byte), let sign = text[(position + 1)...].first,
                sign == UInt8(ascii: "'") || sign == UInt8(ascii: "\"")
            {
                position += 1
            }
            switch next {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard let content = string() else { return nil }
                name = content
            case let byte? where Self.isWordSign(byte):
                name = Array(text[position...].prefix { Self.isWordSign($0) || $0 == UInt8(ascii: ".") })
                position += name.count
            default: return nil
            }
            guard skip(":") || skip("=") else { return nil }
            return String(decoding: name, as: UTF8.self)
        }

        private mutating func number(under name: String) -> Bool {
            let start = position
            if next == UInt8(ascii: "-") || next == UInt8(ascii: "+") { position += 1 }
            // Minus infinity.
            if let byte = next, Self.isWordSign(byte), !Self.isDigit(byte) { return word(under: name) }
            while let byte = next, Self.isWordSign(byte) || "+-.".utf8.contains(byte) { position += 1 }
            guard let number = Self.number(text[start..<position]) else { return false }
            add(number, under: name)
            return true
        }

        private static func number(_ digits: ArraySlice<UInt8>) -> Double? {
            guard digits.count <= 40, digits.allSatisfy({ isDigit($0) || "+-.eE".utf8.contains($0) }) else {
                return nil
            }
            return Double(String(decoding: digits, as: UTF8.self))
        }

        /// Reads a word: one of those for nothing and for truth, the name of a class with its members, or a text without quotes.
        private mutating func word(under name: String) -> Bool {
            let word = text[position...].prefix { Self.isWordSign($0) || $0 == UInt8(ascii: ".") }
            guard !word.isEmpty else { return false }
            position += word.count
            // What Python writes in front of a text of bytes.
            if word.count == 1, next == UInt8(ascii: "'") || next == UInt8(ascii: "\"") { return value(under: name) }
            let behind = position
            skipSpace()
            switch next {
            case UInt8(ascii: "("):
                position += 1
                return members(until: ")", under: name)
            case UInt8(ascii: "{"):
                position += 1
                return members(until: "}", under: name)
            case UInt8(ascii: "["):
                position += 1
                return members(until: "]", under: name)
            default:
                position = behind
                return true
            }
        }

        /// Steps over what Python shows of an object without a form of its own: `<Kind.A: 1>`.
        private mutating func skipAngles() -> Bool {
            var open = 0
            while let byte = next {
                position += 1
                if byte == UInt8(ascii: "<") { open += 1 }
                if byte == UInt8(ascii: ">") { open -= 1 }
                if open == 0 { return true }
            }
            return false
        }

        // MARK: Texts

        /// Reads a text in quotes; nil when it has no end.
        private mutating func string() -> [UInt8]? {
            guard let quote = next else { return nil }
            position += 1
            var content: [UInt8] = []
            while let byte = next {
                position += 1
                if byte == quote { return content }
                guard byte == UInt8(ascii: "\\") else {
                    content.append(byte)
                    continue
                }
                guard let sign = next else { return nil }
                position += 1
                guard let resolved = escape(sign) else { return nil }
                content += resolved
            }
            return nil
        }

        /// What a backslash and a sign mean; nil when digits are missing.
        private mutating func escape(_ sign: UInt8) -> [UInt8]? {
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
            let code = text[position...].prefix(digits)
            guard code.count == digits, let number = UInt32(String(decoding: code, as: UTF8.self), radix: 16) else {
                return nil
            }
            position += digits
            // Half of a surrogate pair is of no name and no number.
            return Array(String(Unicode.Scalar(number) ?? "\u{FFFD}").utf8)
        }

        /// A text can be a number, or an object once more.
        private mutating func add(text content: [UInt8], under name: String) {
            guard lists == 0 else { return }
            let trimmed = content.drop(while: Self.isSpace)
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
