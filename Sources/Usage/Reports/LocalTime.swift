// SPDX-License-Identifier: Apache-2.0

/// Writes instants as the clocks of a time zone show them.
public struct LocalTime: Sendable {
    private let zone: TimeZoneRules

    /// A clock of a time zone; nil when no zone has this name.
    public init?(timezone: String) {
        guard let zone = TimeZoneRules.named(timezone) else { return nil }
        self.zone = zone
    }

    /// The date and the time of day, such as `2026-11-22 14:05`.
    public func text(_ time: Timestamp) -> String {
        TimeZoneRules.Day(number: zone.day(at: time)).text + " " + clock(time)
    }

    /// The time of day alone, such as `14:05`.
    public func clock(_ time: Timestamp) -> String {
        let minute = zone.minute(at: time)
        return "\(Self.padded(minute / 60)):\(Self.padded(minute % 60))"
    }

    private static func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
}
