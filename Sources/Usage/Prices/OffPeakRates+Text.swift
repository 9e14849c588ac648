// SPDX-License-Identifier: Apache-2.0

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
