// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

/// The days of a period.
struct PeriodTests {
    @Test(arguments: [
        ("7d", "2026-11-09", "2026-11-15"), ("2026-11", "2026-10-02", "2026-10-31"),
        ("today", "2026-11-21", "2026-11-21"),
    ])
    func `the time before is equally long and ends the day before`(text: String, from: String, to: String) throws {
        let now = try #require(Timestamp(iso8601: "2026-11-22T10:00:00Z"))
        let period = try Period(text, timezone: "Europe/Berlin", now: now)
        let previous = try #require(period.previous)
        #expect((previous.from, previous.to, previous.timezone) == (from, to, "Europe/Berlin"))
        #expect(previous.end == period.start)
        #expect(try Period(nil, from: "1970-01-01", to: "1970-01-02", timezone: "UTC", now: now).previous == nil)
    }

    @Test(arguments: [("2026-10-24", 24), ("2026-10-25", 25), ("2026-03-29", 23)])
    func `a day has as many hours as its clocks`(day: String, hours: Int) throws {
        let period = try Period(nil, from: day, to: day, timezone: "Europe/Berlin", now: Self.now)
        #expect((period.hours.days.count, period.hours.dayStarts.count) == (hours, hours + 1))
        #expect((period.hours.start, period.hours.end) == (period.start, period.end))
        #expect(period.hours.days.first == period.start.iso8601)
        #expect(
            Set(zip(period.hours.dayStarts, period.hours.dayStarts.dropFirst()).map { $1.nanoseconds - $0.nanoseconds })
                == [3_600_000_000_000]
        )
    }

    /// 2026-11-22 12:00 UTC.
    private static let now = Timestamp(iso8601: "2026-11-22T12:00:00Z") ?? Timestamp(nanoseconds: 0)

    @Test(arguments: [
        ("30d", "2026-10-24", "2026-11-22"), ("7d", "2026-11-16", "2026-11-22"), ("1d", "2026-11-22", "2026-11-22"),
        ("today", "2026-11-22", "2026-11-22"), ("2026-02", "2026-02-01", "2026-02-28"),
        ("month:2024-02", "2024-02-01", "2024-02-29"),
        ("month", "2026-11-01", "2026-11-30"),
    ])
    func `a period has its days`(text: String, from: String, to: String) throws {
        let period = try Period(text, timezone: "UTC", now: Self.now)
        #expect(period.from == from)
        #expect(period.to == to)
        #expect(period.dayStarts.count == period.days.count + 1)
    }

    @Test func `without a name it is the current month`() throws {
        let period = try Period(nil, timezone: "UTC", now: Self.now)
        #expect((period.name, period.from, period.to) == ("2026-11", "2026-11-01", "2026-11-30"))
    }

    @Test func `a period may be given by its first and last day`() throws {
        let period = try Period(nil, from: "2026-11-02", to: "2026-11-03", timezone: "UTC", now: Self.now)
        #expect(period.days == ["2026-11-02", "2026-11-03"])
        #expect(period.end.iso8601 == "2026-11-04T00:00:00.000Z")
    }

    @Test(arguments: [
        "", "30", "0d", "-3d", "99999d", "+7d", "2026-13", "2026-1", "november", "30d ", "1e3d", "month:", "2026-11-22",
    ])
    func `anything else is refused with what to write`(text: String) {
        #expect(throws: PeriodError.self) { try Period(text, timezone: "UTC", now: Self.now) }
    }

    @Test(arguments: [
        ("2026-02-30", "2026-03-01"), ("2026-11-05", "2026-11-04"), ("2026-11-05", "x"), ("1969-01-01", "1970-01-01"),
    ])
    func `invalid days are refused`(from: String, to: String) {
        #expect(throws: PeriodError.self) { try Period(nil, from: from, to: to, timezone: "UTC", now: Self.now) }
    }

    @Test func `errors use the names of the caller's parameters`() throws {
        let error = try #require(throws: PeriodError.self) {
            try Period(nil, from: "2026-11-05", to: "2026-11-04", timezone: "UTC", now: Self.now)
        }
        #expect(error.description == "from is after to")
        #expect(error.text(period: "--period", from: "--since", to: "--until", days: "") == "--since is after --until")
    }

    @Test func `a day of a zone begins at its own midnight, also when clocks change`() throws {
        let period = try Period(nil, from: "2026-10-25", to: "2026-10-26", timezone: "Europe/Berlin", now: Self.now)
        #expect(
            period.dayStarts.map(\.iso8601) == [
                "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z", "2026-10-26T23:00:00.000Z",
            ]
        )
        let kolkata = try Period("1d", timezone: "Asia/Kolkata", now: Self.now)
        #expect(kolkata.start.iso8601 == "2026-11-21T18:30:00.000Z")
    }

    @Test func `an unknown zone is refused`() {
        #expect(throws: PeriodError.self) { try Period("7d", timezone: "Mars/Olympus", now: Self.now) }
    }

    @Test func `an instant finds its day`() throws {
        let period = try Period("7d", timezone: "UTC", now: Self.now)
        #expect(period.day(of: Self.now) == 6)
        #expect(period.day(of: period.start) == 0)
        #expect(period.day(of: period.end) == nil)
        #expect(period.day(of: Timestamp(nanoseconds: period.start.nanoseconds - 1)) == nil)
    }
}
