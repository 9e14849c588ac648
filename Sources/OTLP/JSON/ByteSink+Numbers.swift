// SPDX-License-Identifier: Apache-2.0

extension ByteSink {
    /// The longest number: `-1.7976931348623157e+308` has 24 characters.
    static let longestNumber = 24

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

    /// Appends a double; JSON has no literals for what is not finite, so that becomes a string.
    mutating func double(_ value: Double) {
        if value.isFinite {
            if !shortDecimal(value) { append(string: value.description) }
        } else if value.isNaN {
            append("\"NaN\"")
        } else {
            append(value < 0 ? "\"-Infinity\"" : "\"Infinity\"")
        }
    }

    /// Appends a number of at most nine decimals and fifteen digits as `description` would; `false` if it is none.
    ///
    /// Two such numbers are never the same double, so the one that divides back to the value is its shortest spelling.
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
    /// How many digits it takes.
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
