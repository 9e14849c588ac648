// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import GRDB
import StoreFixtures
import Testing
import Usage

@testable import SQLiteExporter
@testable import SQLiteUsage
@testable import UsageDatabase

/// What summaries remember changes no answer.
struct RememberedSummaryTests {
    @Test(arguments: ["UTC", "Asia/Kolkata", "Europe/Berlin"])
    func `sums that are remembered are those that are added up anew`(zone: String) async throws {
        var random = SeededGenerator(seed: 41)
        let (bench, days) = (try await Bench(), try period("2026-11-20", "2026-11-24", zone))
        for batch in try Corpus(&random).batches(&random, pricing: testPricing()) {
            try await bench.consume([batch])
            let remembered = try await bench.store.summary(of: days, now: morning)
            #expect(try await Answers.lines(bench.store.summary(of: days, now: morning)) == Answers.lines(remembered))
            // With a condition that all fulfil the same is added up.
            var query = UsageQuery(days, now: morning)
            query.filter[.agent] = Set(remembered.byAgent.keys)
            guard !query.filter.isEmpty else { continue }
            // Who is active is no matter of calls.
            var summary = try await bench.store.summary(query)
            summary.activeSessions = remembered.activeSessions
            #expect(Answers.lines(summary) == Answers.lines(remembered))
            for dimension in UsageDimension.allCases {
                query.series = dimension
                let split = try await bench.store.summary(query).series
                query.filter = UsageFilter()
                #expect(try await bench.store.summary(query).series == split, "\(dimension)")
                query.filter[.agent] = Set(remembered.byAgent.keys)
            }
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `going on from days that are over gives what all days give`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let bench = try await Bench()
        let (small, large) = (SummaryMemory(mostFinished: 3), SummaryMemory())
        for (number, batch) in try Corpus(&random).batches(&random, pricing: testPricing()).enumerated() {
            try await bench.consume([batch])
            if number % 7 == 6 { _ = try await bench.store.compact(before: morning + Double(number * 900 - 90_000)) }
            // Some days before, so that what is asked for is over, half of it, and not at all.
            for (from, to) in [
                ("2026-11-18", "2026-11-22"), ("2026-11-20", "2026-11-26"), ("2026-11-21", "2026-11-22"),
            ] {
                var query = UsageQuery(try period(from, to, "Asia/Kolkata"), now: morning)
                query.series = UsageDimension.allCases[number % UsageDimension.allCases.count]
                if number % 3 == 1 { query.filter[.model] = ["m"] }
                try Self.expectEqual(bench, query, [small, large])
            }
        }
    }

    /// Compares answers that remember with one that adds up everything.
    private static func expectEqual(_ bench: Bench, _ query: UsageQuery, _ memories: [SummaryMemory]) throws {
        try DatabaseQueue(path: bench.path).read { db in
            func answer(_ memory: SummaryMemory) throws -> UsageSummary {
                try SummaryReader(sums: DatabaseSums(db: db), query: query, memory: memory).run()
            }
            let expected = try answer(SummaryMemory(mostFinished: 0))
            for memory in memories {
                let found = try answer(memory)
                #expect(Answers.lines(found) == Answers.lines(expected))
                #expect(found.series == expected.series)
            }
        }
    }

    @Test func `sums under a condition follow the calls and the names of sessions`() async throws {
        let (bench, days) = (try await Bench(), try period("2026-11-20", "2026-11-23"))
        var query = UsageQuery(days, now: morning)
        query.filter[.agent] = ["codex"]
        func calls() async throws -> Int64 {
            let first = try await bench.store.summary(query).totals.calls
            #expect(try await bench.store.summary(query).totals.calls == first)
            return first
        }
        try await bench.consume([Batch([Observation(1, session: "a"), Observation(2, session: "b")])])
        #expect(try await calls() == 0)
        // Its agent is learned from a call of another day.
        let named = Observation(3, at: morning + -86_400, session: "a").with { $0.agent = "codex" }
        try await bench.consume([Batch([named])])
        #expect(try await calls() == 2)
        try await bench.consume([Batch([Observation(4, session: "a")])])
        #expect(try await calls() == 3)
        query.filter[.model] = ["another model"]
        #expect(try await calls() == 0)
        query.filter[.model] = []
        _ = try await bench.store.compact(before: morning + -3_600)
        #expect(try await calls() == 2)
    }

    @Test func `a listed session names its newest model, also when that call went to another session`() async throws {
        let (bench, days) = (try await Bench(), try period("2026-11-22", "2026-11-22"))
        let trace = "0af7651916cd43dd"
        let spans = [Observation(1, session: trace), Observation(2, at: morning + 60, session: trace, model: "n")].map {
            $0.with { ($0.source, $0.priority, $0.sessionIsTrace, $0.keys.request) = (.otlpSpan, 80, true, $0.id) }
        }
        try await bench.consume([Batch(spans)])
        #expect(try await models(bench, days) == [trace: "n"])
        // The log record knows the session of the newest call.
        let told = Observation(3, at: morning + 60, session: "b", model: "n").with { $0.keys.request = 2 }
        try await bench.consume([Batch([told])])
        #expect(try await models(bench, days) == [trace: "m", "b": "n"])
        try await bench.consume([Batch([Observation(4, at: morning + 90, session: "b", model: "o")])])
        #expect(try await models(bench, days) == [trace: "m", "b": "o"])
    }

    private func models(_ bench: Bench, _ days: Period) async throws -> [String: String] {
        let summary = try await bench.store.summary(of: days, now: morning)
        for session in summary.sessions { #expect(try await bench.store.session(id: session.id)?.session == session) }
        return Dictionary(uniqueKeysWithValues: summary.sessions.map { ($0.id, $0.model ?? "") })
    }

    @Test func `more models than there are bits are told apart`() async throws {
        let (bench, days) = (try await Bench(), try period("2026-11-22", "2026-11-23"))
        let observations = (UInt64(0)..<280).map { number in
            Observation(number + 1, at: morning + Double(number), session: "s\(number % 3)", model: "m\(number % 70)")
        }
        try await bench.consume([
            Batch(observations), Batch([Observation(999, at: morning + 86_400, session: "s0", model: "m69")]),
        ])
        let summary = try await bench.store.summary(of: days, now: morning)
        #expect(summary.byModel.count == 70)
        for number in 0..<70 {
            let users = Set(observations.filter { $0.model == "m\(number)" }.compactMap(\.session))
            #expect(summary.byModel["m\(number)"]?.sessions == users.count, "m\(number)")
        }
        #expect(summary.byModel["m69"]?.totals.calls == 5)
    }
}
