// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// OpenCode's database in both generations, and its files of before.
struct OpenCodeTests {
    static let database = ".local/share/opencode/opencode.db"

    static let firstTables = """
        CREATE TABLE project(id TEXT PRIMARY KEY, worktree TEXT);
        CREATE TABLE session(id TEXT PRIMARY KEY, project_id TEXT, parent_id TEXT, directory TEXT, title TEXT, version TEXT,
            time_created INTEGER, time_updated INTEGER);
        CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
        CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, data TEXT);
        """
    static let secondTables = """
        CREATE TABLE session_v2(id TEXT PRIMARY KEY, project_id TEXT, parent_id TEXT, fork_session_id TEXT, fork_boundary TEXT,
            directory TEXT, title TEXT, version TEXT, cost REAL, tokens_input INTEGER, time_created INTEGER, time_updated INTEGER);
        CREATE TABLE session_message(id TEXT PRIMARY KEY, session_id TEXT, type TEXT, seq INTEGER, time_created INTEGER,
            time_updated INTEGER, data TEXT);
        """

    /// The JSON of a step: figures are input, output, reasoning, read, written.
    static func step(
        _ figures: [Int],
        at created: Int = 1_796_000_000_000,
        took: Int? = 4_000,
        total: Int? = nil,
        more: String = ""
    ) -> String {
        let total = total.map { #""total":\#($0),"# } ?? ""
        let end = took.map { #","completed":\#(created + $0)"# } ?? ""
        return #"{"role":"assistant",\#(more)"providerID":"anthropic","modelID":"claude-sonnet-4-5","cost":0.010125,"#
            + #""path":{"cwd":"/gone/shop"},"time":{"created":\#(created)\#(end)},"tokens":{\#(total)"input":\#(figures[0]),"#
            + #""output":\#(figures[1]),"reasoning":\#(figures[2]),"cache":{"read":\#(figures[3]),"write":\#(figures[4])}}}"#
    }

    static func session(
        _ id: String,
        title: String = "work",
        parent: String? = nil,
        created: Int = 1_796_000_000_000,
        updated: Int = 1
    ) -> String {
        let parent = parent.map { "'\($0)'" } ?? "NULL"
        return
            "INSERT INTO session VALUES('\(id)', 'p', \(parent), '/gone/shop', '\(title)', '1.3.0', \(created), \(updated));"
    }

    static func message(_ id: String, _ session: String, _ data: String, updated: Int = 1) -> String {
        "INSERT INTO message VALUES('\(id)', '\(session)', 1, \(updated), '\(data)');"
    }

    /// One step in ses_a, its copy in a fork, a step of the fork's own, a sub-agent, a retry without tokens, a prompt.
    static var firstRows: String {
        let later = 1_796_000_100_000
        return [
            session("ses_a"), session("ses_b", title: "work (fork #1)", created: later),
            session("ses_c", parent: "ses_a"),
            message("msg_0", "ses_a", #"{"role":"user","time":{"created":1}}"#),
            message("msg_1", "ses_a", step([1_200, 150, 50, 8_000, 300])),
            message("msg_2", "ses_b", step([1_200, 150, 50, 8_000, 300])),
            message("msg_3", "ses_b", step([10, 20, 0, 30, 40], at: later)),
            message("msg_4", "ses_c", step([5, 6, 0, 0, 0], at: later)),
            message("msg_5", "ses_a", step([0, 0, 0, 0, 0], at: later)),
        ].joined()
    }

    static let truth: [Int64] = [3, 1_215, 8_030, 340, 226]

    static var fixtures: [StoreFixture] {
        get throws {
            let file = ".local/share/opencode/storage/message/ses_a/msg_1.json"
            let sessionFile = ".local/share/opencode/storage/session/p/ses_a.json"
            let step = step([1_200, 150, 50, 8_000, 300], more: #""id":"msg_1","sessionID":"ses_a","#)
            return [
                StoreFixture(
                    "opencode",
                    bytes: [
                        (database, try TestDatabase.bytes(firstTables + firstRows)),
                        (file, Array(step.utf8)),
                        (
                            sessionFile,
                            Array(#"{"id":"ses_a","directory":"/gone/shop","title":"work","time":{"updated":5}}"#.utf8)
                        ),
                        // The rows of version 1 stay, and are copied to the tables of version 2.
                        (database, try TestDatabase.bytes(firstTables + firstRows + secondTables + secondRows)),
                    ],
                    truth: [4, 1_222, 8_030, 340, 234]
                )
            ]
        }
    }

    static func second(_ data: String) -> String {
        data.replacing(#""modelID":"claude-sonnet-4-5","#, with: "").replacing(#""role":"assistant","#, with: "")
            .replacing(
                #""providerID":"anthropic","#,
                with: #""model":{"id":"claude-sonnet-4-5","providerID":"anthropic"},"#
            )
    }

    static func row(_ id: String, _ session: String, _ seq: Int, _ data: String, updated: Int = 1) -> String {
        "INSERT INTO session_message VALUES('\(id)', '\(session)', 'assistant', \(seq), 1, \(updated), '\(second(data))');"
    }

    /// The rows of the first generation, a fork of the second, and a step that is new.
    static var secondRows: String {
        let later = 1_796_000_100_000
        return [
            "INSERT INTO session_v2(id, directory, time_created, time_updated) VALUES('ses_a', '/gone/shop', 1, 2);",
            "INSERT INTO session_v2(id, directory, time_created, time_updated) VALUES('ses_b', '/gone/shop', \(later), 2);",
            "INSERT INTO session_v2(id, parent_id, time_updated) VALUES('ses_c', 'ses_a', 2);",
            "INSERT INTO session_v2(id, fork_session_id, fork_boundary, time_created, time_updated)",
            "VALUES('ses_d', 'ses_a', 'msg_1', \(later), 3);",
            row("msg_1", "ses_a", 1, step([1_200, 150, 50, 8_000, 300])),
            row("msg_2", "ses_b", 1, step([1_200, 150, 50, 8_000, 300])),
            row("msg_3", "ses_b", 2, step([10, 20, 0, 30, 40], at: later)),
            row("msg_4", "ses_c", 1, step([5, 6, 0, 0, 0], at: later)),
            row("msg_6", "ses_d", 1, step([1_200, 150, 50, 8_000, 300])),
            row("msg_7", "ses_d", 2, step([7, 8, 0, 0, 0], at: later + 1)),
            "INSERT INTO session_message VALUES('msg_8', 'ses_d', 'compaction', 3, 1, 1, '{}');",
        ].joined()
    }

    @Test func `a fork's copies are the calls of the session that made them`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + Self.database, isLogged: true)
        try database.run(Self.firstTables + Self.firstRows)
        // The program still runs: everything is in the log, none of it in the database.
        let (books, report) = try await scanned(home)
        #expect(books.figures == Self.truth && report.problems.isEmpty && report.ingested == 3)
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
        let path = home.path + "/" + Self.database
        let database = try TestDatabase(path, isLogged: true)
        try database.run(Self.firstTables + Self.firstRows)
        database.close()
        let folder = URL(filePath: path).deletingLastPathComponent().path
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(scene.books.figures == Self.truth)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["opencode.db"])
        let writer = try TestDatabase(path, isLogged: true)
        try writer.run(
            "BEGIN IMMEDIATE;" + Self.message("msg_9", "ses_a", Self.step([1, 1, 0, 0, 0], at: 5), updated: 9)
        )
        // A transaction that is not committed is not seen, and does not stop the scan.
        try await scene.scan()
        #expect(scene.books.figures == Self.truth)
        try writer.run("COMMIT;")
        try await scene.scan()
        #expect(scene.books.figures == [4, 1_216, 8_030, 340, 227])
        await scene.shutdown()
    }

    @Test func `a row that changes in place counts once, with its last figures`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + Self.database, isLogged: true)
        try database.run(Self.firstTables + Self.session("ses_a"))
        try database.run(Self.message("msg_1", "ses_a", Self.step([0, 0, 0, 0, 0], took: nil), updated: 10))
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(scene.books.figures[0] == 0)
        for (data, updated) in [
            (Self.step([100, 10, 0, 0, 0], took: nil), 20), (Self.step([100, 10, 0, 0, 0]), 30),
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
        let database = try TestDatabase(home.path + "/" + Self.database)
        // The tables of version 2 are there before they have a row.
        try database.run(Self.firstTables + Self.firstRows + Self.secondTables)
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(scene.books.figures == Self.truth)
        try database.run(Self.secondRows)
        try await scene.scan()
        #expect(scene.books.figures == [4, 1_222, 8_030, 340, 234])
        #expect(
            scene.books.calls.map(\.session).sorted { ($0 ?? "") < ($1 ?? "") } == ["ses_a", "ses_b", "ses_c", "ses_d"]
        )
        await scene.shutdown()
    }

    @Test func `older builds have reasoning in the output, which their total shows`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + Self.database)
        try database.run(
            Self.firstTables
                + Self.message("msg_1", "s", Self.step([100, 60, 20, 0, 0], at: 1_796_000_000_000, total: 160))
                + Self.message("msg_2", "s", Self.step([100, 60, 20, 0, 0], at: 1_796_000_001_000, total: 180))
        )
        #expect(try await scanned(home).books.calls.map(\.counts.output) == [60, 80])
    }

    @Test func `a row that cannot be read is named and does not stop the others`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + Self.database)
        try database.run(
            Self.firstTables + Self.message("msg_1", "s", #"{"role":"assistant","tokens":{"input":-5}}"#)
                + Self.message("msg_2", "s", #"{"role":"assist"#)
                + Self.message("msg_3", "s", Self.step([1, 1, 0, 0, 0]))
        )
        let (books, report) = try await scanned(home)
        #expect(books.figures == [1, 1, 0, 0, 1])
        #expect(
            report.problems.map(\.line) == [1, 2] && report.problems.allSatisfy { $0.path.hasSuffix("opencode.db") }
        )
    }

    @Test func `what is no database is named`() async throws {
        let home = try TestHome()
        try home.write(String(repeating: "this is no database ", count: 100), to: Self.database)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 0 && report.unreadable == 1)
        #expect(report.problems.first?.message.contains("file is not a database") ?? false)
    }

    @Test func `tables of a version that is not known are named, other databases are passed over`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + Self.database)
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
        let step = Self.step([1, 2, 0, 0, 0], more: #""id":"msg_1","sessionID":"ses_a","#)
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
        let database = try TestDatabase(home.path + "/" + Self.database)
        try database.run(Self.firstTables + Self.firstRows)
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
        #expect(books.figures == Self.truth)
        #expect(books.calls.filter { $0.sources == [.otlpSpan, .agentStore] }.count == 1)
    }
}
