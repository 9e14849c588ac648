// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import PostgresServer
import StoreFixtures
import Testing
import Usage
import YAML

@testable import PostgreSQLExporter

/// What lies in the tables.
@Suite(.enabled(if: PostgresServer.isInstalled, "\(PostgresServer.need)"))
struct StoringTests {
    /// The sums equal what the calls add up to.
    static func checkSums(_ bench: Bench) throws {
        let sums = ["uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "cost"]
        let made = """
            SELECT time / 900000000000, session, model, count(*), sum(1 - priced)::bigint,
                \(sums.map { "sum(\($0))::bigint" }.joined(separator: ", "))
            FROM calls WHERE counted = 1 AND session <> 0 GROUP BY 1, 2, 3
            """
        #expect(try bench.rows("\(made) EXCEPT SELECT * FROM rollup", columns: 12) == [])
        #expect(try bench.rows("SELECT * FROM rollup EXCEPT (\(made))", columns: 12) == [])
    }

    @Test func `a batch that is sent again adds nothing`() async throws {
        let bench = try await Bench()
        let stores = [try await bench.start(), try await bench.start()]
        let batch = try Batch(
            (1...50).map { Observation($0, at: morning + Double($0), session: "s\($0 % 3)") },
            records: (1...20).map { ("e\($0)", "s\($0 % 3)", morning + Double($0)) },
            pricing: testPricing()
        )
        for store in stores + stores { try await store.consume(batch) }
        for (table, count) in [("calls", 50), ("sessions", 3), ("models", 1), ("batches", 1), ("session_batches", 3)] {
            #expect(try bench.rows("SELECT count(*) FROM \(table)", columns: 1) == ["\(count)"], "\(table)")
        }
        // Each call has the link of its observation, and no other.
        #expect(try bench.rows("SELECT count(*), count(DISTINCT ref) FROM links", columns: 2) == ["50 50"])
        try Self.checkSums(bench)
        for store in stores { await store.shutdown() }
    }

    @Test func `a call that another observation changes keeps its number`() async throws {
        let bench = try await Bench()
        let store = try await bench.start()
        let first = Observation(1).with { $0.keys.request = 77 }
        let second = Observation(2, input: 20, source: .transcript).with { $0.keys.request = 77 }
        try await store.consume(Batch([first, Observation(9, session: "t")]))
        try await store.consume(Batch([second]))
        #expect(try bench.rows("SELECT ref, observation_count FROM calls ORDER BY ref", columns: 2) == ["1 2", "2 1"])
        try Self.checkSums(bench)
        await store.shutdown()
    }

    @Test func `records of a day of the present have a partition, and compaction drops it`() async throws {
        let bench = try await Bench()
        let store = try await bench.start()
        let days = [0.0, -1, -2, -400].map { morning + $0 * 86_400 }
        for (number, day) in days.enumerated() { try await store.consume(Batch(records: [("e\(number)", "s", day)])) }
        let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'batches'::regclass"
        #expect(try bench.rows(partitions, columns: 1) == ["4"])
        #expect(try bench.rows("SELECT count(*) FROM batches_other", columns: 1) == ["1"])
        #expect(try await store.session(id: "s")?.events.count == 4)
        #expect(try await store.compact(before: morning + -3_600) == 3)
        #expect(try bench.rows(partitions, columns: 1) == ["2"])
        #expect(try await store.session(id: "s")?.events.count == 1)
        // The day is known to be gone, also to a collector that has made its partition.
        try await store.consume(Batch(records: [("again", "s", days[1])]))
        #expect(try await store.session(id: "s")?.events.count == 1)
        await store.shutdown()
    }

    @Test func `names with a zero byte and the largest figures come back as they went in`() async throws {
        let bench = try await Bench()
        let store = try await bench.start()
        let id = "zero \u{0} one \u{1} end"
        let observation = Observation(1, session: id, model: "m\u{0}", input: .max, output: .max)
        try await store.consume(Batch([observation, Observation(2, session: id, model: "m\u{0}", input: .max)]))
        let detail = try #require(try await store.session(id: id))
        #expect(detail.session.id == id && detail.calls.map(\.model) == ["m\u{0}", "m\u{0}"])
        #expect(detail.session.totals.counts.uncachedInput == .max)
        var query = SessionQuery(now: morning)
        (query.text, query.sort) = ("zero \u{0}", .totalTokens)
        #expect(try await store.sessions(query).sessions.map(\.id) == [id])
        await store.shutdown()
    }

    @Test func `what one collector writes the other one answers`() async throws {
        let bench = try await Bench()
        let (one, two) = (try await bench.start(), try await bench.start())
        let days = try period("2026-11-22", "2026-11-22")
        for number in UInt64(1)...10 {
            try await (number % 2 == 0 ? one : two).consume(Batch([Observation(number, model: "m\(number)")]))
            for store in [one, two] {
                #expect(try await store.summary(of: days, now: morning).byModel.count == Int(number))
                #expect(try await store.quality(of: days).calls == Int64(number))
                #expect(try await store.names(of: .model).count == Int(number))
            }
        }
        #expect(try await one.revision() == two.revision())
        for store in [one, two] { await store.shutdown() }
    }

    @Test func `whatever changes calls, packed sums give what the calls give`() async throws {
        let bench = try await Bench()
        // One packs, the other one reads the same sums.
        let stores = [try await bench.start(), try await bench.start()]
        let days = try period("2026-11-21", "2026-11-22", "Asia/Kathmandu")
        let many = (UInt64(1)...5_000).map {
            Observation($0, at: morning + -Double($0 * 20), session: $0 % 50 == 0 ? "named" : "s\($0 % 7)").with {
                $0.keys.request = $0.id
            }
        }
        try await stores[0].consume(Batch(many))
        let own = try PriceOverride(model: "m", input: "1", output: "2", cacheRead: "0", cacheWrite: "1")
        let table = try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8))
        let changes: [(PostgreSQLExporter) async throws -> Void] = [
            { _ in },
            { try await $0.consume(Batch([Observation(9_001, session: "named").with { $0.agent = "codex" }])) },
            // A second source of a call of the first block.
            {
                try await $0.consume(
                    Batch([Observation(9_002, input: 20, source: .transcript).with { $0.keys.request = 7 }])
                )
            },
            { _ = try await $0.reprice(by: Pricing(table: table.overridden(by: [own]))) },
            { _ = try await $0.compact(before: morning + -40_000) },
        ]
        for (number, change) in changes.enumerated() {
            try await change(stores[number % 2])
            let changed = try await stores[0].quality(of: days)
            try await Self.expectPacked(bench)
            for store in stores { #expect(try await store.quality(of: days) == changed, "change \(number)") }
            let fresh = try bench.makeExporter(announcement: .seconds(3_600))
            try await fresh.start()
            #expect(try await fresh.quality(of: days) == changed, "change \(number)")
            try bench.connect().execute("UPDATE quality_blocks SET changed = -1")
            #expect(try await fresh.quality(of: days) == changed, "change \(number)")
            await fresh.shutdown()
            #expect(changed.calls > 0)
        }
        for store in stores { await store.shutdown() }
    }

    /// Waits until every whole block of calls has sums of its present state.
    private static func expectPacked(_ bench: Bench) async throws {
        let stale = """
            SELECT count(*) FROM call_blocks b LEFT JOIN quality_blocks q ON q.block = b.block
            WHERE b.block < (SELECT max(ref) >> 11 FROM calls) AND q.changed IS DISTINCT FROM b.changed
            """
        for _ in 0..<400 {
            if try bench.rows(stale, columns: 1) == ["0"] { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("sums are not packed")
    }

    @Test func `days that are over are packed, and what changes them afterwards counts at once`() async throws {
        let bench = try await Bench()
        func start(_ announcement: Duration = .seconds(3_600)) async throws -> PostgreSQLExporter {
            let store = try bench.makeExporter(announcement: announcement)
            try await store.start()
            return store
        }
        let store = try await start()
        let yesterday = morning + -86_400
        for number in UInt64(0)..<200 {
            let time = yesterday + Double(number) * 400
            let observation = Observation(number, at: time, session: "s\(number % 9)", model: "m\(number % 3)")
            try await store.consume(Batch([observation]))
        }
        var queries: [UsageQuery] = []
        for zone in ["UTC", "Asia/Kathmandu", "America/St_Johns", "Australia/Eucla"] {
            var query = UsageQuery(try period("2026-11-20", "2026-11-23", zone), now: morning)
            queries.append(query)
            query.filter[.model] = ["m1"]
            queries.append(query)
        }
        var expected: [[String]] = []
        for query in queries { expected.append(figures(try await store.summary(query))) }
        #expect(try await store.summary(queries[0]).totals.calls == 200)
        #expect(try await store.summary(queries[1]).totals.calls == 67)
        // The first one has packed the day as it was at its start, and would do so again in an hour.
        try bench.connect().execute("UPDATE duties SET until = 0")
        let packing = try await start(.milliseconds(50))
        let valid = "SELECT count(*) FROM packed_days p JOIN rollup_days d ON d.day = p.day AND d.changed = p.changed"
        try await waitUntil { try bench.rows(valid, columns: 1) == ["1"] }
        await packing.shutdown()
        // Without its rows the day is answered from its packed sums alone.
        let connection = try bench.connect()
        let day = yesterday.nanoseconds / 86_400_000_000_000
        try connection.execute("CREATE TABLE kept AS SELECT * FROM rollup WHERE quarter / 96 = \(day)")
        try connection.execute("DELETE FROM rollup WHERE quarter / 96 = \(day)")
        let packed = try await start()
        for (query, answer) in zip(queries, expected) {
            let found = try await figures(packed.summary(query))
            #expect(found.count == answer.count && found.elementsEqual(answer))
        }
        try connection.execute("INSERT INTO rollup SELECT * FROM kept; DROP TABLE kept")
        try await store.consume(Batch([Observation(900, at: yesterday)]))
        #expect(try await packed.summary(queries[0]).totals.calls == 201)
        #expect(try await store.compact(before: morning + 86_400 * 3) == 201)
        #expect(try bench.rows("SELECT count(*) FROM packed_days", columns: 1) == ["0"])
        for store in [store, packed] { await store.shutdown() }
    }
}
