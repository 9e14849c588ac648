// SPDX-License-Identifier: Apache-2.0

/// An instant in UTC as nanoseconds since 1970, the unit of OTLP; years 1970 to 2262.
public struct Timestamp: Sendable, Hashable, Comparable, Codable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var nanoseconds: Int64

    /// Creates an instant from nanoseconds since 1970.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Creates an instant from OTLP's unsigned nanoseconds; nil for zero (not set) and for instants after the year 2262.
    public init?(unixNano: UInt64) {
        guard unixNano != 0, let value = Int64(exactly: unixNano) else { return nil }
        nanoseconds = value
    }

    /// Creates an instant from whole milliseconds since 1970; nil when out of range.
    public init?(milliseconds: Int64) {
        let (value, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow, value >= 0 else { return nil }
        nanoseconds = value
    }

    /// Whole milliseconds since 1970.
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }

    /// Orders instants in time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }
}
