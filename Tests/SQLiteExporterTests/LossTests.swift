// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FoundationEssentials
import GRDB
import Glibc
import SQLiteExporter
import StoreFixtures
import Testing
import Usage

/// Files of the store that others delete, move, cut or replace while it runs.
struct LossTests {
    private let files = FileManager.default

    @Test func `what is acknowledged after its files were taken away is there after a restart`() async throws {
        let bench = try await Bench(start: false)
        let suite = StoreLossConformance(home: bench.folder.path) { folder, _ in
            try Bench.makeExporter(path: "\(folder)/telemetry.db")
        }
        #expect(await suite.violations(of: ["telemetry.db", "telemetry.db-wal", "telemetry.db-shm"]) == [])
    }

    @Test(arguments: ["-wal", "-shm"])
    func `a log without a name loses nothing, and the store stays the same`(end: String) async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)])])
        let identity = bench.exporter.storeIdentity
        try files.removeItem(atPath: bench.path + end)
        try await bench.consume([Batch([Observation(2)])])
        #expect(bench.exporter.storeIdentity == identity)
        #expect(try await bench.store.session(id: "s")?.calls.count == 2)
        await bench.exporter.shutdown()
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["2"])
    }

    @Test func `a new database is another store, and nothing of the former is remembered`() async throws {
        let bench = try await Bench()
        let days = try period("2026-11-22", "2026-11-22")
        try await bench.consume([Batch([Observation(1), Observation(2)])])
        #expect(try await bench.store.summary(of: days, now: morning).totals.calls == 2)
        let (identity, revision) = (bench.exporter.storeIdentity, try await bench.store.revision())
        try files.removeItem(atPath: bench.path)
        // A question notices it, too.
        #expect(try await bench.store.summary(of: days, now: morning).totals.calls == 0)
        #expect(bench.exporter.storeIdentity != identity)
        // The same calls come again, as session files are read again for a new store.
        try await bench.consume([Batch([Observation(1), Observation(2)]), Batch([Observation(3)])])
        #expect(try await bench.store.summary(of: days, now: morning).totals.calls == 3)
        #expect(try await bench.store.revision() > revision)
        await bench.exporter.shutdown()
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["3"])
    }

    @Test func `a database that was moved takes with it what was acknowledged`() async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)])])
        try files.moveItem(atPath: bench.path, toPath: bench.path + ".old")
        try await bench.consume([Batch([Observation(2)])])
        await bench.exporter.shutdown()
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["1"])
        let moved = try DatabaseQueue(path: bench.path + ".old")
        #expect(try await moved.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM calls") } == 1)
    }

    @Test func `a backup put in the place of the database is used, without the log of the former`() async throws {
        let (bench, backup) = (try await Bench(), try await Bench())
        try await backup.consume([Batch([Observation(7)])])
        await backup.exporter.shutdown()
        try await bench.consume([Batch([Observation(1), Observation(2)])])
        let identity = bench.exporter.storeIdentity
        try files.copyItem(atPath: backup.path, toPath: bench.path + ".new")
        #expect(rename(bench.path + ".new", bench.path) == 0)
        try await bench.consume([Batch([Observation(8)])])
        #expect(try await bench.store.session(id: "s")?.calls.count == 2)
        #expect(bench.exporter.storeIdentity != identity)
        await bench.exporter.shutdown()
        #expect(try bench.rows("SELECT id FROM calls ORDER BY id") == ["7", "8"])
        #expect(try bench.rows("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") == ["0"])
    }

    @Test func `a database that was cut is set aside, not overwritten`() async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)], records: [("e", "s", morning)])])
        await bench.exporter.shutdown()
        try await bench.exporter.start()
        try await bench.consume([Batch([Observation(2)])])
        #expect(truncate(bench.path, 16_384) == 0)
        try await bench.consume([Batch([Observation(3)])])
        await bench.exporter.shutdown()
        #expect(try bench.rows("SELECT id FROM calls") == ["3"])
        let aside = try files.contentsOfDirectory(atPath: bench.folder.path).filter { $0.contains(".damaged-") }
        #expect(aside.count == 2)
    }

    @Test func `a log that was cut costs what was only there, not the history`() async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)])])
        await bench.exporter.shutdown()
        try await bench.exporter.start()
        let identity = bench.exporter.storeIdentity
        try await bench.consume([Batch([Observation(2)])])
        #expect(truncate(bench.path + "-wal", 0) == 0)
        try await bench.consume([Batch([Observation(3)])])
        // Another store: what was read of session files is read again.
        #expect(bench.exporter.storeIdentity != identity)
        await bench.exporter.shutdown()
        #expect(try bench.rows("SELECT id FROM calls ORDER BY id") == ["1", "3"])
        #expect(try bench.rows("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") == ["0"])
    }

    @Test func `a database that gives pages back is not taken for one that was cut`() async throws {
        let bench = try await Bench()
        let records = (0..<3_000).map {
            (name: "event-\($0)-\(UInt64.random(in: 0 ... .max))", session: "s", time: morning)
        }
        try await bench.consume([Batch([Observation(1)], records: records)])
        let identity = bench.exporter.storeIdentity
        await bench.exporter.shutdown()
        try await bench.exporter.start()
        let before = try files.attributesOfItem(atPath: bench.path)[.size] as? Int ?? 0
        #expect(try await bench.store.compact(before: morning + 86_400) > 0)
        #expect(try files.attributesOfItem(atPath: bench.path)[.size] as? Int ?? 0 < before)
        try await bench.consume([Batch([Observation(2)])])
        // Another process moves and cuts the log.
        try await bench.consume([Batch([Observation(3)])])
        let other = try DatabaseQueue(path: bench.path)
        try await other.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        try await bench.consume([Batch([Observation(4)])])
        #expect(bench.exporter.storeIdentity == identity)
        await bench.exporter.shutdown()
        #expect(try bench.rows("SELECT count(*) FROM calls WHERE session <> 0") == ["3"])
    }

    @Test func `without its folder the store refuses for now, says why, and goes on when it is there again`()
        async throws
    {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)])])
        try files.removeItem(at: bench.folder)
        let refusal = try #require(await bench.refusal(of: Batch([Observation(2)])))
        #expect(refusal.isRetryable && refusal.retryAfter > 0 && refusal.message.contains("is missing; make it again"))
        #expect(bench.exporter.healthReporting?.trouble?.contains("is missing") == true)
        await #expect(throws: StoreError.self) { try await bench.store.session(id: "s") }
        #expect(bench.exporter.storeIdentity == nil)
        try files.createDirectory(at: bench.folder, withIntermediateDirectories: true)
        #expect(try await bench.store.session(id: "s") == nil)
        #expect(bench.exporter.healthReporting?.trouble == nil)
        try await bench.consume([Batch([Observation(2)])])
        await bench.exporter.shutdown()
        #expect(try bench.rows("SELECT id FROM calls") == ["2"])
    }
}
