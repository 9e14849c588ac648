// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing
import Usage

/// Cycles, even pace, thresholds and forecasts of budgets.
struct BudgetTests {
    private static func instant(_ text: String) throws -> Timestamp { try #require(Timestamp(iso8601: text)) }

    @Test(arguments: [
        (Budget.Cycle.day, "2026-03-29T22:30:00Z", "2026-03-30", "2026-03-30"),
        (.week, "2026-03-29T12:00:00Z", "2026-03-23", "2026-03-29"),
        (.week, "2026-03-29T22:30:00Z", "2026-03-30", "2026-04-05"),
        (.week, "2027-01-01T12:00:00Z", "2026-12-28", "2027-01-03"),
        (.month, "2026-02-28T23:30:00Z", "2026-03-01", "2026-03-31"),
    ])
    func `a cycle holds the day that it is in the time zone`(cycle: Budget.Cycle, now: String, from: String, to: String)
        throws
    {
        let period = try cycle.period(at: Self.instant(now), timezone: "Europe/Berlin")
        #expect((period.from, period.to) == (from, to))
    }

    @Test func `an even pace follows the length of days, also of the one that has 23 hours`() throws {
        let budget = Budget(name: "b", cycle: .day, limit: .cost(Money(nanodollars: 23_000_000_000)))
        let period = try Budget.Cycle.day.period(at: Self.instant("2026-03-29T10:00:00Z"), timezone: "Europe/Berlin")
        let state = BudgetState(
            budget,
            in: period,
            spent: [0],
            history: [],
            now: try Self.instant("2026-03-29T10:00:00Z")
        )
        // Midnight was 23:00 UTC: eleven hours of 23 are over.
        #expect(state.evenPace == 11_000_000_000)
    }

    @Test(arguments: [
        (Int64(0), Int?.none, false), (49, nil, false), (50, 50, false), (79, 50, false), (80, 80, false),
        (100, 100, false), (101, 100, true), (.max, 100, true),
    ])
    func `a threshold is reached with its last token, the limit exceeded with the next`(
        spent: Int64,
        reached: Int?,
        isExceeded: Bool
    ) throws {
        let now = try Self.instant("2026-11-16T00:00:00Z")
        let budget = Budget(name: "b", cycle: .month, limit: .tokens(100))
        let period = try budget.cycle.period(at: now, timezone: "UTC")
        let state = BudgetState(budget, in: period, spent: [spent], history: [], now: now)
        #expect(state.reached == reached)
        #expect(state.isExceeded == isExceeded)
    }

    @Test func `sums and limits beyond what can be counted saturate`() throws {
        let now = try Self.instant("2026-11-16T00:00:00Z")
        let budget = Budget(name: "b", cycle: .month, limit: .tokens(.max))
        let period = try budget.cycle.period(at: now, timezone: "UTC")
        let days = [Int64](repeating: .max, count: 56)
        let state = BudgetState(budget, in: period, spent: [.max, .max], history: days, now: now)
        #expect((state.spent, state.reached, state.forecast.high) == (.max, 100, .max))
        #expect(state.evenPace > .max / 3)
    }

    @Test func `without a week of history a period goes on as it began`() throws {
        let now = try Self.instant("2026-11-04T00:00:00Z")
        let budget = Budget(name: "b", cycle: .month, limit: .tokens(100))
        let period = try budget.cycle.period(at: now, timezone: "UTC")
        let state = BudgetState(budget, in: period, spent: [10, 10, 10], history: [0, 0], now: now)
        #expect(state.forecast.expected == 300)
        #expect((state.forecast.low, state.forecast.high) == (300, 300))
    }

    @Test func `days to come take what their weekdays take, and one dear day does not count`() throws {
        // Monday 2 November at noon: four weeks of 10 a working day and nothing at weekends, one Wednesday of 500.
        let now = try Self.instant("2026-11-02T12:00:00Z")
        let week: [Int64] = [10, 10, 10, 10, 10, 0, 0]
        var history = week + week + week + week
        history[9] = 500
        // Sunday 1 November belongs to the month.
        history.removeLast()
        let budget = Budget(name: "b", cycle: .month, limit: .tokens(1_000))
        let period = try budget.cycle.period(at: now, timezone: "UTC")
        let state = BudgetState(budget, in: period, spent: [0, 4], history: history, now: now)
        // Half of this Monday and 20 further working days.
        #expect(state.forecast.expected == 4 + 5 + 200)
        #expect(state.forecast.low <= state.forecast.expected && state.forecast.expected <= state.forecast.high)
    }

    @Test func `a forecast is ordered and never below what was spent`() throws {
        var random = SeededGenerator(seed: 20)
        for _ in 0..<500 {
            let now = try Self.instant("2026-11-01T00:00:00Z")
            let later = Timestamp(
                nanoseconds: now.nanoseconds + Int64.random(in: -1_000_000...2_700_000, using: &random) * 1_000_000_000
            )
            let cycle = try #require(Budget.Cycle.allCases.randomElement(using: &random))
            let period = try cycle.period(at: now, timezone: "America/New_York")
            let most = [Int64(0), 100, 1_000_000_000_000, .max].randomElement(using: &random) ?? 0
            func days(_ count: Int) -> [Int64] { (0..<count).map { _ in Int64.random(in: 0...most, using: &random) } }
            let past = days(Int.random(in: 0...60, using: &random))
            let spent = days(period.days.count)
            let state = BudgetState(
                Budget(name: "b", cycle: cycle, limit: .tokens(Int64.random(in: 1 ... .max, using: &random))),
                in: period,
                spent: spent,
                history: past,
                now: later
            )
            #expect(state.forecast.low <= state.forecast.expected && state.forecast.expected <= state.forecast.high)
            if later >= period.start { #expect(state.forecast.low >= state.spent) }
            #expect((0...state.budget.limit.amount).contains(state.evenPace))
        }
    }

    @Test func `a day is compared with its weekday`() {
        let week: [Double] = [1, 2, 3, 4, 5, 6, 7]
        let past = week + week + week + week
        #expect(UsualDay(past).median == 1)
        #expect(UsualDay(past, daysAhead: 6).median == 7)
        #expect(UsualDay(past, daysAhead: 9).median == 3)
        #expect(UsualDay(Array(past.suffix(8))).median == 4.5)
        #expect(UsualDay([]).median == 0)
    }
}
