// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import StoreFixtures
import Testing
import Usage

@testable import JSONLExporter

/// What questions about the quality of data remember changes no answer.
struct RememberedQualityTests {
    @Test func `whatever changes calls between questions, the answer is that of a store opened just now`() async throws
    {
        let (bench, days) = (try await Bench(), try Period("2026-11", timezone: "UTC", now: morning))
        func observation(_ id: UInt64, _ session: String, agent: String? = nil) -> Observation {
            var seen = Observation(
                id: id,
                time: Timestamp(nanoseconds: morning.nanoseconds + Int64(id) * 1_000_000_000),
                source: .otlpLog,
                emitter: 1,
                priority: 90
            )
            (seen.session, seen.agent, seen.model, seen.keys.request) = (session, agent, "m", id)
            seen.counts = TokenCounts(uncachedInput: 10, output: 5)
            return seen
        }
        func batch(_ observations: [Observation]) throws -> Batch {
            var batch = Batch(try OTLPBatch(signal: .logs, json: Array("{}".utf8)), receivedAt: morning)
            batch.observations = observations
            return batch
        }
        func agents(_ quality: DataQuality) -> [String: Int64] {
            quality.sources.reduce(into: [:]) { $0[$1.key.agent, default: 0] += $1.value.calls }
        }
        // More than one block.
        let many = (UInt64(1)...5_000).map { observation($0, $0 % 50 == 0 ? "named" : "other") }
        try await bench.consume([try batch(many)])
        #expect(try await agents(bench.store.quality(of: days)) == ["": 5_000])
        try await bench.consume([try batch([observation(5_050, "named", agent: "codex")])])
        #expect(try await agents(bench.store.quality(of: days)) == ["": 4_900, "codex": 101])
        // A second source of a call of the first block.
        var second = observation(7, "other")
        (second.id, second.source, second.emitter) = (90_007, .otlpSpan, 2)
        try await bench.consume([try batch([second])])
        #expect(try await bench.store.quality(of: days).severalWitnesses == 1)
        let own = try PriceOverride(model: "m", input: "1", output: "2", cacheRead: "0", cacheWrite: "1")
        let table = try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8))
        #expect(try await bench.store.quality(of: days).unpriced == 5_001)
        _ = try await bench.store.reprice(by: Pricing(table: table.overridden(by: [own])))
        #expect(try await bench.store.quality(of: days).unpriced == 0)
        _ = try await bench.store.compact(before: Timestamp(nanoseconds: morning.nanoseconds + 900_000_000_000))
        let known = try await bench.store.quality(of: days)
        #expect(known.calls == 4_102)
        await bench.exporter.shutdown()
        let again = try await bench.again()
        #expect(try await again.quality(of: days) == known)
        await again.shutdown()
    }
}
