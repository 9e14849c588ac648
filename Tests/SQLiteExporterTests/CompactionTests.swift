// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import StoreFixtures
import Testing
import Usage

/// What is left when the old goes.
struct CompactionTests {
    private static func day(_ number: Int) -> Timestamp { morning + Double(number) * 86_400 }

    /// A call and a record on each of ten days, each in a session of its own.
    private static func bench() async throws -> Bench {
        let bench = try await Bench()
        for number in 0..<10 {
            let call = Observation(UInt64(number + 1), at: day(number), session: "s\(number)").with {
                $0.keys.request = UInt64(100 + number)
            }
            try await bench.consume([Batch([call], records: [("e", "s\(number)", day(number))], pricing: testPricing())]
            )
        }
        return bench
    }

    @Test func `what ended before goes, the rest stays as it was`() async throws {
        let bench = try await Self.bench()
        let days = try period("2026-11-26", "2026-12-01")
        let before = try await bench.store.summary(of: days, now: morning)
        #expect(before.totals.calls == 6)
        #expect(try await bench.store.compact(before: Self.day(4) + -60) == 8)
        let after = try await bench.store.summary(of: days, now: morning)
        #expect(after.totals == before.totals)
        #expect(after.byDay == before.byDay)
        #expect(after.sessions == before.sessions)
        #expect(
            try await bench.store.summary(of: period("2026-11-20", "2026-11-25"), now: morning).totals == UsageTotals()
        )
        #expect(
            try await bench.store.sessions(SessionQuery(now: morning)).sessions.map(\.id) == [
                "s9", "s8", "s7", "s6", "s5", "s4",
            ]
        )
        #expect(try bench.rows("SELECT count(*), sum(records) FROM batches") == ["6 6"])
        #expect(try bench.rows("SELECT count(*) FROM session_batches") == ["6"])
        try EquivalenceTests.checkSums(bench)
    }

    @Test func `the border is a whole quarter of an hour, so that sums and calls tell the same`() async throws {
        let bench = try await Bench()
        let times = [-1.0, 0, 1, 899, 900, 901]
        try await bench.consume([
            Batch(times.enumerated().map { Observation(UInt64($0.offset + 1), at: morning + $0.element) })
        ])
        #expect(try await bench.store.compact(before: morning + 1_000) == 4)
        try EquivalenceTests.checkSums(bench)
        #expect(try bench.rows("SELECT sum(calls) FROM rollup") == ["2"])
    }

    @Test func `everything can go, twice`() async throws {
        let bench = try await Self.bench()
        #expect(try await bench.store.compact(before: Self.day(400)) == 20)
        #expect(try await bench.store.compact(before: Self.day(400)) == 0)
        for table in [
            "calls", "link_rows", "link_runs", "link_tail", "rollup", "batches", "session_batches", "sessions",
        ] {
            #expect(try bench.rows("SELECT count(*) FROM \(table)") == ["0"], "\(table)")
        }
    }

    @Test func `an observation that comes late finds a call at the border`() async throws {
        let bench = try await Bench()
        // The better observation ends before the border, the other after it; the call is older than the border and goes.
        let log = Observation(1, at: morning + -1).with { $0.keys.request = 7 }
        let span = Observation(2, at: morning + 1, source: .otlpSpan).with {
            ($0.keys.request, $0.keys.response) = (7, 9)
        }
        let late = Observation(3, at: morning + 2, source: .transcript).with { $0.keys.response = 9 }
        try await bench.consume([Batch([log, span])])
        #expect(try await bench.store.compact(before: morning) == 1)
        try await bench.consume([Batch([late])])
        #expect(try bench.rows("SELECT session, witness_count FROM calls") == ["0 3"])
        #expect(try bench.rows("SELECT count(*) FROM rollup") == ["0"])
        try EquivalenceTests.checkSums(bench)
    }

    @Test func `a session that lives on keeps its start`() async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1), Observation(2, at: Self.day(3))])])
        #expect(try await bench.store.compact(before: Self.day(1)) == 1)
        let session = try #require(try await bench.store.session(id: "s"))
        #expect(session.session.startedAt == morning)
        #expect(session.calls.map(\.id) == [2])
        #expect(session.session.totals.calls == 1)
    }
}
