// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import FlushCounter
import FoundationEssentials
import GRDB
import Glibc
import Logging
import StoreFixtures
import Testing
import Usage

@testable import SQLiteExporter
@testable import SQLiteUsage

/// An acknowledged batch is on the disk: counted, because no killed process can show what a power cut would take.
struct DurabilityTests {
    @Test func `each acknowledgement has flushed the log`() async throws {
        let bench = try await Bench()
        let pool = try await #require(bench.exporter as? SQLiteExporter).commits().database().pool
        let flushes = try await pool.writeWithoutTransaction { try LogFlushes($0) }
        var counts: [Int] = []
        for number in UInt64(1)...100 {
            try await bench.consume([Batch([Observation(number)])])
            counts.append(flushes.count)
        }
        #expect(zip(counts, 1...100).allSatisfy { $0 >= $1 }, "\(counts)")
        await bench.exporter.shutdown()
    }

    @Test func `a new database and its folders have their names on the disk before the first acknowledgement`()
        async throws
    {
        let bench = try await Bench(start: false, path: "deep/er/telemetry.db")
        let flushes = FlushCounter(below: bench.folder.path)
        try await bench.exporter.start()
        try await bench.consume([Batch([Observation(1)])])
        #expect(flushes.count("/") == 1)
        #expect(flushes.all["deep"] == 1)
        #expect(flushes.all["deep/er", default: 0] >= 1)
        await bench.exporter.shutdown()
    }

    @Test func `the connection that writes keeps its terms, also after its file was taken away`() async throws {
        let bench = try await Bench()
        let exporter = try #require(bench.exporter as? SQLiteExporter)
        for round in UInt64(0)...1 {
            try await bench.consume([Batch([Observation(1 + round)])])
            let terms = try await exporter.commits().database().pool.writeWithoutTransaction { db in
                let names = ["synchronous", "wal_autocheckpoint", "journal_mode"]
                return try names.map { try String.fetchOne(db, sql: "PRAGMA \($0)") ?? "" }
            }
            #expect(terms == ["2", "0", "wal"])
            if round == 0 { try FileManager.default.removeItem(atPath: bench.path) }
        }
        await bench.exporter.shutdown()
    }

    @Test(arguments: [
        ("wal", "NORMAL", "synchronous is 1"), ("delete", "FULL", "journal_mode is delete"), ("wal", "FULL", ""),
    ])
    func `a database that does not flush as the configuration says is not taken`(
        mode: String,
        level: String,
        fault: String
    ) async throws {
        let bench = try await Bench(start: false)
        let database = try DatabaseQueue(path: bench.path)
        let found = try await database.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = \(mode); PRAGMA synchronous = \(level); CREATE TABLE t (a)")
            return try DatabaseFile.durabilityFault(db)
        }
        #expect(found?.contains(fault) ?? fault.isEmpty)
    }

    @Test(arguments: ["PRAGMA synchronous = NORMAL;", "PRAGMA synchronous = OFF;", ""])
    func `a start fails where the database cannot be made to flush`(terms: String) async throws {
        let bench = try await Bench(start: false)
        let id = try #require(ComponentID("sqlite"))
        let error = #expect(throws: StartError.self) { try DatabaseFile(path: bench.path, terms: terms).open(id: id) }
        #expect(error?.description.contains("does not flush its log at every commit") == true)
        #expect(throws: DatabaseError.self) {
            try DatabaseFile(path: bench.path, terms: "PRAGMA synchronous = OFF;").connection()
        }
    }

    @Test(arguments: ["t.db", "t.db-wal"])
    func `a database that was set aside or put back has its name on the disk before the next acknowledgement`(
        cut: String
    ) async throws {
        let bench = try await Bench(path: "t.db")
        for number in UInt64(1)...2 {
            // The second has a database that was there before, and whose name is not new.
            try await bench.consume([Batch([Observation(number)], records: [("e", "s", morning)])])
            if number == 1 { await bench.exporter.shutdown() }
            if number == 1 { try await bench.exporter.start() }
        }
        let flushes = FlushCounter(below: bench.folder.path)
        #expect(truncate(bench.folder.path + "/" + cut, cut == "t.db" ? 16_384 : 0) == 0)
        try await bench.consume([Batch([Observation(3)])])
        #expect(flushes.all["/", default: 0] >= 1)
        await bench.exporter.shutdown()
    }

    // MARK: - The log

    /// An exporter whose log is moved often.
    private func exporter(_ bench: Bench, _ change: (inout Checkpoints.Limits) -> Void) throws -> SQLiteExporter {
        var config = SQLiteConfig()
        config.path = ConfigPath(bench.path)
        var limits = Checkpoints.Limits()
        change(&limits)
        let settings = ComponentSettings(
            id: try #require(ComponentID("sqlite")),
            logger: Logger(label: "sqlite") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { morning }
        )
        return SQLiteExporter(config, settings, limits)
    }

    private func logSize(_ bench: Bench) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: bench.path + "-wal")[.size] as? Int ?? -1
    }

    @Test func `the log is moved beside the commits and does not grow without end`() async throws {
        let bench = try await Bench(start: false)
        let exporter = try exporter(bench) { ($0.step, $0.restart, $0.rest, $0.bound) = (20, 60, 20, 200) }
        try await exporter.start()
        let page = 8_192 + 24
        var largest = 0
        for number in UInt64(1)...400 {
            try await exporter.consume(Batch([Observation(number)], records: [("e", "s", morning)]))
            largest = max(largest, try logSize(bench))
        }
        // Each commit writes several pages, so without checkpoints there were thousands; a commit is begun below the bound.
        #expect(largest < 400 * page)
        let size = try FileManager.default.attributesOfItem(atPath: bench.path)[.size] as? Int ?? 0
        #expect(size > 100_000)
        await exporter.shutdown()
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["400"])
    }

    @Test func `a store without commits has an empty log and a whole database`() async throws {
        let bench = try await Bench(start: false)
        let exporter = try exporter(bench) { $0.idle = 0.05 }
        try await exporter.start()
        try await exporter.consume(Batch([Observation(1)]))
        while try logSize(bench) > 0 { try await Task.sleep(for: .milliseconds(10)) }
        let copy = try await Bench(start: false)
        try FileManager.default.copyItem(atPath: bench.path, toPath: copy.path)
        #expect(try copy.rows("SELECT count(*) FROM calls") == ["1"])
        try await exporter.consume(Batch([Observation(2)]))
        #expect(try await exporter.session(id: "s")?.calls.count == 2)
        await exporter.shutdown()
    }

    @Test func `a reader that stays holds up no commit`() async throws {
        let bench = try await Bench(start: false)
        let exporter = try exporter(bench) { ($0.step, $0.restart, $0.rest, $0.warning) = (5, 10, 2, 10) }
        try await exporter.start()
        try await exporter.consume(Batch([Observation(1)]))
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let reader = try DatabaseQueue(path: bench.path, configuration: configuration)
        try await reader.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN")
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM calls") == 1)
        }
        for number in UInt64(2)...60 { try await exporter.consume(Batch([Observation(number)])) }
        try await reader.writeWithoutTransaction { db in
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM calls") == 1)
            try db.execute(sql: "COMMIT")
        }
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["60"])
        await exporter.shutdown()
    }
}
