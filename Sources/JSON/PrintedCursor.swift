// SPDX-License-Identifier: Apache-2.0

/// A place in a text that shows an object as some language prints it: JSON, Python, JavaScript, Rust or Java.
///
/// It knows the signs such texts are made of, not what they mean: spaces, words, texts in quotes, and what Python shows in angle brackets.
/// A value; each function moves the place behind what it returns.
public struct PrintedCursor: Sendable {
    /// The whole text.
    public let text: ArraySlice<UInt8>
    /// Where the cursor is, an index of ``text``.
    public var position: Int

    /// Begins at the beginning of a text.
    @inlinable
    public init(_ text: ArraySlice<UInt8>) { (self.text, position) = (text, text.startIndex) }

    /// Whether a byte is a space, a tab or ends a line.
    @inlinable
    public static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    /// Whether a byte is a digit.
    @inlinable
    public static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Whether a byte belongs to a word: a letter, a digit, `_`, or a part of a character beyond ASCII.
    @inlinable
    public static func isWordSign(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || isDigit(byte) || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    /// Whether the whole text was read.
    @inlinable
    public var isAtEnd: Bool { position == text.endIndex }

    /// The byte at the cursor; nil at the end.
    @inlinable
    public var next: UInt8? { position < text.endIndex ? text[position] : nil }

    /// The byte behind that at the cursor; nil at the end.
    @inlinable
    public var afterNext: UInt8? { position + 1 < text.endIndex ? text[position + 1] : nil }

    /// The first byte from the cursor on that is no space; nil at the end.
    @inlinable
    public var nextSign: UInt8? {
        var place = position
        while place < text.endIndex, Self.isSpace(text[place]) { place += 1 }
        return place < text.endIndex ? text[place] : nil
    }

    /// Whether a letter is at the cursor that Python writes in front of a text of bytes: `b'…'`.
    @inlinable
    public var isAtPrefix: Bool {
        guard let byte = next, Self.isWordSign(byte), let quote = afterNext else { return false }
        return Self.isQuote(quote)
    }

    /// Whether a byte begins and ends a text.
    @inlinable
    public static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") }

    /// Steps over spaces.
    @inlinable
    public mutating func skipSpace() {
        while let byte = next, Self.isSpace(byte) { position += 1 }
    }

    /// Steps over spaces and then a sign; false, and then only over the spaces, when it is not there.
    @inlinable
    public mutating func skip(_ sign: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: sign) else { return false }
        position += 1
        return true
    }

    /// A word with its dots; empty when none is at the cursor.
    @inlinable
    public mutating func word() -> ArraySlice<UInt8> {
        let start = position
        while let byte = next, Self.isWordSign(byte) || byte == UInt8(ascii: ".") { position += 1 }
        return text[start..<position]
    }

    /// What is between the quotes at the cursor, with its backslashes; nil, and then nothing is read, when there is no end.
    @inlinable
    public mutating func quoted() -> ArraySlice<UInt8>? {
        guard let quote = next else { return nil }
        var end = position + 1
        while end < text.endIndex, text[end] != quote { end += text[end] == UInt8(ascii: "\\") ? 2 : 1 }
        guard end < text.endIndex else { return nil }
        let content = text[(position + 1)..<end]
        position = end + 1
        return content
    }

    /// Steps over what Python shows of an object without a form of its own, such as `<Kind.A: 1>`; false, and then nothing is read, when
    /// it has no end.
    @inlinable
    public mutating func skipAngles() -> Bool {
        var (open, end) = (0, position)
        repeat {
            guard end < text.endIndex else { return false }
            if text[end] == UInt8(ascii: "<") { open += 1 }
            if text[end] == UInt8(ascii: ">") { open -= 1 }
            end += 1
        } while open > 0
        position = end
        return true
    }
}
