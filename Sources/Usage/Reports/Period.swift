// SPDX-License-Identifier: Apache-2.0

/// A range of whole calendar days in a time zone.
public struct Period: Sendable, Hashable {
    /// What was asked for, in its canonical form (`30d`, `2026-11`, `custom`).
    public var name: String
    /// The first day, `YYYY-MM-DD`.
    public var from: String
    /// The last day, inclusive, `YYYY-MM-DD`.
    public var to: String
    /// The identifier of the time zone whose days are meant.
    public var timezone: String
    /// The instant at which each day begins, and last the instant at which the day after the last begins.
    public var dayStarts: [Timestamp]
    /// The dates of the days, `YYYY-MM-DD`, one less than ``dayStarts``.
    public var days: [String]
    /// The hours of the days.
    public private(set) var clock = LocalClock.utc

    /// The first instant of the period.
    public var start: Timestamp { dayStarts.first ?? Timestamp(nanoseconds: 0) }
    /// The first instant after the period.
    public var end: Timestamp { dayStarts.last ?? Timestamp(nanoseconds: 0) }

    /// The longest period in days that can be asked for.
    public static let longest = 3_700

    /// Resolves a period.
    ///
    /// - Parameters:
    ///   - text: `7d`, `30d`, `90d` and the like (today and the days before it), `YYYY-MM`, `month:YYYY-MM`, `today`, or nil for the current month.
    ///   - from: The first day, for a period of its own; goes with `to`.
    ///   - to: The last day.
    ///   - timezone: An IANA name such as `Europe/Berlin`, `UTC`, or `local` for the machine's own.
    ///   - now: The present.
    public init(_ text: String?, from: String? = nil, to: String? = nil, timezone: String, now: Timestamp)
        throws(PeriodError)
    {
        let zone = try Self.zone(timezone)
        if from != nil || to != nil {
            guard text == nil else { throw PeriodError(.both) }
            guard let from, let to else { throw PeriodError(.half) }
            try self.init(name: "custom", first: Self.day(from), last: Self.day(to), zone)
            return
        }
        let today = zone.day(at: now)
        guard let text, text != "month" else {
            try self.init(month: String(TimeZoneRules.Day(number: today).text.prefix(7)), zone)
            return
        }
        if text == "today" {
            try self.init(name: text, first: today, last: today, zone)
        } else if text.hasSuffix("d"), let count = Int(text.dropLast()), String(count) == text.dropLast(), count > 0,
            count <= Self.longest
        {
            try self.init(name: text, first: today + 1 - count, last: today, zone)
        } else {
            try self.init(month: text.hasPrefix("month:") ? String(text.dropFirst(6)) : text, zone)
        }
    }

    /// The calendar week that holds an instant, Monday to Sunday (ISO 8601).
    public init(weekOf now: Timestamp, timezone: String) throws(PeriodError) {
        let zone = try Self.zone(timezone)
        let today = zone.day(at: now)
        // Sunday is 1.
        let monday = today - (TimeZoneRules.Day(number: today).weekday + 5) % 7
        try self.init(name: "week", first: monday, last: monday + 6, zone)
    }

    /// A calendar month, `YYYY-MM`; any other text is an error.
    public init(calendarMonth month: String, timezone: String) throws(PeriodError) {
        let zone = try Self.zone(timezone)
        do throws(PeriodError) {
            try self.init(month: month, zone)
        } catch {
            throw PeriodError(.noMonth(String(month.prefix(40))))
        }
    }

    /// The time of a block, as a period of one part: ``from`` and ``to`` are its instants in place of dates.
    public init(block: UsageBlock, timezone: String) throws(PeriodError) {
        name = "block"
        (from, to) = (block.start.iso8601, block.end.iso8601)
        self.timezone = try Self.zone(timezone).name
        (dayStarts, days) = ([block.start, block.end], [block.start.iso8601])
    }

    /// The same time in parts of an hour; each part has the instant of its beginning in place of a date.
    ///
    /// Hours are counted from midnight, so that a day on which the clocks change has 23 or 25.
    public var hours: Period {
        var result = self
        let hour = Int64(3_600_000_000_000)
        result.dayStarts = zip(dayStarts, dayStarts.dropFirst()).flatMap { first, next in
            stride(from: first.nanoseconds, to: next.nanoseconds, by: Int(hour)).map(Timestamp.init(nanoseconds:))
        }
        result.days = result.dayStarts.map(\.iso8601)
        result.dayStarts.append(end)
        return result
    }

    private init(month: String, _ zone: TimeZoneRules) throws(PeriodError) {
        guard month.utf8.count == 7, let first = try? Self.day(month + "-01") else {
            throw PeriodError(.unknown(String(month.prefix(40))))
        }
        var next = TimeZoneRules.Day(number: first)
        next.month += 1
        if next.month > 12 { (next.year, next.month) = (next.year + 1, 1) }
        try self.init(name: month, first: first, last: next.number - 1, zone)
    }

    private init(name: String, first: Int, last: Int, _ zone: TimeZoneRules) throws(PeriodError) {
        guard first <= last else { throw PeriodError(.reversed) }
        guard last - first < Self.longest else { throw PeriodError(.tooLong) }
        self.name = name
        timezone = zone.name
        days = (first...last).map { TimeZoneRules.Day(number: $0).text }
        dayStarts = (first...last + 1).map { zone.start(ofDay: $0) }
        clock = LocalClock(zone, marks: dayStarts)
        from = days.first ?? ""
        to = days.last ?? ""
    }

    /// The equally long time before this one; nil when it would begin before 1970.
    public var previous: Period? { before(days: days.count) }

    /// The position in ``days`` of the day that holds an instant, nil outside of the period.
    public func day(of time: Timestamp) -> Int? {
        guard time >= start, time < end else { return nil }
        var (low, high) = (0, days.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if dayStarts[middle] <= time { low = middle } else { high = middle }
        }
        return low
    }

    /// The days before this period, so many of them; nil when they would begin before 1970.
    public func before(days count: Int) -> Period? {
        guard count > 0, let zone = try? Self.zone(timezone), let day = try? Self.day(from), day - count >= 0,
            zone.start(ofDay: day - count) >= Timestamp(nanoseconds: 0)
        else { return nil }
        return try? Period(name: "custom", first: day - count, last: day - 1, zone)
    }

    /// How much of the period is over, and how long it is, in nanoseconds.
    public func elapsed(at now: Timestamp) -> (elapsed: Int64, length: Int64) {
        let length = end.nanoseconds.saturatingSubtracting(start.nanoseconds)
        return (min(max(0, now.nanoseconds.saturatingSubtracting(start.nanoseconds)), length), length)
    }

    /// The time of day of an instant, in minutes since midnight, by the clocks of the time zone.
    public func minute(of time: Timestamp) -> Int {
        guard let zone = try? Self.zone(timezone) else { return 0 }
        return zone.minute(at: time)
    }

    private static func zone(_ timezone: String) throws(PeriodError) -> TimeZoneRules {
        guard let zone = TimeZoneRules.named(timezone) else {
            throw PeriodError(.unknownZone(String(timezone.prefix(40))))
        }
        return zone
    }

    /// The number of a day (``TimeZoneRules/Day``).
    private static func day(_ text: String) throws(PeriodError) -> Int {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        if text.utf8.count == 10, parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2] {
            let date = TimeZoneRules.Day(year: year, month: month, day: day)
            if (1970...2261).contains(year), date.exists { return date.number }
        }
        throw PeriodError(.noDate(String(text.prefix(40))))
    }
}
