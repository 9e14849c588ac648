// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Writing JSON straight into bytes.
extension [UInt8] {
    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { append(contentsOf: $0) }
    }

    /// Appends `"name":`, after a comma unless an object or array has just begun.
    mutating func append(key: StaticString) {
        if let last, last != UInt8(ascii: "{"), last != UInt8(ascii: "[") { append(",\"") } else { append("\"") }
        append(key)
        append("\":")
    }

    mutating func append(_ key: StaticString, text: String?) {
        guard let text else { return }
        append(key: key)
        append(jsonString: text)
    }

    mutating func append(_ key: StaticString, number: Int64) {
        append(key: key)
        append(decimal: number)
    }

    /// Appends a number unless it is zero.
    mutating func append(_ key: StaticString, count: Int64) {
        if count != 0 { append(key, number: count) }
    }

    mutating func append(_ key: StaticString, flag: Bool) {
        append(key: key)
        append(flag ? "true" : "false")
    }

    /// Appends a 64-bit hash as sixteen hexadecimal digits, unless it is zero.
    mutating func append(_ key: StaticString, hash: UInt64) {
        guard hash != 0 else { return }
        append(key: key)
        append(hash: hash)
    }

    /// Appends nanoseconds since 1970 in digits, quoted as in OTLP because they exceed what a double can tell.
    mutating func append(_ key: StaticString, unixNano time: Timestamp) {
        append(key: key)
        append(UInt8(ascii: "\""))
        append(decimal: time.nanoseconds)
        append(UInt8(ascii: "\""))
    }

    /// Appends an exact amount in dollars.
    mutating func append(_ key: StaticString, money: Money?) {
        guard let money else { return }
        append(key: key)
        let (whole, rest) = money.nanodollars.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        if money.nanodollars < 0 { append(UInt8(ascii: "-")) }
        append(decimal: whole)
        guard rest > 0 else { return }
        append(UInt8(ascii: "."))
        var (digits, divisor) = (rest, UInt64(100_000_000))
        while digits > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digits / divisor))
            digits %= divisor
            divisor /= 10
        }
    }

    mutating func append(hash: UInt64) {
        withUnsafeTemporaryAllocation(byteCount: 18, alignment: 1) { text in
            text[0] = UInt8(ascii: "\"")
            text[17] = UInt8(ascii: "\"")
            for place in 1...16 {
                let digit = UInt8(truncatingIfNeeded: hash >> UInt64(64 - 4 * place) & 15)
                text[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            }
            append(contentsOf: UnsafeRawBufferPointer(text))
        }
    }

    mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        append(decimal: number.magnitude)
    }

    mutating func append(decimal number: UInt64) {
        // Written from its end: to turn it round in the array would copy it out and in again.
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var (rest, place) = (number, digits.count)
            repeat {
                place -= 1
                digits[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            append(contentsOf: UnsafeRawBufferPointer(rebasing: digits[place...]))
        }
    }
}

/// The time of day as ISO 8601 writes it, for a clock that mostly shows the same second again.
struct ISOClock {
    private var second: Int64 = .min
    /// The quoted time as far as the point before the milliseconds.
    private var head: [UInt8] = []

    mutating func append(_ time: Timestamp, to bytes: inout [UInt8]) {
        let milliseconds = Swift.max(0, time.milliseconds)
        if milliseconds / 1_000 != second {
            second = milliseconds / 1_000
            head = Array("\"\(Timestamp(nanoseconds: time.nanoseconds).iso8601.dropLast(4))".utf8)
        }
        bytes += head
        let rest = milliseconds % 1_000
        for divisor: Int64 in [100, 10, 1] { bytes.append(UInt8(ascii: "0") + UInt8(rest / divisor % 10)) }
        bytes.append("Z\"")
    }
}
