// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Usage

/// Where blocks begin and end: the cases of ccusage's own tests, and those at its borders.
struct BlockTests {
    private static let day = "2026-11-22T"

    /// Times of calls, and the blocks: first instant, last, and the calls in it; none for a gap.
    @Test(
        arguments: [
            ([], []),
            // ccusage: calls within five hours are one block.
            (["10:00", "11:00", "12:00"], ["10:00-15:00 3"]),
            // ccusage: a block begins with the hour of its first call.
            (["10:55:30"], ["10:00-15:00 1"]),
            // ccusage: a gap begins five hours after the last call and ends with the next.
            (["10:00", "16:00"], ["10:00-15:00 1", "15:00-16:00 0", "16:00-21:00 1"]),
            (["10:00", "12:00", "18:00"], ["10:00-15:00 2", "17:00-18:00 0", "18:00-23:00 1"]),
            // A call at the very end of a block still belongs to it, as in ccusage, which asks whether more than five hours are over.
            (["10:30", "15:00"], ["10:00-15:00 2"]),
            (["10:30", "15:00:00.001"], ["10:00-15:00 1", "15:00-20:00 1"]),
            // Exactly five hours between two calls are no gap, a thousandth more is one.
            (["10:30", "15:30"], ["10:00-15:00 1", "15:00-20:00 1"]),
            (["10:30", "15:30:00.001"], ["10:00-15:00 1", "15:30-15:30:00.001 0", "15:00-20:00 1"]),
            // The next block begins with the hour of its own first call, not where the one before ended.
            (["08:10", "12:59", "13:20", "17:59"], ["08:00-13:00 2", "13:00-18:00 2"]),
            (["08:10", "14:40"], ["08:00-13:00 1", "13:10-14:40 0", "14:00-19:00 1"]),
        ] as [([String], [String])]
    )
    func `sessions of five hours`(calls: [String], expected: [String]) throws {
        var builder = BlockBuilder(.fiveHours)
        for time in calls { builder.add(call(try instant(Self.day + padded(time)))) }
        #expect(builder.finish().map(text) == expected)
    }

    private func padded(_ time: String) -> String { time.utf8.count > 5 ? time + "Z" : time + ":00Z" }

    /// Blocks are cut by UTC, so nothing happens to them in the night in which clocks change.
    @Test(arguments: [
        (["2026-03-28T23:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T03:59:59Z"], 1),
        (["2026-10-24T23:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T04:00:00.001Z"], 2),
    ])
    func `a change of clocks moves no block`(calls: [String], expected: Int) throws {
        var builder = BlockBuilder(.fiveHours)
        for time in calls { builder.add(call(try instant(time))) }
        #expect(builder.finish().count == expected)
    }

    @Test func `a block of another length`() throws {
        var builder = BlockBuilder(.session(length: 3_600_000_000_000 * 3 / 2))
        for time in ["10:10", "11:30", "11:31"] { builder.add(call(try instant(Self.day + padded(time)))) }
        #expect(builder.finish().map(text) == ["10:00-11:30 2", "11:00-12:30 1"])
    }

    // MARK: - Weeks

    /// A start of the week, a zone, an instant, and the week that holds it.
    @Test(arguments: [
        ("monday", "UTC", "2026-11-22T12:00:00Z", "2026-11-16T00:00:00.000Z", "2026-11-23T00:00:00.000Z"),
        ("sunday", "UTC", "2026-11-22T12:00:00Z", "2026-11-22T00:00:00.000Z", "2026-11-29T00:00:00.000Z"),
        ("tue@14:30", "UTC", "2026-11-24T14:29:59.999Z", "2026-11-17T14:30:00.000Z", "2026-11-24T14:30:00.000Z"),
        ("tuesday 14:30", "UTC", "2026-11-24T14:30:00Z", "2026-11-24T14:30:00.000Z", "2026-12-01T14:30:00.000Z"),
        ("mon", "America/Los_Angeles", "2026-11-23T07:59:59Z", "2026-11-16T08:00:00.000Z", "2026-11-23T08:00:00.000Z"),
        // 169 and 167 hours.
        ("monday", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-18T22:00:00.000Z", "2026-10-25T23:00:00.000Z"),
        ("monday", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-22T23:00:00.000Z", "2026-03-29T22:00:00.000Z"),
        // 02:30 is left out on one of these days and comes twice on the other.
        (
            "sunday@02:30", "Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-29T01:30:00.000Z",
            "2026-04-05T00:30:00.000Z"
        ),
        (
            "sunday@02:30", "Europe/Berlin", "2026-03-29T01:29:59Z", "2026-03-22T01:30:00.000Z",
            "2026-03-29T01:30:00.000Z"
        ),
        (
            "sunday@02:30", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:30:00.000Z",
            "2026-11-01T01:30:00.000Z"
        ),
    ])
    func `weeks begin on a day and at a time of one's own`(
        start: String,
        zone: String,
        time: String,
        from: String,
        to: String
    ) throws {
        let week = try #require(WeekStart(start, timezone: zone)).week(of: try instant(time))
        #expect([week.start.iso8601, week.end.iso8601] == [from, to])
        var builder = BlockBuilder(.week(try #require(WeekStart(start, timezone: zone))))
        builder.add(call(week.start))
        builder.add(call(Timestamp(nanoseconds: week.end.nanoseconds - 1)))
        builder.add(call(week.end))
        #expect(builder.finish().map(\.totals.calls) == [2, 1])
    }

    @Test(arguments: [
        "", "mo", "someday", "monday@", "monday@24:00", "monday@12:60", "monday@1:5", "monday@12", "monday 1 2",
    ])
    func `what is no start of a week is refused`(text: String) {
        #expect(WeekStart(text, timezone: "UTC") == nil)
        #expect(WeekStart("monday", timezone: "Nowhere/None") == nil)
    }

    @Test func `the start of a week is written as it is read`() throws {
        for text in ["monday", "tuesday@09:05", "saturday@23:59"] {
            #expect(WeekStart(text, timezone: "UTC")?.text == text)
        }
    }

    // MARK: - Rates

    /// The present, whether a block from 10:00 with calls at 10:30 and 12:30 is active, and how many minutes are left.
    @Test(
        arguments: [
            ("09:59:59.999", false, 0), ("10:00", true, 300), ("12:30", true, 150), ("14:59:59.999", true, 0),
            ("15:00", false, 0),
        ] as [(String, Bool, Int64)]
    )
    func `what goes on at the rate from the first call to the last`(now: String, isActive: Bool, minutes: Int64) throws
    {
        var builder = BlockBuilder(.fiveHours)
        for time in ["10:30", "12:30"] {
            var call = call(try instant(Self.day + padded(time)))
            call.counts = TokenCounts(uncachedInput: 1_000, cacheRead: 8_000, output: 1_000)
            call.price = CallPrice(cost: Money(nanodollars: 1_000_000_000), isPriced: true, computed: nil)
            builder.add(call)
        }
        let block = try #require(builder.finish().first)
        // 20,000 tokens and two dollars in 120 minutes.
        #expect(block.burnRate?.tokens == 166_666_666_667)
        #expect(block.burnRate?.uncachedTokens == 33_333_333_333)
        #expect(block.burnRate?.cost == Money(nanodollars: 1_000_000_000))
        let now = try instant(Self.day + padded(now))
        #expect(block.isActive(at: now) == isActive)
        let projection = block.projection(at: now)
        #expect((projection != nil) == isActive)
        guard let projection else { return }
        #expect(projection.tokens == 20_000 + minutes * 20_000 / 120)
        #expect(projection.remaining / 60_000_000_000 == minutes)
        // A cent a minute and two thirds, to the nearest billionth.
        #expect(abs(projection.cost.nanodollars - 2_000_000_000 - projection.remaining / 3_600) <= 1)
    }

    @Test func `a single call has no rate, and figures beyond belief have one`() throws {
        var builder = BlockBuilder(.fiveHours)
        builder.add(call(try instant("2026-11-22T10:30:00Z")))
        let block = try #require(builder.finish().first)
        #expect(block.burnRate == nil)
        #expect(block.projection(at: try instant("2026-11-22T11:00:00Z")) == nil)
        var totals = UsageTotals()
        (totals.counts, totals.cost) = (TokenCounts(uncachedInput: .max, output: .max), Money(nanodollars: .max))
        let rate = try #require(BurnRate(totals, during: 1))
        #expect(rate.tokens == .max && rate.cost.nanodollars == .max)
        let projection = Projection(totals, rate, for: .max)
        #expect(projection.tokens == .max && projection.cost.nanodollars == .max)
        #expect(BurnRate(totals, during: 0) == nil && BurnRate(totals, during: -1) == nil)
    }

    private func call(_ time: Timestamp) -> Call {
        Call(id: UInt64(bitPattern: time.nanoseconds), time: time, counts: TokenCounts())
    }

    private func text(_ block: UsageBlock) -> String {
        func time(_ time: Timestamp) -> String {
            let text = String(time.iso8601.dropFirst(11).dropLast())
            return text.hasSuffix(":00.000") ? String(text.prefix(5)) : text
        }
        #expect(block.isGap == (block.totals.calls == 0))
        return "\(time(block.start))-\(time(block.end)) \(block.totals.calls)"
    }
}

private func instant(_ text: String) throws -> Timestamp { try #require(Timestamp(iso8601: text)) }
