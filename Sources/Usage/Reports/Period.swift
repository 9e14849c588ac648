// SPDX-License-Identifier: Apache-2.0

import Foundation

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
        let calendar = try Self.calendar(timezone)
        if from != nil || to != nil {
            guard text == nil else { throw PeriodError(.both) }
            guard let from, let to else { throw PeriodError(.half) }
            try self.init(
                name: "custom",
                first: Self.date(from, calendar),
                last: Self.date(to, calendar),
                calendar: calendar
            )
            return
        }
        let today = calendar.startOfDay(for: Date(timeIntervalSince1970: Double(now.milliseconds) / 1_000))
        guard let text, text != "month" else {
            let month = Self.text(of: today, calendar).prefix(7)
            try self.init(month: String(month), calendar: calendar)
            return
        }
        if text == "today" {
            try self.init(name: text, first: today, last: today, calendar: calendar)
        } else if text.hasSuffix("d"), let count = Int(text.dropLast()), String(count) == text.dropLast(), count > 0,
            count <= Self.longest
        {
            let first = calendar.date(byAdding: .day, value: 1 - count, to: today) ?? today
            try self.init(name: text, first: first, last: today, calendar: calendar)
        } else {
            try self.init(month: text.hasPrefix("month:") ? String(text.dropFirst(6)) : text, calendar: calendar)
        }
    }

    /// The calendar week that holds an instant, Monday to Sunday (ISO 8601).
    public init(weekOf now: Timestamp, timezone: String) throws(PeriodError) {
        let calendar = try Self.calendar(timezone)
        let today = calendar.startOfDay(for: Date(timeIntervalSince1970: Double(now.milliseconds) / 1_000))
        // Sunday is 1.
        let daysSinceMonday = (calendar.component(.weekday, from: today) + 5) % 7
        let monday = calendar.date(byAdding: .day, value: -daysSinceMonday, to: today) ?? today
        let sunday = calendar.date(byAdding: .day, value: 6, to: monday) ?? today
        try self.init(name: "week", first: monday, last: sunday, calendar: calendar)
    }

    private init(month: String, calendar: Calendar) throws(PeriodError) {
        guard month.utf8.count == 7, let first = try? Self.date(month + "-01", calendar),
            let next = calendar.date(byAdding: .month, value: 1, to: first),
            let last = calendar.date(byAdding: .day, value: -1, to: next)
        else {
            throw PeriodError(.unknown(String(month.prefix(40))))
        }
        try self.init(name: month, first: first, last: last, calendar: calendar)
    }

    private init(name: String, first: Date, last: Date, calendar: Calendar) throws(PeriodError) {
        guard first <= last else { throw PeriodError(.reversed) }
        self.name = name
        timezone = ["GMT", "Etc/UTC"].contains(calendar.timeZone.identifier) ? "UTC" : calendar.timeZone.identifier
        days = []
        dayStarts = []
        var day = first
        while day <= last {
            guard days.count < Self.longest else { throw PeriodError(.tooLong) }
            days.append(Self.text(of: day, calendar))
            dayStarts.append(Self.timestamp(day))
            guard let next = calendar.date(byAdding: .day, value: 1, to: day) else { break }
            day = calendar.startOfDay(for: next)
        }
        dayStarts.append(Self.timestamp(day))
        clock = LocalClock(calendar.timeZone, marks: dayStarts)
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
        guard count > 0, let calendar = try? Self.calendar(timezone), let first = try? Self.date(from, calendar),
            let start = calendar.date(byAdding: .day, value: -count, to: first), start.timeIntervalSince1970 >= 0,
            let end = calendar.date(byAdding: .day, value: -1, to: first)
        else { return nil }
        return try? Period(name: "custom", first: calendar.startOfDay(for: start), last: end, calendar: calendar)
    }

    /// How much of the period is over, and how long it is, in nanoseconds.
    public func elapsed(at now: Timestamp) -> (elapsed: Int64, length: Int64) {
        let length = end.nanoseconds.saturatingSubtracting(start.nanoseconds)
        return (min(max(0, now.nanoseconds.saturatingSubtracting(start.nanoseconds)), length), length)
    }

    /// The time of day of an instant, in minutes since midnight, by the clocks of the time zone.
    public func minute(of time: Timestamp) -> Int {
        guard let calendar = try? Self.calendar(timezone) else { return 0 }
        let date = Date(timeIntervalSince1970: Double(time.milliseconds) / 1_000)
        let parts = calendar.dateComponents([.hour, .minute], from: date)
        return (parts.hour ?? 0) * 60 + (parts.minute ?? 0)
    }

    private static func calendar(_ timezone: String) throws(PeriodError) -> Calendar {
        guard let zone = TimeZone.named(timezone) else {
            throw PeriodError(.unknownZone(String(timezone.prefix(40))))
        }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar
    }

    private static func date(_ text: String, _ calendar: Calendar) throws(PeriodError) -> Date {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        if text.utf8.count == 10, parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2] {
            let components = DateComponents(year: year, month: month, day: day)
            if components.isValidDate(in: calendar), (1970...2261).contains(year),
                let date = calendar.date(from: components)
            {
                return calendar.startOfDay(for: date)
            }
        }
        throw PeriodError(.noDate(String(text.prefix(40))))
    }

    private static func text(of date: Date, _ calendar: Calendar) -> String {
        let parts = calendar.dateComponents([.year, .month, .day], from: date)
        func padded(_ number: Int?, _ width: Int) -> String {
            let digits = String(number ?? 0)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(parts.year, 4))-\(padded(parts.month, 2))-\(padded(parts.day, 2))"
    }

    private static func timestamp(_ date: Date) -> Timestamp {
        Timestamp(nanoseconds: Int64(date.timeIntervalSince1970).saturatingMultiplied(by: 1_000_000_000))
    }
}
