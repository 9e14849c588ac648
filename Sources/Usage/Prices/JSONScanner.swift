// SPDX-License-Identifier: Apache-2.0

/// A value of a JSON text; a number keeps its text, so that nothing is lost to binary fractions.
package enum JSONValue: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

/// Reads a JSON text from its beginning to its end, object member by object member.
package struct JSONScanner {
    private static let deepest = 32

    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// Reads the whole text as one object and hands over each of its members.
    package mutating func members(_ body: (String, JSONValue) throws(PriceTableError) -> Void) throws(PriceTableError) {
        try object(depth: 0, body)
        skipSpace()
        guard position == bytes.count else { throw error("something follows the object") }
    }

    private mutating func value(depth: Int) throws(PriceTableError) -> JSONValue {
        guard depth < Self.deepest else { throw error("values are nested too deeply") }
        skipSpace()
        guard position < bytes.count else { throw error("the text ends too early") }
        switch bytes[position] {
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try object(depth: depth) { name, value in members[name] = value }
            return .object(members)
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int, _ body: (String, JSONValue) throws(PriceTableError) -> Void)
        throws(PriceTableError)
    {
        try expect("{")
        if take("}") { return }
        repeat {
            skipSpace()
            let name = try string()
            try expect(":")
            try body(name, try value(depth: depth + 1))
        } while take(",")
        try expect("}")
    }

    private mutating func array(depth: Int) throws(PriceTableError) -> [JSONValue] {
        try expect("[")
        if take("]") { return [] }
        var values: [JSONValue] = []
        repeat { values.append(try value(depth: depth + 1)) } while take(",")
        try expect("]")
        return values
    }

    private mutating func string() throws(PriceTableError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw error("a string is not UTF-8") }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw error("a control character in a string")
            default: text.append(byte)
            }
        }
        throw error("a string does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(PriceTableError) {
        guard position < bytes.count else { throw error("a string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            // Names of models and providers are ASCII; halves of surrogate pairs only occur in remarks.
            let scalar = Unicode.Scalar(try hexadecimal()) ?? "\u{FFFD}"
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw error("an unknown escape in a string")
        }
    }

    private mutating func hexadecimal() throws(PriceTableError) -> UInt16 {
        guard position + 4 <= bytes.count else { throw error("a string does not end") }
        let digits = bytes[position..<(position + 4)]
        // The initialiser would take a sign.
        guard digits.allSatisfy({ $0 > UInt8(ascii: "-") }),
            let code = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else {
            throw error("an unknown escape in a string")
        }
        position += 4
        return code
    }

    private mutating func number() throws(PriceTableError) -> JSONValue {
        let start = position
        while position < bytes.count, Self.isPartOfNumber(bytes[position]) { position += 1 }
        guard position > start else { throw error("a value is missing") }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(PriceTableError) -> JSONValue {
        let matches = word.withUTF8Buffer { bytes[position...].starts(with: $0) }
        guard matches else { throw error("a value is missing") }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func expect(_ sign: Unicode.Scalar) throws(PriceTableError) {
        guard take(sign) else { throw error("expected \"\(sign)\"") }
    }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: sign) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
    }

    private func error(_ reason: String) -> PriceTableError {
        let line = bytes[..<min(position, bytes.count)].count { $0 == 0x0A } + 1
        return PriceTableError(line: line, reason)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    private static func isPartOfNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"),
            UInt8(ascii: "e"),
            UInt8(ascii: "E"):
            true
        default: false
        }
    }
}
