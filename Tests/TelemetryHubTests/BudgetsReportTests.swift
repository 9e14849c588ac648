// SPDX-License-Identifier: Apache-2.0

import HubAPI
import Testing
import Usage

@testable import TelemetryHub

/// Budgets of the configuration, for people and for programs.
struct BudgetsReportTests {
    private static let now = Timestamp(iso8601: "2026-11-16T00:00:00Z") ?? Timestamp(nanoseconds: 0)

    private func report(spent: Int64) throws -> BudgetsReport {
        var money = Budget(name: "web", cycle: .month, limit: .cost(Money(nanodollars: 200_000_000_000)))
        money.filter[.project] = ["shop", "blog"]
        let tokens = Budget(name: "a day", cycle: .day, limit: .tokens(20_000_000))
        let states = try [money, tokens].map { budget in
            let period = try budget.cycle.period(at: Self.now, timezone: "UTC")
            let amount = budget == money ? spent * 1_000_000_000 : 5_000_000
            return BudgetState(budget, in: period, spent: [amount], history: [], now: Self.now)
        }
        return BudgetsReport(
            BudgetsDocument(states, timezone: "UTC", now: Self.now),
            month: try Documents.summary(calls: 3, tokens: 3, cost: 60),
            now: Self.now
        )
    }

    @Test func `each budget says what was used, what an even pace would have used, and where it will end`() throws {
        #expect(
            try report(spent: 60).text(width: 54, style: .plain) == """
                Budget / web  2026-11-01 to 2026-11-30 · project blog, shop
                ███████░░░░░░░░░░░░░░░░░  30%
                Used       $60.00 of $200.00
                Even pace  $100.00 by now
                Forecast   ≈ $120.00, probably $120.00 to $120.00
                Days left  14

                Budget / a day  2026-11-16
                ██████░░░░░░░░░░░░░░░░░░  25%
                Used       5.0M tok of 20M tok
                Even pace  0 tok by now
                Forecast   ≈ 5.0M tok, probably 5.0M tok to 5.0M tok
                Days left  0


                """
        )
        #expect(try report(spent: 150).text(width: 54, style: .plain).contains("75% · will probably be exceeded\n"))
        #expect(try report(spent: 250).text(width: 54, style: .plain).contains("125% · over budget\n"))
    }

    @Test func `programs get one row for each`() throws {
        let rows = try report(spent: 60).table.rows
        #expect(
            rows[0] == [
                "web", "month", "2026-11-01", "2026-11-30", "usd", "200", "60", "0.3", "100", "120", "120", "120", "",
                "14",
            ]
        )
        #expect(rows[1].prefix(7) == ["a day", "day", "2026-11-16", "2026-11-16", "tokens", "20000000", "5000000"])
        #expect(try report(spent: 60).json.contains(#""for":{"project":["blog","shop"]}"#))
    }

    @Test func `a check says what was found in one sentence`() throws {
        let document = BudgetsDocument(
            try [(Int64(200), false), (201, true)].map { spent, _ in
                let budget = Budget(name: "b", cycle: .month, limit: .tokens(200))
                let period = try budget.cycle.period(at: Self.now, timezone: "UTC")
                return BudgetState(budget, in: period, spent: [spent], history: [], now: Self.now)
            },
            timezone: "UTC",
            now: Self.now
        )
        #expect(
            document.budgets.map(\.sentence) == [
                "within budget: 200 tok of 200 tok (100%) in b", "over budget: 201 tok of 200 tok (100%) in b",
            ]
        )
    }
}
