// SPDX-License-Identifier: Apache-2.0

import JSON

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A growing byte buffer for the writers of whole requests.
///
/// It manages its memory itself: in an array each store would check for uniqueness and bounds, which costs more than the
/// store. The rule that keeps this sound: `reserve` comes first, and `put` writes no more than was reserved. After the
/// capacity there are `slack` more bytes, so that short pieces can be stored as whole words.
struct ByteSink: ~Copyable, Sendable {
    nonisolated(unsafe) private var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    /// The widest store is a field's label, four words.
    private static let slack = 32

    init(capacity: Int = 64) {
        self.capacity = capacity
        base = Self.checked(malloc(capacity + Self.slack))
    }

    deinit { free(base) }

    /// A program without memory cannot continue, as with arrays.
    private static func checked(_ memory: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer {
        guard let memory else { preconditionFailure("no memory is left") }
        return memory
    }

    /// The bytes written so far.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// The bytes written.
    func finish() -> [UInt8] { [UInt8](bytes) }

    mutating func truncate(to newCount: Int) { count = min(newCount, count) }

    /// Reserves room for bytes.
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if capacity &- count < more { grow(more) }
    }

    /// A large buffer grows by half, in place: the allocator moves its pages and copies nothing.
    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(count + more, capacity < 8 << 20 ? capacity * 2 : capacity / 2 * 3)
        base = Self.checked(realloc(base, capacity + Self.slack))
    }
}

/// Writing into reserved room.
extension ByteSink {
    @inline(__always)
    mutating func put(_ byte: UInt8) {
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// The first `length` bytes of a word, of which the lowest comes first.
    @inline(__always)
    mutating func put(_ word: UInt64, _ length: Int = 8) {
        base.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= length
    }

    @inline(__always)
    mutating func put(_ label: JSONLabel) {
        base.storeBytes(of: label.words, toByteOffset: count, as: SIMD4<UInt64>.self)
        count &+= label.length
    }

    @inline(__always)
    mutating func putVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    /// A range of bytes; a short one is copied word by word, if the bytes after it may be read.
    @inline(__always)
    mutating func put(_ source: RawSpan, _ range: Range<Int>) {
        let length = range.count
        if length <= 24, range.lowerBound &+ 24 <= source.byteCount {
            var offset = 0
            repeat {
                let word = source.word(range.lowerBound &+ offset)
                base.storeBytes(of: word.littleEndian, toByteOffset: count &+ offset, as: UInt64.self)
                offset &+= 8
            } while offset < length
        } else {
            source.withUnsafeBytes { source in
                guard let start = source.baseAddress, length > 0 else { return }
                (base + count).copyMemory(from: start + range.lowerBound, byteCount: length)
            }
        }
        count &+= length
    }

    /// Replaces a byte that was written before.
    @inline(__always)
    mutating func setByte(at index: Int, to byte: UInt8) {
        precondition(index >= 0 && index < count, "only what was written can be replaced")
        base.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
    }
}

/// Writing that makes its own room.
extension ByteSink {
    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        put(byte)
    }

    @inline(__always)
    mutating func append(_ source: RawSpan, _ range: Range<Int>) {
        reserve(range.count)
        put(source, range)
    }

    mutating func append(_ source: RawSpan) { append(source, 0..<source.byteCount) }

    mutating func append(_ source: StaticString) { source.withUTF8Buffer { append($0.span.bytes) } }

    mutating func append(_ source: ArraySlice<UInt8>) { append(source.span.bytes) }

    mutating func append(string text: String) {
        var text = text
        text.withUTF8 { append($0.span.bytes) }
    }

    @inline(__always)
    mutating func varint(_ value: UInt64) {
        reserve(10)
        if value < 0x80 { put(UInt8(truncatingIfNeeded: value)) } else { putVarint(value) }
    }

    @inline(__always)
    mutating func fixed64(_ value: UInt64) {
        reserve(8)
        put(value)
    }

    mutating func fixed32(_ value: UInt32) {
        reserve(8)
        put(UInt64(value), 4)
    }

    /// Leaves room for a length prefix; `closeLength` fills it in.
    @inline(__always)
    mutating func openLength() -> Int {
        append(0)
        return count
    }

    /// Writes the length of everything since `start` before it, and moves it if one byte is not enough.
    @inline(__always)
    mutating func closeLength(from start: Int) {
        let length = count &- start
        if length < 0x80 {
            setByte(at: start &- 1, to: UInt8(truncatingIfNeeded: length))
        } else {
            closeLongLength(from: start)
        }
    }

    @inline(never)
    private mutating func closeLongLength(from start: Int) {
        let length = count - start
        let extra = Wire.varintLength(UInt64(length)) - 1
        reserve(extra)
        (base + start + extra).copyMemory(from: base + start, byteCount: length)
        count = start - 1
        putVarint(UInt64(length))
        count = start + extra + length
    }
}

// MARK: - JSON

extension ByteSink {
    /// Appends a JSON string; invalid UTF-8 is replaced by U+FFFD.
    mutating func quoted(_ bytes: RawSpan, _ range: Range<Int>) {
        reserve(range.count &+ 2)
        put(UInt8(ascii: "\""))
        escaped(bytes, range)
        reserve(1)
        put(UInt8(ascii: "\""))
    }

    mutating func quoted(_ text: ArraySlice<UInt8>) { quoted(text.span.bytes, 0..<text.count) }

    mutating func quoted(_ text: String) { quoted(Array(text.utf8)[...]) }

    /// Appends text with the characters escaped that JSON forbids; copies and searches them in one pass over whole words.
    @inline(__always)
    mutating func escaped(_ bytes: RawSpan, _ range: Range<Int>) {
        reserve(range.count)
        var position = range.lowerBound
        while position &+ 8 <= range.upperBound {
            let word = bytes.word(position)
            put(word)
            guard word.specialBytes(orAlso: word) == 0 else { return rest(bytes, range, from: position) }
            position &+= 8
        }
        let left = range.upperBound &- position
        guard left > 0 else { return }
        guard position &+ 8 <= bytes.byteCount else { return rest(bytes, range, from: position, stored: 0) }
        let word = bytes.word(position)
        let mask = UInt64.max >> UInt64(64 &- 8 &* left)
        guard word.specialBytes(orAlso: word) & mask == 0 else { return rest(bytes, range, from: position, stored: 0) }
        put(word, left)
    }

    /// Continues at a word with a special character, or one that cannot be read as a whole.
    @inline(never)
    private mutating func rest(_ bytes: RawSpan, _ range: Range<Int>, from start: Int, stored: Int = 8) {
        truncate(to: count &- stored)
        let isASCII = !(start..<range.upperBound).contains { bytes.byte($0) >= 0x80 }
        if isASCII || bytes.extracting(start..<range.upperBound).isValidUTF8 {
            return escapedValid(bytes, start..<range.upperBound)
        }
        // Only whole ASCII words were copied so far, so a sequence cannot have begun in them.
        let text = bytes.extracting(start..<range.upperBound).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let repaired = Array(text.utf8)
        escapedValid(repaired.span.bytes, 0..<repaired.count)
    }

    private mutating func escapedValid(_ bytes: RawSpan, _ range: Range<Int>) {
        var position = range.lowerBound
        while position < range.upperBound {
            let next = min(bytes.nextSpecial(position), range.upperBound)
            append(bytes, position..<next)
            position = next
            guard position < range.upperBound else { return }
            escape(bytes.byte(position))
            position &+= 1
        }
    }

    private mutating func escape(_ byte: UInt8) {
        reserve(6)
        put(UInt8(ascii: "\\"))
        if let letter = JSONEscapes.letter(for: byte) {
            put(letter)
        } else {
            let (high, low) = JSONEscapes.digits(of: byte)
            append("u00")
            put(high)
            put(low)
        }
    }
}

extension UInt64 {
    /// The highest bit of each byte that JSON does not allow unescaped in a string (quote, backslash, control characters), and of
    /// each byte that has that bit in `other`.
    ///
    /// The lowest bit set is exact. Bits above it may be false: the subtractions borrow.
    @inline(__always)
    func specialBytes(orAlso other: UInt64 = 0) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = self ^ (ones &* 0x22)
        let backslash = self ^ (ones &* 0x5c)
        let hits = (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (self &- ones &* 0x20) & ~self
        return (hits | other) & (ones &* 0x80)
    }
}

extension RawSpan {
    /// One byte; the caller has checked that it exists.
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 { unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self) }

    var isValidUTF8: Bool {
        withUnsafeBytes { bytes in
            let bytes = bytes.bindMemory(to: UInt8.self)
            return (try? UTF8Span(validating: bytes.span)) != nil
        }
    }
}

// MARK: - Numbers

extension ByteSink {
    /// The longest number: `-1.7976931348623157e+308` has 24 characters.
    private static let longestNumber = 24

    /// Appends a number in decimal digits, two at a time from the end.
    mutating func decimal(_ value: UInt64) {
        reserve(Self.longestNumber)
        let length = value.decimalDigits
        var rest = value
        if length > 16 {
            let (high, low) = rest.quotientAndRemainder(dividingBy: 10_000_000_000_000_000)
            put(Digits.upTo4(high), length &- 16)
            put(Digits.eight(low / 100_000_000))
            return put(Digits.eight(low % 100_000_000))
        }
        if length > 8 {
            let (high, low) = rest.quotientAndRemainder(dividingBy: 100_000_000)
            put(Digits.eight(high) >> UInt64(8 &* (16 &- length)), length &- 8)
            return put(Digits.eight(low))
        }
        rest = Digits.eight(rest) >> UInt64(8 &* (8 &- length))
        put(rest, length)
    }

    mutating func decimal(_ value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        decimal(value.magnitude)
    }

    /// Appends a double; JSON has no literals for non-finite numbers, so these become strings.
    mutating func double(_ value: Double) {
        if value.isFinite {
            if !shortDecimal(value) { append(string: value.description) }
        } else if value.isNaN {
            append("\"NaN\"")
        } else {
            append(value < 0 ? "\"-Infinity\"" : "\"Infinity\"")
        }
    }

    /// Appends a number of at most nine decimals and fifteen digits as `description` would; `false` for any other number.
    ///
    /// No two such numbers are the same double, so that the one that divides back to the value is its shortest form.
    private mutating func shortDecimal(_ value: Double) -> Bool {
        let magnitude = value.magnitude
        guard magnitude < 1e6, magnitude >= 1e-4 || value.bitPattern == 0 else { return false }
        let scaled = (magnitude * 1e9).rounded()
        guard scaled / 1e9 == magnitude, let digits = UInt64(exactly: scaled) else { return false }
        if value < 0 { append(UInt8(ascii: "-")) }
        let (whole, fraction) = digits.quotientAndRemainder(dividingBy: 1_000_000_000)
        decimal(whole)
        reserve(Self.longestNumber)
        put(UInt8(ascii: "."))
        let (first, rest) = fraction.quotientAndRemainder(dividingBy: 10)
        let start = count
        put(Digits.eight(first))
        put(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest))
        var end = count
        while end > start &+ 1, bytes[end &- 1] == UInt8(ascii: "0") { end &-= 1 }
        truncate(to: end)
        return true
    }
}

/// Decimal digits as bytes of a word, the first one lowest.
private enum Digits {
    /// Eight digits of a number below 10⁸, by splitting all halves, quarters and eighths at once.
    @inline(__always)
    static func eight(_ value: UInt64) -> UInt64 {
        let halves = value / 10_000 | (value % 10_000) << 32
        // x / 100 and x / 10 as multiplications, exact below 10⁴ and 10².
        let hundreds = (halves &* 10_486) >> 20 & 0x0000_007f_0000_007f
        let quarters = hundreds | (halves &- hundreds &* 100) << 16
        let tens = (quarters &* 103) >> 10 & 0x000f_000f_000f_000f
        return (tens | (quarters &- tens &* 10) << 8) | 0x3030_3030_3030_3030
    }

    /// The digits of a number below 10⁴ without leading zeros.
    @inline(__always)
    static func upTo4(_ value: UInt64) -> UInt64 {
        eight(value) >> UInt64(8 &* (8 &- value.decimalDigits))
    }
}

extension UInt64 {
    /// The number of decimal digits.
    @inline(__always)
    fileprivate var decimalDigits: Int {
        // log₁₀ 2 as 1233 / 4096 gives the number of digits or one less.
        let estimate = ((64 &- (self | 1).leadingZeroBitCount) &* 1233) >> 12
        return estimate &+ (self >= Self.powersOfTen[estimate] ? 1 : 0)
    }

    /// 10⁰ is 0 here, so that zero has one digit.
    private static let powersOfTen: InlineArray<20, UInt64> = [
        0, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]
}
