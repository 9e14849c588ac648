// SPDX-License-Identifier: Apache-2.0

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
                summary.totals.cost = Money(nanodollars: period.name == "2026-11" ? 5_000_000_000 : 1_000_000_000)
                return summary
            }
        }
        let week = try await bench.get("/api/telemetry/summary?period=7d").text
        #expect(week.contains(#""totalCost":1,"#))
        #expect(week.contains(#""budget":{"limit":10,"used":5,"fraction":0.5,"#))
        #expect(bench.store.asked.periods.map(\.name) == ["7d", "2026-11"])
        #expect(bench.store.asked.periods.map(\.timezone) == ["Europe/Berlin", "Europe/Berlin"])
        let month = try await bench.get("/api/telemetry/summary").text
        #expect(month.contains(#""used":5,"fraction":0.5,"#))
        #expect(bench.store.asked.periods.count == 3)
    }

    @Test(arguments: [
        ("2026-11-16T00:00:00.000Z", Int64(10_000_000_000), Int64(20_000_000_000)),
        ("2026-11-01T00:00:00.000Z", 10_000_000_000, 10_000_000_000),
        ("2026-12-01T00:00:00.000Z", 10_000_000_000, 10_000_000_000),
        ("2026-10-01T00:00:00.000Z", 10_000_000_000, 10_000_000_000), ("2026-11-01T00:00:00.001Z", .max, .max),
        ("2026-11-16T00:00:00.000Z", 0, 0),
    ])
    func `the projection continues the month as it began`(now: String, used: Int64, projected: Int64) throws {
        let now = try instant(now)
        let month = try Period("2026-11", timezone: "UTC", now: now)
        let budget = SummaryDocument.Budget(
            limit: Money(nanodollars: 20_000_000_000),
            used: Money(nanodollars: used),
            month: month,
            now: now
        )
        #expect(budget.projected.amount == Money(nanodollars: projected))
    }

    @Test func `a fraction can exceed one`() throws {
        let now = try instant("2026-11-16T00:00:00.000Z")
        let month = try Period("2026-11", timezone: "UTC", now: now)
        let budget = SummaryDocument.Budget(
            limit: Money(nanodollars: 3),
            used: Money(nanodollars: 5),
            month: month,
            now: now
        )
        #expect(budget.fraction.text == "1.666666667")
    }
}
