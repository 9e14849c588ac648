// SPDX-License-Identifier: Apache-2.0

/// Lower rates at certain hours of the week.
public struct OffPeakRates: Sendable, Hashable {
    /// The rates at those hours; one that is nil stays the list price.
    public var rates: Rates
    /// The hours.
    public var windows: [Window]
    /// Minutes east of UTC of the clock that tells the day of the week.
    public var weekdayOffset: Int64 = 0

    /// A range of hours on some days of the week.
    public struct Window: Sendable, Hashable {
        /// The days, bit 1 for Monday to bit 7 for Sunday.
        public var days: UInt8
        /// The first minute of the day in UTC.
        public var start: Int64
        /// The minute of the day in UTC at which the window has ended, 1440 for midnight; before `start` it is on the
        /// next day.
        public var end: Int64

        static let everyDay: UInt8 = 0b1111_1110

        func contains(minute: Int64, weekday: Int64) -> Bool {
            guard days & (1 << UInt8(weekday)) != 0 else { return false }
            return start < end ? (start..<end).contains(minute) : minute >= start || minute < end
        }
    }

    /// Whether the rates hold at an instant.
    public func holds(at time: Timestamp) -> Bool {
        let minutes = time.nanoseconds.dividedDown(by: 60_000_000_000)
        let minuteOfDay = minutes - minutes.dividedDown(by: 1440) * 1440
        let day = (minutes + weekdayOffset).dividedDown(by: 1440)
        // 1970-01-01 was a Thursday, day 4.
        let weekday = (day + 3) - (day + 3).dividedDown(by: 7) * 7 + 1
        return windows.contains { $0.contains(minute: minuteOfDay, weekday: weekday) }
    }
}

extension Int64 {
    /// The quotient rounded towards minus infinity; the divisor must be positive.
    func dividedDown(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
