// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import Logging
import PostgresServer
import SendingQueue
import StoreFixtures
import Testing
import Usage

@testable import PostgreSQLExporter

/// The queue on the disk in front of the database.
@Suite(.enabled(if: PostgresServer.isInstalled, "\(PostgresServer.need)"), .serialized)
struct QueueTests {
    private static func queued(_ config: inout PostgreSQLConfig) {
        config.sendingQueue.enabled = true
        config.sendingQueue.batch.flushTimeout = ConfigDuration(nanoseconds: 10_000_000)
        config.retryOnFailure.initialInterval = ConfigDuration(nanoseconds: 50_000_000)
        config.retryOnFailure.maxInterval = ConfigDuration(nanoseconds: 200_000_000)
    }

    private static func totals(_ store: PostgreSQLExporter) async throws -> UsageTotals {
        try await store.summary(of: period("2026-11-20", "2026-11-24"), now: morning).totals
    }

    @Test func `senders are answered while the database is away, also after a restart, and nothing is lost`()
        async throws
    {
        let server = try await PostgresServer()
        let bench = try await Bench(server, Self.queued)
        let first = try await bench.start()
        let identity = try #require(first.storeIdentity)
        try await first.consume(Batch([Observation(1)], pricing: testPricing()))
        try await waitUntil { try await Self.totals(first).calls == 1 }
        try await server.stop()
        try await first.consume(Batch([Observation(2)], records: [("e", "s", morning)], pricing: testPricing()))
        try await waitUntil { first.trouble != nil }
        await first.shutdown()
        // The start does not wait for the database, and receivers still know which store it is.
        let second = try await bench.start()
        #expect(second.storeIdentity == identity)
        #expect(second.trouble?.contains("cannot be reached") == true)
        await #expect(throws: StoreError.self) { try await Self.totals(second) }
        try await second.consume(Batch([Observation(3)], pricing: testPricing()))
        #expect(second.queueing?.queueStatus.batches == 2)
        try await server.resume()
        try await waitUntil { second.queueing?.queueStatus.batches == 0 }
        let totals = try await Self.totals(second)
        // Ten tokens in at a dollar and five out at two dollars a million, each.
        #expect(totals.calls == 3 && totals.cost.nanodollars == 60_000 && totals.unpricedCalls == 0)
        #expect(try await second.session(id: "s")?.events.map(\.name) == ["e"])
        #expect(second.trouble == nil)
        await second.shutdown()
    }

    @Test func `a batch that the database refuses goes to the dead letters alone, and comes back from there`()
        async throws
    {
        let bench = try await Bench(nil, Self.queued)
        let counters = ComponentCounters()
        let store = try bench.makeExporter(counters: counters)
        try await store.start()
        let connection = try bench.connect()
        try connection.execute("ALTER TABLE calls ADD CONSTRAINT own CHECK (uncached_input <> 13)")
        for number in UInt64(1)...20 {
            let input: Int64 = number == 7 ? 13 : 1
            let observation = Observation(number, at: morning + Double(number), session: "s\(number)", input: input)
            try await store.consume(Batch([observation], records: [("e", "s\(number)", morning)]))
        }
        try await waitUntil { store.queueing?.queueStatus.batches == 0 }
        #expect(try await Self.totals(store).calls == 19)
        #expect((counters.value(.sent), counters.value(.failed)) == (19, 1))
        await store.shutdown()
        let queue = try ForwardingQueue(id: "postgresql", config: bench.config.sendingQueue, home: bench.home.path)
        let letters = try queue.deadLetters().map(\.letter)
        #expect(letters.map(\.records) == [1])
        #expect(letters.first?.reason.contains("(23514)") == true)
        try connection.execute("ALTER TABLE calls DROP CONSTRAINT own")
        #expect(try queue.replay(logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }).records == 1)
        let second = try await bench.start()
        try await waitUntil { second.queueing?.queueStatus.batches == 0 }
        let totals = try await Self.totals(second)
        #expect(totals.calls == 20 && totals.counts.uncachedInput == 32)
        await second.shutdown()
    }

    @Test func `without a queue there is none to show`() async throws {
        let bench = try await Bench()
        let store = try await bench.start()
        #expect(store.queueing == nil)
        #expect(bench.config.sendingQueueFolder == nil)
        await store.shutdown()
    }
}
