// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import GRDB
import StoreFixtures
import Testing
import Usage

@testable import SQLiteExporter

/// What questions about the quality of data remember changes no answer.
struct RememberedQualityTests {
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `whatever changes calls between questions, the answer is that of a store opened just now`(seed: UInt64)
        async throws
    {
        var random = SeededGenerator(seed: seed)
        let bench = try await Bench()
        var history = QualityHistory(&random)
        var kinds: Set<Int> = []
        for _ in 0..<14 {
            kinds.insert(try await history.change(bench, &random))
            try await Self.expectFresh(bench, "seed \(seed), \(history.latest)")
        }
        // Otherwise nothing was remembered in parts.
        #expect(try bench.rows("SELECT count(DISTINCT ref >> \(QualityParts.blockBits)) >= 2 FROM calls") == ["1"])
        #expect(kinds.count >= 4)
        await bench.exporter.shutdown()
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func `whatever changed calls before, packed sums give what the calls give`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let bench = try await Bench(packing: 0.01)
        var history = QualityHistory(&random)
        for _ in 0..<10 {
            _ = try await history.change(bench, &random)
            // Otherwise a change of nothing would leave what was deleted below unpacked.
            try await bench.consume([try Batch([Observation(.random(in: 20_000_000..<90_000_000, using: &random))])])
            try await Self.expectPacked(bench)
            var packed: [DataQuality] = []
            let days = try ["2026-11-20", "2026-11-22"].map { try period($0, "2026-11-23", "Asia/Kolkata") }
            for period in days { packed.append(try await bench.store.quality(of: period)) }
            try bench.execute("DELETE FROM quality_blocks")
            let other = try Bench.makeExporter(path: bench.path)
            try await other.start()
            for (period, packed) in zip(days, packed) {
                #expect(try await other.usageStore?.quality(of: period) == packed, "seed \(seed), \(history.latest)")
            }
            await other.shutdown()
        }
        await bench.exporter.shutdown()
    }

    /// Waits until every whole block of calls has sums.
    private static func expectPacked(_ bench: Bench) async throws {
        let unpacked =
            "SELECT (SELECT coalesce(max(ref), 0) >> \(QualityParts.blockBits) FROM calls) - count(*) FROM quality_blocks"
        for _ in 0..<400 {
            if try bench.rows(unpacked) == ["0"] { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("sums are not packed")
    }

    @Test func `a store of an older version gets its sums after the start`() async throws {
        let bench = try await Bench(packing: 86_400)
        try await bench.consume([try Batch((UInt64(1)...5_000).map { Observation($0, at: morning + Double($0)) })])
        await bench.exporter.shutdown()
        #expect(try bench.rows("SELECT count(*) FROM quality_blocks") == ["0"])
        let later = try Bench.makeExporter(path: bench.path, packing: 0.01)
        try await later.start()
        try await Self.expectPacked(bench)
        #expect(try await later.usageStore?.quality(of: period("2026-11-22", "2026-11-22")).calls == 5_000)
        await later.shutdown()
    }

    /// Compares the answers of a store that has answered before with those of one that has not.
    private static func expectFresh(_ bench: Bench, _ name: String) async throws {
        let other = try Bench.makeExporter(path: bench.path)
        try await other.start()
        let fresh = try #require(other.usageStore)
        for zone in ["UTC", "Asia/Kolkata"] {
            for (from, to) in [("2026-11-20", "2026-11-25"), ("2026-11-22", "2026-11-22")] {
                let days = try period(from, to, zone)
                let (known, expected) = (try await bench.store.quality(of: days), try await fresh.quality(of: days))
                #expect(known == expected, "\(name), \(from) \(zone)")
                #expect(expected.calls > 0 || from != to)
            }
        }
        await other.shutdown()
    }

    @Test func `a session that is named later takes its calls of all blocks along`() async throws {
        let (bench, days) = (try await Bench(), try period("2026-11-22", "2026-11-22"))
        let many = (UInt64(1)...5_000).map { Observation($0, session: $0 % 50 == 0 ? "named" : "other") }
        try await bench.consume([try Batch(many)])
        #expect(try await agents(bench, days) == ["": 5_000])
        try await bench.consume([try Batch([Observation(9_001, session: "named").with { $0.agent = "codex" }])])
        #expect(try await agents(bench, days) == ["": 4_900, "codex": 101])
        // Of two names the smaller stays.
        try await bench.consume([try Batch([Observation(9_002, session: "named").with { $0.agent = "zed" }])])
        #expect(try await agents(bench, days) == ["": 4_900, "codex": 102])
        try await bench.consume([try Batch([Observation(9_003, session: "named").with { $0.agent = "aider" }])])
        #expect(try await agents(bench, days) == ["": 4_900, "aider": 103])
        await bench.exporter.shutdown()
    }

    private func agents(_ bench: Bench, _ days: Period) async throws -> [String: Int64] {
        try await bench.store.quality(of: days).sources.reduce(into: [:]) {
            $0[$1.key.agent, default: 0] += $1.value.calls
        }
    }

    @Test func `what another program writes is seen`() async throws {
        let (bench, days) = (try await Bench(), try period("2026-11-22", "2026-11-22"))
        try await bench.consume([try Batch([Observation(1)])])
        #expect(try await bench.store.quality(of: days).calls == 1)
        let other = try Bench.makeExporter(path: bench.path)
        try await other.start()
        try await other.consume(try Batch([Observation(2, at: morning + 5)]))
        #expect(try await bench.store.quality(of: days).calls == 2)
        try await other.consume(try Batch([Observation(3, at: morning + 9)]))
        try await bench.consume([try Batch([Observation(4, at: morning + 12)])])
        #expect(try await bench.store.quality(of: days).calls == 4)
        await other.shutdown()
        await bench.exporter.shutdown()
    }

    @Test func `a question asked again reads only the block that changed`() async throws {
        let (bench, days) = (try await Bench(), try period("2026-11-22", "2026-11-22"))
        let many = (UInt64(1)...6_000).map { Observation($0, at: morning + Double($0)) }
        try await bench.consume([try Batch(many)])
        #expect(try await bench.store.quality(of: days).calls == 6_000)
        // Nothing looks at these rows again: the change is one of the file alone.
        try bench.execute("UPDATE calls SET counted = 0 WHERE ref < 2048 OR ref >= 4096")
        #expect(try await bench.store.quality(of: days).calls == 6_000)
        try await bench.consume([try Batch([Observation(7_001, at: morning + 7_001)])])
        let quality = try await bench.store.quality(of: days)
        // The block of the new call is read, and the one with the first calls is not.
        #expect(quality.calls == 4_096)
        #expect(quality.rollUps == 6_000 - 4_095)
        await bench.exporter.shutdown()
    }
}

/// Random changes of a store whose calls fill several blocks.
private struct QualityHistory {
    private let corpus: [Batch]
    private var next: Int = 0
    private var border = -20_000.0
    /// What was changed last.
    private(set) var latest = ""

    init(_ random: inout SeededGenerator) {
        var batches = (try? Corpus(&random, calls: 120).batches(&random, pricing: testPricing())) ?? []
        // Calls of few sessions between those that change, so that these are in several blocks.
        for place in 0..<3 {
            let many = (0..<1_500).map { number in
                Observation(
                    UInt64(100_000 + place * 10_000 + number),
                    at: morning + Double(Int.random(in: -90_000..<90_000, using: &random)),
                    session: "s\(number % 3)",
                    model: number % 2 == 0 ? "m" : "unpriced"
                ).with { $0.counts.output = Int64(number) }
            }
            if let batch = try? Batch(many) { batches.insert(batch, at: min(batches.count, place * 6)) }
        }
        corpus = batches
    }

    /// Changes the store; which kind of change it was.
    mutating func change(_ bench: Bench, _ random: inout SeededGenerator) async throws -> Int {
        let kind = next < 3 ? 0 : Int.random(in: 0..<6, using: &random)
        latest = "change \(kind) after batch \(next)"
        switch kind {
        case 0, 1:
            // Late merges, roll-ups, names of sessions.
            for _ in 0..<6 where next < corpus.count {
                try await bench.consume([corpus[next]])
                next += 1
            }
        case 2:
            let own = try PriceOverride(model: "m", input: "\(next)", output: "2", cacheRead: "0", cacheWrite: "1")
            let table = try PriceTable(contentsOf: Array("# hammurabi prices 1\n".utf8))
            _ = try await bench.store.reprice(by: Pricing(table: table.overridden(by: [own])))
        case 3:
            border += Double(Int.random(in: 0..<9_000, using: &random))
            _ = try await bench.store.compact(before: morning + border)
        case 4:
            let name = "agent-\(Int.random(in: 0..<9, using: &random))"
            let observation = Observation(UInt64.random(in: 1_000_000..<9_000_000, using: &random), session: "s1")
            try await bench.consume([try Batch([observation.with { ($0.agent, $0.machine) = (name, name) }])])
        default:
            // What was seen of one call before is told again with more, by another source.
            let number = UInt64(100_000 + Int.random(in: 0..<1_500, using: &random))
            try await bench.consume([try Batch([Observation(number, session: "s2").with { $0.counts.output = 9_000 }])])
        }
        return kind
    }
}
