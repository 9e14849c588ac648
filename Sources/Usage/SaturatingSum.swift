// SPDX-License-Identifier: Apache-2.0

extension Int64 {
    /// The sum, or the limit that it is beyond: figures come from outside, and a sum that cannot be held must not end the program.
    public func saturatingAdding(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    /// The difference, or the limit that it is beyond.
    public func saturatingSubtracting(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }

    /// The product, or the limit that it is beyond.
    public func saturatingMultiplied(by other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }

    /// The product divided by a number above zero, rounded to the nearest; 0 for another divisor, and the limit that it is beyond.
    public func scaled(by factor: Int64, over divisor: Int64) -> Int64 {
        guard divisor > 0 else { return 0 }
        let product = Int128(self) * Int128(factor)
        return Int64(clamping: (product + Int128(divisor) / (product < 0 ? -2 : 2)) / Int128(divisor))
    }
}
