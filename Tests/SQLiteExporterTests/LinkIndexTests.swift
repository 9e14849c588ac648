// SPDX-License-Identifier: Apache-2.0

import GRDB
import Testing
import Usage

@testable import SQLiteExporter

/// Links are found again wherever they have gone: in memory, in a run, in a run made of runs.
struct LinkIndexTests {
    @Test(arguments: [64, 200])
    func `what was inserted is found, across commits, runs, merges and restarts`(tailCapacity: Int) async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            var random = SeededGenerator(seed: 7)
            var index = try LinkIndex(db, tailCapacity: tailCapacity)
            var expected: [LedgerLink: Set<Int64>] = [:]
            for ref in Int64(1)...2_000 {
                try Self.keepCall(ref, db)
                for _ in 0..<3 {
                    let link = LedgerLink(
                        rawValue: UInt64.random(in: 1...1_500, using: &random) &* 0x9E37_79B9_7F4A_7C15
                    )
                    index.insert(link, ref)
                    expected[link, default: []].insert(ref)
                }
                if ref % 10 == 0 { try index.flush(db) }
                if ref % 250 == 0 { index = try LinkIndex(db, tailCapacity: tailCapacity) }
            }
            for (link, refs) in expected {
                #expect(index.mayHold(link))
                #expect(try index.refs(link, limit: .max, db) == refs)
                #expect(try index.refs(link, limit: 1, db).isSubset(of: refs))
            }
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM runs WHERE level = 1") ?? 0 > 0)
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM runs") ?? 100 < 20)
        }
    }

    @Test func `what was never inserted is nearly always known to be missing`() async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            var random = SeededGenerator(seed: 11)
            var index = try LinkIndex(db, tailCapacity: 1_000)
            for ref in Int64(1)...2_000 { index.insert(LedgerLink(rawValue: random.next()), ref) }
            try index.flush(db)
            let mistakes = (0..<10_000).count { _ in index.mayHold(LedgerLink(rawValue: random.next())) }
            #expect(mistakes < 300)
        }
    }

    @Test func `postings of calls that compaction removed are left behind when runs are merged`() async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            var index = try LinkIndex(db, tailCapacity: 10)
            for ref in Int64(1)...80 {
                if ref > 40 { try Self.keepCall(ref, db) }
                index.insert(LedgerLink(rawValue: UInt64(ref) << 32), ref)
                try index.flush(db)
            }
            #expect(!index.mayHold(LedgerLink(rawValue: 20 << 32)))
            #expect(try index.refs(LedgerLink(rawValue: 60 << 32), limit: 9, db) == [60])
        }
    }

    @Test func `a link with more calls than a row holds leads to all of them`() async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            var index = try LinkIndex(db, tailCapacity: 900)
            let crowded = LedgerLink(rawValue: 0x8000_0000_0000_0010)
            for ref in Int64(1)...1_000 {
                index.insert(ref % 5 == 0 ? LedgerLink(rawValue: UInt64(ref) << 54) : crowded, ref)
            }
            try index.flush(db)
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM runs") == 1)
            #expect(try index.refs(crowded, limit: .max, db) == Set((Int64(1)...1_000).filter { $0 % 5 != 0 }))
            #expect(try index.refs(crowded, limit: 300, db).count == 300)
        }
    }

    @Test func `a link with more calls than a row holds leads to all of them after runs were merged`() async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            var index = try LinkIndex(db, tailCapacity: 600)
            let crowded = LedgerLink(rawValue: 0x8000_0000_0000_0010)
            for ref in Int64(1)...4_800 {
                if ref == 1 { try Self.keepCall(ref, db) }
                index.insert(ref % 600 == 0 ? LedgerLink(rawValue: UInt64(ref) << 50) : crowded, ref)
                if ref % 600 == 0 { try index.flush(db) }
            }
            #expect(try Int.fetchAll(db, sql: "SELECT level FROM runs") == [1])
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM links") == (4_800 + 255) / 256)
            #expect(try index.refs(crowded, limit: .max, db) == Set((Int64(1)...4_800).filter { $0 % 600 != 0 }))
            #expect(try index.refs(LedgerLink(rawValue: 1_200 << 50), limit: 9, db) == [1_200])
        }
    }

    @Test func `a filter that is damaged is an error and not a miscount`() async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            try db.execute(sql: "INSERT INTO runs (run, level, last_ref, filter) VALUES (1, 0, 1, x'0102')")
            #expect(throws: DatabaseError.self) { try LinkIndex(db) }
        }
    }

    private static func queue(_ bench: Bench) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        return try DatabaseQueue(path: bench.path, configuration: configuration)
    }

    private static func keepCall(_ ref: Int64, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO calls SELECT ?, 1, ?, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, 1, 0, x''
                """,
            arguments: [ref, ref]
        )
    }
}
