// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import StoreFixtures
import Testing
import Usage

/// Whatever way telemetry comes, the answers are the same, and the sums are those of the calls.
struct EquivalenceTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `any order, split and repetition gives the same answers to the byte`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let corpus = Corpus(&random)
        let (pricing, days) = (try testPricing(), try period("2026-11-20", "2026-11-24", "Asia/Kolkata"))
        var expected: Answers?
        for _ in 0..<4 {
            let bench = try await Bench()
            try await bench.consume(corpus.batches(&random, pricing: pricing))
            let answers = try await Answers(of: bench.store, days, now: morning + 60)
            #expect(answers.lines.count > 40)
            if let expected { #expect(answers.lines == expected.lines) } else { expected = answers }
            try Self.checkSums(bench)
            try Self.checkCalls(bench, corpus.observations)
            await bench.exporter.shutdown()
        }
    }

    /// The rollup equals what the calls add up to.
    static func checkSums(_ bench: Bench) throws {
        let sums = ["uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "cost"]
        let made = """
            SELECT time / 900000000000, session, model, count(*), sum(NOT priced), \(sums.map { "sum(\($0))" }.joined(separator: ", "))
            FROM calls WHERE counted AND session <> 0 GROUP BY 1, 2, 3
            """
        #expect(try bench.rows("\(made) EXCEPT SELECT * FROM rollup") == [])
        #expect(try bench.rows("SELECT * FROM rollup EXCEPT \(made)") == [])
    }

    /// The calls are those of the ledger in memory.
    private static func checkCalls(_ bench: Bench, _ observations: [Observation]) throws {
        var ledger = MemoryLedger()
        try ledger.absorb(observations)
        let expected = ledger.calls.map { call in
            let counts = call.counts
            let figures = [counts.uncachedInput, counts.cacheWrite5m, counts.cacheWrite1h, counts.output].map(
                String.init
            )
            let names = [call.session ?? "-", call.model ?? "", call.provider ?? "", call.isCounted ? "1" : "0"]
            return ([String(call.time.nanoseconds), String(Int64(bitPattern: call.id))] + names + figures).joined(
                separator: " "
            )
        }
        let kept = try bench.rows(
            """
            SELECT c.time, c.id, CASE s.hidden WHEN 1 THEN '-' ELSE s.id END, m.name, m.provider, c.counted, c.uncached_input,
                c.cache_write_5m, c.cache_write_1h, c.output
            FROM calls c JOIN sessions s ON s.ref = c.session JOIN models m ON m.ref = c.model
            """
        )
        let unquoted = kept.map { $0.replacing("\"", with: "") }
        #expect(unquoted.sorted() == expected.sorted())
    }

    @Test func `a batch that is sent again adds nothing`() async throws {
        var random = SeededGenerator(seed: 99)
        let batch = try Batch(Corpus(&random).observations, records: Corpus(&random).records, pricing: testPricing())
        let bench = try await Bench()
        try await bench.consume([batch])
        let tables = [
            "calls", "link_rows", "link_runs", "link_tail", "rollup", "sessions", "models", "batches",
            "session_batches",
        ]
        // When a session was last looked at is no part of what is known of it.
        try bench.execute("UPDATE sessions SET changed = 0")
        let before = try tables.map { try bench.rows("SELECT * FROM \($0) ORDER BY 1, 2") }
        try await bench.consume([batch, batch])
        try bench.execute("UPDATE sessions SET changed = 0")
        for (table, rows) in zip(tables, before) {
            #expect(try bench.rows("SELECT * FROM \(table) ORDER BY 1, 2") == rows, "\(table)")
        }
    }

    @Test func `a store that is opened again has everything`() async throws {
        var random = SeededGenerator(seed: 7)
        let (bench, days) = (try await Bench(), try period("2026-11-20", "2026-11-24"))
        try await bench.consume(Corpus(&random).batches(&random, pricing: testPricing()))
        let before = try await Answers(of: bench.store, days, now: morning)
        await bench.exporter.shutdown()
        let again = try Bench.makeExporter(path: bench.path)
        try await again.start()
        let store = try #require(again.usageStore)
        #expect(try await Answers(of: store, days, now: morning) == before)
        await again.shutdown()
    }
}
