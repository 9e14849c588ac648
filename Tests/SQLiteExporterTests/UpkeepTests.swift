// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import GRDB
import StoreFixtures
import Testing
import Usage

@testable import SQLiteExporter

/// What is remembered between questions, prices that change, and room that is given back.
struct UpkeepTests {
    private static func calls(_ ids: Range<UInt64>, at time: Timestamp = morning) -> [Observation] {
        ids.map { id in
            Observation(id).with {
                ($0.time, $0.keys.request, $0.model, $0.session) = (time, id, "m", "s\(id % 7)")
                $0.counts.uncachedInput = 1_000_000
            }
        }
    }

    @Test func `a summary sees what came after the last one, whoever kept it`() async throws {
        let bench = try await Bench()
        let days = try period("2026-11-20", "2026-11-24")
        var expected: Int64 = 0
        for round in UInt64(0)..<4 {
            let own = Self.calls(round * 100 + 1..<round * 100 + 11)
            try await bench.consume([Batch(own)])
            // As a command would, while the collector runs.
            let other = try Bench.makeExporter(path: bench.path)
            try await other.start()
            try await other.consume(Batch(Self.calls(round * 100 + 51..<round * 100 + 56, at: morning + 90_000)))
            await other.shutdown()
            expected += 15
            let summary = try await bench.store.summary(of: days, now: morning)
            #expect(summary.totals.calls == expected)
            #expect(summary.byDay.map(\.totals.calls) == [0, 0, expected / 3 * 2, expected / 3, 0])
        }
    }

    @Test func `the agent of a session that is told later is that of its earlier calls, too`() async throws {
        let bench = try await Bench()
        let days = try period("2026-11-22", "2026-11-22")
        try await bench.consume([Batch(Self.calls(1..<8))])
        #expect(try await bench.store.summary(of: days, now: morning).byAgent.keys.sorted() == [""])
        try await bench.consume([Batch(Self.calls(8..<9).map { $0.with { $0.agent = "codex" } })])
        let shares = try await bench.store.summary(of: days, now: morning).byAgent
        #expect(shares.mapValues(\.totals.calls) == ["": 6, "codex": 2])
        #expect(shares.mapValues(\.sessions) == ["": 6, "codex": 1])
    }

    @Test func `every change raises the revision, and questions do not`() async throws {
        let bench = try await Bench()
        let first = try await bench.store.revision()
        try await bench.consume([Batch(Self.calls(1..<2))])
        let second = try await bench.store.revision()
        #expect(second > first)
        _ = try await bench.store.summary(of: period("2026-11-22", "2026-11-22"), now: morning)
        #expect(try await bench.store.revision() == second)
        _ = try await bench.store.compact(before: morning + 3_600)
        #expect(try await bench.store.revision() > second)
    }

    // Each call has a million tokens of input and five of output.
    @Test func `prices that changed change sums, and nothing else does`() async throws {
        let bench = try await Bench()
        let days = try period("2026-11-22", "2026-11-22")
        try await bench.consume([Batch(Self.calls(1..<5_001))])
        #expect(
            try await bench.store.unpricedModels() == [UnpricedModel(model: "m", calls: 5_000, lastSeenAt: morning)]
        )
        let own = try PriceOverride(
            model: "m",
            input: "2",
            output: "2",
            cacheRead: nil,
            cacheWrite: nil,
            cacheWrite1h: nil
        )
        let pricing = Pricing(table: PriceTable.empty.overridden(by: [own]))
        #expect(try await bench.store.reprice(by: pricing) == 5_000)
        #expect(try await bench.store.reprice(by: pricing) == 0)
        let totals = try await bench.store.summary(of: days, now: morning).totals
        #expect((totals.calls, totals.unpricedCalls, totals.cost.nanodollars) == (5_000, 0, 10_000_050_000_000))
        let page = try await bench.store.sessions(SessionQuery(now: morning))
        #expect(page.sessions.map(\.totals.cost.nanodollars).reduce(0, +) == 10_000_050_000_000)
        #expect(try await bench.store.unpricedModels() == [])
    }

    /// Prices of models in dollars a million tokens, the same for all sorts of tokens.
    private static func pricing(_ prices: [String: String], _ preference: Pricing.Preference = .computed) throws
        -> Pricing
    {
        let overrides = try prices.sorted { $0.key < $1.key }.map { model, price in
            try PriceOverride(
                model: model,
                input: price,
                output: price,
                cacheRead: nil,
                cacheWrite: nil,
                cacheWrite1h: nil
            )
        }
        return Pricing(table: PriceTable.empty.overridden(by: overrides), preference: preference)
    }

    private static func batch(_ calls: [Observation], _ pricing: Pricing) throws -> Batch {
        var batch = try Batch(calls)
        batch.pricing = pricing
        return batch
    }

    @Test func `only calls of models whose prices changed are looked at`() async throws {
        let bench = try await Bench()
        let before = try Self.pricing(["m": "1", "other": "1"])
        var others = Self.calls(100..<103)
        for position in others.indices { others[position].model = "other" }
        try await bench.consume([Self.batch(Self.calls(1..<4) + others, before)])
        // A call that cannot be read is not noticed as long as it is not looked at.
        let breaking = "UPDATE calls SET witnesses = x'FF' WHERE model = (SELECT ref FROM models WHERE name = 'other')"
        let database = try DatabaseQueue(path: bench.path)
        try await database.write { try $0.execute(sql: breaking) }
        #expect(try await bench.store.reprice(by: try Self.pricing(["m": "1", "other": "1"])) == 0)
        #expect(try await bench.store.reprice(by: try Self.pricing(["m": "2", "other": "1"])) == 3)
        #expect(try await bench.store.reprice(by: try Self.pricing(["m": "2", "other": "1"])) == 0)
        await #expect(throws: StoreError.self) {
            try await bench.store.reprice(by: try Self.pricing(["m": "2", "other": "2"]))
        }
        await bench.exporter.shutdown()
    }

    @Test func `calls that came in with other prices are looked at, whatever was priced before`() async throws {
        let bench = try await Bench()
        let (dear, cheap) = (try Self.pricing(["m": "2"]), try Self.pricing(["m": "1"]))
        try await bench.consume([Self.batch(Self.calls(1..<4), dear)])
        #expect(try await bench.store.reprice(by: dear) == 0)
        try await bench.consume([Self.batch(Self.calls(4..<6), cheap)])
        #expect(try await bench.store.reprice(by: dear) == 2)
        try await bench.consume([Self.batch(Self.calls(6..<9), dear)])
        #expect(try await bench.store.reprice(by: dear) == 0)
        // Calls of a pipeline without prices are unpriced.
        try await bench.consume([Batch(Self.calls(9..<10))])
        #expect(try await bench.store.reprice(by: dear) == 1)
        #expect(try await bench.store.reprice(by: cheap) == 9)
        // Another preference prices calls in another way even where the table is the same.
        let reported = try Self.pricing(["m": "1"], .reported)
        #expect(try await bench.store.reprice(by: reported) == 0)
        #expect(
            reported.fingerprint(ofModel: "m", provider: nil) != cheap.fingerprint(ofModel: "m", provider: nil)
        )
        await bench.exporter.shutdown()
    }

    @Test func `a page goes on where the last one ended, whatever has come since`() async throws {
        let bench = try await Bench()
        for number in UInt64(1)...7 {
            try await bench.consume([Batch(Self.calls(number..<number + 1, at: morning + Double(number)))])
        }
        var query = SessionQuery(now: morning)
        query.limit = 3
        let first = try await bench.store.sessions(query)
        #expect(first.sessions.map(\.id) == ["s0", "s6", "s5"])
        // One of the first page and one of the last are seen again, and a new one comes.
        try await bench.consume([Batch(Self.calls(14..<16, at: morning + 60))])
        try await bench.consume([Batch([Observation(99).with { ($0.time, $0.session) = (morning + 70, "new") }])])
        query.after = first.next
        #expect(try await bench.store.sessions(query).sessions.map(\.id) == ["s4", "s3", "s2"])
    }

    @Test func `what was removed is given back to the disk`() async throws {
        let bench = try await Bench()
        for start in stride(from: UInt64(1), to: 20_000, by: 2_000) {
            try await bench.consume([Batch(Self.calls(start..<start + 2_000))])
        }
        func size() throws -> Int {
            try #require(try FileManager.default.attributesOfItem(atPath: bench.path)[.size] as? Int)
        }
        #expect(try await bench.store.compact(before: morning) == 0)
        let before = try size()
        #expect(try await bench.store.compact(before: morning + 2 * 86_400) == 20_000)
        #expect(try size() < before / 2)
        #expect(try bench.rows("PRAGMA freelist_count") == ["0"])
    }
}
