// SPDX-License-Identifier: Apache-2.0

/// The form that a text must have to be taken for a name, a code or a number and not for a sentence.
///
/// No text of four words has it, whatever the script, nor one of several lines, an address with a query, or text in base64 or hex.
struct TextShape: Sendable {
    /// The most bytes.
    var longest: Int
    /// The most words; spaces divide them.
    var mostWords: Int
    /// The most letters of scripts that put no space between words.
    var mostDense: Int
    /// The signs that may occur.
    fileprivate var signs: Signs
    /// Whether each word begins with a letter or a digit: no path, option or quotation.
    var beginsWithLetters: Bool

    /// Under a key of which nothing is known.
    static let short = TextShape(longest: 64, mostWords: 3, mostDense: 4, signs: .plain, beginsWithLetters: true)
    /// One word under a key of which nothing is known, such as the type of an error.
    static let word = TextShape(longest: 96, mostWords: 1, mostDense: 4, signs: .plain, beginsWithLetters: true)
    /// Under a key that names something.
    static let name = TextShape(longest: 256, mostWords: 3, mostDense: 8, signs: .quoting, beginsWithLetters: false)
    /// The name of a span or a metric, and a unit.
    static let title = TextShape(longest: 256, mostWords: 3, mostDense: 8, signs: .wide, beginsWithLetters: false)
    /// The name of an attribute.
    static let key = TextShape(longest: 160, mostWords: 3, mostDense: 8, signs: .wide, beginsWithLetters: false)

    /// The form of another with other limits.
    init(longest: Int, mostWords: Int, like other: TextShape) {
        self = other
        (self.longest, self.mostWords) = (longest, mostWords)
    }

    private init(longest: Int, mostWords: Int, mostDense: Int, signs: Signs, beginsWithLetters: Bool) {
        (self.longest, self.mostWords, self.mostDense) = (longest, mostWords, mostDense)
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

    /// The group of each byte.
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

    /// Whether a text has the form; an empty one has.
    func fits(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.count <= longest else { return false }
        return Self.groups.withUnsafeBufferPointer { groups in
            text.withUnsafeBufferPointer { fits($0, groups) }
        }
    }

    private func fits(_ text: UnsafeBufferPointer<UInt8>, _ groups: UnsafeBufferPointer<Signs>) -> Bool {
        var found: Signs = []
        var spaces = 0
        for byte in text {
            let group = groups[Int(byte)]
            found.formUnion(group)
            if group == .space { spaces &+= 1 }
        }
        guard found.isSubset(of: signs), spaces < mostWords else { return false }
        if beginsWithLetters, !wordsBeginWithLetters(text, groups) { return false }
        if found.contains(.beyondASCII), !hasFewLetters(text) { return false }
        return text.count < EncodedText.shortest || !EncodedText.isIn(text)
    }

    /// Whether each word begins with a letter, a digit or an underscore; a number may have a sign.
    private func wordsBeginWithLetters(_ text: UnsafeBufferPointer<UInt8>, _ groups: UnsafeBufferPointer<Signs>) -> Bool
    {
        var isStart = true
        for (index, byte) in text.enumerated() {
            if isStart, groups[Int(byte)].isSubset(of: [.joining, .space]), byte != UInt8(ascii: "_") {
                let isSigned = index == 0 && text.count > 1 && (48...57).contains(text[1])
                guard isSigned, "+-.".utf8.contains(byte) else { return false }
            }
            isStart = byte == UInt8(ascii: " ")
        }
        return true
    }

    /// Whether a text beyond ASCII is made of letters and digits, few of them of scripts without spaces.
    private func hasFewLetters(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
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

    /// Whether a script divides its words by spaces: all up to the scripts of India, and those of Africa and America, do.
    private static func hasSpaces(_ scalar: Unicode.Scalar) -> Bool {
        (0x80..<0x0e00).contains(scalar.value) || (0x10a0..<0x1780).contains(scalar.value)
            || (0x1800..<0x1950).contains(scalar.value) || (0x1a20..<0x2e80).contains(scalar.value)
            || (0x1d400..<0x1d800).contains(scalar.value)
    }
}

/// A sentence that is hidden in base64 or hexadecimal digits.
enum EncodedText {
    /// Four short words take as many characters.
    static let shortest = 12
    /// Four words have so many spaces between them, or at least so many signs of a script beyond ASCII.
    private static let fewest = 3

    /// Whether some part of a text is the code of a sentence; random ids practically never are.
    static func isIn(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var start = 0
        for end in 0...text.count where end == text.count || base64(text[end]) == nil {
            if end - start >= shortest {
                let part = UnsafeBufferPointer(rebasing: text[start..<end])
                if isSentence(part, bitsPerDigit: 6, digit: base64) { return true }
                if isSentence(part, bitsPerDigit: 4, digit: hexadecimal) { return true }
            }
            start = end + 1
        }
        return false
    }

    private static func isSentence(
        _ part: UnsafeBufferPointer<UInt8>,
        bitsPerDigit: UInt32,
        digit: (UInt8) -> UInt32?
    ) -> Bool {
        var (bits, count) = (UInt32(0), UInt32(0))
        var text: [UInt8] = []
        for byte in part {
            guard let value = digit(byte) else { return false }
            bits = bits << bitsPerDigit | value
            count += bitsPerDigit
            guard count >= 8 else { continue }
            count -= 8
            let decoded = UInt8(truncatingIfNeeded: bits >> count)
            // Most that is no text is left at the first byte or the second.
            guard decoded >= 0x20 && decoded != 0x7f || decoded == 10 || decoded == 9 || decoded == 13 else {
                return false
            }
            text.append(decoded)
        }
        guard let sentence = String(validating: text, as: UTF8.self) else { return false }
        return sentence.unicodeScalars.count { !$0.isASCII || $0.properties.isWhitespace } >= fewest
    }

    private static func base64(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte) - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte) - 55
        default: nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether a text spells a number, such as `-1.5e3`.
    var isNumber: Bool {
        guard let last, (48...57).contains(last), count <= 40 else { return false }
        return allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
    }

    /// Without the quotes of a JSON string, which MLflow and LangSmith write around a single value.
    var unquoted: ArraySlice<UInt8> {
        guard count >= 2, first == UInt8(ascii: "\""), last == UInt8(ascii: "\"") else { return self }
        return dropFirst().dropLast()
    }
}
