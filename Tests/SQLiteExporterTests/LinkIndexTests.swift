// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import GRDB
import StoreFixtures
import Testing

@testable import SQLiteExporter
@testable import SQLiteUsage
@testable import Usage

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
                #expect(try index.holds(link, db))
                #expect(try index.refs(link, limit: .max, db) == refs)
                #expect(try index.refs(link, limit: 1, db).isSubset(of: refs))
            }
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM link_runs WHERE level > 0") ?? 0 > 0)
            // Of no slice many more than what is due and what is merged.
            let most = try Int.fetchOne(
                db,
                sql: "SELECT max(n) FROM (SELECT count(*) AS n FROM link_runs GROUP BY slice)"
            )
            #expect(most ?? 100 < 20)
        }
    }

    /// Of a hundred thousand questions.
    @Test(arguments: [(level: Int64(1), most: 300), (level: 3, most: 1_200)])
    func `what was never inserted is not held, and nearly always without a look`(level: Int64, most: Int) async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            var random = SeededGenerator(seed: 11)
            var index = try LinkIndex(db, tailCapacity: 1_000)
            var postings: [Posting] = []
            for ref in Int64(1)...20_000 {
                postings.append(Posting(link: LedgerLink(rawValue: random.next() & ~8), ref: ref))
                index.insert(postings[postings.count - 1].link, ref)
            }
            try index.flush(db)
            for _ in 0..<1_000 { #expect(try !index.holds(LedgerLink(rawValue: random.next() & ~8), db)) }
            var slice = LinkSlice()
            slice.append(try LinkRun(slice: 0, level: level, postings.sorted(), to: db))
            #expect(postings.allSatisfy { slice.mayHold(LinkFilter.Probe($0.link)) })
            let guesses = (0..<100_000).count { _ in
                slice.mayHold(LinkFilter.Probe(LedgerLink(rawValue: random.next() & ~8)))
            }
            #expect(guesses < most)
        }
    }

    @Test func `kinds of a cell are found wherever its links have gone`() async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            var index = try LinkIndex(db, tailCapacity: 200)
            try Self.keepCall(1, db)
            var expected: [MatchBucket: UInt8] = [:]
            for ref in Int64(1)...2_000 {
                var observation = Observation(UInt64(ref), at: morning + Double(ref))
                observation.blockingKey = UInt64(ref % 500 + 1) &* 0x9E37_79B9_7F4A_7C15
                if ref % 3 == 0 { observation.keys.request = UInt64(ref) }
                if ref % 7 == 0 { observation.keys.response = UInt64(ref) << 20 }
                let cell = try #require(ResemblanceRule.blockingKey.cell(of: observation))
                expected[cell, default: 0] |= 1 << observation.keys.kinds
                observation.forEachLink { index.insert($0, ref) }
                if ref % 10 == 0 { try index.flush(db) }
            }
            for (cell, kinds) in expected { #expect(try index.kinds(in: cell, db) == kinds) }
            for (cell, _) in expected.prefix(200) {
                #expect(try index.kinds(in: cell.preceding.preceding.preceding, db) == 0)
            }
        }
    }

    @Test func `a filter that was stored answers as the one that was made`() throws {
        var random = SeededGenerator(seed: 3)
        let postings = (0..<700).map { Posting(link: LedgerLink(rawValue: random.next()), ref: $0) }
        let made = LinkFilter(postings, level: 0)
        let read = try #require(made.bytes.withUnsafeBytes { LinkFilter(bytes: $0) })
        #expect(read.bytes == made.bytes)
        #expect(postings.allSatisfy { LinkFilter.Probe($0.link).mayBe(in: read.lines) })
        for _ in 0..<2_000 {
            let probe = LinkFilter.Probe(LedgerLink(rawValue: random.next()))
            #expect(probe.mayBe(in: read.lines) == probe.mayBe(in: made.lines))
        }
    }

    @Test func `the memory of a filter grows with different links, not with their calls`() throws {
        let call = (0..<4_000).map { Posting(link: LedgerLink(rawValue: UInt64($0) << 40), ref: $0) }
        let calls = call.flatMap { one in (0..<5).map { Posting(link: one.link, ref: one.ref * 5 + $0) } }
        #expect(LinkFilter(calls, level: 0).bytes.count == 4_000 * 2)
        #expect(LinkFilter(calls, level: 3).bytes.count < 4_000 * 2 * 3 / 4)
        #expect(LinkFilter([Posting](), level: 0).bytes.count == 64)
    }

    @Test func `kinds that a cell gets after it was asked for are found, also once they are in a run`() async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            try Self.keepCall(1, db)
            var index = try LinkIndex(db, tailCapacity: 4)
            let cell = try #require(MatchBucket(key: 77, time: Timestamp(nanoseconds: 5)))
            var expected: UInt8 = 0
            for kinds in [UInt8(3), 0, 7, 1] {
                for ref in Int64(1)...4 { index.insert(LedgerLink.cell(cell, kinds: kinds), ref) }
                expected |= 1 << kinds
                #expect(try index.kinds(in: cell, db) == expected)
                try index.flush(db)
                #expect(try index.kinds(in: cell, db) == expected)
            }
        }
    }

    @Test func `filters of earlier versions are made anew`() async throws {
        let bench = try await Bench()
        let calls = (UInt64(1)...24_500).map { number in
            Observation(number, at: morning + Double(number)).with { $0.keys.request = number << 48 }
        }
        try await bench.consume([Batch(calls)])
        await bench.exporter.shutdown()
        try await Self.queue(bench).write { db in
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM link_runs") ?? 0 > 0)
            try db.execute(
                sql: """
                    UPDATE link_runs SET filter = zeroblob(length(filter));
                    DELETE FROM grdb_migrations WHERE identifier = 'filters of eight words';
                    """
            )
        }
        let again = try Bench.makeExporter(path: bench.path)
        try await again.start()
        let late = calls.map { call in
            Observation(call.id + 100_000, at: call.time, source: .otlpSpan).with { $0.keys = call.keys }
        }
        try await again.consume(Batch(late))
        #expect(
            try bench.rows("SELECT count(*), min(witness_count), max(witness_count) FROM calls") == ["24500 2 2"]
        )
        await again.shutdown()
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
            #expect(try !index.holds(LedgerLink(rawValue: 20 << 32), db))
            #expect(try index.refs(LedgerLink(rawValue: 60 << 32), limit: 9, db) == [60])
        }
    }

    @Test func `a link with more calls than a row holds leads to all of them, also after runs were merged`()
        async throws
    {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            var index = try LinkIndex(db, tailCapacity: 600)
            let overfull = LedgerLink(rawValue: 0x0800_0000_0000_0010)
            try Self.keepCall(1, db)
            var expected: Set<Int64> = []
            for ref in Int64(1)...4_800 {
                if ref % 600 == 0 {
                    index.insert(LedgerLink(rawValue: UInt64(ref) << 46), ref)
                    try index.flush(db)
                } else {
                    index.insert(overfull, ref)
                    expected.insert(ref)
                }
                guard ref == 600 || ref == 4_800 else { continue }
                #expect(try index.refs(overfull, limit: .max, db) == expected)
                #expect(try index.refs(overfull, limit: 300, db).count == 300)
            }
            let level = "SELECT max(level) FROM link_runs"
            #expect(try Int.fetchOne(db, sql: level) == 1)
            #expect(try index.refs(LedgerLink(rawValue: 1_200 << 46), limit: 9, db) == [1_200])
        }
    }

    @Test func `no commit merges much more than it adds`() async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            var random = SeededGenerator(seed: 5)
            var index = try LinkIndex(db, tailCapacity: 640)
            try Self.keepCall(1, db)
            var most = 0
            for ref in Int64(1)...60_000 {
                index.insert(LedgerLink(rawValue: random.next() & ~8), ref)
                guard ref % 20 == 0 else { continue }
                let before = db.totalChangesCount
                try index.flush(db)
                most = max(most, db.totalChangesCount - before)
            }
            // Two rows for each of 64 runs and the rows of the tail; or what one merge reads and writes.
            #expect(most < 300)
            let levels = try Int.fetchAll(db, sql: "SELECT DISTINCT level FROM link_runs ORDER BY level")
            #expect(levels.contains(2))
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM link_runs") ?? .max
            #expect(count < 64 * 3 * 8)
        }
    }

    @Test func `a run that is damaged is an error and not a miscount`() async throws {
        let bench = try await Bench()
        try await Self.queue(bench).write { db in
            for (slice, firsts, filter) in [
                (1, "zeroblob(8)", "x'0102'"), (1, "x'01'", "zeroblob(64)"), (99, "zeroblob(8)", "zeroblob(64)"),
            ] {
                try db.execute(
                    sql: "INSERT OR REPLACE INTO link_runs VALUES (1, \(slice), 0, 1, 1, \(firsts), \(filter))"
                )
                #expect(throws: DatabaseError.self) { try LinkIndex(db) }
            }
        }
    }

    @Test func `calls of a store of version 0-1-0 are found by what comes late`() async throws {
        let bench = try await Bench()
        let calls = (UInt64(1)...600).map { number in
            Observation(number, at: morning + Double(number)).with { $0.keys.request = number << 52 }
        }
        try await bench.consume([Batch(calls)])
        await bench.exporter.shutdown()
        try await Self.queue(bench).write { try Self.makeFormerLayout($0) }
        let again = try Bench.makeExporter(path: bench.path)
        try await again.start()
        // The runs of 300 calls each, of ids in slices 0 to 4 and 4 to 9.
        #expect(try bench.rows("SELECT count(*), count(DISTINCT slice) FROM link_runs") == ["11 10"])
        let late = calls.map { call in
            Observation(call.id + 10_000, at: call.time, source: .otlpSpan).with { $0.keys.request = call.keys.request }
        }
        try await again.consume(Batch(calls + late))
        #expect(try bench.rows("SELECT count(*), min(witness_count), max(witness_count) FROM calls") == ["600 2 2"])
        await again.shutdown()
    }

    /// Moves the links of a store into two runs over all links, rows of 256 in the order of the signed hash, as 0.1.0 wrote them.
    static func makeFormerLayout(_ db: Database) throws {
        var postings: [Posting] = []
        for bytes in try Data.fetchAll(db, sql: "SELECT postings FROM link_tail ORDER BY seq") {
            bytes.withUnsafeBytes { Posting.read($0, &postings) }
        }
        try db.execute(
            sql: """
                DELETE FROM link_tail;
                DROP TABLE link_runs;
                DROP TABLE link_rows;
                DELETE FROM grdb_migrations WHERE identifier IN ('links in slices', 'filters of eight words');
                CREATE TABLE links (
                    run INTEGER NOT NULL, first INTEGER NOT NULL, part INTEGER NOT NULL, postings BLOB NOT NULL,
                    PRIMARY KEY (run, first, part)
                ) WITHOUT ROWID;
                CREATE TABLE runs (
                    run INTEGER PRIMARY KEY, level INTEGER NOT NULL, last_ref INTEGER NOT NULL, filter BLOB NOT NULL
                );
                INSERT INTO runs VALUES (1, 1, 300, zeroblob(128)), (2, 0, 600, zeroblob(128));
                """
        )
        for run in [1, 2] {
            let half = postings.filter { ($0.ref <= 300) == (run == 1) }.sorted {
                (Int64(bitPattern: $0.link.rawValue), $0.ref) < (Int64(bitPattern: $1.link.rawValue), $1.ref)
            }
            for part in stride(from: 0, to: half.count, by: 256) {
                let row = half[part..<min(part + 256, half.count)]
                try db.execute(
                    sql: "INSERT INTO links VALUES (?, ?, ?, ?)",
                    arguments: [
                        run, Int64(bitPattern: half[part].link.rawValue), part / 256, Data(Posting.bytes(of: row)),
                    ]
                )
            }
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
