// SPDX-License-Identifier: Apache-2.0

/// What a program takes for JSON.
public enum JSONDialect: Sendable {
    /// As the standard has it.
    case strict
    /// With comments, and with commas behind last values.
    case withComments
}

/// Reads JSON and keeps the place of everything in it.
struct JSONParser {
    private static let deepest = 256

    let bytes: [UInt8]
    let dialect: JSONDialect
    private var position: Int
    private var depth = 0

    init(_ bytes: [UInt8], dialect: JSONDialect) {
        self.bytes = bytes
        self.dialect = dialect
        position = TextShape(bytes).mark.count
    }

    /// The one value of the text.
    static func parse(_ bytes: [UInt8], dialect: JSONDialect) throws(SyntaxError) -> JSONNode {
        if let fault = TextShape.firstFault(of: bytes) { throw fault }
        var parser = JSONParser(bytes, dialect: dialect)
        let root = try parser.value()
        try parser.skipBlank()
        guard parser.position == bytes.count else {
            throw parser.fault("there is more text after the end of the value")
        }
        return root
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func fault(_ message: String) -> SyntaxError { SyntaxError(offset: position, message: message) }

    /// Skips white space and, where there may be some, comments.
    private mutating func skipBlank() throws(SyntaxError) {
        while let byte = next {
            switch byte {
            case 32, 9, 10, 13: position += 1
            case UInt8(ascii: "/"):
                guard dialect == .withComments else {
                    throw fault("comments are not JSON, and the program that reads this file does not take them")
                }
                guard let end = Self.commentEnd(bytes, from: position) else { throw fault("this comment has no end") }
                position = end
            default: return
            }
        }
    }

    /// The end of the comment that begins at a place; nil when none does or it has no end.
    static func commentEnd(_ bytes: [UInt8], from start: Int) -> Int? {
        guard start + 1 < bytes.count, bytes[start] == UInt8(ascii: "/") else { return nil }
        if bytes[start + 1] == UInt8(ascii: "/") {
            var end = bytes[start...].firstIndex(of: 10) ?? bytes.count
            if bytes[end - 1] == 13 { end -= 1 }
            return end
        }
        guard bytes[start + 1] == UInt8(ascii: "*") else { return nil }
        var index = start + 2
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "*"), bytes[index + 1] == UInt8(ascii: "/") { return index + 2 }
            index += 1
        }
        return nil
    }

    private mutating func value() throws(SyntaxError) -> JSONNode {
        try skipBlank()
        let start = position
        let value: JSONNode.Value
        switch next {
        case UInt8(ascii: "{"): value = .object(try nested { parser throws(SyntaxError) in try parser.members() })
        case UInt8(ascii: "["): value = .array(try nested { parser throws(SyntaxError) in try parser.elements() })
        case UInt8(ascii: "\""): value = .scalar(.string(try string()))
        case nil: throw fault("the text ends where a value should stand")
        default: value = .scalar(try word())
        }
        return JSONNode(value: value, range: start..<position)
    }

    private mutating func nested<Parts>(
        _ parts: (inout JSONParser) throws(SyntaxError) -> Parts
    ) throws(SyntaxError) -> Parts {
        guard depth < Self.deepest else { throw fault("values are nested too deeply") }
        depth += 1
        defer { depth -= 1 }
        position += 1
        return try parts(&self)
    }

    private mutating func members() throws(SyntaxError) -> [JSONNode.Member] {
        var members: [JSONNode.Member] = []
        while true {
            try skipBlank()
            if try ends(UInt8(ascii: "}"), isFirst: members.isEmpty) { return members }
            try skipBlank()
            let start = position
            guard next == UInt8(ascii: "\"") else { throw fault("a key in quotes should stand here") }
            let key = try string()
            let range = start..<position
            try skipBlank()
            guard next == UInt8(ascii: ":") else { throw fault("a colon should stand here") }
            position += 1
            members.append(JSONNode.Member(key: key, keyRange: range, value: try value()))
        }
    }

    private mutating func elements() throws(SyntaxError) -> [JSONNode] {
        var elements: [JSONNode] = []
        while true {
            try skipBlank()
            if try ends(UInt8(ascii: "]"), isFirst: elements.isEmpty) { return elements }
            elements.append(try value())
        }
    }

    /// Whether the list ends here; else the comma in front of its next part is skipped.
    private mutating func ends(_ bracket: UInt8, isFirst: Bool) throws(SyntaxError) -> Bool {
        if next == bracket {
            position += 1
            return true
        }
        if isFirst { return false }
        guard next == UInt8(ascii: ",") else { throw fault("a comma or the end should stand here") }
        position += 1
        try skipBlank()
        guard next == bracket else { return false }
        guard dialect == .withComments else { throw fault("a comma stands in front of the end") }
        position += 1
        return true
    }

    private mutating func word() throws(SyntaxError) -> JSONScalar {
        let start = position
        while let byte = next, byte > 32, !",]}/\":[{".utf8.contains(byte) { position += 1 }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            guard Self.isNumber(word) else {
                position = start
                throw fault("a value should stand here")
            }
            return .number(word)
        }
    }

    private static func isNumber(_ word: String) -> Bool {
        word.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/) != nil
    }
}

extension JSONParser {
    private mutating func string() throws(SyntaxError) -> String {
        position += 1
        var units: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: units, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                units += try escape().utf8
            case 0..<32: throw fault("a text cannot go on over the end of its line")
            default:
                units.append(byte)
                position += 1
            }
        }
        throw fault("the text ends inside of quotes")
    }

    private mutating func escape() throws(SyntaxError) -> String {
        guard let byte = next else { throw fault("the text ends inside of quotes") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let high = try unit()
            guard (0xD800..<0xDC00).contains(high), bytes[position...].starts(with: "\\u".utf8) else {
                return String(Unicode.Scalar(high) ?? "\u{FFFD}")
            }
            position += 2
            let low = try unit()
            guard (0xDC00..<0xE000).contains(low) else { return "\u{FFFD}" }
            return String(Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}")
        default:
            position -= 1
            throw fault("there is no such escape")
        }
    }

    private mutating func unit() throws(SyntaxError) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else {
            throw fault("four hexadecimal digits should stand here")
        }
        position += 4
        return unit
    }
}
