// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import StoreFixtures
import Testing
import Usage

/// Summaries of periods, and listings of sessions.
struct QueryTests {
    /// Five sessions, ten minutes apart, with one to five calls.
    private static func bench() async throws -> Bench {
        let bench = try await Bench()
        var observations: [Observation] = []
        for number in UInt64(1)...5 {
            for call in 1...number {
                let time = morning + Double(number) * 600 + Double(call)
                observations.append(
                    Observation(
                        number * 10 + call,
                        at: time,
                        session: "s\(number)",
                        model: number == 5 ? "n" : "m",
                        input: Int64(60 / number)
                    ).with {
                        ($0.agent, $0.project) = (
                            number % 2 == 0 ? "codex" : "claude-code", number < 3 ? "100%_done" : "100x-done"
                        )
                    }
                )
            }
        }
        try await bench.consume([Batch(observations, pricing: testPricing())])
        return bench
    }

    private static let end = morning + 3_030

    @Test(
        arguments: [
            (SessionQuery.Sort.lastSeenAt, true, "54321"), (.startedAt, false, "12345"), (.calls, true, "54321"),
            (.cost, true, "43215"),
            (.totalTokens, true, "54321"), (.name, false, "12345"), (.durationMs, true, "54321"),
        ] as [(SessionQuery.Sort, Bool, String)]
    )
    func `sessions can be sorted by anything, and pages hold each once`(
        sort: SessionQuery.Sort,
        descending: Bool,
        order: String
    ) async throws {
        let bench = try await Self.bench()
        for limit in 1...6 {
            var query = SessionQuery(now: Self.end)
            (query.sort, query.descending, query.limit) = (sort, descending, limit)
            var found = ""
            repeat {
                let page = try await bench.store.sessions(query)
                #expect(page.total == 5)
                #expect(page.sessions.count <= limit)
                found += page.sessions.map { String($0.id.dropFirst()) }.joined()
                query.after = page.next
            } while query.after != nil
            #expect(found == order)
        }
    }

    @Test(arguments: filters)
    func `sessions can be filtered`(name: String, filter: @Sendable (inout SessionQuery) -> Void, expected: [String])
        async throws
    {
        let bench = try await Self.bench()
        var query = SessionQuery(now: Self.end)
        (query.sort, query.descending) = (.name, false)
        filter(&query)
        let page = try await bench.store.sessions(query)
        #expect(page.sessions.map(\.id) == expected)
        #expect(page.total == expected.count)
    }

    private static let filters: [(String, @Sendable (inout SessionQuery) -> Void, [String])] = [
        ("agent", { $0.filter[.agent] = ["codex"] }, ["s2", "s4"]),
        ("model", { $0.filter[.model] = ["n"] }, ["s5"]),
        ("project", { $0.filter[.project] = ["100%_done"] }, ["s1", "s2"]),
        ("project and agent", { ($0.filter[.project], $0.filter[.agent]) = (["100%_done"], ["codex"]) }, ["s2"]),
        ("text in any case", { $0.text = "S3" }, ["s3"]),
        ("percent sign", { $0.text = "%" }, ["s1", "s2"]),
        ("underscore", { $0.text = "0%_d" }, ["s1", "s2"]),
        ("backslash", { $0.text = "\\" }, []),
        ("quotes", { $0.text = "' OR 1=1 --" }, []),
        ("quotes in a name", { $0.filter[.agent] = ["x' OR '1'='1"] }, []),
        ("active", { $0.status = .active }, ["s5"]),
        ("idle", { ($0.status, $0.now) = (.idle, $0.now + 60) }, ["s5"]),
        ("stale", { $0.status = .stale }, ["s1", "s2", "s3", "s4"]),
        ("completed", { $0.status = .completed }, []),
    ]

    @Test func `a state in a listing is the session's own`() async throws {
        let bench = try await Self.bench()
        for seconds in [5.0, 25, 30, 85, 86, 325, 326] {
            for status in Session.Status.allCases {
                var query = SessionQuery(now: morning + 3_000 + seconds)
                query.status = status
                let found = try await bench.store.sessions(query).sessions
                #expect(found.allSatisfy { $0.status(at: query.now) == status })
                query.status = nil
                let all = try await bench.store.sessions(query).sessions
                #expect(found.count == all.filter { $0.status(at: query.now) == status }.count)
            }
        }
    }

    /// Calls around midnight in a zone that is five and a half hours ahead, and around a change of the clocks.
    @Test(
        arguments: [
            (
                "Asia/Kolkata", "2026-11-21", "2026-11-23",
                ["2026-11-21T18:29:59.999Z", "2026-11-21T18:30:00.000Z", "2026-11-22T18:30:00.000Z"], [1, 1, 1]
            ),
            (
                "Asia/Kathmandu", "2026-11-21", "2026-11-22",
                ["2026-11-21T18:14:59.000Z", "2026-11-21T18:15:00.000Z", "2026-11-22T18:15:00.000Z"], [1, 1]
            ),
            (
                "Europe/Berlin", "2026-10-24", "2026-10-26",
                [
                    "2026-10-24T21:59:59.000Z", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.000Z",
                    "2026-10-25T23:00:00.000Z",
                ], [1, 2, 1]
            ),
            (
                "UTC", "2026-11-22", "2026-11-22",
                ["2026-11-21T23:59:59.999Z", "2026-11-22T00:00:00.000Z", "2026-11-23T00:00:00.000Z"], [1]
            ),
        ] as [(String, String, String, [String], [Int64])]
    )
    func `days are those of the time zone`(zone: String, from: String, to: String, times: [String], calls: [Int64])
        async throws
    {
        let bench = try await Bench()
        let observations = try times.enumerated().map {
            Observation(UInt64($0.offset + 1), at: try #require(Timestamp(iso8601: $0.element)))
        }
        try await bench.consume([Batch(observations)])
        let summary = try await bench.store.summary(of: period(from, to, zone), now: morning)
        #expect(summary.byDay.map(\.totals.calls) == calls)
        #expect(summary.byDay.first?.date == from && summary.byDay.last?.date == to)
        #expect(summary.totals.calls == calls.reduce(0, +))
    }

    @Test func `a summary names at most a thousand sessions, the dearest`() async throws {
        let bench = try await Bench()
        try await bench.consume([
            Batch(
                (UInt64(1)...1_010).map { Observation($0, session: "s\($0)", input: Int64($0)) },
                pricing: testPricing()
            )
        ])
        let summary = try await bench.store.summary(of: period("2026-11-22", "2026-11-22"), now: morning)
        #expect(summary.sessionCount == 1_010)
        #expect(summary.sessions.count == 1_000)
        #expect(summary.sessions.first?.id == "s1010" && summary.sessions.last?.id == "s11")
    }

    @Test func `a store without anything answers with nothing`() async throws {
        let bench = try await Bench()
        let summary = try await bench.store.summary(of: period("2026-11-21", "2026-11-22"), now: morning)
        #expect(summary.totals == UsageTotals())
        #expect(summary.byDay.map(\.date) == ["2026-11-21", "2026-11-22"])
        #expect(try await bench.store.sessions(SessionQuery(now: morning)).total == 0)
    }
}
