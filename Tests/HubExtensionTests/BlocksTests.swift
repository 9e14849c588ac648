// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import HubAPI
import Testing
import Usage

@testable import HubExtension

/// Blocks as the API answers, over a store that holds calls.
struct BlocksTests {
    private func bench(_ times: [String], now: String = "2026-11-22T12:00:00Z") async throws -> Bench {
        let bench = try await Bench { $0.timezone = "Europe/Berlin" }
        try bench.clock.set(now)
        let calls = try times.enumerated().map { position, time in
            var call = Call(
                id: UInt64(position + 1),
                time: try instant(time),
                counts: TokenCounts(uncachedInput: 1_000)
            )
            call.model = position % 3 == 2 ? "m-2" : "m-1"
            call.price = CallPrice(cost: Money(nanodollars: 500_000_000), isPriced: true, computed: nil)
            return call
        }
        bench.store.prepare { $0.calls = calls }
        return bench
    }

    private func starts(_ bench: Bench, _ query: String) async throws -> [String] {
        let answer = try await bench.get("/api/telemetry/blocks" + query)
        #expect(answer.status == 200, "\(answer.text)")
        return answer.text.split(separator: "\"id\":\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
    }

    private static let week = [
        "2026-11-15T20:00:00Z", "2026-11-18T09:15:00Z", "2026-11-18T14:20:00Z", "2026-11-22T09:15:00Z",
        "2026-11-22T11:45:00Z",
    ]

    @Test(arguments: [
        ("", 7), ("?active=true", 1), ("?recent=true", 1), ("?from=2026-11-18&to=2026-11-18", 3),
        ("?from=2026-11-16&to=2026-11-17", 0), ("?from=2030-01-01&to=2030-01-02", 0),
        ("?from=2020-01-01&to=2026-11-30", 7),
        ("?model=m-2", 1), ("?hours=24", 5), ("?weekStart=monday", 2), ("?weekStart=wednesday@15:21&recent=true", 1),
        ("?weekStart=monday&active=true", 1), ("?active=true&from=2026-11-18&to=2026-11-18", 0),
    ])
    func `a question gets its blocks`(query: String, count: Int) async throws {
        let found = try await starts(try await bench(Self.week), query)
        #expect(found.count == count, "\(found)")
    }

    /// A call every 50 minutes for 40 days: no silence of five hours says where a block begins.
    @Test func `without a silence the beginning of a block is remembered, until older calls change it`() async throws {
        let now = try instant("2026-11-22T12:00:00Z")
        let times = (0..<1_150).map { Timestamp(nanoseconds: now.nanoseconds - Int64($0) * 3_000_000_000_000).iso8601 }
        let busy = try await bench(times.reversed())
        func answer(_ bench: Bench) async throws -> String {
            try await bench.get("/api/telemetry/blocks?active=true").text
        }
        let first = try await answer(busy)
        #expect(first.contains(#""isActive":true"#))
        func read(_ bench: Bench) -> Timestamp? {
            let earliest = bench.store.asked.callsFrom.min()
            bench.store.prepare { $0.callsFrom = [] }
            return earliest
        }
        let oldest = try #require(read(busy))
        #expect(try await answer(busy) == first)
        let later = try #require(read(busy))
        #expect(oldest < later, "the second question reads all calls again")
        // A call before all others moves every block, and a fresh hub says the same.
        let moved = ["2026-10-10T03:10:00Z"] + times.reversed()
        let fresh = try await bench(moved)
        let calls = fresh.store.asked.calls
        busy.store.prepare { $0.calls = calls }
        #expect(try await answer(busy) == (try await answer(fresh)))
        #expect(try await answer(busy) == (try await answer(fresh)))
    }

    /// Every block from a certain instant on, by the sums of hours, is the one that all calls give; nothing before the silence is read.
    @Test(arguments: [1, 2, 3, 5, 8, 13]) func `a silence is found in the sums of hours`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let now = try instant("2026-11-22T12:00:00Z")
        var times: [Int64] = []
        var time = now.nanoseconds
        for _ in 0..<400 {
            // Most pauses are of minutes, some of hours, a few of nearly or just over a block.
            let minutes = [3, 40, 90, 200, 290, 299, 301, 360, 420][random.below(9)] * (random.below(12) == 0 ? 3 : 1)
            time -= Int64(minutes) * 60_000_000_000 + Int64(random.below(60)) * 1_000_000_000
            times.append(time)
        }
        let bench = try await bench(times.reversed().map { Timestamp(nanoseconds: $0).iso8601 })
        let all = try await starts(bench, "")
        let recent = all.filter { !$0.hasPrefix("gap") && $0 >= "2026-11-19T12:00:00" }
        bench.store.prepare { $0.callsFrom = [] }
        #expect(try await starts(bench, "?recent=true").filter { !$0.hasPrefix("gap") } == recent)
        let oldest = try #require(bench.store.asked.callsFrom.min())
        #expect(oldest.iso8601 > "2026-11-11")
    }

    @Test func `blocks and the gaps between them`() async throws {
        let found = try await starts(try await bench(Self.week), "")
        #expect(
            found == [
                "2026-11-15T20:00:00.000Z", "gap-2026-11-16T01:00:00.000Z", "2026-11-18T09:00:00.000Z",
                // The next call is five hours and five minutes after the last.
                "gap-2026-11-18T14:15:00.000Z", "2026-11-18T14:00:00.000Z", "gap-2026-11-18T19:20:00.000Z",
                "2026-11-22T09:00:00.000Z",
            ]
        )
    }

    @Test func `a part of the time has the same blocks as all of it`() async throws {
        // Work around the clock, without a silence of five hours for three weeks.
        let start = try instant("2026-11-01T07:20:00Z").nanoseconds
        let times = (0..<180).map { Timestamp(nanoseconds: start + Int64($0) * 10_000_000_000_000).iso8601 }
        let bench = try await bench(times, now: "2026-11-22T01:00:00Z")
        let all = try await starts(bench, "")
        #expect(all.count == 90)
        #expect(try await starts(bench, "?active=true") == all.suffix(1))
        let recent = all.filter { $0 >= "2026-11-19T01:00:00" }
        #expect(try await starts(bench, "?recent=true") == recent)
        let day = all.filter { $0 >= "2026-11-09T23:00:00" && $0 < "2026-11-10T23:00:00" }
        #expect(try await starts(bench, "?from=2026-11-10&to=2026-11-10") == day)
    }

    @Test func `the active block has a rate, a projection and a limit`() async throws {
        let bench = try await bench(Self.week)
        let text = try await bench.get("/api/telemetry/blocks?active=true&tokenLimit=max").text
        // 2,000 tokens in 150 minutes, and two hours left.
        #expect(
            text.contains(
                #""burnRate":{"tokensPerMinute":13.333333333,"uncachedTokensPerMinute":13.333333333,"costPerHour":0.4}"#
            )
        )
        #expect(text.contains(#""projection":{"totalTokens":3600,"totalCost":1.8,"remainingMinutes":120}"#))
        #expect(text.contains(#""tokenLimit":1000,"#))
        #expect(
            text.contains(
                #""tokenLimitStatus":{"limit":1000,"projectedUsage":3600,"percentUsed":360,"status":"exceeds"}"#
            )
        )
        for (limit, status) in [("3599", "exceeds"), ("3600", "warning"), ("4500", "ok"), ("4499", "warning")] {
            let text = try await bench.get("/api/telemetry/blocks?active=true&tokenLimit=\(limit)").text
            #expect(text.contains("\"status\":\"\(status)\""), "\(limit)")
        }
    }

    @Test(arguments: [
        "hours=0", "hours=169", "hours=x", "weekStart=someday", "weekStart=monday&hours=5", "tokenLimit=0",
        "tokenLimit=much",
        "active=perhaps", "period=soon", "timezone=Nowhere",
    ])
    func `a question that makes no sense is refused`(query: String) async throws {
        #expect(try await bench([]).get("/api/telemetry/blocks?" + query).status == 400)
    }

    @Test func `a period under way has a rate and a projection, one that is over only a rate`() async throws {
        let bench = try await bench(Self.week)
        // 2,000 tokens in the 13 hours of the day in Berlin.
        let today = try await bench.get("/api/telemetry/summary?period=today").text
        #expect(today.contains(#""burnRate":{"tokensPerMinute":2.564102564,"#), "\(today)")
        #expect(today.contains(#""projection":{"totalTokens":3692,"totalCost":1.846153846,"remainingMinutes":660}"#))
        let past = try await bench.get("/api/telemetry/summary?from=2026-11-18&to=2026-11-18").text
        #expect(past.contains(#""burnRate":{"tokensPerMinute":1.388888889,"#))
        #expect(!past.contains("projection"))
        let future = try await bench.get("/api/telemetry/summary?from=2027-11-18&to=2027-11-18").text
        #expect(!future.contains("burnRate"))
    }
}
