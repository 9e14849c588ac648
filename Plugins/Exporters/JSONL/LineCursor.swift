// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Why a line cannot be read.
enum LineError: Error {
    /// It is not what this store writes.
    case malformed
    /// The bytes end before the part that is wanted.
    case incomplete
}

/// Reads the values of a line from front to back, as ``LineWriter`` writes them.
struct LineCursor {
    private var reader: JSONReader
    private let end: Int
    /// Where the member begins whose value is read.
    private(set) var memberStart = 0

    /// A longer word than any that can be cut off: `false`, or an escape.
    private static let longestWord = 6

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        reader = JSONReader(bytes, in: range)
        end = min(range.upperBound, bytes.count)
    }

    /// Where the next value is.
    var position: Int { reader.position }

    private mutating func read<Value>(
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(LineError) -> Value {
        do throws(JSONError) {
            return try body(&reader)
        } catch {
            throw error.offset + Self.longestWord > end ? .incomplete : .malformed
        }
    }

    /// Goes through an object.
    ///
    /// - Parameter body: Reads or skips the value of each member; returning `false` ends the reading there.
    mutating func members(_ body: (inout LineCursor, LineKey) throws(LineError) -> Bool) throws(LineError) {
        try read { reader throws(JSONError) in try reader.enterObject() }
        while let name = try read({ reader throws(JSONError) in try reader.nextKeyRange() }) {
            memberStart = name.lowerBound - 1
            guard try body(&self, LineKey(reader.bytes, name)) else { return }
        }
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
        try read { reader throws(JSONError) in try reader.enterArray() }
        while try read({ reader throws(JSONError) in try reader.nextElement() }) { try body(&self) }
    }

    /// Passes over a value of any kind.
    mutating func skip() throws(LineError) { try read { reader throws(JSONError) in try reader.skip() } }

    mutating func flag() throws(LineError) -> Bool {
        switch try read({ reader throws(JSONError) in try reader.value() }) {
        case .bool(let flag): return flag
        case .null, .number, .string, .array, .object: throw .malformed
        }
    }

    mutating func integer() throws(LineError) -> Int64 {
        let digits = try digits()
        guard let value = Self.integer(digits) else { throw .malformed }
        return value
    }

    /// The range of a number that has an end within the line.
    private mutating func digits() throws(LineError) -> ArraySlice<UInt8> {
        let range = try read { reader throws(JSONError) in try reader.numberRange() }
        guard range.upperBound < end else { throw .incomplete }
        return reader.bytes[range]
    }

    private static func integer(_ digits: ArraySlice<UInt8>) -> Int64? {
        let isNegative = digits.first == UInt8(ascii: "-")
        let rest = isNegative ? digits.dropFirst() : digits
        guard (1...19).contains(rest.count) else { return nil }
        var value: UInt64 = 0
        for byte in rest {
            guard (48...57).contains(byte) else { return nil }
            value = value * 10 + UInt64(byte - 48)
        }
        guard value <= UInt64(Int64.max) + (isNegative ? 1 : 0) else { return nil }
        return isNegative ? Int64(truncatingIfNeeded: 0 &- value) : Int64(value)
    }

    /// Reads a number of what can be counted.
    mutating func count() throws(LineError) -> Int64 {
        let value = try integer()
        guard value >= 0 else { throw .malformed }
        return value
    }

    /// Reads dollars exactly.
    mutating func money() throws(LineError) -> Money {
        let digits = try digits()
        let dollars = digits.prefix { $0 != UInt8(ascii: ".") }
        let fraction = digits.dropFirst(dollars.count + 1)
        guard let whole = Self.integer(dollars), fraction.count <= 9,
            let part = fraction.isEmpty ? 0 : Self.integer(fraction)
        else { throw .malformed }
        var nanodollars = Int128(part)
        for _ in fraction.count..<9 { nanodollars *= 10 }
        let isNegative = digits.first == UInt8(ascii: "-")
        guard let amount = Int64(exactly: Int128(whole) * 1_000_000_000 + (isNegative ? -nanodollars : nanodollars))
        else {
            throw .malformed
        }
        return Money(nanodollars: amount)
    }

    mutating func unixNano() throws(LineError) -> Timestamp {
        // No line that this program wrote has an instant before 1970.
        guard let value = Self.integer(reader.bytes[try string()]), value >= 0 else { throw .malformed }
        return Timestamp(nanoseconds: value)
    }

    mutating func hash() throws(LineError) -> UInt64 {
        let range = try string()
        guard range.count == 16 else { throw .malformed }
        var value: UInt64 = 0
        for byte in reader.bytes[range] {
            switch byte {
            case 48...57: value = value << 4 | UInt64(byte - 48)
            case 97...102: value = value << 4 | UInt64(byte - 87)
            default: throw .malformed
            }
        }
        return value
    }

    mutating func text() throws(LineError) -> String {
        try read { reader throws(JSONError) in try reader.string() }
    }

    /// Passes over a string; its range without the quotes.
    private mutating func string() throws(LineError) -> Range<Int> {
        try read { reader throws(JSONError) in try reader.stringRange() }
    }

    /// Reads the name of a source.
    mutating func source() throws(LineError) -> Observation.Source {
        let name = try text()
        guard let source = Observation.Source.allCases.first(where: { $0.name == name }) else { throw .malformed }
        return source
    }

    /// Reads pairs of first and last positions.
    mutating func ranges() throws(LineError) -> [ClosedRange<Int>] {
        var ranges: [ClosedRange<Int>] = []
        try array { cursor throws(LineError) in
            let pair = try cursor.integers()
            guard pair.count == 2, pair[0] >= 0, pair[0] <= pair[1], pair[1] <= Int64(Int32.max) else {
                throw .malformed
            }
            ranges.append(Int(pair[0])...Int(pair[1]))
        }
        return ranges
    }

    /// Reads an array of integers.
    mutating func integers() throws(LineError) -> [Int64] {
        var numbers: [Int64] = []
        try array { cursor throws(LineError) in numbers.append(try cursor.integer()) }
        return numbers
    }
}
