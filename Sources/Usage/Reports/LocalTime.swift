// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Writes instants as the clocks of a time zone show them.
public struct LocalTime: Sendable {
    private let calendar: Calendar

    /// A clock of a time zone; nil when no zone has this name.
    public init?(timezone: String) {
        guard let zone = TimeZone.named(timezone) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        self.calendar = calendar
    }

    /// The date and the time of day, such as `2026-11-22 14:05`.
    public func text(_ time: Timestamp) -> String {
        let parts = parts(time)
        return [parts.year, parts.month, parts.day].map(Self.padded).joined(separator: "-") + " " + clock(time)
    }

    /// The time of day alone, such as `14:05`.
    public func clock(_ time: Timestamp) -> String {
        let parts = parts(time)
        return "\(Self.padded(parts.hour)):\(Self.padded(parts.minute))"
    }

    private func parts(_ time: Timestamp) -> DateComponents {
        let seconds = Double(time.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000).quotient)
        return calendar.dateComponents(
            [.year, .month, .day, .hour, .minute],
            from: Date(timeIntervalSince1970: seconds)
        )
    }

    private static func padded(_ number: Int?) -> String {
        let digits = String(number ?? 0)
        return digits.utf8.count < 2 ? "0" + digits : digits
    }
}

extension TimeZone {
    /// The zone of a name; `local` is the machine's own, and UTC where the machine says nothing that is known.
    static func named(_ name: String) -> TimeZone? {
        guard name == "local" else { return TimeZone(identifier: name) }
        return TimeZone(identifier: TimeZone.current.identifier) ?? TimeZone(identifier: "UTC")
    }
}
