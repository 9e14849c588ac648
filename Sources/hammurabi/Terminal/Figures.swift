// SPDX-License-Identifier: Apache-2.0

import Usage

/// Numbers as people read them.
enum Figures {
    /// Dollars: two decimals from one dollar on, four below.
    static func money(_ amount: Money) -> String {
        let nano = amount.nanodollars
        if nano == 0 { return "$0.00" }
        if nano < 100_000 { return "<$0.0001" }
        if nano >= 1_000_000_000 {
            let cents = (nano + 5_000_000) / 10_000_000
            return "$\(grouped(cents / 100)).\(padded(cents % 100, 2))"
        }
        return "$0.\(padded(min(9_999, (nano + 50_000) / 100_000), 4))"
    }

    /// Tokens: every digit below a million, then `1.24M`.
    static func tokens(_ count: Int64) -> String {
        guard count >= 1_000_000 else { return grouped(count) }
        let (unit, name): (Int64, String) = count >= 1_000_000_000 ? (1_000_000_000, "B") : (1_000_000, "M")
        return "\(grouped(count / unit)).\(padded(count % unit * 100 / unit, 2))\(name)"
    }

    /// A whole number with a comma after every three digits.
    static func grouped(_ number: Int64) -> String {
        var digits = Array(String(number))
        var position = digits.count - 3
        while position > (number < 0 ? 1 : 0) {
            digits.insert(",", at: position)
            position -= 3
        }
        return String(digits)
    }

    /// A number with the word for what is counted: `1 call`, `1,200 calls`.
    static func counted(_ number: Int64, _ word: String) -> String {
        "\(grouped(number)) \(word)\(number == 1 ? "" : "s")"
    }

    /// A span of time in its largest unit: `45s`, `12m`, `3h 5m`, `2d 4h`.
    static func duration(milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds) / 1_000
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3_600 { return "\(seconds / 60)m" }
        if seconds < 86_400 { return "\(seconds / 3_600)h \(seconds % 3_600 / 60)m" }
        return "\(seconds / 86_400)d \(seconds % 86_400 / 3_600)h"
    }

    /// How long something took: `850ms`, `12.3s`, then as ``duration(milliseconds:)``.
    static func latency(milliseconds: Int64) -> String {
        if milliseconds < 1_000 { return "\(max(0, milliseconds))ms" }
        if milliseconds < 60_000 { return "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100)s" }
        return duration(milliseconds: milliseconds)
    }

    /// How long ago an instant was that is written in ISO 8601; the text itself when it is none.
    static func age(of instant: String, now: Timestamp) -> String {
        guard let time = Timestamp(iso8601: instant) else { return instant.printable }
        return duration(milliseconds: now.milliseconds - time.milliseconds) + " ago"
    }

    /// Tokens in a few signs: `812`, `41k`, `1.2M`.
    static func brief(_ count: Int64) -> String {
        if count < 1_000 { return String(count) }
        if count < 1_000_000 { return "\(count / 1_000)k" }
        let (unit, name): (Int64, String) = count >= 1_000_000_000 ? (1_000_000_000, "B") : (1_000_000, "M")
        return "\(grouped(count / unit)).\(count % unit / (unit / 10))\(name)"
    }

    /// Bytes in their largest unit: `812 B`, `35 MB`.
    static func bytes(_ count: Int64) -> String {
        for (unit, name) in [(Int64(1) << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] where count >= unit {
            return "\(grouped(count / unit)) \(name)"
        }
        return "\(max(0, count)) B"
    }

    /// Dollars with every decimal that matters, for programs.
    static func exact(_ amount: Money) -> String {
        let fraction = padded(amount.nanodollars % 1_000_000_000, 9)
        let kept = fraction.reversed().drop { $0 == "0" }.reversed()
        return "\(amount.nanodollars / 1_000_000_000)" + (kept.isEmpty ? "" : "." + String(kept))
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
