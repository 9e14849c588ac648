// SPDX-License-Identifier: Apache-2.0

/// The figures of an object that a program printed as text: JSON, Python's `{'cached_tokens': None}` or `Usage(input_tokens=3)`.
///
/// Numbers, structure and the names of members stay. A text can come word by word, as a list of tokens with their probabilities or as
/// the members of an object, so words are kept only where they can form none: the first word under each member that names something
/// (`service_tier`), words of a fixed list (`TEXT`, `None`), and few names that are no words of accounts.
struct FigureText {
    /// What is left: nil when the text is none of these.
    let kept: [UInt8]?
    /// Whether that is the text as it was.
    let isWhole: Bool

    /// A longer text is no account of a call (`tokens` reads none either).
    private static let longest = 1 << 16

    init(_ text: ArraySlice<UInt8>) {
        var scan = Scan(text)
        let isFigures = text.count <= Self.longest && scan.run()
        kept = isFigures ? scan.kept : nil
        isWhole = isFigures && !scan.hasChanged
    }

    private struct Scan {
        private let text: ArraySlice<UInt8>
        private var position: Int
        private(set) var kept: [UInt8] = []
        private(set) var hasChanged = false
        /// Whether nothing but space came since a bare word: two such words are a sentence.
        private var isBehindWord = false
        private var hasStructure = false
        private var names = FigureNames()
        /// The name of the member whose value comes next.
        private var member: ArraySlice<UInt8> = []
        /// The members that have had a word.
        private var membersWithWord: Set<ArraySlice<UInt8>> = []
        private var replacements = 0

        init(_ text: ArraySlice<UInt8>) {
            self.text = text
            position = text.startIndex
        }

        /// Whether the text is the print of an object.
        mutating func run() -> Bool {
            while position < text.endIndex {
                let byte = text[position]
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "'"):
                    guard string(byte) else { return false }
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
                    guard !isBehindWord, word() else { return false }
                    isBehindWord = true
                    continue
                case UInt8(ascii: "0")...UInt8(ascii: "9"): number()
                case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t"), UInt8(ascii: "\r"): take(1)
                case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "("),
                    UInt8(ascii: ")"), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "="):
                    isBehindWord = false
                    hasStructure = true
                    take(1)
                case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): take(1)
                default: return false
                }
            }
            return hasStructure
        }

        private mutating func take(_ count: Int) {
            kept += text[position..<position + count]
            position += count
        }

        private mutating func number() {
            let digits = text[position...].prefix { (48...57).contains($0) || "+-.eE_".utf8.contains($0) }
            take(digits.count)
        }

        /// A word without quotes: the name of a type before `(` or `{`, that of a member before `=` or `:`, or a constant.
        private mutating func word() -> Bool {
            let word = text[position...].prefix {
                (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "_.".utf8.contains($0)
            }
            guard word.count <= 64, TextShape.member.fits(word) else { return false }
            switch text[word.endIndex...].first(where: { !Self.isSpace($0) }) {
            case UInt8(ascii: "("), UInt8(ascii: "{"), UInt8(ascii: "="), UInt8(ascii: ":"):
                member = word
                if names.keeps(word) { take(word.count) } else { replace(word, behind: word.endIndex) }
            default:
                if FigureNames.isConstant(word) { take(word.count) } else { replace(word, behind: word.endIndex) }
            }
            return true
        }

        /// A quoted string: the name of a member, or a value.
        private mutating func string(_ quote: UInt8) -> Bool {
            var end = position + 1
            while end < text.endIndex, text[end] != quote { end += text[end] == UInt8(ascii: "\\") ? 2 : 1 }
            guard end < text.endIndex else { return false }
            let content = text[(position + 1)..<end]
            isBehindWord = false
            if text[(end + 1)...].first(where: { !Self.isSpace($0) }) == UInt8(ascii: ":") {
                guard TextShape.member.fits(content) else { return false }
                member = content
                if names.keeps(content) {
                    take(end + 1 - position)
                } else {
                    kept.append(quote)
                    replace(content, behind: end)
                    take(1)
                }
                return true
            }
            if keeps(value: content) {
                take(end + 1 - position)
            } else {
                hasChanged = true
                kept += [quote, quote]
                position = end + 1
            }
            return true
        }

        /// Puts a name that says nothing in place of a word; each is another one, because members must stay apart.
        private mutating func replace(_ word: ArraySlice<UInt8>, behind end: Int) {
            hasChanged = true
            replacements += 1
            kept += "x\(replacements)".utf8
            position = end
        }

        private mutating func keeps(value: ArraySlice<UInt8>) -> Bool {
            if value.isEmpty || value.isNumber || FigureNames.isConstant(value) { return true }
            let memberClass = KeyClass(ofKey: member)
            guard memberClass == .name || memberClass == .term || FigureNames.hasWord(member),
                TextShape.word.fits(value)
            else { return false }
            return membersWithWord.insert(member).inserted
        }

        private static func isSpace(_ byte: UInt8) -> Bool { [32, 9, 10, 13].contains(byte) }
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
