// SPDX-License-Identifier: Apache-2.0

import JSON

/// The figures of an object that a program printed as text: JSON, Python's `{'cached_tokens': None}` or `Usage(input_tokens=3)`.
///
/// Numbers, structure and the names of members stay, also in a text of this kind inside another. A text can come word by word, as a list of tokens with their probabilities or as
/// the members of an object, so words are kept only where they can form none: the first word under each member that names something
/// (`service_tier`), words of a fixed list (`TEXT`, `None`), and few names that are no words of accounts.
struct FigureText {
    /// What is left: nil when the text is none of these.
    let kept: [UInt8]?
    /// Whether that is the text as it was.
    let isWhole: Bool

    /// A longer text is no account of a call (`tokens` reads none either).
    private static let longest = 1 << 16
    /// How many texts may be inside one another, as in `tokens`.
    private static let deepestText = 3

    init(_ text: ArraySlice<UInt8>) {
        var scan = Scan(text)
        let isFigures = text.count <= Self.longest && scan.run()
        kept = isFigures ? scan.kept : nil
        isWhole = isFigures && !scan.hasChanged
    }

    private struct Scan {
        private var cursor: PrintedCursor
        /// How many texts this one is inside of.
        private let texts: Int
        private(set) var kept: [UInt8] = []
        private(set) var hasChanged = false
        /// Whether nothing but space came since a bare word: two such words are a sentence.
        private var isBehindWord = false
        private var hasStructure = false
        /// The name of the member whose value comes next.
        private var member: ArraySlice<UInt8> = []
        private var words = Words()

        /// The words that were kept or replaced, of all texts that are inside one another.
        private struct Words {
            var names = FigureNames()
            /// The members that have had a word.
            var members: Set<ArraySlice<UInt8>> = []
            var replacements = 0
        }

        init(_ text: ArraySlice<UInt8>) { self.init(text, inside: 0, Words()) }

        private init(_ text: ArraySlice<UInt8>, inside texts: Int, _ words: Words) {
            (cursor, self.texts, self.words) = (PrintedCursor(text), texts, words)
        }

        /// Whether the text is the print of an object.
        mutating func run() -> Bool {
            while let byte = cursor.next {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "'"):
                    guard string(byte) else { return false }
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
                    guard !isBehindWord, word() else { return false }
                case UInt8(ascii: "0")...UInt8(ascii: "9"): number()
                case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t"), UInt8(ascii: "\r"): take(1)
                case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "("),
                    UInt8(ascii: ")"), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "="):
                    isBehindWord = false
                    hasStructure = true
                    take(1)
                case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): take(1)
                case UInt8(ascii: "<"):
                    guard angles() else { return false }
                default: return false
                }
            }
            return hasStructure
        }

        private mutating func take(_ count: Int) {
            let start = cursor.position
            cursor.position += count
            kept += cursor.text[start..<cursor.position]
        }

        private mutating func number() {
            let start = cursor.position
            while let byte = cursor.next, PrintedCursor.isDigit(byte) || "+-.eE_".utf8.contains(byte) {
                cursor.position += 1
            }
            kept += cursor.text[start..<cursor.position]
        }

        /// What Python shows of an object without a form of its own, such as `<Kind.A: 1>`: nothing of it is kept.
        private mutating func angles() -> Bool {
            let start = cursor.position
            guard cursor.skipAngles() else { return false }
            kept += "<>".utf8
            hasChanged = hasChanged || cursor.position - start > 2
            return true
        }

        /// A word without quotes: the name of a type before `(`, `{` or `[`, that of a member before `=` or `:`, or a constant.
        ///
        /// The letter in front of Python's `b'…'` is no word by itself.
        /// - Returns: Whether it can be one of an account.
        private mutating func word() -> Bool {
            if cursor.isAtPrefix {
                take(1)
                isBehindWord = false
                return true
            }
            isBehindWord = true
            let word = cursor.word()
            guard word.allSatisfy({ $0 < 0x80 }) else { return false }
            switch cursor.nextSign {
            case UInt8(ascii: "("), UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "="), UInt8(ascii: ":"):
                member = word
                if keeps(name: word) { kept += word } else { replace() }
            default:
                if FigureNames.isConstant(word) { kept += word } else { replace() }
            }
            return true
        }

        private mutating func keeps(name: ArraySlice<UInt8>) -> Bool {
            name.count <= 64 && TextShape.member.fits(name) && words.names.keeps(name)
        }

        /// A quoted string: the name of a member, or a value.
        private mutating func string(_ quote: UInt8) -> Bool {
            guard let content = cursor.quoted() else { return false }
            isBehindWord = false
            kept.append(quote)
            if cursor.nextSign == UInt8(ascii: ":") {
                member = content
                if keeps(name: content) { kept += content } else { replace() }
            } else if keeps(value: content) {
                kept += content
            } else {
                hasChanged = true
                if let inner = figures(inside: content) { Self.append(inner, quotedBy: quote, to: &kept) }
            }
            kept.append(quote)
            return true
        }

        /// Puts a name that says nothing in place of a word; each is another one, because members must stay apart.
        private mutating func replace() {
            hasChanged = true
            words.replacements += 1
            kept += "x\(words.replacements)".utf8
        }

        private mutating func keeps(value: ArraySlice<UInt8>) -> Bool {
            if value.isEmpty || value.drop(while: PrintedCursor.isSpace).isNumber || FigureNames.isConstant(value) {
                return true
            }
            let memberClass = KeyClass(ofKey: member)
            guard memberClass == .name || memberClass == .term || FigureNames.hasWord(member),
                TextShape.word.fits(value)
            else { return false }
            return words.members.insert(member).inserted
        }

        // MARK: Texts inside texts

        /// The figures of an object that is printed into a value, without the quotes around it; nil for any other value.
        private mutating func figures(inside content: ArraySlice<UInt8>) -> [UInt8]? {
            guard texts < FigureText.deepestText, let text = Self.unescaped(content) else { return nil }
            let trimmed = text.drop(while: PrintedCursor.isSpace)
            guard
                trimmed.first == UInt8(ascii: "{") || trimmed.first == UInt8(ascii: "\"")
                    || trimmed.last == UInt8(ascii: ")")
            else { return nil }
            var scan = Scan(trimmed, inside: texts + 1, words)
            guard scan.run() else { return nil }
            words = scan.words
            hasStructure = true
            return scan.kept
        }

        /// A text without the backslashes in front of its signs; nil with an escape that no account of a call needs.
        private static func unescaped(_ content: ArraySlice<UInt8>) -> [UInt8]? {
            var text: [UInt8] = []
            text.reserveCapacity(content.count)
            var isEscaped = false
            for byte in content {
                guard isEscaped else {
                    isEscaped = byte == UInt8(ascii: "\\")
                    if !isEscaped { text.append(byte) }
                    continue
                }
                isEscaped = false
                switch byte {
                case UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"): text.append(UInt8(ascii: " "))
                case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
                default: return nil
                }
            }
            return text
        }

        private static func append(_ text: [UInt8], quotedBy quote: UInt8, to kept: inout [UInt8]) {
            for byte in text {
                if byte == quote || byte == UInt8(ascii: "\\") { kept.append(UInt8(ascii: "\\")) }
                // A line break has no place between quotes.
                kept.append(byte < 32 ? UInt8(ascii: " ") : byte)
            }
        }
    }
}

/// Which names of members an account of a call may have: all that are made of the words of accounts, and few others.
struct FigureNames {
    private var others: Set<ArraySlice<UInt8>> = []
    /// Fewer words than a sentence has.
    private static let mostOthers = TextShape.short.mostWords

    /// Whether a name stays.
    mutating func keeps(_ name: ArraySlice<UInt8>) -> Bool {
        if Self.isOfAccounts(name) || others.contains(name) { return true }
        guard others.count < Self.mostOthers else { return false }
        others.insert(name)
        return true
    }

    /// Whether each word of a name is one of accounts, or no word at all, such as `200k`.
    private static func isOfAccounts(_ name: ArraySlice<UInt8>) -> Bool {
        KeyClass.words(of: name).joined().allSatisfy { word in
            words.contains(word) || word.utf8.contains { (48...57).contains($0) }
        }
    }

    /// Whether a text is one of the constants that accounts have for values.
    static func isConstant(_ word: ArraySlice<UInt8>) -> Bool {
        word.count <= 16 && constants.contains(String(decoding: word, as: UTF8.self).lowercased())
    }

    /// Whether a member of accounts has a word as its value, although its name says nothing of that: Anthropic's `speed` and place.
    static func hasWord(_ member: ArraySlice<UInt8>) -> Bool {
        [Array("speed".utf8), Array("inference_geo".utf8)].contains { $0.elementsEqual(member) }
    }

    private static let constants: Set<String> = [
        "none", "null", "nil", "undefined", "true", "false", "nan", "inf", "infinity", "text", "image", "audio",
        "video", "document",
    ]

    /// The words that names in accounts of known providers and libraries are made of.
    private static let words: Set<String> = [
        "above", "accepted", "additional", "all", "audio", "billable", "billed", "cache", "cached", "caching",
        "candidate",
        "candidates", "character", "characters", "completion", "cost", "costs", "count", "counts", "creation",
        "credits",
        "currency", "detail", "details", "dict", "document", "duration", "effort", "embedding", "ephemeral",
        "estimated",
        "eval", "fetch", "generated", "geo", "hit", "id", "image", "images", "inference", "input", "inputs",
        "iteration",
        "iterations", "kind", "latency", "length", "long", "message", "metadata", "miss", "modality", "model",
        "modalities",
        "ms", "name", "num", "number", "of", "output", "outputs", "per", "prediction", "price", "prompt", "prompts",
        "provider", "raw", "read", "reads", "reason", "reasoning", "rejected", "request", "requests", "response",
        "search",
        "searches", "seconds", "server", "service", "speed", "status", "sum", "text", "thinking", "thought", "thoughts",
        "tier", "time", "token", "tokens", "tool", "tools", "total", "traffic", "type", "unit", "units", "upstream",
        "usage",
        "use", "uncached", "usd", "value", "video", "web", "wrapper", "write", "writes",
    ]
}
