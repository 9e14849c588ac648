// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import PostgresServer
import StoreFixtures
import Testing
import Usage

@testable import PostgreSQLExporter

/// What one collector does at a time, and that collectors know of each other.
@Suite(.enabled(if: PostgresServer.isInstalled, "\(PostgresServer.need)"))
struct DutyTests {
    @Test func `a duty is one collector's until its term ends, and its memo goes over to the next`() async throws {
        let bench = try await Bench()
        let (one, two) = (try await bench.start(), try await bench.start())
        #expect(try await one.take(.alerts) == StoreTerm(isShared: true, memo: nil))
        #expect(try await two.take(.alerts) == nil)
        #expect(try await two.take(.compaction) != nil, "each duty has a term of its own")
        #expect(try await one.leave([1, 0, 2], of: .alerts))
        #expect(try await one.take(.alerts)?.memo == [1, 0, 2])
        #expect(try await two.memo(of: .alerts) == [1, 0, 2])
        #expect(try await !two.leave([9], of: .alerts))
        // The holder stalls until its term is over.
        try bench.connect().execute("UPDATE duties SET until = 0 WHERE name = 'alerts'")
        #expect(try await !one.leave([9], of: .alerts))
        #expect(try await two.take(.alerts) == StoreTerm(isShared: true, memo: [1, 0, 2]))
        #expect(try await one.take(.alerts) == nil)
        // One that ends leaves its duties at once.
        await two.shutdown()
        #expect(try await one.take(.alerts)?.memo == [1, 0, 2])
        await one.shutdown()
    }

    @Test func `a term is bounded`() async throws {
        let bench = try await Bench()
        let store = try await bench.start()
        _ = try await store.take(.alerts)
        let left = try bench.rows(
            "SELECT until - (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM duties",
            columns: 1
        )
        #expect(left.compactMap { Int64($0) }.allSatisfy { (100_000...Duties.term).contains($0) })
        await store.shutdown()
    }

    @Test func `upkeep waits for another collector's, and goes on when that one stalls`() async throws {
        let bench = try await Bench()
        let store = try await bench.start()
        try await store.consume(Batch([Observation(1)]))
        let connection = try bench.connect()
        try connection.execute("INSERT INTO duties VALUES ('upkeep', 77, 9000000000000)")
        let isDone = Task { try await store.reprice(by: testPricing()) }
        try await Task.sleep(for: .milliseconds(700))
        #expect(try await store.summary(of: period("2026-11-22", "2026-11-22"), now: morning).totals.unpricedCalls == 1)
        try connection.execute("UPDATE duties SET until = 0")
        #expect(try await isDone.value == 1)
        // It gave the duty back.
        #expect(try bench.rows("SELECT until FROM duties WHERE name = 'upkeep'", columns: 1) == ["0"])
        await store.shutdown()
    }

    @Test func `two collectors that compact and reprice at once do each thing once`() async throws {
        let bench = try await Bench()
        let (one, two) = (try await bench.start(), try await bench.start())
        for number in UInt64(1)...60 {
            let observation = Observation(number, at: morning + Double(number % 2) * -86_400, session: "s\(number % 5)")
            try await one.consume(Batch([observation]))
        }
        async let first = one.compact(before: morning + -3_600)
        async let second = two.compact(before: morning + -3_600)
        async let third = one.reprice(by: testPricing())
        async let fourth = two.reprice(by: testPricing())
        #expect(try await first + second == 30)
        _ = try await (third, fourth)
        let totals = try await two.summary(of: period("2026-11-20", "2026-11-24"), now: morning).totals
        #expect(totals.calls == 30 && totals.unpricedCalls == 0 && totals.cost.nanodollars == 600_000)
        for store in [one, two] { await store.shutdown() }
    }

    @Test func `each collector names the others, and those that have been silent for a day are forgotten`() async throws
    {
        let bench = try await Bench()
        let one = try bench.makeExporter(host: "build-1")
        let two = try bench.makeExporter(host: "build-2")
        try await one.start()
        try bench.connect().execute("INSERT INTO collectors VALUES (5, 'gone', '0.1', 1, 1)")
        try await two.start()
        try await waitUntil { one.otherCollectors.map(\.host) == ["build-2"] }
        try await waitUntil { two.otherCollectors.map(\.host) == ["build-1"] }
        let other = try #require(one.otherCollectors.first)
        #expect(other.version == "1.2.3" && other.startedAt <= other.lastSeenAt && !other.id.isEmpty)
        await two.shutdown()
        try await waitUntil { one.otherCollectors.isEmpty }
        await one.shutdown()
        #expect(try bench.rows("SELECT count(*) FROM collectors", columns: 1) == ["0"])
    }

    @Test func `two collectors that start at once on an older layout bring it to the newest together`() async throws {
        let bench = try await Bench()
        let library = try Libpq.load(for: try #require(ComponentID("test")))
        let terms = PostgresConnection.Terms(datasource: bench.config.datasource.value)
        try PostgreSQLSchema.migrate(PostgresConnection(library, terms), schema: bench.config.schema, to: 1)
        let stores = try (0..<4).map { _ in try bench.makeExporter() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for store in stores { group.addTask { try await store.start() } }
            try await group.waitForAll()
        }
        #expect(try bench.rows("SELECT layout FROM state", columns: 1) == ["\(PostgreSQLSchema.layout)"])
        for (number, store) in stores.enumerated() { try await store.consume(Batch([Observation(UInt64(number))])) }
        #expect(try await stores[0].summary(of: period("2026-11-22", "2026-11-22"), now: morning).totals.calls == 4)
        for store in stores { await store.shutdown() }
    }
}
