// SPDX-License-Identifier: Apache-2.0

import JSON

/// The positions of all keys, values and table headers of a TOML text.
///
/// The text has been accepted by a TOML parser, so that only positions are searched, not errors; the initializer returns nil for a
/// text that it does not understand.
struct TOMLOutline {
    /// A key with its value.
    struct Entry {
        /// The keys from the root on.
        var path: [String]
        /// How many of them come from the table or the inline table around it.
        var containerDepth: Int
        /// The range of the key, the value and the text between them.
        var range: Range<Int>
        var value: Range<Int>
        /// The index of the header above it; nil before all headers.
        var header: Int?
        /// Whether it is in an inline table.
        var isInline: Bool
        /// Whether its value is an inline table.
        var isTable = false
    }

    /// A table header in brackets.
    struct Header {
        var path: [String]
        var isArray: Bool
        var range: Range<Int>
    }

    private(set) var entries: [Entry] = []
    private(set) var headers: [Header] = []

    private let bytes: [UInt8]
    private var position: Int
    private var depth = 0

    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = TextShape(bytes).mark.count
        while true {
            skipLines()
            guard position < bytes.count else { return }
            guard next == UInt8(ascii: "[") ? header() : entry(under: headers.last?.path ?? [], isInline: false) else {
                return nil
            }
        }
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpaces() {
        while next == 32 || next == 9 { position += 1 }
    }

    /// Skips white space, line ends and comments.
    private mutating func skipLines() {
        while let byte = next {
            if byte == UInt8(ascii: "#") {
                position = bytes[position...].firstIndex(of: 10) ?? bytes.count
            } else if [32, 9, 10, 13].contains(byte) {
                position += 1
            } else {
                return
            }
        }
    }

    private mutating func header() -> Bool {
        let start = position
        let isArray = bytes[position...].starts(with: "[[".utf8)
        position += isArray ? 2 : 1
        guard let path = keys(), next == UInt8(ascii: "]") else { return false }
        position += isArray ? 2 : 1
        guard position <= bytes.count else { return false }
        headers.append(Header(path: path, isArray: isArray, range: start..<position))
        return true
    }

    /// The parts of a dotted key; moves to the text after it.
    private mutating func keys() -> [String]? {
        var keys: [String] = []
        while true {
            skipSpaces()
            guard let key = key() else { return nil }
            keys.append(key)
            skipSpaces()
            guard next == UInt8(ascii: ".") else { return keys }
            position += 1
        }
    }

    private mutating func key() -> String? {
        let start = position
        if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
            skipString()
            return Self.text(bytes[start..<position])
        }
        while let byte = next, byte > 32, !".=]#".utf8.contains(byte) { position += 1 }
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    private mutating func entry(under container: [String], isInline: Bool) -> Bool {
        let start = position
        guard let keys = keys(), next == UInt8(ascii: "=") else { return false }
        position += 1
        skipSpaces()
        let place = entries.count
        let header = headers.isEmpty ? nil : headers.count - 1
        let path = container + keys
        let valueStart = position
        entries.append(
            Entry(
                path: path,
                containerDepth: container.count,
                range: start..<start,
                value: start..<start,
                header: header,
                isInline: isInline,
                isTable: next == UInt8(ascii: "{")
            )
        )
        guard value(at: path) else { return false }
        entries[place].value = valueStart..<position
        entries[place].range = start..<position
        return true
    }

    private mutating func value(at path: [String]) -> Bool {
        guard depth < 256 else { return false }
        depth += 1
        defer { depth -= 1 }
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            skipString()
            return true
        case UInt8(ascii: "["): return array(at: path)
        case UInt8(ascii: "{"): return table(at: path)
        case nil: return false
        default:
            // A number, a date, true or false; a date may contain one space.
            while let byte = next, !",]}#\r\n".utf8.contains(byte) { position += 1 }
            while position > 0, bytes[position - 1] == 32 || bytes[position - 1] == 9 { position -= 1 }
            return true
        }
    }

    private mutating func array(at path: [String]) -> Bool {
        position += 1
        var index = 0
        while true {
            skipLines()
            if next == UInt8(ascii: "]") { break }
            guard value(at: path + ["[\(index)]"]) else { return false }
            index += 1
            skipLines()
            if next == UInt8(ascii: ",") { position += 1 } else if next != UInt8(ascii: "]") { return false }
        }
        position += 1
        return true
    }

    private mutating func table(at path: [String]) -> Bool {
        position += 1
        while true {
            skipLines()
            if next == UInt8(ascii: "}") { break }
            guard entry(under: path, isInline: true) else { return false }
            skipLines()
            if next == UInt8(ascii: ",") { position += 1 } else if next != UInt8(ascii: "}") { return false }
        }
        position += 1
        return true
    }

    /// Skips a text in one or three quotes of either kind.
    private mutating func skipString() {
        guard let quote = next else { return }
        let isLong = bytes[position...].starts(with: [quote, quote, quote])
        position += isLong ? 3 : 1
        while let byte = next {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                position += 2
            } else if byte != quote {
                position += 1
            } else if !isLong {
                position += 1
                return
            } else if bytes[position...].starts(with: [quote, quote, quote]) {
                position += 3
                // Up to two quotes may be directly before the three that end it.
                for _ in 0..<2 where next == quote { position += 1 }
                return
            } else {
                position += 1
            }
        }
        position = min(position, bytes.count)
    }

    /// The text of a quoted string on one line.
    static func text(_ quoted: ArraySlice<UInt8>) -> String? {
        let inner = String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)
        guard quoted.first == UInt8(ascii: "\"") else { return quoted.first == UInt8(ascii: "'") ? inner : nil }
        guard inner.contains("\\") else { return inner }
        let wrapped = Array("{\"k\":".utf8) + quoted + Array("}".utf8)
        // TOML's escapes are those of JSON, except \U and \e, which occur in no key that is searched.
        return (try? JSONParser.parse(wrapped, dialect: .strict))?["k"]?.scalar?.plain
    }
}
