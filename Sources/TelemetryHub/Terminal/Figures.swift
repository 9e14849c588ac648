// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Formats numbers for people.
enum Figures {
    /// Dollars with two decimals, as the dashboard shows them.
    ///
    /// Less than half a cent is `<$0.01`.
    static func money(_ amount: Money) -> String {
        let nano = amount.nanodollars
        if nano > 0, nano < 5_000_000 { return "<$0.01" }
        let cents = nano / 10_000_000 + (nano % 10_000_000 >= 5_000_000 ? 1 : 0)
        return "$\(grouped(cents / 100)).\(padded(cents % 100, 2))"
    }

    /// What a single call cost: four decimals below a dollar, because most calls cost less than a cent.
    static func callMoney(_ amount: Money) -> String {
        let nano = amount.nanodollars
        if nano == 0 || nano >= 999_950_000 { return money(amount) }
        return nano < 100_000 ? "<$0.0001" : "$0.\(padded((nano + 50_000) / 100_000, 4))"
    }

    /// What the state of a session is called: one without recent telemetry, and one that its agent completed, have ended.
    static func sessionState(_ status: String) -> String { ["active", "idle"].contains(status) ? status : "ended" }

    /// Tokens: every digit below a million, then three: `1.24M`, `12.4M`, `124M`.
    static func tokens(_ count: Int64) -> String {
        guard count >= 1_000_000 else { return grouped(count) }
        let units: [(Int64, String)] = [(1_000_000_000_000, "T"), (1_000_000_000, "B"), (1_000_000, "M")]
        // A value that would be rounded to 1,000 is shown in the next unit.
        let (unit, name) = units.first { count >= $0.0 / 2_000 * 1_999 } ?? (1_000_000, "M")
        for decimals in [2, 1] {
            let step = unit / (decimals == 2 ? 100 : 10)
            let steps = count / step + (count % step * 2 >= step ? 1 : 0)
            if steps < 1_000 {
                let (whole, rest) = steps.quotientAndRemainder(dividingBy: unit / step)
                return "\(whole).\(padded(rest, decimals))\(name)"
            }
        }
        return "\(grouped(count / unit + (count % unit * 2 >= unit ? 1 : 0)))\(name)"
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

    /// A duration, truncated to its largest units, as in the dashboard: `420ms`, `4.2s`, `45s`, `12m`, `3h 05m`, `2d 4h`.
    static func duration(milliseconds: Int64) -> String {
        let milliseconds = max(0, milliseconds)
        if milliseconds == 0 { return "0s" }
        if milliseconds < 1_000 { return "\(milliseconds)ms" }
        let seconds = milliseconds / 1_000
        if seconds < 10 { return "\(seconds).\(milliseconds % 1_000 / 100)s" }
        if seconds < 60 { return "\(seconds)s" }
        if seconds < 3_600 { return "\(seconds / 60)m" }
        if seconds < 86_400 { return "\(seconds / 3_600)h \(padded(seconds % 3_600 / 60, 2))m" }
        return "\(seconds / 86_400)d \(seconds % 86_400 / 3_600)h"
    }

    /// The uptime of a program, as ``duration(milliseconds:)``.
    static func uptime(seconds: Int64) -> String { duration(milliseconds: seconds.saturatingMultiplied(by: 1_000)) }

    /// The age of an ISO 8601 time in one unit, as in the dashboard; any other text unchanged.
    static func age(of instant: String, now: Timestamp) -> String {
        guard let time = Timestamp(iso8601: instant) else { return instant.printable }
        let seconds = max(0, now.milliseconds - time.milliseconds) / 1_000
        if seconds < 5 { return "just now" }
        if seconds < 60 { return "\(seconds)s ago" }
        if seconds < 3_600 { return "\(seconds / 60)m ago" }
        return seconds < 86_400 ? "\(seconds / 3_600)h ago" : "\(seconds / 86_400)d ago"
    }

    /// Tokens in a few characters: `812`, `41k`, `1.2M`.
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

    /// Dollars with all significant decimals, for programs.
    static func exact(_ amount: Money) -> String { JSONNumber(billionths: amount.nanodollars).text }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
