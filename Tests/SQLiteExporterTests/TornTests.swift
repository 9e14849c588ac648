// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import SQLiteExporter
import StoreFixtures
import Testing
import Usage

/// What a power cut leaves of the write-ahead log.
struct TornTests {
    /// The files after a cut, the size of the log before the last batch, and what the store answers with and without that.
    private struct Prepared {
        let database: Data
        let log: Data
        let lastBegin: Int
        let before: [String]
        let after: [String]

        init() async throws {
            let bench = try await Bench()
            for number in UInt64(1)...5 { try await bench.consume([try Self.batch(number)]) }
            let names = (database: bench.path, log: bench.path + "-wal")
            lastBegin = try Data(contentsOf: URL(filePath: names.log)).count
            before = try await Self.facts(bench.store)
            try await bench.consume([try Self.batch(6)])
            after = try await Self.facts(bench.store)
            // Nobody writes now, so a copy is what a cut leaves.
            database = try Data(contentsOf: URL(filePath: names.database))
            log = try Data(contentsOf: URL(filePath: names.log))
            await bench.exporter.shutdown()
        }

        static func batch(_ number: UInt64) throws -> Batch {
            try Batch(
                [Observation(number, session: "s\(number)"), Observation(100 + number, session: "all")],
                records: [("event-\(number)", "s\(number)", morning)],
                pricing: try testPricing()
            )
        }

        static func facts(_ store: any UsageStore) async throws -> [String] {
            let page = try await store.sessions(SessionQuery(now: morning))
            let summary = try await store.summary(of: period("2026-11-01", "2026-11-30"), now: morning)
            var facts = page.sessions.map { "\($0.id) \($0.totals.text)" }.sorted() + [summary.totals.text]
            for session in page.sessions {
                facts += try await store.session(id: session.id)?.events.map(\.name) ?? []
            }
            return facts
        }

        /// What a store answers that finds this log, after it has taken one more batch.
        func answers(of log: Data) async throws -> [String] {
            let bench = try await Bench(start: false)
            try database.write(to: URL(filePath: bench.path))
            try log.write(to: URL(filePath: bench.path + "-wal"))
            try await bench.exporter.start()
            let facts = try await Self.facts(bench.store)
            try await bench.consume([try Self.batch(7)])
            #expect(try await bench.store.session(id: "s7")?.calls.count == 1)
            await bench.exporter.shutdown()
            return facts
        }
    }

    /// Every byte of the last commit, in steps that meet every part of a frame; `HAMMURABI_TORN_STEP=1` takes each.
    private static let step =
        ProcessInfo.processInfo.environment["HAMMURABI_TORN_STEP"].flatMap(Int.init) ?? 811

    @Test func `a log that was cut anywhere in its last commit loses that commit alone`() async throws {
        let whole = try await Prepared()
        #expect(whole.before != whole.after)
        #expect(try await whole.answers(of: whole.log) == whole.after)
        for end in stride(from: whole.lastBegin, to: whole.log.count, by: Self.step) {
            #expect(try await whole.answers(of: whole.log.prefix(end)) == whole.before, "cut at \(end)")
        }
    }

    @Test func `whatever byte of the last commit is wrong, what was kept before it is there`() async throws {
        let whole = try await Prepared()
        for position in stride(from: whole.lastBegin, to: whole.log.count, by: Self.step) {
            var log = whole.log
            log[position] ^= [0x01, 0x20, 0x80][position % 3]
            #expect(try await whole.answers(of: log) == whole.before, "at \(position)")
        }
    }

    @Test func `an index of the log that nobody has written is made anew`() async throws {
        let whole = try await Prepared()
        let bench = try await Bench(start: false)
        try whole.database.write(to: URL(filePath: bench.path))
        try whole.log.write(to: URL(filePath: bench.path + "-wal"))
        try Data(repeating: 0x5A, count: 32_768).write(to: URL(filePath: bench.path + "-shm"))
        try await bench.exporter.start()
        #expect(try await Prepared.facts(bench.store) == whole.after)
        await bench.exporter.shutdown()
    }
}
