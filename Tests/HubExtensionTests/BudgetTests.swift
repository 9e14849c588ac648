// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HubAPI
import JSON
import Testing
import Usage

@testable import HubExtension

@Suite struct BudgetTests {
    @Test func `the budget is that of the month, whatever the question`() async throws {
        let bench = try await Bench {
            $0.budget.monthly = 10
            $0.timezone = "Europe/Berlin"
        }
        bench.store.prepare { state in
            state.summary = { period in
                var summary = UsageSummary(period: period)
                summary.totals.cost = Money(nanodollars: 1_000_000_000)
                // Five dollars on the first day of the month.
                for index in summary.byDay.indices where summary.byDay[index].date == "2026-11-01" {
                    summary.byDay[index].totals.cost = Money(nanodollars: 5_000_000_000)
                }
                return summary
            }
        }
        let week = try await bench.get("/api/telemetry/summary?period=7d").text
        #expect(week.contains(#""totalCost":1,"#))
        #expect(week.contains(#""budget":{"limit":10,"used":5,"fraction":0.5,"#))
        // One question for the month and the days before it.
        #expect(
            bench.store.asked.periods.map { "\($0.from) \($0.to)" } == [
                "2026-11-16 2026-11-22", "2026-09-06 2026-11-30",
            ]
        )
        #expect(bench.store.asked.periods.map(\.timezone) == ["Europe/Berlin", "Europe/Berlin"])
        let month = try await bench.get("/api/telemetry/summary").text
        #expect(month.contains(#""used":5,"fraction":0.5,"#))
        #expect(bench.store.asked.periods.dropFirst(2).map(\.to) == ["2026-11-30", "2026-10-31"])
    }

    /// The number of `summary.budget.projected`, which the status line, the dashboard's cards and `hammurabi budget` show, is that of
    /// the list of budgets, which alerts judge.
    @Test(arguments: ["2026-11-22T12:00:00.000Z", "2026-11-01T00:30:00.000Z", "2026-11-30T23:59:59.000Z"])
    func `there is one forecast of the month`(now: String) async throws {
        let bench = try await Bench { $0.budget.monthly = 100 }
        try bench.clock.set(now)
        bench.store.prepare { state in
            state.summary = { period in
                var summary = UsageSummary(period: period)
                for index in summary.byDay.indices where summary.byDay[index].date < "2026-11-23" {
                    // More on Sundays than on other days, and never twice the same.
                    let date = summary.byDay[index].date
                    let nanodollars = Int64(date.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) % 9_973 }) * 1_000_003
                    summary.byDay[index].totals.cost = Money(nanodollars: nanodollars)
                    summary.totals.cost += Money(nanodollars: nanodollars)
                }
                return summary
            }
        }
        let list = try await bench.get("/api/telemetry/budgets").text
        let state = try #require(try JSONDecoder().decode(BudgetsDocument.self, from: Data(list.utf8)).budgets.first)
        for path in [
            "/api/telemetry/summary", "/api/telemetry/summary?period=7d&project=x", "/api/telemetry/statusline",
        ] {
            struct WithBudget: Decodable { var budget: SummaryDocument.Budget }
            let text = try await bench.get(path).text
            let budget = try JSONDecoder().decode(WithBudget.self, from: Data(text.utf8)).budget
            #expect(budget.projected.amount == Money(dollars: state.forecast.expected.text), "\(path)")
            #expect(budget.used.amount == Money(dollars: state.spent.text))
            #expect(budget.fraction == state.fraction)
        }
    }

    private func budget(_ spent: Int64, limit: Int64, at now: String) throws -> SummaryDocument.Budget {
        let now = try instant(now)
        let month = try Period("2026-11", timezone: "UTC", now: now)
        let budget = Budget(name: "monthly", cycle: .month, limit: .cost(Money(nanodollars: limit)))
        return SummaryDocument.Budget(BudgetState(budget, in: month, spent: [spent], history: [], now: now))
    }

    @Test(arguments: [
        ("2026-11-16T00:00:00.000Z", Int64(10_000_000_000), Int64(20_000_000_000)),
        ("2026-11-01T00:00:00.000Z", 10_000_000_000, 10_000_000_000),
        ("2026-12-01T00:00:00.000Z", 10_000_000_000, 10_000_000_000),
        ("2026-10-01T00:00:00.000Z", 10_000_000_000, 10_000_000_000), ("2026-11-01T00:00:00.001Z", .max, .max),
        ("2026-11-16T00:00:00.000Z", 0, 0),
    ])
    func `without a week of history the projection continues the month as it began`(
        now: String,
        used: Int64,
        projected: Int64
    ) throws {
        let budget = try budget(used, limit: 20_000_000_000, at: now)
        #expect(budget.projected.amount == Money(nanodollars: projected))
    }

    @Test func `a fraction can exceed one`() throws {
        #expect(try budget(5, limit: 3, at: "2026-11-16T00:00:00.000Z").fraction.text == "1.666666667")
    }
}
