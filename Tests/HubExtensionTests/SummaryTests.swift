// SPDX-License-Identifier: Apache-2.0

import HubExtension
import Testing
import Usage

/// Filters of a summary, the previous period, and days with series.
struct SummaryTests {
    @Test func `filters reach the store, and unknown selects what has no name`() async throws {
        let bench = try await Bench()
        _ = try await bench.get("/api/telemetry/summary?agent=codex&agent=unknown&user=ann&series=user")
        let query = try #require(bench.store.asked.summaries.first)
        #expect(query.filter[.agent] == ["codex", "unknown", ""])
        #expect(query.filter[.user] == ["ann"])
        #expect(query.filter[.model] == [])
        #expect(query.series == .user)
    }

    @Test func `the equally long time before has the same conditions`() async throws {
        let bench = try await Bench()
        bench.store.prepare { state in
            state.summary = { period in
                var summary = UsageSummary(period: period)
                (summary.totals.calls, summary.sessionCount) = (Int64(period.days.count), 2)
                summary.totals.cost = Money(nanodollars: period.from == "2026-11-09" ? 5 : 6)
                return summary
            }
        }
        let text = try await bench.get("/api/telemetry/summary?period=7d&previous=true&model=m&timezone=Europe/Berlin")
            .text
        #expect(
            text.hasSuffix(
                #""remainingMinutes":660},"previous":{"from":"2026-11-09","to":"2026-11-15","totalCost":0.000000005,"totalTokens":0,"#
                    + #""callCount":7,"sessionCount":2}}"#
            ),
            "\(text)"
        )
        #expect(bench.store.asked.summaries.map { $0.filter[.model] } == [["m"], ["m"]])
        #expect(try await !bench.get("/api/telemetry/summary?previous=false").text.contains("previous"))
        #expect(
            try await !bench.get("/api/telemetry/summary?from=1970-01-01&to=1970-01-02&previous=1").text.contains(
                "previous"
            )
        )
    }

    @Test func `days are split up, dearest first`() async throws {
        let bench = try await Bench()
        bench.store.prepare { state in
            state.summary = { period in
                var summary = UsageSummary(period: period)
                var (dear, cheap) = (UsageTotals(), UsageTotals())
                (dear.cost, dear.calls, dear.counts.output) = (Money(nanodollars: 1_500_000_000), 3, 4)
                cheap.cost = Money(nanodollars: 1)
                summary.series = [["": cheap, "m": dear, "unknown": cheap]]
                return summary
            }
        }
        let text = try await bench.get("/api/telemetry/summary?from=2026-11-22&to=2026-11-22&series=model").text
        let rest =
            #""inputTokens":0,"outputTokens":0,"cacheReadTokens":0,"cacheWriteTokens":0,"reasoningTokens":0,"unpricedCalls":0}"#
        let values =
            #"{"m":{"cost":1.5,"calls":3,"inputTokens":0,"outputTokens":4,"cacheReadTokens":0,"cacheWriteTokens":0,"reasoningTokens":0,"unpricedCalls":0},"#
            + #""unknown":{"cost":0.000000002,"calls":0,\#(rest)}"#
        #expect(
            text.hasSuffix(#""series":{"dimension":"model","days":[{"date":"2026-11-22","values":\#(values)}]}}"#),
            "\(text)"
        )
    }

    @Test func `sessions may be left out`() async throws {
        let bench = try await Bench()
        let text = try await bench.get("/api/telemetry/summary?sessions=false").text
        #expect(text.contains(#""sessions":[],"budget""#))
        _ = try await bench.get("/api/telemetry/summary?sessions=true")
        #expect(bench.store.asked.summaries.map(\.listsSessions) == [false, true])
    }

    @Test(arguments: [
        "sessions=some", "series=day", "previous=perhaps",
        "user=" + Array(repeating: "a", count: 65).joined(separator: "&user="),
    ])
    func `an invalid request is refused`(query: String) async throws {
        let bench = try await Bench()
        #expect(try await bench.get("/api/telemetry/summary?\(query)").status == 400)
        #expect(bench.store.asked.summaries.isEmpty)
    }

    @Test func `a budget counts all users, whatever the filter`() async throws {
        let bench = try await Bench { $0.budget.monthly = 10 }
        _ = try await bench.get("/api/telemetry/summary?agent=codex")
        #expect(bench.store.asked.summaries.map(\.filter.isEmpty) == [false, true])
    }
}
