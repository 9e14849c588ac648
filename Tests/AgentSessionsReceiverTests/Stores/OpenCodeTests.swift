// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// OpenCode's database in both generations, and its files of before.
struct OpenCodeTests {
    @Test func `a fork's copies are the calls of the session that made them`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + OpenCodeFixtures.database, isLogged: true)
        try database.run(OpenCodeFixtures.firstTables + OpenCodeFixtures.firstRows)
        // The program still runs: everything is in the log, none of it in the database.
        let (books, report) = try await scanned(home)
        #expect(books.figures == OpenCodeFixtures.truth && report.problems.isEmpty && report.ingested == 3)
        let first = try #require(books.calls.first)
        #expect(first.session == "ses_a" && first.agent == "opencode" && first.project == "/gone/shop")
        #expect(first.provider == "anthropic" && first.model == "claude-sonnet-4-5" && first.sources == [.agentStore])
        #expect(first.reportedCost == Money(nanodollars: 10_125_000) && first.counts.reasoning == 50)
        #expect(first.time.milliseconds == 1_796_000_004_000)
        #expect(books.sessions["ses_c"]?.parent == "ses_a" && books.sessions["ses_a"]?.name?.value == "work")
        database.close()
    }

    @Test func `the agent's folder is left as it was, and a writer is not held up`() async throws {
        let home = try TestHome()
        let path = home.path + "/" + OpenCodeFixtures.database
        let database = try TestDatabase(path, isLogged: true)
        try database.run(OpenCodeFixtures.firstTables + OpenCodeFixtures.firstRows)
        database.close()
        let folder = URL(filePath: path).deletingLastPathComponent().path
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(scene.books.figures == OpenCodeFixtures.truth)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["opencode.db"])
        let writer = try TestDatabase(path, isLogged: true)
        try writer.run(
            "BEGIN IMMEDIATE;"
                + OpenCodeFixtures.message("msg_9", "ses_a", OpenCodeFixtures.step([1, 1, 0, 0, 0], at: 5), updated: 9)
        )
        // A transaction that is not committed is not seen, and does not stop the scan.
        try await scene.scan()
        #expect(scene.books.figures == OpenCodeFixtures.truth)
        try writer.run("COMMIT;")
        try await scene.scan()
        #expect(scene.books.figures == [4, 1_216, 8_030, 340, 227])
        await scene.shutdown()
    }

    @Test func `a row that changes in place counts once, with its last figures`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + OpenCodeFixtures.database, isLogged: true)
        try database.run(OpenCodeFixtures.firstTables + OpenCodeFixtures.session("ses_a"))
        try database.run(
            OpenCodeFixtures.message("msg_1", "ses_a", OpenCodeFixtures.step([0, 0, 0, 0, 0], took: nil), updated: 10)
        )
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(scene.books.figures[0] == 0)
        for (data, updated) in [
            (OpenCodeFixtures.step([100, 10, 0, 0, 0], took: nil), 20),
            (OpenCodeFixtures.step([100, 10, 0, 0, 0]), 30),
        ] {
            try database.run("UPDATE message SET data = '\(data)', time_updated = \(updated) WHERE id = 'msg_1'")
            try await scene.scan()
            #expect(scene.books.figures == [1, 100, 0, 0, 10])
        }
        #expect(scene.books.calls.first?.time.milliseconds == 1_796_000_000_000)
        await scene.shutdown()
    }

    @Test func `an upgrade from version 1 to 2 counts nothing twice`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + OpenCodeFixtures.database)
        // The tables of version 2 are there before they have a row.
        try database.run(OpenCodeFixtures.firstTables + OpenCodeFixtures.firstRows + OpenCodeFixtures.secondTables)
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(scene.books.figures == OpenCodeFixtures.truth)
        try database.run(OpenCodeFixtures.secondRows)
        try await scene.scan()
        #expect(scene.books.figures == [4, 1_222, 8_030, 340, 234])
        #expect(
            scene.books.calls.map(\.session).sorted { ($0 ?? "") < ($1 ?? "") } == ["ses_a", "ses_b", "ses_c", "ses_d"]
        )
        await scene.shutdown()
    }

    @Test func `older builds have reasoning in the output, which their total shows`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + OpenCodeFixtures.database)
        try database.run(
            OpenCodeFixtures.firstTables
                + OpenCodeFixtures.message(
                    "msg_1",
                    "s",
                    OpenCodeFixtures.step([100, 60, 20, 0, 0], at: 1_796_000_000_000, total: 160)
                )
                + OpenCodeFixtures.message(
                    "msg_2",
                    "s",
                    OpenCodeFixtures.step([100, 60, 20, 0, 0], at: 1_796_000_001_000, total: 180)
                )
        )
        #expect(try await scanned(home).books.calls.map(\.counts.output) == [60, 80])
    }

    @Test func `a row that cannot be read is named and does not stop the others`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + OpenCodeFixtures.database)
        try database.run(
            OpenCodeFixtures.firstTables
                + OpenCodeFixtures.message("msg_1", "s", #"{"role":"assistant","tokens":{"input":-5}}"#)
                + OpenCodeFixtures.message("msg_2", "s", #"{"role":"assist"#)
                + OpenCodeFixtures.message("msg_3", "s", OpenCodeFixtures.step([1, 1, 0, 0, 0]))
        )
        let (books, report) = try await scanned(home)
        #expect(books.figures == [1, 1, 0, 0, 1])
        #expect(
            report.problems.map(\.line) == [1, 2] && report.problems.allSatisfy { $0.path.hasSuffix("opencode.db") }
        )
    }

    @Test func `what is no database is named`() async throws {
        let home = try TestHome()
        try home.write(String(repeating: "this is no database ", count: 100), to: OpenCodeFixtures.database)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 0 && report.unreadable == 1)
        #expect(report.problems.first?.message.contains("file is not a database") ?? false)
    }

    @Test func `tables of a version that is not known are named, other databases are passed over`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + OpenCodeFixtures.database)
        try database.run("CREATE TABLE other(id TEXT);")
        #expect(try await scanned(home).report.problems.isEmpty)
        try database.run("CREATE TABLE message(id TEXT, session_id TEXT, data TEXT);")
        try home.remove("hub")
        let problems = try await scanned(home).report.problems
        #expect(problems.map(\.message).first?.contains("its table message has no column time_updated") ?? false)
    }

    @Test func `a file that is torn is read again when it changes`() async throws {
        let home = try TestHome()
        let file = ".local/share/opencode/storage/message/ses_a/msg_1.json"
        let step = OpenCodeFixtures.step([1, 2, 0, 0, 0], more: #""id":"msg_1","sessionID":"ses_a","#)
        try home.write(String(step.dropLast(30)), to: file)
        try home.write(#"{"token":"secret"}"#, to: ".local/share/opencode/auth.json")
        let scene = try await Scene(home)
        let torn = try await scene.scan()
        #expect(torn.problems.count == 1 && scene.books.figures[0] == 0)
        #expect(try await scene.scan().scanned == 0 && scene.faults?.problems.count == 1)
        try home.write(step, to: file)
        #expect(try await scene.scan().problems.isEmpty)
        #expect(scene.books.figures == [1, 1, 0, 0, 2] && scene.faults?.problems.isEmpty == true)
        await scene.shutdown()
    }

    @Test func `the same step by the AI SDK's span is one call`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + OpenCodeFixtures.database)
        try database.run(OpenCodeFixtures.firstTables + OpenCodeFixtures.firstRows)
        let (books, _) = try await scanned(home)
        // The answer's own name of the model has a date; the step ended later, after its tools.
        try await books.consume(
            span(
                service: "opencode",
                name: "ai.streamText.doStream",
                end: try #require(Timestamp(milliseconds: 1_795_999_940_000)).iso8601,
                [
                    ("session.id", #"{"stringValue":"ses_a"}"#),
                    ("ai.operationId", #"{"stringValue":"ai.streamText.doStream"}"#),
                    ("ai.response.id", #"{"stringValue":"msg_0123456789abcdef01234567"}"#),
                    ("ai.response.model", #"{"stringValue":"claude-sonnet-4-5-20250929"}"#),
                    ("ai.usage.inputTokens", #"{"intValue":"9500"}"#),
                    ("ai.usage.outputTokens", #"{"intValue":"200"}"#),
                    ("ai.usage.cachedInputTokens", #"{"intValue":"8000"}"#),
                ]
            )
        )
        #expect(books.figures == OpenCodeFixtures.truth)
        #expect(books.calls.filter { $0.sources == [.otlpSpan, .agentStore] }.count == 1)
    }
}
