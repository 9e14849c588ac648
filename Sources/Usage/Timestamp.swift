// SPDX-License-Identifier: Apache-2.0

/// An instant in UTC as nanoseconds since 1970, the unit of OTLP; years 1970 to 2261.
public struct Timestamp: Sendable, Hashable, Comparable, Codable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var nanoseconds: Int64

    /// Creates an instant from nanoseconds since 1970.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The last instant of 2261.
    ///
    /// Nothing from outside is later, so that to add days to an instant cannot overflow: 64 bits end in April 2262.
    public static let latest = Timestamp(nanoseconds: 9_214_646_399_999_999_999)

    /// Creates an instant from OTLP's unsigned nanoseconds; nil for zero (not set) and for instants after ``latest``.
    public init?(unixNano: UInt64) {
        guard unixNano != 0, let value = Int64(exactly: unixNano), value <= Self.latest.nanoseconds else { return nil }
        nanoseconds = value
    }

    /// Creates an instant from what a clock of the system shows, seconds and nanoseconds since 1970.
    ///
    /// A clock can be wrong by centuries (a board without a battery begins in 1970, or before): it then shows the second day of 1970 or
    /// the last but one of 2261, so that today is a day of these years in every time zone.
    public init(clockSeconds seconds: Int64, nanoseconds: Int64) {
        let time = seconds.saturatingMultiplied(by: 1_000_000_000).saturatingAdding(nanoseconds)
        self.nanoseconds = min(max(time, Self.day), Self.latest.nanoseconds - Self.day)
    }

    private static let day: Int64 = 86_400_000_000_000

    /// Creates an instant from whole milliseconds since 1970; nil when out of range.
    public init?(milliseconds: Int64) {
        let (value, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow, value >= 0, value <= Self.latest.nanoseconds else { return nil }
        nanoseconds = value
    }

    /// Whole milliseconds since 1970.
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }

    /// Orders instants in time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }
}
