// SPDX-License-Identifier: Apache-2.0

import Usage

/// Why a line cannot be read.
enum LineError: Error {
    /// It is not what this store writes.
    case malformed
    /// The bytes end before the part that is wanted.
    case incomplete
}

/// Reads JSON from front to back, without making a tree of it.
struct LineCursor {
    private let bytes: [UInt8]
    private(set) var position: Int
    /// Where the member begins whose value is read.
    private(set) var memberStart = 0
    private let end: Int
    private var depth = 0

    /// How deep values may be nested.
    private static let deepest = 64

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = min(range.upperBound, bytes.count)
    }

    /// The next byte that is no white space; stays in front of it.
    private mutating func peek() throws(LineError) -> UInt8 {
        while position < end {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x09 || byte == 0x0D else { return byte }
            position += 1
        }
        throw .incomplete
    }

    private mutating func take(_ expected: Unicode.Scalar) throws(LineError) {
        guard try peek() == UInt8(ascii: expected) else { throw .malformed }
        position += 1
    }

    /// Goes through an object.
    ///
    /// - Parameter body: Reads or skips the value of each member; returning `false` ends the reading there.
    mutating func members(_ body: (inout LineCursor, LineKey) throws(LineError) -> Bool) throws(LineError) {
        try take("{")
        try descend()
        if try peek() == UInt8(ascii: "}") {
            position += 1
        } else {
            while true {
                _ = try peek()
                memberStart = position
                let (name, isEscaped) = try string()
                let key = isEscaped ? .other : LineKey(bytes, name)
                try take(":")
                guard try body(&self, key) else { return }
                guard try peek() == UInt8(ascii: ",") else { break }
                position += 1
            }
            try take("}")
        }
        depth -= 1
    }

    /// Goes through a whole object.
    mutating func object(_ body: (inout LineCursor, LineKey) throws(LineError) -> Void) throws(LineError) {
        try members { cursor, key throws(LineError) in
            try body(&cursor, key)
            return true
        }
    }

    /// Goes through an array; `body` reads each element.
    mutating func array(_ body: (inout LineCursor) throws(LineError) -> Void) throws(LineError) {
        try take("[")
        try descend()
        if try peek() == UInt8(ascii: "]") {
            position += 1
        } else {
            while true {
                try body(&self)
                guard try peek() == UInt8(ascii: ",") else { break }
                position += 1
            }
            try take("]")
        }
        depth -= 1
    }

    private mutating func descend() throws(LineError) {
        depth += 1
        guard depth <= Self.deepest else { throw .malformed }
    }

    /// Passes over a value of any kind.
    mutating func skip() throws(LineError) {
        switch try peek() {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try object { cursor, _ throws(LineError) in try cursor.skip() }
        case UInt8(ascii: "["): try array { cursor throws(LineError) in try cursor.skip() }
        default:
            let start = position
            while position < end, !Self.isDelimiter(bytes[position]) { position += 1 }
            guard position < end else { throw .incomplete }
            guard position > start else { throw .malformed }
        }
    }

    private static func isDelimiter(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || byte == 0x20
    }

    mutating func flag() throws(LineError) -> Bool {
        let start = try peek()
        try skip()
        switch start {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: throw .malformed
        }
    }

    mutating func integer() throws(LineError) -> Int64 {
        let isNegative = try peek() == UInt8(ascii: "-")
        if isNegative { position += 1 }
        guard let value = Int64(exactly: Int128(try digits()) * (isNegative ? -1 : 1)) else { throw .malformed }
        guard position < end else { throw .incomplete }
        return value
    }

    /// Reads a number of what can be counted.
    mutating func count() throws(LineError) -> Int64 {
        let value = try integer()
        guard value >= 0 else { throw .malformed }
        return value
    }

    private mutating func digits() throws(LineError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        while position < end, (48...57).contains(bytes[position]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[position] - 48))
            guard !overflow, !carry else { throw .malformed }
            value = sum
            position += 1
        }
        guard position > start else { throw position < end ? .malformed : .incomplete }
        return value
    }

    /// Reads dollars exactly.
    mutating func money() throws(LineError) -> Money {
        let isNegative = try peek() == UInt8(ascii: "-")
        if isNegative { position += 1 }
        var value = Int128(try digits()) * 1_000_000_000
        guard position < end else { throw .incomplete }
        if bytes[position] == UInt8(ascii: ".") {
            position += 1
            let start = position
            var rest = try digits()
            let places = position - start
            guard places <= 9 else { throw .malformed }
            for _ in places..<9 { rest *= 10 }
            value += Int128(rest)
        }
        guard let amount = Int64(exactly: isNegative ? -value : value) else { throw .malformed }
        guard position < end else { throw .incomplete }
        return Money(nanodollars: amount)
    }

    mutating func unixNano() throws(LineError) -> Timestamp {
        let range = try string().range
        var inner = LineCursor(bytes, range.lowerBound..<range.upperBound + 1)
        let value = try inner.integer()
        // No line that this program wrote has an instant before 1970.
        guard inner.position == range.upperBound, value >= 0 else { throw .malformed }
        return Timestamp(nanoseconds: value)
    }

    mutating func hash() throws(LineError) -> UInt64 {
        let range = try string().range
        guard range.count == 16 else { throw .malformed }
        var value: UInt64 = 0
        for byte in bytes[range] {
            switch byte {
            case 48...57: value = value << 4 | UInt64(byte - 48)
            case 97...102: value = value << 4 | UInt64(byte - 87)
            default: throw .malformed
            }
        }
        return value
    }

    mutating func text() throws(LineError) -> String {
        let (range, isEscaped) = try string()
        if !isEscaped { return String(decoding: bytes[range], as: UTF8.self) }
        return try unescaped(range)
    }

    /// Passes over a string; its bytes without the quotes, and whether there are escapes in it.
    private mutating func string() throws(LineError) -> (range: Range<Int>, isEscaped: Bool) {
        try take("\"")
        let start = position
        var isEscaped = false
        while position < end {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return (start..<position - 1, isEscaped)
            case UInt8(ascii: "\\"):
                isEscaped = true
                position += 2
            case 0..<0x20: throw .malformed
            default: position += 1
            }
        }
        throw .incomplete
    }

    /// The text of a string with the escapes that ``Swift/Array/append(quoted:)`` writes.
    private func unescaped(_ range: Range<Int>) throws(LineError) -> String {
        var text: [UInt8] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let byte = bytes[position]
            position += 1
            guard byte == UInt8(ascii: "\\"), position < range.upperBound else {
                text.append(byte)
                continue
            }
            let escape = bytes[position]
            position += 1
            switch escape {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "u"):
                let digits = bytes[position..<min(position + 4, range.upperBound)]
                guard let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 16), code < 0x80 else {
                    throw .malformed
                }
                text.append(code)
                position += 4
            default: text.append(escape)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
