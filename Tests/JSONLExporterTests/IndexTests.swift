// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import GRDB
import StoreFixtures
import Testing
import Usage

@testable import JSONLExporter

/// The lines are the truth: whatever becomes of the index beside them, the answers after a start are those of the lines.
struct IndexTests {
    /// What can happen to the files of a store while no program has them open.
    private enum Event: String, CaseIterable {
        /// Nothing, after a stop.
        case stopped
        /// The program was killed: the log of the index is as it was.
        case killed
        /// Killed after the lines were written and before the index was.
        case killedBetween
        /// A power cut took the newest commits of the index.
        case indexOlder
        /// A power cut took the newest lines, which `sync: never` had not flushed, but not the index.
        case linesCut
        /// A power cut in the middle of a line.
        case torn
        case indexDeleted
        case indexEmptied
        case indexGarbage
        case indexPageDamaged
        case indexLogDeleted
        /// Lines were removed by hand, with another size as the result.
        case lineRemoved
        /// A whole line was appended by hand.
        case lineAppended
        case otherLayout
    }

    @Test(arguments: 0..<24)
    func `after any history of stops, crashes and damage the answers are those of the lines`(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var others = SeededGenerator(seed: UInt64(seed) + 1_000)
        let bench = try await Bench(start: false, calls: Self.small)
        let change: (inout JSONLConfig) -> Void = { $0.rotation.maxMegabytes = seed.isMultiple(of: 3) ? 3 : 0 }
        var store = try await bench.again(Self.small, change)
        var number: UInt64 = 0
        var history: [String] = []
        for _ in 0..<6 {
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                try await store.consume(try Self.batch(&number, &random))
                for _ in 0..<Int.random(in: 0...2, using: &others) { try await store.consume(try Self.plain(number)) }
            }
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                history.append("compact")
                _ = try await store.compact(before: morning + -86_400 * Double.random(in: 1...5, using: &random))
            case 1:
                history.append("reprice")
                _ = try await store.reprice(by: testPricing())
            default: break
            }
            let event = try #require(Event.allCases.randomElement(using: &random))
            history.append(event.rawValue)
            store = try await Self.apply(event, store, bench, change, &number, &random)
            // A second store of the same lines has no index yet.
            let other = try await Bench(start: false)
            for file in bench.files() where file.hasSuffix(".jsonl") { try other.write(bench.bytes(file), file) }
            let plain = try await other.again(Self.small, change)
            let (answers, wanted) = (try await Answers(store), try await Answers(plain))
            #expect(answers == wanted, "\(history): \(answers.differences(from: wanted))")
            await plain.shutdown()
        }
        await store.shutdown()
    }

    /// Files whose megabytes are small.
    private static var small: StorageCalls {
        var calls = StorageCalls.system
        calls.megabyte = 1_000
        return calls
    }

    /// A batch with new calls, further observations of earlier ones, records, and news of sessions.
    private static func batch(_ number: inout UInt64, _ random: inout SeededGenerator) throws -> Batch {
        var observations: [Observation] = []
        var records: [(name: String, session: String, time: Timestamp)] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            number += 1
            let id = Bool.random(using: &random) ? number : UInt64.random(in: 1...number, using: &random)
            let time = morning + -86_400 * Double(id % 7) + Double(id)
            var seen = Observation(number, at: time, session: "s\(id % 5)", output: Int64(id))
            (seen.keys.request, seen.keys.response) = [(id, 0), (0, id + 1_000), (id, id + 1_000)][Int(number % 3)]
            if number.isMultiple(of: 4) { seen.source = .otlpSpan }
            seen.emitter = number % 3 + 1
            seen.agent = number.isMultiple(of: 5) ? "codex" : nil
            observations.append(seen)
            records.append(("event \(number)", "s\(number % 4)", time))
        }
        var batch = try Batch(observations, records: records, pricing: number % 3 == 0 ? testPricing() : nil)
        batch.receivedAt = morning
        return batch
    }

    /// A batch of which the index has nothing to learn.
    private static func plain(_ number: UInt64) throws -> Batch {
        try Batch(records: [("plain", "", morning + -86_400 * Double(number % 7))])
    }

    /// Ends a store in some way, and opens it again.
    private static func apply(
        _ event: Event,
        _ store: any Exporter & UsageStore,
        _ bench: Bench,
        _ change: @escaping (inout JSONLConfig) -> Void,
        _ number: inout UInt64,
        _ random: inout SeededGenerator
    ) async throws -> any Exporter & UsageStore {
        let isStopped = Bool.random(using: &random) && event != .killed
        let names = ["t.jsonl", "t.jsonl.index", "t.jsonl.index-wal", "t.jsonl.index-shm"]
        let before = names.map { ($0, bench.bytes($0)) }
        try await store.consume(try batch(&number, &random))
        // A copy of the files, made while they are open, is what a killed program leaves behind.
        let killed = names.map { ($0, bench.bytes($0)) }
        await store.shutdown()
        if !isStopped { for (name, bytes) in killed { try bench.write(bytes, name) } }
        let wholeLines = bench.bytes()
        switch event {
        case .stopped, .killed: break
        case .killedBetween, .indexOlder:
            for (name, bytes) in before where name != "t.jsonl" {
                bytes.isEmpty ? bench.remove(name) : try bench.write(bytes, name)
            }
        case .linesCut:
            let end = wholeLines.dropLast().lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            try bench.write(Array(wholeLines[..<end]))
        case .torn: try bench.write(Array(wholeLines.dropLast(Int.random(in: 1...40, using: &random))))
        case .indexDeleted: bench.removeIndex()
        case .indexEmptied: try bench.write([], "t.jsonl.index")
        case .indexGarbage:
            bench.removeIndex()
            try bench.write((0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) }, "t.jsonl.index")
        case .indexPageDamaged:
            var bytes = bench.bytes("t.jsonl.index")
            for position in bytes.indices.dropFirst(100).prefix(8_000) { bytes[position] = 0x5A }
            bench.removeIndex()
            try bench.write(bytes, "t.jsonl.index")
        case .indexLogDeleted:
            bench.remove("t.jsonl.index-wal")
            bench.remove("t.jsonl.index-shm")
        case .lineRemoved: try bench.write(Array(wholeLines.drop { $0 != 0x0A }.dropFirst()))
        case .lineAppended:
            let line =
                #"{"version":1,"sessions":[{"sessionId":"by hand","sighted":true,"firstUnixNano":"\#(morning.nanoseconds)","lastUnixNano":"\#(morning.nanoseconds)"}]}"#
            try bench.write(wholeLines + Array(line.utf8) + [0x0A])
        case .otherLayout:
            try await changeIndex(bench, "INSERT INTO grdb_migrations VALUES ('of a later version')")
        }
        return try await bench.again(small, change)
    }

    /// Changes the index as another program could.
    private static func changeIndex(_ bench: Bench, _ sql: String) async throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let index = try DatabaseQueue(path: bench.path + ".index", configuration: configuration)
        try await index.write { try $0.execute(sql: sql) }
        try index.close()
    }

    @Test func `an index that is damaged while it is open is made again`() async throws {
        let bench = try await Bench()
        try await bench.consume(try smallCorpus())
        let facts = try await Facts(bench.store)
        try await Self.changeIndex(bench, "UPDATE calls SET session = 999999; UPDATE rollup SET cost = -1")
        _ = try? await bench.store.session(id: "a")
        _ = try? await bench.store.summary(of: period("2026-11-01", "2026-11-30"), now: morning)
        try await waitUntil { (try? await Facts(bench.store)) == facts }
        try await bench.consume([try Batch([Observation(77, session: "later")])])
        #expect(try await bench.store.session(id: "later")?.calls.count == 1)
        #expect((bench.exporter as? any HealthReporting)?.trouble == nil)
        await bench.exporter.shutdown()
    }

    @Test func `an index is used again and not made again`() async throws {
        let bench = try await Bench()
        try await bench.consume(try smallCorpus())
        await bench.exporter.shutdown()
        // What only the index has shows that it was used.
        try await Self.changeIndex(bench, "UPDATE sessions SET agent = 'from the index' WHERE id = 'a'")
        let store = try await bench.again()
        #expect(try await store.session(id: "a")?.session.agent == "from the index")
        await store.shutdown()
    }

    @Test
    func `batches without calls and sessions cost the index nothing, and it is told where they end with the next call`()
        async throws
    {
        let bench = try await Bench(start: false)
        let store = try await bench.again()
        func index() async throws -> String {
            try await DatabaseQueue(path: bench.path + ".index").read { db in
                let row = try Row.fetchOne(db, sql: "SELECT revision.number, size FROM revision, parts")
                return row.map { "\($0[0] as Int64) \($0[1] as Int64)" } ?? "-"
            }
        }
        try await store.consume(try Batch([Observation(1)], records: [("a", "s", morning)]))
        let before = try await index()
        let size = bench.bytes().count
        for _ in 0..<5 { try await store.consume(try Self.plain(0)) }
        #expect(bench.bytes().count > size)
        #expect(try await index() == before)
        try await store.consume(try Batch([Observation(2)]))
        #expect(try await index().hasSuffix(" \(bench.bytes().count)"))
        try await store.consume(try Self.plain(0))
        await store.shutdown()
        #expect(try await index().hasSuffix(" \(bench.bytes().count)"))
    }

    @Test func `a line that cannot be read stays reported after the next start`() async throws {
        let bench = try await Bench()
        try await bench.consume(try smallCorpus())
        await bench.exporter.shutdown()
        try bench.write(bench.bytes() + Array("no line\n".utf8))
        let first = try await bench.again()
        #expect((first as? any HealthReporting)?.trouble?.contains("a line of the store cannot be read") == true)
        await first.shutdown()
        let second = try await bench.again()
        #expect((second as? any HealthReporting)?.trouble?.contains("a line of the store cannot be read") == true)
        await second.shutdown()
    }

    @Test func `lines that the index cannot take are not acknowledged and leave no trace`() async throws {
        let bench = try await Bench()
        try await bench.consume([try smallCorpus()[0]])
        let (bytes, facts) = (bench.bytes(), try await Facts(bench.store))
        let trigger = "CREATE TRIGGER full BEFORE INSERT ON parts BEGIN SELECT RAISE(FAIL, 'no room'); END"
        try await Self.changeIndex(bench, trigger)
        #expect(await bench.refusal(of: try smallCorpus()[1])?.isRetryable == true)
        #expect(bench.bytes() == bytes)
        try await waitUntil { (try? await Facts(bench.store)) == facts }
        try await waitUntil { await bench.refusal(of: try smallCorpus()[1]) == nil }
        #expect(try await Facts(bench.store) != facts)
        await bench.exporter.shutdown()
    }
}
