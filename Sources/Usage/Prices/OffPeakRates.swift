// SPDX-License-Identifier: Apache-2.0

/// Lower rates at certain hours of the week.
public struct OffPeakRates: Sendable, Hashable {
    /// The rates at those hours; one that is nil stays the list price.
    public var rates: Rates
    /// The hours.
    public var windows: [Window]
    /// Minutes east of UTC of the clock that decides the day of the week.
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

// MARK: - Text

/// Off-peak hours as a price file writes them: `12345@00:00-01:00,10:00-24:00;67@00:00-24:00`.
extension OffPeakRates {
    /// The terms of a price file.
    var terms: [String] {
        var terms = ["offpeak=\(rates.list)", "hours=\(hours)"]
        if weekdayOffset != 0 {
            let minutes = abs(weekdayOffset)
            terms.append("weekdays=\(weekdayOffset < 0 ? "-" : "+")\(Self.clock(minutes))")
        }
        return terms
    }

    /// Reads windows; nil when they are malformed.
    static func windows(_ text: some StringProtocol) -> [Window]? {
        var windows: [Window] = []
        for group in text.split(separator: ";") {
            let parts = group.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count == 2, let days = days(parts[0]) else { return nil }
            for range in parts[1].split(separator: ",") {
                guard let window = window(range, days: days) else { return nil }
                windows.append(window)
            }
        }
        return windows.isEmpty ? nil : windows
    }

    /// Reads a range of hours such as `10:00-24:00`; an end at 00:00 is midnight.
    static func window(_ range: some StringProtocol, days: UInt8) -> Window? {
        let clocks = range.split(separator: "-", omittingEmptySubsequences: false)
        guard clocks.count == 2, let start = minutes(clocks[0]), let end = minutes(clocks[1]), start < 1440 else {
            return nil
        }
        return Window(days: days, start: start, end: end == 0 ? 1440 : end)
    }

    /// Reads an offset from UTC such as `+08:00` in minutes.
    static func offset(_ text: some StringProtocol) -> Int64? {
        guard let sign = text.first, sign == "+" || sign == "-", let minutes = minutes(text.dropFirst()), minutes <= 840
        else {
            return nil
        }
        return sign == "-" ? -minutes : minutes
    }

    private var hours: String {
        var groups: [(days: UInt8, ranges: [String])] = []
        for window in windows {
            let range = "\(Self.clock(window.start))-\(Self.clock(window.end))"
            if let last = groups.indices.last, groups[last].days == window.days {
                groups[last].ranges.append(range)
            } else {
                groups.append((window.days, [range]))
            }
        }
        return groups.map { "\(Self.digits($0.days))@\($0.ranges.joined(separator: ","))" }.joined(separator: ";")
    }

    private static func clock(_ minutes: Int64) -> String {
        "\(PriceDate.two(minutes / 60)):\(PriceDate.two(minutes % 60))"
    }

    private static func digits(_ days: UInt8) -> String {
        (1...7).filter { days & (1 << $0) != 0 }.map { String($0) }.joined()
    }

    private static func days(_ text: some StringProtocol) -> UInt8? {
        var days: UInt8 = 0
        for byte in text.utf8 {
            guard (UInt8(ascii: "1")...UInt8(ascii: "7")).contains(byte) else { return nil }
            days |= 1 << (byte - UInt8(ascii: "0"))
        }
        return days == 0 ? nil : days
    }

    private static func minutes(_ clock: some StringProtocol) -> Int64? {
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = UInt8(parts[0]),
            let minute = UInt8(parts[1]), minute < 60, hour < 24 || (hour == 24 && minute == 0)
        else { return nil }
        return Int64(hour) * 60 + Int64(minute)
    }
}
