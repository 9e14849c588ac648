// SPDX-License-Identifier: Apache-2.0

/// The figures of a text that a program printed of an object: JSON, Python's `{'cached_tokens': None}` or `Usage(input_tokens=3)`.
///
/// Numbers, names of members and single words stay; other strings are emptied.
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
        isWhole = isFigures && !scan.hasEmptied
    }

    private struct Scan {
        private let text: ArraySlice<UInt8>
        private var position: Int
        private(set) var kept: [UInt8] = []
        private(set) var hasEmptied = false
        /// Whether nothing but space came since a bare word: two such words are a sentence.
        private var isBehindWord = false
        private var hasStructure = false

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

        private mutating func word() -> Bool {
            let word = text[position...].prefix {
                (48...57).contains($0) || (65...90).contains($0 & 0xdf) || "_.".utf8.contains($0)
            }
            take(word.count)
            return word.count <= 64
        }

        /// A quoted string: one word stays, another that is no member's name is emptied.
        private mutating func string(_ quote: UInt8) -> Bool {
            var end = position + 1
            while end < text.endIndex, text[end] != quote { end += text[end] == UInt8(ascii: "\\") ? 2 : 1 }
            guard end < text.endIndex else { return false }
            let content = text[(position + 1)..<end]
            isBehindWord = false
            if TextShape.word.fits(content) {
                take(end + 1 - position)
                return true
            }
            let next = text[(end + 1)...].first { ![32, 9, 10, 13].contains($0) }
            guard next != UInt8(ascii: ":") else { return false }
            hasEmptied = true
            kept += [quote, quote]
            position = end + 1
            return true
        }
    }
}
