// SPDX-License-Identifier: Apache-2.0

/// A decimal number in the grammar of JSON, parsed without rounding when it is whole.
struct DecimalNumber {
    /// The digits without the point and leading zeros, as many as fit; `excess` counts the others.
    private var digits: UInt64 = 0
    private var excess = 0
    private var hasLostDigits = false
    private var exponent = 0
    private(set) var isNegative = false
    private(set) var end: Int

    /// Reads a number at the start of a range; `nil` if there is none.
    init?(_ bytes: RawSpan, _ range: Range<Int>) {
        end = range.lowerBound
        func peek(_ position: Int) -> UInt8 {
            position < range.upperBound ? bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self) : 0
        }
        if peek(end) == UInt8(ascii: "-") {
            isNegative = true
            end += 1
        }
        let first = end
        while let digit = Self.digit(peek(end)) {
            add(digit)
            end += 1
        }
        guard end > first, end == first + 1 || peek(first) != UInt8(ascii: "0") else { return nil }
        if peek(end) == UInt8(ascii: ".") {
            let point = end + 1
            end = point
            while let digit = Self.digit(peek(end)) {
                add(digit)
                exponent -= 1
                end += 1
            }
            guard end > point else { return nil }
        }
        guard peek(end) | 0x20 == UInt8(ascii: "e") else { return }
        end += 1
        let isSmall = peek(end) == UInt8(ascii: "-")
        if isSmall || peek(end) == UInt8(ascii: "+") { end += 1 }
        let start = end
        var power = 0
        while let digit = Self.digit(peek(end)) {
            power = min(power * 10 + Int(digit), 1_000_000)
            end += 1
        }
        guard end > start else { return nil }
        exponent += isSmall ? -power : power
    }

    /// The absolute value if it is whole and fits 64 bits.
    var magnitude: UInt64? {
        guard !hasLostDigits else { return nil }
        if digits == 0 { return 0 }
        var value = digits
        var power = exponent + excess
        while power < 0 {
            guard value % 10 == 0 else { return nil }
            value /= 10
            power += 1
        }
        while power > 0 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            value = product
            power -= 1
        }
        return value
    }

    /// The value if it is whole and fits 64 bits.
    var integer: Int64? {
        guard let magnitude else { return nil }
        guard isNegative else { return Int64(exactly: magnitude) }
        return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }

    /// The value if digits and power of ten are both exact doubles, so that one operation rounds correctly.
    var exactDouble: Double? {
        guard excess == 0, digits <= 1 << 53, (-22...22).contains(exponent) else { return nil }
        let power = Self.powersOfTen[abs(exponent)]
        let value = exponent < 0 ? Double(digits) / power : Double(digits) * power
        return isNegative ? -value : value
    }

    private mutating func add(_ digit: UInt8) {
        let (product, overflow) = digits.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
        guard !overflow, !carry, excess == 0 else {
            excess += 1
            hasLostDigits = hasLostDigits || digit != 0
            return
        }
        digits = sum
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        let digit = byte &- UInt8(ascii: "0")
        return digit < 10 ? digit : nil
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}

extension DecimalNumber {
    /// A whole number that is the whole text.
    static func integer(_ text: ArraySlice<UInt8>) -> Int64? {
        let bytes = text.span.bytes
        guard let number = DecimalNumber(bytes, 0..<bytes.byteCount), number.end == bytes.byteCount else { return nil }
        return number.integer
    }

    /// A finite number that is the whole text.
    static func double(_ text: ArraySlice<UInt8>) -> Double? {
        let bytes = text.span.bytes
        guard let number = DecimalNumber(bytes, 0..<bytes.byteCount), number.end == bytes.byteCount else { return nil }
        return number.double(bytes, from: 0)
    }

    /// The nearest double; `nil` if that would be infinite.
    ///
    /// `bytes` must be those it was parsed from.
    func double(_ bytes: RawSpan, from start: Int) -> Double? {
        if let exactDouble { return exactDouble }
        let text = bytes.extracting(start..<end).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }
}
