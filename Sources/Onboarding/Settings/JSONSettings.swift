// SPDX-License-Identifier: Apache-2.0

import JSON

/// A JSON text whose values are changed one by one; everything else keeps its bytes: order, comments, indentation, line ends.
struct JSONSettings {
    private(set) var bytes: [UInt8]
    private(set) var root: JSONNode
    private let dialect: JSONDialect
    private let shape: TextShape

    /// There is another value where an object is expected.
    struct NoObject: Error {
        var path: [String]
    }

    /// Parses a text; one with only white space is an empty object.
    init(_ bytes: [UInt8], dialect: JSONDialect) throws(SyntaxError) {
        shape = TextShape(bytes)
        self.dialect = dialect
        let isBlank = bytes.dropFirst(shape.mark.count).allSatisfy { [32, 9, 10, 13].contains($0) }
        self.bytes = isBlank ? shape.mark + Array(("{}" + shape.newline).utf8) : bytes
        root = try JSONParser.parse(self.bytes, dialect: dialect)
        guard root.members != nil else {
            throw SyntaxError(
                offset: root.range.lowerBound,
                message: "settings are an object in braces, and this is none"
            )
        }
    }

    /// The scalar at a path; nil for a missing value, null, an array or an object.
    func scalar(at path: [String]) -> JSONScalar? {
        guard let scalar = root.node(at: path)?.scalar, scalar != .null else { return nil }
        return scalar
    }

    /// Sets a scalar at a path; creates missing objects on the way.
    mutating func set(_ scalar: JSONScalar, at path: [String]) throws {
        try apply(try edits(setting: scalar, at: path))
    }

    /// Removes a key, if it exists.
    mutating func remove(at path: [String]) throws {
        guard let key = path.last, let object = root.node(at: Array(path.dropLast())), let members = object.members
        else {
            return
        }
        for index in members.indices.reversed() where members[index].key == key {
            guard let current = root.node(at: Array(path.dropLast())) else { return }
            try apply(removal(of: index, from: current))
        }
    }

    private mutating func apply(_ edits: [TextEdit]) throws(SyntaxError) {
        bytes = TextEdit.apply(edits, to: bytes)
        root = try JSONParser.parse(bytes, dialect: dialect)
    }

    private func edits(setting scalar: JSONScalar, at path: [String]) throws(NoObject) -> [TextEdit] {
        var node = root
        for (depth, key) in path.enumerated() {
            guard node.members != nil else { throw NoObject(path: Array(path.prefix(depth))) }
            guard let inner = node[key] else {
                return insertion(of: scalar, under: Array(path[depth...]), into: node)
            }
            let isLast = depth == path.count - 1
            if isLast || inner.scalar == .null {
                let rest = Array(path[(depth + 1)...])
                let style = Style(of: node, in: bytes, unit: unit, newline: shape.newline, documentIsOneLine: isOneLine)
                return [TextEdit(inner.range, style.text(of: scalar, under: rest))]
            }
            node = inner
        }
        return []
    }

    /// Whether the text has members and is on one line.
    private var isOneLine: Bool { root.members?.isEmpty == false && !bytes[root.range].contains(10) }

    /// One step of indentation: that of the first key, else two spaces.
    private var unit: String {
        guard let first = root.members?.first, let indent = Self.indent(before: first.keyRange.lowerBound, in: bytes),
            !indent.isEmpty
        else { return "  " }
        return indent
    }

    /// The white space between the start of a line and an offset; nil when there is anything else.
    static func indent(before offset: Int, in bytes: [UInt8]) -> String? {
        var start = offset
        while start > 0, bytes[start - 1] == 32 || bytes[start - 1] == 9 { start -= 1 }
        guard start == 0 || bytes[start - 1] == 10 else { return nil }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }
}

// MARK: - Insertion

extension JSONSettings {
    private func insertion(of scalar: JSONScalar, under path: [String], into object: JSONNode) -> [TextEdit] {
        let style = Style(of: object, in: bytes, unit: unit, newline: shape.newline, documentIsOneLine: isOneLine)
        let member = style.member(scalar, under: path)
        guard let last = object.members?.last else { return [firstMember(member, of: object, style)] }
        let end = last.value.range.upperBound
        guard style.isMultiline else { return [TextEdit(at: end, "," + style.gap + member)] }
        let comma = Self.comma(after: end, in: bytes)
        let line = Self.endOfComments(after: comma.map { $0 + 1 } ?? end, in: bytes)
        let text = style.newline + style.indent + member
        if comma != nil { return [TextEdit(at: line, text + ",")] }
        return [TextEdit(at: end, ","), TextEdit(at: line, text)]
    }

    private func firstMember(_ member: String, of object: JSONNode, _ style: Style) -> TextEdit {
        let inside = (object.range.lowerBound + 1)..<(object.range.upperBound - 1)
        let isBlank = bytes[inside].allSatisfy { [32, 9, 10, 13].contains($0) }
        if isBlank {
            guard style.isMultiline else { return TextEdit(inside, member) }
            return TextEdit(inside, style.newline + style.indent + member + style.newline + style.outerIndent)
        }
        // Comments stay before the new key.
        if let indent = Self.indent(before: inside.upperBound, in: bytes) {
            return TextEdit(at: inside.upperBound - indent.utf8.count, style.indent + member + style.newline)
        }
        return TextEdit(at: inside.upperBound, " " + member + " ")
    }

    /// The position of a following comma, with only white space and comments before it.
    private static func comma(after offset: Int, in bytes: [UInt8]) -> Int? {
        var index = offset
        while index < bytes.count {
            if let end = JSONReader.commentEnd(bytes, from: index) {
                index = end
            } else if [32, 9, 10, 13].contains(bytes[index]) {
                index += 1
            } else {
                return bytes[index] == UInt8(ascii: ",") ? index : nil
            }
        }
        return nil
    }

    /// The end of the comments that follow on the same line; the offset itself when there are none.
    private static func endOfComments(after offset: Int, in bytes: [UInt8]) -> Int {
        var end = offset
        var index = offset
        while index < bytes.count {
            if let comment = JSONReader.commentEnd(bytes, from: index), !bytes[index..<comment].contains(10) {
                (index, end) = (comment, comment)
            } else if bytes[index] == 32 || bytes[index] == 9 {
                index += 1
            } else {
                break
            }
        }
        return end
    }

    // MARK: - Removal

    private func removal(of index: Int, from object: JSONNode) -> [TextEdit] {
        guard let members = object.members else { return [] }
        var range = members[index].keyRange.lowerBound..<members[index].value.range.upperBound
        var edits: [TextEdit] = []
        if let comma = Self.comma(after: range.upperBound, in: bytes) {
            range = range.lowerBound..<(comma + 1)
        } else if index > 0, let comma = Self.comma(after: members[index - 1].value.range.upperBound, in: bytes) {
            edits.append(TextEdit(comma..<(comma + 1), ""))
        }
        edits.append(TextEdit(Self.widened(range, in: bytes), ""))
        return edits
    }

    /// The range with its whole line when nothing else is on it, else with the spaces after it.
    private static func widened(_ range: Range<Int>, in bytes: [UInt8]) -> Range<Int> {
        var end = range.upperBound
        while end < bytes.count, bytes[end] == 32 || bytes[end] == 9 { end += 1 }
        guard let indent = indent(before: range.lowerBound, in: bytes) else { return range.lowerBound..<end }
        var after = end
        if after < bytes.count, bytes[after] == 13 { after += 1 }
        guard after < bytes.count, bytes[after] == 10 else { return range.lowerBound..<end }
        return (range.lowerBound - indent.utf8.count)..<(after + 1)
    }
}

// MARK: - Style

extension JSONSettings {
    /// The layout of an object, so that added keys look like the existing ones.
    struct Style {
        /// Whether each key has a line of its own.
        var isMultiline: Bool
        /// The indentation of a key on its line.
        var indent: String
        /// The indentation of the line on which the object ends.
        var outerIndent: String
        /// The text between a key and its value.
        var colon: String
        /// The text after a comma between two keys on one line.
        var gap: String
        /// One step of indentation.
        let unit: String
        let newline: String

        init(of object: JSONNode, in bytes: [UInt8], unit: String, newline: String, documentIsOneLine: Bool) {
            self.unit = unit
            self.newline = newline
            let members = object.members ?? []
            outerIndent = Self.indentOfLine(at: object.range.lowerBound, in: bytes)
            guard let last = members.last else {
                isMultiline = !documentIsOneLine
                indent = outerIndent + unit
                colon = documentIsOneLine && !Self.hasSpaces(bytes) ? ":" : ": "
                gap = " "
                return
            }
            let between = bytes[last.keyRange.upperBound..<last.value.range.lowerBound]
            colon = between.allSatisfy { [32, 58].contains($0) } ? String(decoding: between, as: UTF8.self) : ": "
            gap = colon.hasSuffix(" ") ? " " : ""
            let own = JSONSettings.indent(before: last.keyRange.lowerBound, in: bytes)
            isMultiline = own != nil
            indent = own ?? outerIndent + unit
        }

        /// Whether the keys of a text on one line are followed by a space.
        private static func hasSpaces(_ bytes: [UInt8]) -> Bool {
            bytes.indices.dropLast().contains { bytes[$0] == UInt8(ascii: ":") && bytes[$0 + 1] == 32 }
        }

        private static func indentOfLine(at offset: Int, in bytes: [UInt8]) -> String {
            let start = bytes[..<offset].lastIndex(of: 10).map { $0 + 1 } ?? 0
            let blank = bytes[start...].prefix { $0 == 32 || $0 == 9 }
            return String(decoding: blank, as: UTF8.self)
        }

        /// A key with its value; further keys of the path become nested objects.
        func member(_ scalar: JSONScalar, under path: [String]) -> String {
            guard let key = path.first else { return "" }
            return key.jsonString + colon + text(of: scalar, under: Array(path.dropFirst()))
        }

        /// A value; keys of the path become objects around it.
        func text(of scalar: JSONScalar, under path: [String]) -> String {
            guard !path.isEmpty else { return scalar.text }
            guard isMultiline else { return "{" + member(scalar, under: path) + "}" }
            var inner = self
            inner.indent = indent + unit
            return "{" + newline + inner.indent + inner.member(scalar, under: path) + newline + indent + "}"
        }
    }
}
