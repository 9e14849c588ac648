// SPDX-License-Identifier: Apache-2.0

import JSON

/// A TOML text whose values are changed one by one; everything else keeps its bytes: order, comments, spelling of tables.
struct TOMLSettings {
    private(set) var bytes: [UInt8]
    private(set) var outline: TOMLOutline
    private let shape: TextShape

    /// The text is written in a form that cannot be edited safely.
    struct Unsupported: Error {
        var reason: String
    }

    init(_ bytes: [UInt8]) throws {
        shape = TextShape(bytes)
        self.bytes = bytes
        outline = try Self.outline(of: bytes)
    }

    private static func outline(of bytes: [UInt8]) throws -> TOMLOutline {
        guard let outline = TOMLOutline(bytes) else { throw Unsupported(reason: "its spelling is not understood") }
        return outline
    }

    /// The text of the value at a path, as written; nil when not exactly one key has that path.
    func valueText(at path: [String]) -> String? {
        entry(path).map { String(decoding: bytes[$0.value], as: UTF8.self) }
    }

    /// The string at a path, without its quotes.
    func string(at path: [String]) -> String? {
        entry(path).flatMap { TOMLOutline.text(bytes[$0.value]) }
    }

    /// Whether anything is set at a path or below.
    func has(_ path: [String]) -> Bool {
        entry(path) != nil || outline.entries.contains { $0.path.starts(with: path) }
            || outline.headers.contains { $0.path.starts(with: path) }
    }

    /// The names directly below a path.
    func names(below path: [String]) -> Set<String> {
        let paths = outline.entries.map(\.path) + outline.headers.map(\.path)
        return Set(paths.filter { $0.count > path.count && $0.starts(with: path) }.map { $0[path.count] })
    }

    /// Whether there is an array of tables at a path or below.
    func hasTableArray(_ path: [String]) -> Bool {
        outline.headers.contains { $0.isArray && ($0.path.starts(with: path) || path.starts(with: $0.path)) }
    }

    private func entry(_ path: [String]) -> TOMLOutline.Entry? { outline.entries.first { $0.path == path } }

    private mutating func apply(_ edits: [TextEdit]) throws {
        bytes = TextEdit.apply(edits, to: bytes)
        outline = try Self.outline(of: bytes)
    }

    // MARK: - Setting

    /// Sets a value, written in TOML, at a path, in the form in which the tables above it are written.
    mutating func set(_ text: String, at path: [String]) throws {
        if let entry = entry(path) { return try apply([TextEdit(entry.value, text)]) }
        for depth in stride(from: path.count - 1, to: 0, by: -1) {
            let (table, rest) = (Array(path[..<depth]), Array(path[depth...]))
            if let edits = try insertion(of: rest, text, into: table) { return try apply(edits) }
        }
        try apply([newTable(Array(path.dropLast()), Self.line(path.suffix(1), text))])
    }

    /// The edits that add a key to an existing table in any form; nil when the table does not exist.
    private func insertion(of rest: [String], _ text: String, into table: [String]) throws -> [TextEdit]? {
        // Further keys become inline tables around the value.
        let value = Self.nested(rest.dropFirst(), text)
        let line = Self.line(rest.prefix(1), value)
        if let entry = entry(table) {
            guard entry.isTable else { throw Unsupported(reason: "\(table.joined(separator: ".")) is not a table") }
            return [inlineInsertion(line, into: entry)]
        }
        if let header = outline.headers.lastIndex(where: { $0.path == table && !$0.isArray }) {
            return [lineInsertion(line, under: header)]
        }
        let dotted = outline.entries.last {
            $0.path.count > table.count && $0.path.starts(with: table) && $0.containerDepth < table.count
                && !$0.isInline
        }
        if let dotted {
            let keys = Array(table[dotted.containerDepth...]) + rest.prefix(1)
            return [lineInsertion(Self.line(keys, value), after: dotted)]
        }
        let inline = outline.entries.last {
            $0.path.count > table.count && $0.path.starts(with: table) && $0.containerDepth < table.count && $0.isInline
        }
        if let inline {
            let keys = Array(table[inline.containerDepth...]) + rest.prefix(1)
            return [TextEdit(at: inline.range.upperBound, ", " + Self.line(keys, value))]
        }
        guard let below = outline.headers.first(where: { $0.path.starts(with: table) }) else { return nil }
        let start = startOfBlock(endingAt: below.range.lowerBound)
        let indent = JSONSettings.indent(before: below.range.lowerBound, in: bytes) ?? ""
        let lines = [Self.header(table), line].map { indent + $0 + shape.newline }
        return [TextEdit(at: start, lines.joined() + shape.newline)]
    }

    private static func line(_ keys: some Collection<String>, _ text: String) -> String {
        "\(keys.map(spelled).joined(separator: ".")) = \(text)"
    }

    private static func nested(_ keys: some Collection<String>, _ text: String) -> String {
        keys.reversed().reduce(text) { "{ \(spelled($1)) = \($0) }" }
    }

    private static func header(_ path: [String]) -> String { "[\(path.map(spelled).joined(separator: "."))]" }

    private static func spelled(_ key: String) -> String {
        key.wholeMatch(of: /[A-Za-z0-9_-]+/) != nil ? key : key.jsonString
    }

    private func inlineInsertion(_ line: String, into table: TOMLOutline.Entry) -> TextEdit {
        let last = outline.entries.last {
            $0.isInline && $0.path.starts(with: table.path) && $0.containerDepth == table.path.count
                && table.value.contains($0.range.lowerBound)
        }
        guard let last else { return TextEdit(table.value, "{ \(line) }") }
        return TextEdit(at: last.range.upperBound, ", " + line)
    }

    private func lineInsertion(_ line: String, under header: Int) -> TextEdit {
        let last = outline.entries.last { $0.header == header && !$0.isInline }
        guard let last else { return newLine(line, after: outline.headers[header].range) }
        return lineInsertion(line, after: last)
    }

    private func lineInsertion(_ line: String, after entry: TOMLOutline.Entry) -> TextEdit {
        newLine(line, after: entry.range)
    }

    /// A new line after the last line of a range, indented like its first line.
    private func newLine(_ line: String, after range: Range<Int>) -> TextEdit {
        let indent = JSONSettings.indent(before: range.lowerBound, in: bytes) ?? ""
        guard let end = bytes[range.upperBound...].firstIndex(of: 10) else {
            return TextEdit(at: bytes.count, shape.newline + indent + line)
        }
        return TextEdit(at: end + 1, indent + line + shape.newline)
    }

    private func newTable(_ path: [String], _ line: String) -> TextEdit {
        let hasText = bytes.count > shape.mark.count
        let lines = Self.header(path) + shape.newline + line + shape.newline
        guard hasText else { return TextEdit(at: bytes.count, lines) }
        let endsLine = bytes.last == 10
        let hasBlankLine = endsLine && bytes.dropLast().last { $0 != 13 } == 10
        let gap = (endsLine ? "" : shape.newline) + (hasBlankLine ? "" : shape.newline)
        return TextEdit(at: bytes.count, gap + lines)
    }

    /// The start of the comment lines directly above a line.
    private func startOfBlock(endingAt offset: Int) -> Int {
        var start = bytes[..<offset].lastIndex(of: 10).map { $0 + 1 } ?? shape.mark.count
        while start > shape.mark.count {
            let previous = bytes[..<(start - 1)].lastIndex(of: 10).map { $0 + 1 } ?? shape.mark.count
            let text = bytes[previous..<(start - 1)].drop { $0 == 32 || $0 == 9 }
            guard text.first == UInt8(ascii: "#") else { return start }
            start = previous
        }
        return start
    }

    // MARK: - Removal

    /// Removes everything at a path and below, in any form.
    mutating func remove(_ path: [String]) throws {
        while let index = outline.headers.firstIndex(where: { $0.path.starts(with: path) }) {
            let own = outline.entries.filter { $0.header == index && !$0.isInline }
            let start = outline.headers[index].range.lowerBound
            let end = own.map(\.range.upperBound).max() ?? outline.headers[index].range.upperBound
            try apply([TextEdit(lines(of: start..<end), "")])
        }
        while let entry = outline.entries.first(where: { $0.path.starts(with: path) }) {
            try apply([entry.isInline ? inlineRemoval(entry) : TextEdit(lines(of: entry.range), "")])
        }
    }

    /// A range extended to whole lines.
    private func lines(of range: Range<Int>) -> Range<Int> {
        let start = bytes[..<range.lowerBound].lastIndex(of: 10).map { $0 + 1 } ?? shape.mark.count
        let end = bytes[range.upperBound...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
        return start..<end
    }

    private func inlineRemoval(_ entry: TOMLOutline.Entry) -> TextEdit {
        var (start, end) = (entry.range.lowerBound, entry.range.upperBound)
        while end < bytes.count, bytes[end] == 32 || bytes[end] == 9 { end += 1 }
        if end < bytes.count, bytes[end] == UInt8(ascii: ",") {
            end += 1
            while end < bytes.count, bytes[end] == 32 { end += 1 }
            return TextEdit(start..<end, "")
        }
        end = entry.range.upperBound
        while start > 0, bytes[start - 1] == 32 || bytes[start - 1] == 9 { start -= 1 }
        if start > 0, bytes[start - 1] == UInt8(ascii: ",") { return TextEdit((start - 1)..<end, "") }
        return TextEdit(entry.range, "")
    }
}
