// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import HubExtension
import Testing
import Usage

/// What the figures of a period mean.
struct InsightTests {
    /// Each day costs ten dollars up to today, the 18th fifty more by one project.
    private func bench(budget: Double? = nil) async throws -> Bench {
        let bench = try await Bench(parts: busyParts()) { if let budget { $0.budget.monthly = budget } }
        bench.store.prepare { state in
            state.summary = { period in
                var summary = UsageSummary(period: period)
                var days = [[String: UsageTotals]](repeating: [:], count: period.days.count)
                for (place, date) in period.days.enumerated() where date.prefix(10) <= "2026-11-22" {
                    var totals = UsageTotals()
                    (totals.calls, totals.counts) = (1, TokenCounts(uncachedInput: 1_000, output: 100))
                    totals.cost = Money(nanodollars: 10_000_000_000)
                    var shop = UsageSummary.Share()
                    shop.totals = totals
                    if date.hasPrefix("2026-11-18") {
                        totals.cost += Money(nanodollars: 50_000_000_000)
                        var bank = UsageSummary.Share()
                        bank.totals.cost = Money(nanodollars: 50_000_000_000)
                        summary.byProject["bank"] = bank
                    }
                    summary.byProject["shop", default: UsageSummary.Share()].totals += shop.totals
                    summary.byModel["claude-haiku-4-5", default: UsageSummary.Share()].totals += totals
                    summary.byDay[place].totals = totals
                    summary.totals += totals
                    days[place]["claude-haiku-4-5"] = totals
                }
                summary.series = days
                return summary
            }
        }
        return bench
    }

    private func document(_ bench: Bench, _ question: String) async throws -> [String: Any] {
        let answer = try await bench.get("/api/telemetry/insights?" + question)
        #expect(answer.status == 200, "\(answer.text)")
        return try #require(try JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [String: Any])
    }

    @Test func `the month has its pace, and a forecast from what weekdays cost`() async throws {
        let month = try #require(try await document(bench(budget: 300), "period=7d")["month"] as? [String: Any])
        #expect(month["spent"] as? Double == 270)
        #expect(month["limit"] as? Double == 300)
        // 21 and a half of 30 days.
        #expect(month["evenPace"] as? Double == 215)
        #expect(month["daysLeft"] as? Int == 8)
        #expect((month["days"] as? [Double])?.count == 22)
        // Half of today and eight days at ten dollars.
        #expect((month["forecast"] as? [String: Double])?["expected"] == 355)
        let filtered = try #require(
            try await document(bench(budget: 300), "period=7d&model=m")["month"] as? [String: Any]
        )
        #expect(filtered["limit"] is NSNull, "a budget is not that of some calls")
    }

    @Test func `a day that is unusual is explained, and the band is that of its weekday`() async throws {
        let document = try await document(bench(), "period=7d")
        let usual = try #require(document["usual"] as? [[String: Any]])
        #expect(usual.count == 7)
        #expect(usual.allSatisfy { $0["median"] as? Double == 10 && $0["border"] as? Double == 20 })
        let days = try #require(document["unusualDays"] as? [[String: Any]])
        #expect(days.map { $0["date"] as? String } == ["2026-11-18"])
        #expect(
            days.first?["detail"] as? String
                == "$60.00 where this weekday usually costs $10.00; project bank took $50.00 more than usual, mostly with claude-haiku-4-5"
        )
        #expect(days.first?["for"] as? [String: [String]] == ["project": ["bank"], "model": ["claude-haiku-4-5"]])
        let previous = try #require(document["previous"] as? [String: Any])
        #expect((previous["from"] as? String, previous["totalCost"] as? Double) == ("2026-11-09", 70))
    }

    @Test func `the kinds of tokens add up to the cost of the period`() async throws {
        let document = try await document(bench(), "period=7d")
        let kinds = try #require(document["costByKind"] as? [String: Any])
        let parts = ["input", "output", "cacheWrite", "cacheRead", "other"].compactMap { kinds[$0] as? Double }
        #expect(parts.count == 5)
        #expect(abs(parts.reduce(0, +) - (document["totalCost"] as? Double ?? 0)) < 1e-9)
        #expect((kinds["days"] as? [[String: Any]])?.count == 7)
    }

    @Test func `hours are those of a short period`() async throws {
        let bench = try await bench()
        let hours = try #require(try await document(bench, "period=today&hours=true&series=model")["hours"] as? [Any])
        #expect(hours.count == 24)
        #expect(bench.store.asked.summaries.last?.series == .model)
        #expect(try await document(bench, "period=today")["hours"] == nil)
        let answer = try await bench.get("/api/telemetry/insights?period=8d&hours=true")
        #expect(answer.status == 400)
        #expect(answer.text.contains("hours are for periods of at most 7 days"))
    }
}
