// SPDX-License-Identifier: Apache-2.0

/// Which hour of the day it is in a time zone, for instants of some span; before and after it the nearest known offset holds.
///
/// It counts in quarters of an hour, the finest step by which the offsets of time zones differ today. A value; safe to use from many
/// tasks at once.
public struct LocalClock: Sendable, Hashable {
    /// Since when the clock has some distance from UTC, both in quarters of an hour.
    public struct Shift: Sendable, Hashable {
        /// The first quarter of an hour since 1970 with this distance.
        public var since: Int64
        /// How far the clock is ahead of UTC.
        public var ahead: Int64
    }

    /// The distances in the order of time; at least one.
    ///
    /// The first holds before its begin, too.
    public private(set) var shifts: [Shift]

    /// The clock of UTC.
    public static let utc = LocalClock(shifts: [Shift(since: 0, ahead: 0)])

    /// The hours in answers.
    public static let names = (0..<24).map { ($0 < 10 ? "0" : "") + String($0) }

    /// How many nanoseconds a quarter of an hour has.
    public static let quarter: Int64 = 900_000_000_000
    private static let quartersOfDay: Int64 = 96

    private init(shifts: [Shift]) { self.shifts = shifts }

    /// The clock of a time zone.
    ///
    /// - Parameters:
    ///   - zone: The time zone.
    ///   - marks: Instants in order, at most a day apart: between two of them the clock is changed at most once.
    init(_ zone: TimeZoneRules, marks: [Timestamp]) {
        shifts = []
        var latest: Int64?
        for mark in marks {
            let quarter = mark.nanoseconds / Self.quarter
            let ahead = Self.ahead(zone, quarter)
            if let former = shifts.last, let latest, former.ahead != ahead {
                var (low, high) = (latest, quarter)
                while high - low > 1 {
                    let middle = (low + high) / 2
                    if Self.ahead(zone, middle) == former.ahead { low = middle } else { high = middle }
                }
                shifts.append(Shift(since: high, ahead: ahead))
            } else if shifts.isEmpty {
                shifts.append(Shift(since: quarter, ahead: ahead))
            }
            latest = quarter
        }
        if shifts.isEmpty { shifts = Self.utc.shifts }
    }

    /// The clock of a time zone from the beginning of 2020, before which no agent reported usage, to an instant.
    ///
    /// - Returns: nil for a time zone that is not known.
    public init?(timezone: String, until now: Timestamp) {
        guard let zone = TimeZoneRules.named(timezone) else { return nil }
        let (first, day) = (Int64(1_577_836_800_000_000_000), 86_400_000_000_000 as Int64)
        let last = min(max(first, now.nanoseconds), first + 36_600 * day)
        // One mark more, because a change is found between two of them.
        self.init(zone, marks: stride(from: first, through: last + day, by: Int(day)).map(Timestamp.init(nanoseconds:)))
    }

    private static func ahead(_ zone: TimeZoneRules, _ quarter: Int64) -> Int64 {
        zone.ahead(at: quarter * 900) / 900
    }

    /// The hour of a quarter of an hour since 1970.
    public func hour(ofQuarter quarter: Int64) -> Int {
        var shift = shifts[0]
        for later in shifts.dropFirst() {
            if quarter < later.since { break }
            shift = later
        }
        let part = (quarter + shift.ahead) % Self.quartersOfDay
        return Int((part + Self.quartersOfDay) % Self.quartersOfDay / 4)
    }

    /// The hour at an instant.
    public func hour(of time: Timestamp) -> Int { hour(ofQuarter: time.nanoseconds / Self.quarter) }

    /// What of the clock holds in some quarters of an hour.
    public func part(of quarters: Range<Int64>) -> LocalClock {
        let first = shifts.lastIndex { $0.since <= quarters.lowerBound } ?? 0
        let last = max(first, shifts.lastIndex { $0.since < quarters.upperBound } ?? 0)
        var part = Array(shifts[first...last])
        part[0].since = quarters.lowerBound
        return LocalClock(shifts: part)
    }
}
