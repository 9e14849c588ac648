// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import StoreFixtures
import Testing
import Usage

@testable import SQLiteExporter

/// Rows that hold figures which this program never writes, as a damaged page can hold anything: an error of the store, never a trap.
struct DamagedFiguresTests {
    /// What happens to the database, and whether some answer then has to be refused.
    private static let faults: [(sql: String, isRefused: Bool)] = [
        ("UPDATE calls SET time = -5", true),
        ("UPDATE calls SET time = -9223372036854775808", true),
        ("UPDATE calls SET output = -9223372036854775808, cost = -9223372036854775808", true),
        ("UPDATE calls SET witness_count = 1152921504606846976", true),
        ("UPDATE calls SET witnesses = X'0011'", true),
        ("UPDATE calls SET ref = 9223372036854775807 WHERE ref = (SELECT max(ref) FROM calls)", false),
        ("UPDATE rollup SET calls = 9223372036854775807, cost = 9223372036854775807", true),
        ("UPDATE rollup SET calls = -9223372036854775808", true),
        ("UPDATE rollup SET session = session + 5000000000", true),
        ("UPDATE rollup SET cost = 9223372036854775807, output = -9223372036854775808", true),
        ("UPDATE rollup SET cost = -9223372036854775808", true),
        ("UPDATE rollup SET cache_read = -1", true),
        ("UPDATE sessions SET output = -1", true),
        ("UPDATE models SET unpriced = -1", true),
        ("DELETE FROM models", true),
        ("DELETE FROM sessions", true),
        ("DELETE FROM calls", true),
        ("DELETE FROM rollup_days", true),
        ("DELETE FROM models WHERE ref = (SELECT max(ref) FROM models)", true),
        ("DELETE FROM sessions WHERE ref = (SELECT max(ref) FROM sessions)", false),
        ("UPDATE sessions SET ref = ref + 5000000000", true),
        ("UPDATE sessions SET ref = ref + 2000000000", true),
        ("UPDATE sessions SET started_at = -1, last_seen_at = -9223372036854775808", true),
        ("UPDATE sessions SET calls = 9223372036854775807, cost = -9223372036854775808", true),
        ("UPDATE models SET ref = ref + 5000000000", true),
        ("UPDATE models SET unpriced = 9223372036854775807", false),
        ("UPDATE batches SET size = 9223372036854775807, records = -1", false),
        ("UPDATE batches SET first_time = 0, last_time = 9223372036854775807, received_at = -1", false),
        ("UPDATE revision SET number = 9223372036854775807", false),
        ("UPDATE revision SET number = 'x', compacted_before = -1", false),
        ("DELETE FROM revision", false),
        ("UPDATE link_tail SET postings = randomblob(48)", false),
        ("DROP TABLE rollup_days", true),
    ]

    @Test(arguments: faults)
    func `figures out of range are an error of the store`(fault: (sql: String, isRefused: Bool)) async throws {
        let bench = try await Bench()
        let calls = (UInt64(1)...20).map { Observation($0, session: "s\($0 % 3)").with { $0.keys.request = 7 } }
        let records = (0..<40).map { (name: "event-\($0)", session: "s1", time: morning) }
        try await bench.consume([
            Batch(Array(calls[..<10]), records: records, pricing: testPricing()), Batch(Array(calls[10...])),
        ])
        await bench.exporter.shutdown()
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let other = try DatabaseQueue(path: bench.path, configuration: configuration)
        try await other.write { try $0.execute(sql: fault.sql) }
        try other.close()
        try await bench.exporter.start()
        var refusals: [String] = []
        func ask(_ question: () async throws -> Void) async {
            do { try await question() } catch { refusals.append("\(error)") }
        }
        let store = bench.store
        for _ in 0..<2 {
            await ask { _ = try await store.summary(of: period("2026-11-20", "2026-11-25"), now: morning) }
            await ask { _ = try await store.summary(of: period("1970-01-01", "1970-01-02"), now: morning) }
            await ask { _ = try await store.sessions(SessionQuery(now: morning)) }
            await ask { _ = try await store.quality(of: Period("1970-01", timezone: "UTC", now: morning)) }
            await ask { _ = try await store.quality(of: period("2026-11-20", "2026-11-25")) }
            await ask { _ = try await store.names(of: .project) }
            await ask { _ = try await store.unpricedModels() }
            await ask { _ = try await store.revision() }
            for number in 0..<3 { await ask { _ = try await store.session(id: "s\(number)") } }
            let late = try Batch([Observation(5, session: "s1").with { $0.keys.request = 7 }, Observation(99)])
            if let refusal = await bench.refusal(of: late) {
                #expect(refusal.isRetryable, "\(refusal.message)")
                #expect(!refusal.message.contains("free some space"))
                refusals.append(refusal.message)
            }
            await ask { _ = try await store.reprice(by: testPricing()) }
            await ask { _ = try await store.compact(before: morning + 3 * 86_400) }
        }
        if fault.isRefused { #expect(!refusals.isEmpty) }
        let trouble = bench.exporter.healthReporting?.trouble
        if refusals.contains(where: { $0.contains("is damaged") }) { #expect(trouble?.contains("is damaged") == true) }
        await bench.exporter.shutdown()
    }
}
