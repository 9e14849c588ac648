// SPDX-License-Identifier: Apache-2.0

/// Reads and writes decimal numbers as scaled integers, without going through binary fractions.
enum DecimalText {
    /// The number times ten to the power of `scale`, rounded half to even; nil when the text is not an unsigned decimal
    /// number (with an optional exponent) or the result does not fit.
    static func scaled(_ text: some Sequence<UInt8>, by scale: Int) -> Int64? {
        guard let number = parse(text) else { return nil }
        return number.scaled(by: scale)
    }

    /// Whether a text is an unsigned decimal number, however large.
    static func isNumber(_ text: some Sequence<UInt8>) -> Bool { parse(text) != nil }

    /// The decimal text of `units` times ten to the power of minus `scale`; units must not be negative.
    static func text(_ units: Int64, scale: Int) -> String {
        let digits = String(units)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        let whole = padded.dropLast(scale)
        let fraction = padded.suffix(scale)
        guard let last = fraction.lastIndex(where: { $0 != "0" }) else { return String(whole) }
        return "\(whole).\(fraction[...last])"
    }

    private struct Number {
        var mantissa: Int128 = 0
        /// The power of ten of the mantissa's last digit.
        var exponent = 0
        /// Whether digits other than zero were left out behind the mantissa.
        var isCut = false

        mutating func append(_ digit: UInt8, isFraction: Bool) {
            // Thirty digits keep the mantissa far below the limit of 128 bits.
            if mantissa < 100_000_000_000_000_000_000_000_000_000 {
                mantissa = mantissa * 10 + Int128(digit)
                if isFraction { exponent -= 1 }
            } else {
                isCut = isCut || digit != 0
                if !isFraction { exponent += 1 }
            }
        }

        func scaled(by scale: Int) -> Int64? {
            guard mantissa != 0 else { return 0 }
            var (value, power) = (mantissa, exponent + scale)
            while power > 0 {
                guard value <= Int128(Int64.max) else { return nil }
                value *= 10
                power -= 1
            }
            guard power < 0 else { return Int64(exactly: value) }
            guard power >= -30 else { return 0 }
            var divisor: Int128 = 1
            for _ in 0..<(-power) { divisor *= 10 }
            return Int64(exactly: value.dividedHalfToEven(by: divisor, remainderIsCut: isCut))
        }
    }

    private static func parse(_ text: some Sequence<UInt8>) -> Number? {
        var (number, digits, isFraction) = (Number(), 0, false)
        var (exponent, exponentDigits, isNegative) = (0, 0, false)
        var part = Part.mantissa
        for byte in text {
            switch (part, byte) {
            case (.mantissa, UInt8(ascii: "0")...UInt8(ascii: "9")):
                number.append(byte - UInt8(ascii: "0"), isFraction: isFraction)
                digits += 1
                guard digits <= 400 else { return nil }
            case (.mantissa, UInt8(ascii: ".")) where !isFraction && digits > 0:
                isFraction = true
            case (.mantissa, UInt8(ascii: "e")) where digits > 0, (.mantissa, UInt8(ascii: "E")) where digits > 0:
                part = .sign
            case (.sign, UInt8(ascii: "-")), (.sign, UInt8(ascii: "+")):
                isNegative = byte == UInt8(ascii: "-")
                part = .exponent
            case (.sign, UInt8(ascii: "0")...UInt8(ascii: "9")), (.exponent, UInt8(ascii: "0")...UInt8(ascii: "9")):
                part = .exponent
                exponent = exponent * 10 + Int(byte - UInt8(ascii: "0"))
                exponentDigits += 1
                guard exponent <= 400 else { return nil }
            default:
                return nil
            }
        }
        guard digits > 0, part == .mantissa || exponentDigits > 0 else { return nil }
        number.exponent += isNegative ? -exponent : exponent
        return number
    }

    private enum Part { case mantissa, sign, exponent }
}

extension Int128 {
    /// The quotient rounded to the nearest integer, ties to the even one; both numbers must be positive or zero.
    ///
    /// `remainderIsCut` says that the true dividend is a little larger, which breaks a tie upwards.
    func dividedHalfToEven(by divisor: Int128, remainderIsCut: Bool = false) -> Int128 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        let rest = divisor - remainder
        if remainder > rest || (remainder == rest && (remainderIsCut || quotient % 2 != 0)) { return quotient + 1 }
        return quotient
    }
}
