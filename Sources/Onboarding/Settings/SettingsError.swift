// SPDX-License-Identifier: Apache-2.0

/// Why settings are left unchanged; the message names the file, the rule and the next step.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of an error, which decides the exit code.
    public enum Kind: String, Sendable {
        /// The agent itself could not parse the file.
        case badContent
        /// The file may not be changed.
        case permission
        /// The system failed to read or write.
        case inputOutput
    }

    /// The kind of the error.
    public let kind: Kind
    /// The message.
    public let description: String

    /// Creates an error.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

/// A syntax error in a text, with its position.
struct SyntaxError: Error, Hashable {
    var offset: Int
    var message: String

    /// The error for the file that has the text.
    func fault(in path: String, _ bytes: [UInt8]) -> SettingsError {
        let before = bytes.prefix(offset)
        let line = before.count { $0 == 10 } + 1
        let column = before.count - (before.lastIndex(of: 10).map { $0 + 1 } ?? 0) + 1
        return SettingsError(
            .badContent,
            "\(path):\(line):\(column): \(message); repair it and try again, nothing was changed"
        )
    }
}

/// A replacement of a range of bytes.
struct TextEdit {
    var range: Range<Int>
    var text: String

    init(_ range: Range<Int>, _ text: String) {
        self.range = range
        self.text = text
    }

    init(at offset: Int, _ text: String) { self.init(offset..<offset, text) }

    /// The bytes after non-overlapping edits; edits at one offset are applied in their order.
    static func apply(_ edits: [TextEdit], to bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var position = 0
        let order = edits.enumerated().sorted {
            ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset)
        }
        for (_, edit) in order {
            result += bytes[position..<max(position, edit.range.lowerBound)]
            result += edit.text.utf8
            position = max(position, edit.range.upperBound)
        }
        return result + bytes[position...]
    }
}

/// The line ends and the byte order mark of a text file.
struct TextShape {
    /// The line end of the first line.
    let newline: String
    /// Its byte order mark, if it has one.
    let mark: [UInt8]

    static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    init(_ bytes: [UInt8]) {
        let first = bytes.firstIndex(of: 10)
        newline = first.map { $0 > 0 && bytes[$0 - 1] == 13 } == true ? "\r\n" : "\n"
        mark = bytes.starts(with: Self.byteOrderMark) ? Self.byteOrderMark : []
    }

    /// The position of the first byte that is not UTF-8 or is zero; nil when the bytes are text.
    static func firstFault(of bytes: [UInt8]) -> SyntaxError? {
        if let zero = bytes.firstIndex(of: 0) { return SyntaxError(offset: zero, message: "a zero byte is no text") }
        if String(validating: bytes, as: UTF8.self) != nil { return nil }
        func isText(_ count: Int) -> Bool { String(validating: bytes[..<count], as: UTF8.self) != nil }
        /// The length of the longest text that ends at an offset, without a character that is cut in two.
        func text(before end: Int) -> Int? { (0...3).lazy.map { end - $0 }.first { $0 >= 0 && isText($0) } }
        var (low, high) = (0, bytes.count)
        while low < high {
            let middle = (low + high + 1) / 2
            if text(before: middle) != nil { low = middle } else { high = middle - 1 }
        }
        return SyntaxError(offset: text(before: low) ?? 0, message: "the file is not UTF-8")
    }
}
