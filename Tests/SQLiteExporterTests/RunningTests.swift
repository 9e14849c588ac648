// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import GRDB
import SQLiteExporter
import StoreFixtures
import Testing
import Usage

/// Starting, stopping, many senders at once, and what goes wrong.
struct RunningTests {
    @Test func `before the start and after the shutdown a batch may come again`() async throws {
        let bench = try await Bench(start: false)
        let batch = try Batch([Observation(1)])
        let before = await #expect(throws: ConsumeError.self) { try await bench.exporter.consume(batch) }
        #expect(before?.isRetryable == true)
        await #expect(throws: StoreError.self) { try await bench.store.sessions(SessionQuery(now: morning)) }
        await bench.exporter.shutdown()
        try await bench.exporter.start()
        try await bench.exporter.consume(batch)
        await bench.exporter.shutdown()
        await bench.exporter.shutdown()
        let after = await #expect(throws: ConsumeError.self) { try await bench.exporter.consume(batch) }
        #expect(after?.isRetryable == true)
        await #expect(throws: StoreError.self) { try await bench.store.session(id: "s") }
    }

    @Test func `fifty senders at once are all acknowledged and all kept`() async throws {
        let bench = try await Bench()
        try await withThrowingTaskGroup { group in
            for number in UInt64(1)...50 {
                let batch = try Batch(
                    [Observation(number, session: "s\(number)")],
                    records: [("event-\(number)", "s\(number)", morning)]
                )
                group.addTask { try await bench.exporter.consume(batch) }
            }
            try await group.waitForAll()
        }
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["50"])
        #expect(try bench.rows("SELECT sum(records) FROM batches") == ["50"])
        #expect(try await bench.store.sessions(SessionQuery(now: morning)).total == 50)
    }

    @Test func `a sender that gives up does not take others with it`() async throws {
        let bench = try await Bench()
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: bench.path, configuration: configuration)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        // The first holds the office, the next four are first in line, and all of them give up while the file is locked.
        var tasks: [Task<Void, any Error>] = []
        for number in UInt64(1)...10 {
            let batch = try Batch([Observation(number)])
            tasks.append(
                Task {
                    // A machine that is very busy may leave the file locked for longer than a commit waits.
                    while let refusal = await bench.refusal(of: batch) {
                        guard refusal.isRetryable else { throw refusal }
                        try Task.checkCancellation()
                    }
                }
            )
            try await Task.sleep(for: .milliseconds(10))
        }
        for task in tasks[1..<5] { task.cancel() }
        try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try await tasks[0].value
        for task in tasks[5...] { try await task.value }
        #expect(try bench.rows("SELECT count(*) FROM calls WHERE id IN (1, 6, 7, 8, 9, 10)") == ["6"])
    }

    @Test func `one batch that the file refuses does not spoil the others`() async throws {
        let bench = try await Bench()
        try bench.execute(
            "CREATE TRIGGER poison BEFORE INSERT ON batches WHEN instr(NEW.body, CAST('poison' AS BLOB)) BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        let batches = try (UInt64(1)...20).map { number in
            try Batch(
                [Observation(number)],
                records: [(number == 13 ? "poison" : "event", "s", morning + Double(number))]
            )
        }
        let refused = await withTaskGroup(of: ConsumeError?.self) { group in
            for batch in batches {
                group.addTask { await bench.refusal(of: batch) }
            }
            return await group.compactMap(\.self).reduce(into: [ConsumeError]()) { $0.append($1) }
        }
        #expect(refused.map(\.isRetryable) == [true])
        #expect(try bench.rows("SELECT count(*) FROM calls WHERE id <> 13") == ["19"])
        #expect(try bench.rows("SELECT count(*) FROM calls WHERE id = 13") == ["0"])
        try EquivalenceTests.checkSums(bench)
        try bench.execute("DROP TRIGGER poison")
        try await bench.exporter.consume(batches[12])
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["20"])
    }

    @Test func `a transaction that the file itself ends leaves nothing behind`() async throws {
        let bench = try await Bench()
        try bench.execute("CREATE TRIGGER full BEFORE INSERT ON calls BEGIN SELECT RAISE(ROLLBACK, 'gone'); END")
        await #expect(throws: ConsumeError.self) { try await bench.exporter.consume(Batch([Observation(1)])) }
        try bench.execute("DROP TRIGGER full")
        try await bench.exporter.consume(Batch([Observation(1)]))
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["1"])
    }

    @Test func `an answer never shows half a batch`() async throws {
        let bench = try await Bench()
        let writer = Task {
            for number in UInt64(1)...40 {
                let pair = [Observation(number * 2, session: "a"), Observation(number * 2 + 1, session: "b")]
                try await bench.exporter.consume(Batch(pair))
            }
        }
        let days = try period("2026-11-22", "2026-11-22")
        for _ in 0..<40 {
            let summary = try await bench.store.summary(of: days, now: morning)
            #expect(summary.totals.calls % 2 == 0)
            #expect(Set(summary.sessions.map(\.totals.calls)).count <= 1)
            #expect(summary.byDay.first?.totals == summary.totals)
        }
        try await writer.value
    }

    @Test func `a folder that cannot be made stops the start`() async throws {
        let bench = try await Bench(start: false)
        try Data("x".utf8).write(to: bench.folder.appending(path: "file"))
        for path in [bench.folder.appending(path: "file/below/telemetry.db").path, "/proc/nowhere/telemetry.db"] {
            let error = await #expect(throws: StartError.self) { try await Bench.makeExporter(path: path).start() }
            #expect(error?.reason == .permission)
            #expect(error?.description.hasPrefix("sqlite: the folder /") == true)
        }
    }

    @Test func `a path that is a folder stops the start`() async throws {
        let bench = try await Bench(start: false)
        let error = await #expect(throws: StartError.self) {
            try await Bench.makeExporter(path: bench.folder.path).start()
        }
        #expect(error?.reason == .inputOutput)
        #expect(error?.description.contains("\(bench.folder.path): it is a folder") == true)
    }

    @Test func `a file that is no database stops the start and stays as it is`() async throws {
        let bench = try await Bench(start: false)
        let text = String(repeating: "these are notes, not a database\n", count: 100)
        try Data(text.utf8).write(to: URL(filePath: bench.path))
        let error = await #expect(throws: StartError.self) { try await bench.exporter.start() }
        #expect(error?.reason == .inputOutput)
        #expect(error?.description.contains("is no database or is damaged") == true)
        #expect(try Data(contentsOf: URL(filePath: bench.path)) == Data(text.utf8))
        await bench.exporter.shutdown()
    }

    @Test func `a folder that is missing is made`() async throws {
        let bench = try await Bench(start: false)
        let folder = bench.folder.appending(path: "a/b")
        let exporter = try Bench.makeExporter(path: folder.appending(path: "t.db").path)
        try await exporter.start()
        await exporter.shutdown()
        #expect(try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions] as? Int == 0o700)
    }

    @Test func `an empty path is refused and the file is claimed`() {
        var config = SQLiteConfig()
        config.path = ""
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map(\.path) == [["path"]])
        config.path = "/x/y.db"
        #expect(config.resources == [ConfigResource(.file("/x/y.db"), at: ["path"])])
        #expect(config.path(home: "/home/x/.hammurabi") == "/x/y.db")
        #expect(SQLiteConfig().path(home: "/data") == "/data/telemetry.db")
    }
}
