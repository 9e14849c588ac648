// SPDX-License-Identifier: Apache-2.0

import JSON

/// What a TOML text says, or its first error, by TOML 1.0 (https://toml.io/en/v1.0.0).
///
/// Only files of settings are read, so values are kept as texts that are equal when the values are. What the standard leaves open
/// (a leap second, a table of a header that dotted keys extend) is refused: a file is changed only when every parser reads it alike.
struct TOMLContent {
    /// Every value by its path: a table as `{}`, an array whole, and others by their type and value.
    private(set) var values: [[String]: String] = [:]

    /// Reads a text, with or without a byte order mark.
    ///
    /// - Throws: The first error with its position.
    init(_ bytes: [UInt8]) throws(SyntaxError) {
        if let fault = TextShape.firstFault(of: bytes) { throw fault }
        var parser = TOMLParser(bytes, from: TextShape(bytes).mark.count)
        collect(try parser.document(), path: [])
    }

    private mutating func collect(_ table: TOMLTable, path: [String]) {
        values[path] = "{}"
        for (key, node) in table.nodes {
            if case .table(let inner) = node {
                collect(inner, path: path + [key])
            } else {
                values[path + [key]] = node.description
            }
        }
    }
}

/// A table while a text is read.
private final class TOMLTable {
    /// What made a table, which decides what may add to it.
    enum Origin {
        /// A header, or the root.
        case header
        /// A header of a table below it.
        case implied
        /// A dotted key.
        case dotted
        /// Braces; complete at once.
        case inline
    }

    var origin: Origin
    var nodes: [String: TOMLNode] = [:]

    init(_ origin: Origin) { self.origin = origin }
}

private enum TOMLNode: CustomStringConvertible {
    case scalar(String)
    case array([TOMLNode])
    case table(TOMLTable)
    /// The tables of headers in two brackets.
    case tables([TOMLTable])

    var description: String {
        switch self {
        case .scalar(let text): text
        case .array(let nodes): "[" + nodes.map(\.description).joined(separator: ", ") + "]"
        case .tables(let tables): "[" + tables.map { Self.table($0).description }.joined(separator: ", ") + "]"
        case .table(let table):
            "{"
                + table.nodes.sorted { $0.key < $1.key }.map { "\($0.key.jsonString) = \($0.value)" }
                .joined(separator: ", ") + "}"
        }
    }
}

/// Reads TOML from bytes that are UTF-8.
private struct TOMLParser {
    private let bytes: [UInt8]
    private var position: Int
    private var depth = 0

    private static let maximalDepth = 256

    init(_ bytes: [UInt8], from position: Int) { (self.bytes, self.position) = (bytes, position) }

    mutating func document() throws(SyntaxError) -> TOMLTable {
        let root = TOMLTable(.header)
        var current = root
        while true {
            skipSpaces()
            if next == UInt8(ascii: "[") {
                current = try header(in: root)
                try endOfLine()
            } else if let byte = next, !"#\r\n".utf8.contains(byte) {
                try entry(in: current)
                try endOfLine()
            } else {
                guard next != nil else { return root }
                try endOfLine()
            }
        }
    }

    // MARK: - Bytes

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func starts(with text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

    private mutating func skip(_ text: String) -> Bool {
        guard starts(with: text) else { return false }
        position += text.utf8.count
        return true
    }

    private func fault(_ message: String, at offset: Int? = nil) -> SyntaxError {
        SyntaxError(offset: min(offset ?? position, bytes.count), message: message)
    }

    private mutating func skipSpaces() {
        while next == 32 || next == 9 { position += 1 }
    }

    private mutating func skipNewline() -> Bool { skip("\n") || skip("\r\n") }

    /// Skips a comment, which may not hold control characters.
    private mutating func skipComment() throws(SyntaxError) {
        guard next == UInt8(ascii: "#") else { return }
        while let byte = next, byte != 10, !starts(with: "\r\n") {
            guard Self.isText(byte) else { throw fault("a control character in a comment") }
            position += 1
        }
    }

    private mutating func endOfLine() throws(SyntaxError) {
        skipSpaces()
        try skipComment()
        guard next == nil || skipNewline() else { throw fault("the line should end here") }
    }

    /// Skips spaces, line ends and comments, as they may stand in an array.
    private mutating func skipLines() throws(SyntaxError) {
        repeat {
            skipSpaces()
            try skipComment()
        } while skipNewline()
    }

    private static func isText(_ byte: UInt8) -> Bool { byte == 9 || byte >= 32 && byte != 127 }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    // MARK: - Keys and tables

    private mutating func header(in root: TOMLTable) throws(SyntaxError) -> TOMLTable {
        let start = position
        let isArray = starts(with: "[[")
        position += isArray ? 2 : 1
        let keys = try keys()
        depth = keys.count
        guard skip(isArray ? "]]" : "]") else { throw fault("a bracket after the name of the table is missing") }
        var table = root
        for key in keys.dropLast() {
            switch table.nodes[key] {
            case nil:
                let inner = TOMLTable(.implied)
                table.nodes[key] = .table(inner)
                table = inner
            case .table(let inner) where inner.origin != .inline: table = inner
            case .tables(let tables): table = tables.last ?? table
            default: throw fault("\(key.jsonString) is no table that can be added to", at: start)
            }
        }
        guard let key = keys.last else { throw fault("a key is missing") }
        switch table.nodes[key] {
        case nil:
            let new = TOMLTable(.header)
            table.nodes[key] = isArray ? .tables([new]) : .table(new)
            return new
        case .table(let known) where !isArray && known.origin == .implied:
            known.origin = .header
            return known
        case .tables(let tables) where isArray:
            let new = TOMLTable(.header)
            table.nodes[key] = .tables(tables + [new])
            return new
        default: throw fault("\(key.jsonString) is there twice", at: start)
        }
    }

    /// The parts of a dotted key.
    private mutating func keys() throws(SyntaxError) -> [String] {
        var keys: [String] = []
        repeat {
            guard keys.count < Self.maximalDepth else { throw fault("too many keys in one") }
            skipSpaces()
            keys.append(try key())
            skipSpaces()
        } while skip(".")
        return keys
    }

    private mutating func key() throws(SyntaxError) -> String {
        switch next {
        case UInt8(ascii: "\""): return try line(of: "\"")
        case UInt8(ascii: "'"): return try line(of: "'")
        default:
            let start = position
            while let byte = next, Self.isBare(byte) { position += 1 }
            guard position > start else { throw fault("a key is missing") }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        isDigit(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }

    /// Reads a key and its value into a table.
    private mutating func entry(in table: TOMLTable) throws(SyntaxError) {
        let start = position
        let keys = try keys()
        guard skip("=") else { throw fault("an equals sign after the key is missing") }
        skipSpaces()
        // Each key is a level, too.
        depth += keys.count
        defer { depth -= keys.count }
        var table = table
        for key in keys.dropLast() {
            switch table.nodes[key] {
            case nil:
                let inner = TOMLTable(.dotted)
                table.nodes[key] = .table(inner)
                table = inner
            case .table(let inner) where inner.origin == .dotted: table = inner
            default: throw fault("\(key.jsonString) cannot be added to", at: start)
            }
        }
        guard let key = keys.last, table.nodes[key] == nil else {
            throw fault("\((keys.last ?? "").jsonString) is there twice", at: start)
        }
        table.nodes[key] = try value()
    }

    // MARK: - Values

    private mutating func value() throws(SyntaxError) -> TOMLNode {
        guard depth < Self.maximalDepth else { throw fault("values are nested too deeply") }
        depth += 1
        defer { depth -= 1 }
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .scalar("string " + (try string().jsonString))
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "{"): return try inlineTable()
        default: return .scalar(try word())
        }
    }

    private mutating func array() throws(SyntaxError) -> TOMLNode {
        position += 1
        var nodes: [TOMLNode] = []
        while true {
            try skipLines()
            if skip("]") { return .array(nodes) }
            nodes.append(try value())
            try skipLines()
            guard skip(",") || next == UInt8(ascii: "]") else { throw fault("a comma or a bracket is missing") }
        }
    }

    private mutating func inlineTable() throws(SyntaxError) -> TOMLNode {
        position += 1
        let table = TOMLTable(.inline)
        skipSpaces()
        if skip("}") { return .table(table) }
        while true {
            try entry(in: table)
            skipSpaces()
            if skip("}") { break }
            guard skip(",") else { throw fault("a comma or a brace is missing") }
            skipSpaces()
        }
        Self.close(table)
        return .table(table)
    }

    /// Makes tables of dotted keys complete, with the inline table in which they are.
    private static func close(_ table: TOMLTable) {
        table.origin = .inline
        for case .table(let inner) in table.nodes.values where inner.origin == .dotted { close(inner) }
    }

    // MARK: - Texts

    private mutating func string() throws(SyntaxError) -> String {
        for quotes in ["\"\"\"", "'''"] where starts(with: quotes) { return try lines(of: quotes) }
        return try line(of: next == UInt8(ascii: "\"") ? "\"" : "'")
    }

    /// A text in one quote.
    private mutating func line(of quote: String) throws(SyntaxError) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        while !skip(quote) {
            guard let byte = next, byte != 10, byte != 13 else { throw fault("a text does not end", at: start) }
            try character(byte, quote, &text)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A text in three quotes.
    private mutating func lines(of quotes: String) throws(SyntaxError) -> String {
        let start = position
        position += 3
        _ = skipNewline()
        var text: [UInt8] = []
        while !skip(quotes) {
            guard let byte = next else { throw fault("a text does not end", at: start) }
            if skipNewline() {
                text.append(10)
            } else if byte == UInt8(ascii: "\\"), quotes.hasPrefix("\""), try skipFold() {
                continue
            } else {
                try character(byte, quotes, &text)
            }
        }
        // Up to two quotes may be directly before the three that end it.
        for _ in 0..<2 where skip(String(quotes.prefix(1))) { text += quotes.utf8.prefix(1) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Skips a backslash at the end of a line with the white space after it; false when it is another escape.
    private mutating func skipFold() throws(SyntaxError) -> Bool {
        let start = position
        position += 1
        skipSpaces()
        guard skipNewline() else {
            position = start
            return false
        }
        repeat { skipSpaces() } while skipNewline()
        return true
    }

    private mutating func character(_ byte: UInt8, _ quote: String, _ text: inout [UInt8]) throws(SyntaxError) {
        guard Self.isText(byte) else { throw fault("a control character in a text") }
        guard byte == UInt8(ascii: "\\"), quote.hasPrefix("\"") else {
            text.append(byte)
            position += 1
            return
        }
        let start = position
        position += 1
        let escape = next
        position += 1
        switch escape {
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(escape ?? 0)
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = escape == UInt8(ascii: "u") ? 4 : 8
            let digits = bytes[min(position, bytes.count)...].prefix(count)
            guard digits.count == count, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let scalar = UInt32(String(decoding: digits, as: UTF8.self), radix: 16).flatMap(Unicode.Scalar.init)
            else { throw fault("an escape that is no character", at: start) }
            position += count
            text += String(scalar).utf8
        default: throw fault("an escape that TOML does not have", at: start)
        }
    }

    // MARK: - Numbers, dates, true and false

    private mutating func word() throws(SyntaxError) -> String {
        let start = position
        func isPart(_ byte: UInt8) -> Bool { Self.isBare(byte) || "+.:".utf8.contains(byte) }
        while let byte = next, isPart(byte) { position += 1 }
        // A date and a time may have a space between them.
        if next == 32, TOMLTime.isDate(bytes[start..<position]), position + 1 < bytes.count,
            Self.isDigit(bytes[position + 1])
        {
            position += 1
            while let byte = next, isPart(byte) { position += 1 }
        }
        let word = bytes[start..<position]
        guard !word.isEmpty else { throw fault("a value is missing") }
        let text = String(decoding: word, as: UTF8.self)
        if text == "true" || text == "false" { return "boolean \(text)" }
        if let number = Self.integer(text) { return "integer \(number)" }
        if let number = Self.float(text) { return "float \(number)" }
        if TOMLTime.isValid(word) { return "time " + text.uppercased() }
        throw fault("\(text) is no value", at: start)
    }

    /// Digits with single underscores between them; nil for anything else.
    private static func digits(_ text: Substring, radix: Int = 10) -> String? {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard
            parts.allSatisfy({ part in
                !part.isEmpty
                    && part.utf8.allSatisfy { Character(Unicode.Scalar($0)).hexDigitValue.map { $0 < radix } ?? false }
            })
        else { return nil }
        return parts.joined()
    }

    /// Decimal digits without a zero in front of others, and the sign before them.
    private static func decimal(_ text: Substring) -> String? {
        let sign = text.first == "-" || text.first == "+" ? text.prefix(1) : ""
        guard let digits = digits(text.dropFirst(sign.count)), digits == "0" || digits.first != "0" else { return nil }
        return sign + digits
    }

    private static func integer(_ text: String) -> Int64? {
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where text.hasPrefix(prefix) {
            return digits(text.dropFirst(2), radix: radix).flatMap { Int64($0, radix: radix) }
        }
        return decimal(text[...]).flatMap { Int64($0) }
    }

    private static func float(_ text: String) -> Double? {
        let unsigned = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
        if unsigned == "inf" || unsigned == "nan" { return Double(text) }
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        let mantissa = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count + mantissa.count > 2, var number = decimal(mantissa[0]) else { return nil }
        if mantissa.count == 2 {
            guard let fraction = digits(mantissa[1]) else { return nil }
            number += "." + fraction
        }
        if parts.count == 2 {
            let sign = parts[1].first == "-" || parts[1].first == "+" ? parts[1].prefix(1) : ""
            guard let exponent = digits(parts[1].dropFirst(sign.count)) else { return nil }
            number += "e" + sign + exponent
        }
        return Double(number)
    }
}

/// The dates and times of TOML: those of RFC 3339, with or without date, time and offset.
private enum TOMLTime {
    static func isDate(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let fields = fields(bytes, "dddd-dd-dd") else { return false }
        let (year, month, day) = (fields[0], fields[1], fields[2])
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(month) && (1...days[month - 1]).contains(day)
    }

    static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool {
        if isTime(bytes) { return true }
        guard isDate(bytes.prefix(10)) else { return false }
        var rest = bytes.dropFirst(10)
        guard let separator = rest.popFirst() else { return true }
        guard "Tt ".utf8.contains(separator) else { return false }
        if rest.last == UInt8(ascii: "Z") || rest.last == UInt8(ascii: "z") { return isTime(rest.dropLast()) }
        if isTime(rest) { return true }
        let offset = rest.suffix(6)
        guard offset.first == UInt8(ascii: "+") || offset.first == UInt8(ascii: "-"),
            let fields = fields(offset.dropFirst(), "dd:dd")
        else { return false }
        return fields[0] < 24 && fields[1] < 60 && isTime(rest.dropLast(6))
    }

    private static func isTime(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let fields = fields(bytes.prefix(8), "dd:dd:dd"), fields[0] < 24, fields[1] < 60, fields[2] < 60 else {
            return false
        }
        let fraction = bytes.dropFirst(8)
        guard let point = fraction.first else { return true }
        return point == UInt8(ascii: ".") && fraction.count > 1
            && fraction.dropFirst().allSatisfy { (48...57).contains($0) }
    }

    /// The numbers of bytes that have a form, in which `d` is a digit.
    private static func fields(_ bytes: ArraySlice<UInt8>, _ form: String) -> [Int]? {
        guard bytes.count == form.utf8.count else { return nil }
        var fields = [0]
        for (byte, expected) in zip(bytes, form.utf8) {
            if expected == UInt8(ascii: "d") {
                guard (48...57).contains(byte) else { return nil }
                fields[fields.count - 1] = fields[fields.count - 1] * 10 + Int(byte) - 48
            } else {
                guard byte == expected else { return nil }
                fields.append(0)
            }
        }
        return fields
    }
}
