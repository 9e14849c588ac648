// SPDX-License-Identifier: Apache-2.0

public import Glibc

/// Why a JSON text cannot be scanned; the message is shown to the user and has no content of the text.
public struct JSONScanError: Error, Equatable, Sendable {
    /// What is wrong, without a full stop.
    public let message: String

    /// Creates an error with its own message, for an invalid value.
    public init(_ message: String) {
        self.message = message
    }

    /// The text ends inside a value, or something else is where a value, a key or a colon should be.
    public static let cutOff = JSONScanError("the line is cut off or is no JSON object")
    /// A count is negative, not a whole number or larger than ``JSONScanner/largestCount``.
    public static let number = JSONScanError("a token count is negative or beyond belief")
}

/// The bytes of a line of JSON, or of a part of it, in memory that the owner keeps alive.
public struct LineBytes {
    /// The first byte.
    public let base: UnsafePointer<UInt8>
    /// How many there are.
    public let count: Int

    /// Refers to bytes that must stay valid as long as the value is used.
    @inlinable
    public init(base: UnsafePointer<UInt8>, count: Int) {
        (self.base, self.count) = (base, count)
    }

    /// The bytes as a buffer.
    @inlinable public var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }
}

/// Scans a JSON text in borrowed memory without creating objects: the caller reads the members that it needs, the rest is skipped.
///
/// Made for gigabytes of session files, of which nearly everything is skipped: the ends of strings are found with `memchr`, and only as
/// much of the syntax is checked as scanning needs. ``JSONReader`` is for texts that must be completely valid. The bytes must outlive
/// the scanner and every ``Text`` that it returned. It does not recurse, so that deep nesting is harmless.
public struct JSONScanner {
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let end: Int
    @usableFromInline var position = 0

    /// A string of the text, as it is written, without its quotes.
    public struct Text {
        /// The bytes between the quotes, escapes as they are.
        public let bytes: LineBytes

        /// Refers to the bytes of a string as written.
        @inlinable
        public init(bytes: LineBytes) {
            self.bytes = bytes
        }

        /// Whether it is written exactly like this.
        @inlinable @inline(__always)
        public func equals(_ other: StaticString) -> Bool {
            bytes.count == other.utf8CodeUnitCount && memcmp(bytes.base, other.utf8Start, bytes.count) == 0
        }

        /// Whether there is nothing between the quotes.
        @inlinable public var isEmpty: Bool { bytes.count == 0 }

        /// The bytes that the text means, its escapes resolved.
        public var resolved: [UInt8] { JSONEscapes.resolve(bytes.buffer) }

        /// The text; invalid UTF-8 is repaired.
        public var string: String {
            memchr(bytes.base, 92, bytes.count) == nil
                ? String(decoding: bytes.buffer, as: UTF8.self)
                : String(decoding: JSONEscapes.resolve(bytes.buffer), as: UTF8.self)
        }
    }

    /// The number of bytes scanned.
    @inlinable public var offset: Int { position }

    /// Starts at the first byte.
    @inlinable
    public init(_ line: LineBytes) {
        base = line.base
        end = line.count
    }

    /// Enters an object; false for another value, which is skipped.
    @inlinable @inline(__always)
    public mutating func enterObject() throws(JSONScanError) -> Bool { try enter(UInt8(ascii: "{")) }

    /// Enters an array; false for another value, which is skipped.
    @inlinable
    public mutating func enterArray() throws(JSONScanError) -> Bool { try enter(UInt8(ascii: "[")) }

    @inlinable @inline(__always)
    mutating func enter(_ sign: UInt8) throws(JSONScanError) -> Bool {
        skipSpace()
        guard position < end else { throw .cutOff }
        guard base[position] == sign else {
            try skipValue()
            return false
        }
        position += 1
        return true
    }

    /// The next key of the entered object; nil at its end.
    @inlinable @inline(__always)
    public mutating func nextKey() throws(JSONScanError) -> Text? {
        skipSpace()
        guard position < end else { throw .cutOff }
        if base[position] == UInt8(ascii: ",") {
            position += 1
            skipSpace()
        }
        guard position < end else { throw .cutOff }
        if base[position] == UInt8(ascii: "}") {
            position += 1
            return nil
        }
        let key = try string()
        skipSpace()
        guard position < end, base[position] == UInt8(ascii: ":") else { throw .cutOff }
        position += 1
        return key
    }

    /// Whether another element of the entered array follows.
    @inlinable
    public mutating func nextElement() throws(JSONScanError) -> Bool {
        skipSpace()
        if position < end, base[position] == UInt8(ascii: ",") { position += 1 }
        skipSpace()
        guard position < end else { throw .cutOff }
        guard base[position] == UInt8(ascii: "]") else { return true }
        position += 1
        return false
    }

    /// The string that is the next value; nil for another value or an empty string.
    @inlinable
    public mutating func text() throws(JSONScanError) -> Text? {
        skipSpace()
        guard position < end else { throw .cutOff }
        guard base[position] == UInt8(ascii: "\"") else {
            try skipValue()
            return nil
        }
        let text = try string()
        return text.isEmpty ? nil : text
    }

    /// Whether the next value is `true`.
    @inlinable
    public mutating func flag() throws(JSONScanError) -> Bool {
        skipSpace()
        let isTrue = position < end && base[position] == UInt8(ascii: "t")
        try skipValue()
        return isTrue
    }

    /// The next value as a count; nil when it is not a number.
    ///
    /// - Throws: ``JSONScanError/number`` when it is negative, not a whole number or larger than ``largestCount``.
    @inlinable
    public mutating func count() throws(JSONScanError) -> Int64? {
        skipSpace()
        guard position < end else { throw .cutOff }
        let first = base[position]
        guard (48...57).contains(first) || first == UInt8(ascii: "-") else {
            try skipValue()
            return nil
        }
        let start = position
        var value: Int64 = 0
        while position < end, (48...57).contains(base[position]), value <= Self.largestCount {
            value = value * 10 + Int64(base[position]) - 48
            position += 1
        }
        let isPlain = position > start && (position == end || Self.endsWord(base[position]))
        if !isPlain {
            position = start
            guard let number = try number(), let whole = Int64(exactly: number) else { throw .number }
            value = whole
        }
        guard (0...Self.largestCount).contains(value) else { throw .number }
        return value
    }

    /// The largest plausible count; sums of a few of them stay below the pipeline's own limit.
    @inlinable public static var largestCount: Int64 { 1 << 38 }

    /// The next value as a number, also one that is written as a text; nil when it is none.
    public mutating func numberOrText() throws(JSONScanError) -> Double? {
        skipSpace()
        guard position < end, base[position] == UInt8(ascii: "\"") else { return try number() }
        let start = position + 1
        try skipValue()
        let digits = UnsafeBufferPointer(start: base + start, count: max(0, position - 1 - start))
        guard digits.count <= 40, digits.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else {
            return nil
        }
        return Double(String(decoding: digits, as: UTF8.self))
    }

    /// The next value as a number; nil when it is none.
    @inlinable
    public mutating func number() throws(JSONScanError) -> Double? {
        skipSpace()
        let start = position
        try skipValue()
        guard position - start <= 40 else { return nil }
        return Double(
            String(decoding: UnsafeBufferPointer(start: base + start, count: position - start), as: UTF8.self)
        )
    }

    /// Skips the next value.
    @inlinable
    public mutating func skipValue() throws(JSONScanError) {
        skipSpace()
        guard position < end else { throw .cutOff }
        switch base[position] {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"), UInt8(ascii: "["): try skipContainer()
        default:
            while position < end, !Self.endsWord(base[position]) { position += 1 }
        }
    }

    @inlinable
    mutating func skipContainer() throws(JSONScanError) {
        var depth = 0
        while position < end {
            switch base[position] {
            case UInt8(ascii: "\""):
                _ = try string()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
            if depth == 0 { return }
        }
        throw .cutOff
    }

    /// The string at the cursor: searches the closing quote with `memchr`, and checks the backslashes before it.
    @inlinable @inline(__always)
    mutating func string() throws(JSONScanError) -> Text {
        guard base[position] == UInt8(ascii: "\"") else { throw .cutOff }
        let start = position + 1
        position = start
        while position < end, let found = memchr(base + position, 34, end - position) {
            let quote = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
            var slash = quote
            while slash > start, base[slash - 1] == UInt8(ascii: "\\") { slash -= 1 }
            position = quote + 1
            if (quote - slash) & 1 == 0 { return Text(bytes: LineBytes(base: base + start, count: quote - start)) }
        }
        throw .cutOff
    }

    /// Whether a byte cannot be part of a number or word.
    @inlinable @inline(__always)
    static func endsWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || byte <= 32
    }

    @inlinable @inline(__always)
    mutating func skipSpace() {
        while position < end, base[position] <= 32 { position += 1 }
    }
}
