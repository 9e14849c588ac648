// SPDX-License-Identifier: Apache-2.0

/// An error in a JSON text, with its position.
public struct JSONError: Error, Hashable, Sendable {
    /// What is wrong.
    public enum Reason: String, Sendable {
        case endsEarly = "the text ends too early"
        case noValue = "a value should be here"
        case noKey = "a key in quotes should be here"
        case noColon = "a colon should be here"
        case noComma = "a comma or the end should be here"
        case commaBeforeEnd = "there is a comma in front of the end"
        case openString = "the text ends inside of quotes"
        case controlCharacter = "a text cannot go on over the end of its line"
        case unknownEscape = "there is no such escape"
        case noDigits = "four hexadecimal digits should be here"
        case notUTF8 = "a text is not UTF-8"
        case tooDeep = "values are nested too deeply"
        case textBehind = "there is more text after the end of the value"
        case comment = "comments are not JSON, and the program that reads this file does not take them"
        case openComment = "this comment has no end"
    }

    /// What is wrong.
    public let reason: Reason
    /// The offset of the byte at which it was detected.
    public let offset: Int
    /// A sentence without a full stop for the person who wrote the text.
    public var message: String { reason.rawValue }
}

/// The variants of JSON.
public enum JSONDialect: Sendable {
    /// RFC 8259.
    case strict
    /// With comments and trailing commas.
    case withComments
}

/// Reads a JSON text from start to end; the caller reads the values that it needs and skips the rest.
///
/// The grammar is that of RFC 8259, and every skipped byte is checked for it. The caller enters an object or array, and then requests
/// its next key or element until there is none:
///
///     try reader.enterObject()
///     while let key = try reader.nextKey() {
///         if key == "model" { model = try reader.string() } else { try reader.skip() }
///     }
///     try reader.finish()
///
/// Only ``value()`` recurses, up to the allowed depth.
public struct JSONReader {
    /// The text.
    public let bytes: [UInt8]
    /// The offset of the next byte.
    public private(set) var position: Int

    private let dialect: JSONDialect
    private let deepest: Int
    private var depth = 0
    /// Whether an object or array was entered and nothing of it was read.
    private var isFresh = false

    /// Where the text ends.
    private let end: Int

    /// Starts at the first value of a text.
    ///
    /// - Parameters:
    ///   - range: Where the text is in the bytes; nil for all of them.
    ///   - deepest: The largest nesting depth.
    ///   - takesMark: Whether a leading byte order mark is skipped; files may have one, requests must not.
    public init(
        _ bytes: [UInt8],
        in range: Range<Int>? = nil,
        dialect: JSONDialect = .strict,
        deepest: Int = 64,
        takesMark: Bool = false
    ) {
        self.bytes = bytes
        self.dialect = dialect
        self.deepest = deepest
        let range = range ?? 0..<bytes.count
        end = min(range.upperBound, bytes.count)
        let hasMark = takesMark && bytes[range.lowerBound..<end].starts(with: [0xEF, 0xBB, 0xBF])
        position = range.lowerBound + (hasMark ? 3 : 0)
    }

    /// An error at the next byte; at the end of the text its reason is that end.
    public func error(_ reason: JSONError.Reason) -> JSONError {
        let isMissing = [.noValue, .noKey, .noColon, .noComma].contains(reason)
        return JSONError(reason: isMissing && position == end ? .endsEarly : reason, offset: position)
    }

    private var next: UInt8? { position < end ? bytes[position] : nil }

    /// The first byte of the next token, after white space and comments; nil at the end of the text.
    public mutating func peek() throws(JSONError) -> UInt8? {
        while let byte = next {
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case UInt8(ascii: "/"):
                guard dialect == .withComments else { throw error(.comment) }
                guard let comment = Self.commentEnd(bytes, from: position) else { throw error(.openComment) }
                position = comment
            default: return byte
            }
        }
        return nil
    }

    /// The end of the comment at an offset; nil when there is none or it is not closed.
    public static func commentEnd(_ bytes: [UInt8], from start: Int) -> Int? {
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

    /// Checks that nothing follows.
    public mutating func finish() throws(JSONError) {
        guard try peek() == nil else { throw error(.textBehind) }
    }

    // MARK: - Objects and arrays

    /// Enters an object.
    public mutating func enterObject() throws(JSONError) { try enter("{") }

    /// Enters an array.
    public mutating func enterArray() throws(JSONError) { try enter("[") }

    private mutating func enter(_ sign: Unicode.Scalar) throws(JSONError) {
        guard let byte = try peek() else { throw error(.endsEarly) }
        guard byte == UInt8(ascii: sign) else { throw error(.noValue) }
        guard depth < deepest else { throw error(.tooDeep) }
        depth += 1
        position += 1
        isFresh = true
    }

    /// The range of the next key of the entered object, as written and without its quotes; nil at the object's end.
    public mutating func nextKeyRange() throws(JSONError) -> Range<Int>? {
        guard try goesOn("}") else { return nil }
        guard try peek() == UInt8(ascii: "\"") else { throw error(.noKey) }
        let key = try stringRange()
        guard try peek() == UInt8(ascii: ":") else { throw error(.noColon) }
        position += 1
        return key
    }

    /// The next key of the entered object; nil at the object's end.
    public mutating func nextKey() throws(JSONError) -> String? {
        guard let range = try nextKeyRange() else { return nil }
        return try text(range)
    }

    /// Whether another element of the entered array follows, which is read next.
    public mutating func nextElement() throws(JSONError) -> Bool { try goesOn("]") }

    /// Skips the comma before the next member or element, or the closing bracket.
    private mutating func goesOn(_ end: Unicode.Scalar) throws(JSONError) -> Bool {
        let isFirst = isFresh
        isFresh = false
        var byte = try peek()
        if byte != UInt8(ascii: end) {
            if isFirst { return true }
            guard byte == UInt8(ascii: ",") else { throw error(.noComma) }
            position += 1
            byte = try peek()
            guard byte == UInt8(ascii: end) else { return true }
            guard dialect == .withComments else { throw error(.commaBeforeEnd) }
        }
        position += 1
        depth -= 1
        return false
    }

    /// Skips the next value.
    public mutating func skip() throws(JSONError) {
        // The closing brackets of open objects and arrays.
        var open: [Unicode.Scalar] = []
        repeat {
            switch try peek() {
            case UInt8(ascii: "{"):
                try enterObject()
                open.append("}")
            case UInt8(ascii: "["):
                try enterArray()
                open.append("]")
            default: try skipScalar()
            }
            while let end = open.last {
                if end == "}" ? try nextKeyRange() != nil : try nextElement() { break }
                open.removeLast()
            }
        } while !open.isEmpty
    }

    private mutating func skipScalar() throws(JSONError) {
        switch try peek() {
        case nil: throw error(.endsEarly)
        case UInt8(ascii: "\""): _ = try stringRange()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: _ = try numberRange()
        }
    }

    // MARK: - Values

    /// Skips a string; returns its range without the quotes.
    public mutating func stringRange() throws(JSONError) -> Range<Int> {
        guard try peek() == UInt8(ascii: "\"") else { throw error(.noValue) }
        position += 1
        let start = position
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position - 1
            case UInt8(ascii: "\\"): try skipEscape()
            case 0..<0x20: throw error(.controlCharacter)
            default: position += 1
            }
        }
        throw error(.openString)
    }

    private mutating func skipEscape() throws(JSONError) {
        position += 1
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        case UInt8(ascii: "u"):
            position += 1
            guard position + 4 <= end, bytes[position..<position + 4].allSatisfy({ Self.digit($0) != nil })
            else { throw error(.noDigits) }
            position += 4
        case nil: throw error(.openString)
        default: throw error(.unknownEscape)
        }
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte) - 0x30
        case 0x41...0x46: UInt32(byte) - 0x37
        case 0x61...0x66: UInt32(byte) - 0x57
        default: nil
        }
    }

    /// The string that is the next value.
    public mutating func string() throws(JSONError) -> String { try text(try stringRange()) }

    /// The text of a skipped string; an unpaired surrogate becomes U+FFFD.
    public func text(_ range: Range<Int>) throws(JSONError) -> String {
        let written = bytes[range]
        let text =
            written.contains(UInt8(ascii: "\\"))
            ? written.withUnsafeBufferPointer(JSONEscapes.resolve) : Array(written)
        guard let string = String(validating: text, as: UTF8.self) else {
            throw JSONError(reason: .notUTF8, offset: range.lowerBound)
        }
        return string
    }

    /// Skips a number; returns its range.
    public mutating func numberRange() throws(JSONError) -> Range<Int> {
        guard let byte = try peek() else { throw error(.endsEarly) }
        let start = position
        if byte == UInt8(ascii: "-") { position += 1 }
        var isNumber = true
        if next == UInt8(ascii: "0") { position += 1 } else { isNumber = skipDigits() }
        if isNumber, next == UInt8(ascii: ".") {
            position += 1
            isNumber = skipDigits()
        }
        if isNumber, let sign = next, sign | 0x20 == UInt8(ascii: "e") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            isNumber = skipDigits()
        }
        // A number that continues as a word, such as 0x10 or 01, is invalid.
        if isNumber, let byte = next, byte >= 0x30, !",]}:".utf8.contains(byte) { isNumber = false }
        guard isNumber else {
            position = start
            throw error(.noValue)
        }
        return start..<position
    }

    private mutating func skipDigits() -> Bool {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        return position > start
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        guard word.withUTF8Buffer({ bytes[position..<end].starts(with: $0) }) else { throw error(.noValue) }
        position += word.utf8CodeUnitCount
    }

    /// The next value as a tree.
    public mutating func value() throws(JSONError) -> JSONValue {
        switch try peek() {
        case nil: throw error(.endsEarly)
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try enterObject()
            while let key = try nextKey() { members[key] = try value() }
            return .object(members)
        case UInt8(ascii: "["):
            var values: [JSONValue] = []
            try enterArray()
            while try nextElement() { values.append(try value()) }
            return .array(values)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        default: return .number(String(decoding: bytes[try numberRange()], as: UTF8.self))
        }
    }
}

/// A value of a JSON text; a number keeps its text, so that no decimal digit is lost.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    /// Of duplicate keys the last one counts.
    case object([String: JSONValue])
}

extension JSONValue: Encodable {
    /// Encodes the value; whole numbers stay whole.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let flag): try container.encode(flag)
        case .number(let text):
            if let whole = Int64(text) {
                try container.encode(whole)
            } else {
                try container.encode(JSONNumber(text: text))
            }
        case .string(let text): try container.encode(text)
        case .array(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }
}
