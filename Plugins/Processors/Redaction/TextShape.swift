// SPDX-License-Identifier: Apache-2.0

/// The form of a text that is a name, a code or a number and not a sentence.
///
/// A text of four words never has it, in any script; nor has a text of several lines, an address with a query, or base64 or hex text.
struct TextShape: Sendable {
    /// The largest number of bytes.
    var longest: Int
    /// The largest number of words separated by spaces.
    var mostWords: Int
    /// The largest number of letters of scripts that write no spaces between words.
    var mostDense: Int
    /// The largest number of words by any separator: a space, another character, a digit or a capital.
    var mostJoined: Int
    /// The shortest word that counts for ``mostJoined``, in letters.
    private var shortestWord: Int
    /// The allowed groups of characters.
    fileprivate var signs: Signs
    /// Whether a text of more words than ``short`` allows must end like an error type.
    private var isErrorType = false
    /// Whether capitals and digits separate words; not in ids, because random ids must be kept.
    private var splitsRuns = true
    /// Whether each word must begin with a letter or a digit, so that it is no path, option or quotation.
    var beginsWithLetters: Bool

    /// The form under an unknown key.
    static let short = TextShape(
        longest: 64,
        mostWords: 3,
        mostDense: 4,
        mostJoined: 3,
        shortestWord: 2,
        signs: .plain,
        beginsWithLetters: true
    )
    /// One word under an unknown key.
    static let word = TextShape(longest: 96, mostWords: 1, like: .short)
    /// The name of a usage figure, such as `cache_creation_input_tokens_above_200k`.
    static let member = TextShape(longest: 96, mostWords: 1, mostJoined: 6, like: .short)
    /// The type of an error, such as `litellm.exceptions.ContextWindowExceededError`.
    static let error: TextShape = {
        var shape = TextShape(longest: 96, mostWords: 1, mostJoined: 6, like: .short)
        shape.isErrorType = true
        return shape
    }()
    /// An id of a request, a version or a provider.
    static let identifier: TextShape = {
        var shape = TextShape(longest: 256, mostWords: 3, mostJoined: 3, like: .name)
        shape.splitsRuns = false
        return shape
    }()
    /// The form under a key for names.
    static let name = TextShape(
        longest: 256,
        mostWords: 3,
        mostDense: 8,
        mostJoined: 8,
        shortestWord: 3,
        signs: .quoting,
        beginsWithLetters: false
    )
    /// The name of a span or a metric, and a unit.
    static let title = TextShape(
        longest: 256,
        mostWords: 3,
        mostDense: 8,
        mostJoined: 8,
        shortestWord: 3,
        signs: .wide,
        beginsWithLetters: false
    )
    /// The name of an attribute.
    static let key = TextShape(longest: 160, mostWords: 3, mostJoined: 12, like: .title)

    /// Another form with other limits.
    init(longest: Int, mostWords: Int, mostJoined: Int? = nil, like other: TextShape) {
        self = other
        (self.longest, self.mostWords) = (longest, mostWords)
        if let mostJoined { self.mostJoined = mostJoined }
    }

    private init(
        longest: Int,
        mostWords: Int,
        mostDense: Int,
        mostJoined: Int,
        shortestWord: Int,
        signs: Signs,
        beginsWithLetters: Bool
    ) {
        (self.longest, self.mostWords, self.mostDense) = (longest, mostWords, mostDense)
        (self.mostJoined, self.shortestWord) = (mostJoined, shortestWord)
        (self.signs, self.beginsWithLetters) = (signs, beginsWithLetters)
    }

    /// Groups of ASCII characters.
    fileprivate struct Signs: OptionSet {
        let rawValue: UInt8

        static let alphanumeric = Signs(rawValue: 1)
        static let joining = Signs(rawValue: 2)
        static let space = Signs(rawValue: 4)
        static let beyondASCII = Signs(rawValue: 8)
        static let quotation = Signs(rawValue: 16)
        static let bracket = Signs(rawValue: 32)
        static let other = Signs(rawValue: 128)

        static let plain: Signs = [.alphanumeric, .joining, .space, .beyondASCII]
        static let quoting: Signs = [.plain, .quotation]
        static let wide: Signs = [.quoting, .bracket]
    }

    /// The groups of each byte.
    private static let groups: [Signs] = (0...255).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            .alphanumeric
        case UInt8(ascii: " "): .space
        case 0x80...: .beyondASCII
        default:
            "_-.:/@+#~".utf8.contains(UInt8(byte))
                ? .joining
                : "()[]\"',".utf8.contains(UInt8(byte))
                    ? .quotation : "{}<>*$=&!|".utf8.contains(UInt8(byte)) ? .bracket : .other
        }
    }

    /// Whether a text has the form; the empty text has it.
    func fits(_ text: ArraySlice<UInt8>) -> Bool { text.withUnsafeBytes { fits($0) } }

    /// Whether a text has the form; the empty text has it.
    func fits(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count <= longest else { return false }
        return Self.groups.withUnsafeBufferPointer { groups in
            var found: UInt8 = 0
            var spaces = 0
            for byte in text {
                let group = groups[Int(byte)].rawValue
                found |= group
                spaces &+= group == Signs.space.rawValue ? 1 : 0
            }
            guard found & ~signs.rawValue == 0, spaces < mostWords else { return false }
            if beginsWithLetters, !wordsBeginWithLetters(text, groups, isOneWord: spaces == 0) { return false }
            if found & Signs.beyondASCII.rawValue != 0, !hasFewLetters(text) { return false }
            guard hasFewWords(text) else { return false }
            if text.count >= Credential.shortest, Credential.isIn(text) { return false }
            return text.count < EncodedText.shortest || !EncodedText.isIn(text)
        }
    }

    @inline(__always)
    private func hasFewWords(_ text: UnsafeRawBufferPointer) -> Bool {
        let most = isErrorType ? Self.mostWordsOfCode : mostJoined
        guard text.count > most &* shortestWord else { return true }
        let words = JoinedWords.count(text, shortestWord, splitsRuns: splitsRuns)
        return words <= most || isErrorType && words <= mostJoined && Self.endsAsError(text)
    }

    private static let mostWordsOfCode = 3

    private static func endsAsError(_ text: UnsafeRawBufferPointer) -> Bool {
        errorEndings.contains { ending in
            ending.count <= text.count && zip(text.suffix(ending.count), ending).allSatisfy { $0 | 0x20 == $1 }
        }
    }

    private static let errorEndings = ["error", "exception", "failure", "timeout"].map { Array($0.utf8) }

    /// Whether each word begins with a letter, a digit or an underscore; a number may have a sign.
    private func wordsBeginWithLetters(
        _ text: UnsafeRawBufferPointer,
        _ groups: UnsafeBufferPointer<Signs>,
        isOneWord: Bool
    ) -> Bool {
        var isStart = true
        for index in 0..<(isOneWord ? min(1, text.count) : text.count) {
            let byte = text[index]
            if isStart, groups[Int(byte)].isSubset(of: [.joining, .space]), byte != UInt8(ascii: "_") {
                let isSigned = index == 0 && text.count > 1 && (48...57).contains(text[1])
                guard isSigned, "+-.".utf8.contains(byte) else { return false }
            }
            isStart = byte == UInt8(ascii: " ")
        }
        return true
    }

    /// Whether a text with non-ASCII characters consists of letters and digits, with few letters of scripts without spaces.
    private func hasFewLetters(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        var dense = 0
        for scalar in text.unicodeScalars where !scalar.isASCII {
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .nonspacingMark, .spacingMark, .decimalNumber:
                dense += Self.hasSpaces(scalar) ? 0 : 1
            // Han, kana, hangul, Thai, Arabic, Hebrew and the scripts of India.
            case .otherLetter, .modifierLetter: dense += Self.hasSpaces(scalar) ? 0 : 1
            default: return false
            }
        }
        return dense <= mostDense
    }

    /// Whether a script separates words by spaces, as do all up to the scripts of India, and those of Africa and America.
    private static func hasSpaces(_ scalar: Unicode.Scalar) -> Bool {
        (0x80..<0x0e00).contains(scalar.value) || (0x10a0..<0x1780).contains(scalar.value)
            || (0x1800..<0x1950).contains(scalar.value) || (0x1a20..<0x2e80).contains(scalar.value)
            || (0x1d400..<0x1d800).contains(scalar.value)
    }
}

/// Counts words that are joined by other characters, digits or capitals: `fix-the-login-bug` and `fixTheLoginBug` have four.
enum JoinedWords {
    /// The number of words with at least this many letters.
    ///
    /// A run of letters and digits counts only when most of it is words, which is not so in random ids.
    static func count(_ text: UnsafeRawBufferPointer, _ shortest: Int, splitsRuns: Bool = true) -> Int {
        var total = 0
        var run = Run(splits: splitsRuns)
        for (index, byte) in text.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): run.digit()
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                let next = index + 1 < text.count ? text[index + 1] : 0
                run.capital(isBeforeSmall: (97...122).contains(next))
            case UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...: run.small()
            default:
                total &+= run.end(shortest)
                run = Run(splits: splitsRuns)
            }
        }
        return total &+ run.end(shortest)
    }

    /// Letters and digits without another sign between them.
    private struct Run {
        private let splits: Bool
        private var length = 0
        private var word = 0
        private var isSmall = false
        private var hasDigits = false
        /// The number of words of two letters, that of words of three or more, and the letters of the latter.
        private var (pairs, words, letters) = (0, 0, 0)

        init(splits: Bool) { self.splits = splits }

        mutating func digit() {
            endWord()
            length &+= 1
            (hasDigits, isSmall) = (true, false)
        }

        mutating func capital(isBeforeSmall: Bool) {
            if splits, isSmall || isBeforeSmall { endWord() }
            length &+= 1
            word &+= 1
            isSmall = false
        }

        mutating func small() {
            length &+= 1
            word &+= 1
            isSmall = true
        }

        private mutating func endWord() {
            if word == 2 { pairs &+= 1 }
            if word > 2 {
                words &+= 1
                letters &+= word
            }
            word = 0
        }

        mutating func end(_ shortest: Int) -> Int {
            endWord()
            if hasDigits { return splits && letters &* 10 >= length &* 7 ? words : 0 }
            return shortest > 2 ? words : words &+ pairs
        }
    }
}

/// Recognises keys, tokens and passwords by the prefixes of their issuers or by the word before them.
enum Credential {
    /// The shortest text that is examined.
    static let shortest = 8

    /// Prefixes, and the shortest length of the whole text: OpenAI, Anthropic and Stripe, GitHub, GitLab, Slack, AWS, Google, Hugging
    /// Face, npm, JSON Web Tokens and PEM.
    private static let beginnings: [(text: [UInt8], least: Int)] = [
        ("sk-", 12), ("sk_live_", 12), ("sk_test_", 12), ("rk_live_", 12), ("ghp_", 12), ("gho_", 12), ("ghu_", 12),
        ("ghs_", 12), ("ghr_", 12), ("github_pat_", 16), ("glpat-", 12), ("xoxb-", 10), ("xoxp-", 10), ("xoxa-", 10),
        ("xoxr-", 10), ("xoxs-", 10), ("xapp-", 10), ("AKIA", 20), ("ASIA", 20), ("AIza", 30), ("ya29.", 16),
        ("hf_", 20), ("npm_", 20), ("eyJ", 16), ("-----BEGIN", 10),
    ].map { (Array($0.0.utf8), $0.1) }

    /// Words whose value follows after `=` or `:`.
    private static let words: [[UInt8]] = [
        "password", "passwd", "pwd", "passphrase", "secret", "token", "api_key", "api-key", "apikey", "authorization",
        "bearer", "basic",
    ].map { Array($0.utf8) }

    /// For each byte that something in either list begins with, which second bytes may follow: a bit for the low five bits of each.
    ///
    /// Ids are long and their words many; comparing each of them with both lists took a sixth of the whole redaction.
    private static let second: [UInt32] = {
        var second = [UInt32](repeating: 0, count: 256)
        for (text, _) in beginnings { second[Int(text[0])] |= 1 << UInt32(text[1] & 31) }
        for word in words {
            for first in [word[0], word[0] & 0xdf] { second[Int(first)] |= 1 << UInt32(word[1] & 31) }
        }
        return second
    }()

    /// Whether a text has the prefix of a credential.
    static func begins(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count >= shortest, second[Int(text[0])] >> UInt32(text[1] & 31) & 1 == 1 else { return false }
        return beginnings.contains { $0.least <= text.count && text.starts(with: $0.text) }
    }

    /// Whether a word of a text has the prefix of a credential, or names a secret that follows it.
    static func isIn(_ text: UnsafeRawBufferPointer) -> Bool {
        second.withUnsafeBufferPointer { second in
            var isStart = true
            var index = 0
            while index &+ 1 < text.count {
                let byte = text[index]
                if isStart, second[Int(byte)] >> UInt32(text[index &+ 1] & 31) & 1 == 1 {
                    let rest = UnsafeRawBufferPointer(rebasing: text[index...])
                    if begins(rest) || isNamed(rest) { return true }
                }
                isStart = !((48...57).contains(byte) || (65...90).contains(byte & 0xdf))
                index &+= 1
            }
            return false
        }
    }

    private static func isNamed(_ text: UnsafeRawBufferPointer) -> Bool {
        words.contains { word in
            guard text.count > word.count + 1, zip(text, word).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) else {
                return false
            }
            let next = text[word.count]
            let isScheme = word.count < 7 && word.first == UInt8(ascii: "b")
            return next == UInt8(ascii: "=") || next == UInt8(ascii: ":") || isScheme && next == UInt8(ascii: " ")
        }
    }
}

/// Recognises a sentence encoded in base64 or hexadecimal digits.
enum EncodedText {
    /// The length of four short words in such an encoding.
    static let shortest = 12
    /// Four words have at least this many spaces between them, or this many characters of a non-ASCII script.
    private static let fewest = 3

    /// The value of each digit; 255 for other characters.
    private static let base64 = digits(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        ["-": 62, "_": 63]
    )
    private static let hexadecimal = digits("0123456789abcdef", ["A": 10, "B": 11, "C": 12, "D": 13, "E": 14, "F": 15])

    private static func digits(_ alphabet: String, _ others: [Character: UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, digit) in alphabet.utf8.enumerated() { values[Int(digit)] = UInt8(value) }
        for (digit, value) in others { if let byte = digit.asciiValue { values[Int(byte)] = value } }
        return values
    }

    /// Whether a part of a text decodes to a sentence; random ids practically never do.
    static func isIn(_ text: UnsafeRawBufferPointer) -> Bool {
        base64.withUnsafeBufferPointer { values in
            var start = 0
            for end in 0...text.count where end == text.count || values[Int(text[end])] == 255 {
                if end - start >= shortest {
                    let part = UnsafeRawBufferPointer(rebasing: text[start..<end])
                    if isSentence(part, bitsPerDigit: 6, values) { return true }
                    if hexadecimal.withUnsafeBufferPointer({ isSentence(part, bitsPerDigit: 4, $0) }) { return true }
                }
                start = end + 1
            }
            return false
        }
    }

    private static func isSentence(
        _ part: UnsafeRawBufferPointer,
        bitsPerDigit: UInt32,
        _ values: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        var marks = 0
        // The number of continuation bytes still expected.
        var rest = 0
        // Most data that is not text is rejected at its first or second byte; decoding allocates nothing.
        let isText = decode(part, bitsPerDigit, values) { byte in
            guard byte >= 0x80 else {
                if byte < 0x21 { marks &+= 1 }
                return rest == 0 && (byte >= 0x20 && byte != 0x7f || byte == 10 || byte == 9 || byte == 13)
            }
            guard byte >= 0xc0 else {
                rest &-= 1
                return rest >= 0
            }
            marks &+= 1
            guard rest == 0 else { return false }
            rest = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
            return true
        }
        guard isText, rest == 0, marks >= fewest else { return false }
        var text: [UInt8] = []
        _ = decode(part, bitsPerDigit, values) { byte in
            text.append(byte)
            return true
        }
        return String(validating: text, as: UTF8.self) != nil
    }

    /// Passes on the bytes that the digits encode; returns whether all are digits and all bytes were accepted.
    @inline(__always)
    private static func decode(
        _ part: UnsafeRawBufferPointer,
        _ bitsPerDigit: UInt32,
        _ values: UnsafeBufferPointer<UInt8>,
        _ take: (UInt8) -> Bool
    ) -> Bool {
        var (bits, count) = (UInt32(0), UInt32(0))
        for byte in part {
            let value = values[Int(byte)]
            guard value != 255 else { return false }
            bits = bits << bitsPerDigit | UInt32(value)
            count &+= bitsPerDigit
            guard count >= 8 else { continue }
            count &-= 8
            guard take(UInt8(truncatingIfNeeded: bits >> count)) else { return false }
        }
        return true
    }
}

extension ArraySlice<UInt8> {
    /// Whether a text is a number, such as `-1.5e3`.
    var isNumber: Bool {
        guard let last, (48...57).contains(last), count <= 40 else { return false }
        return allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
    }

    /// The text without JSON quotes, which MLflow and LangSmith write around single values.
    var unquoted: ArraySlice<UInt8> {
        guard count >= 2, first == UInt8(ascii: "\""), last == UInt8(ascii: "\"") else { return self }
        return dropFirst().dropLast()
    }
}
