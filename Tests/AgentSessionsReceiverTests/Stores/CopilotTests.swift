// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// Copilot's table of requests, and the sums in its events.
struct CopilotTests {
    private static let database = ".copilot/session-store.db"

    private static let tables = """
        CREATE TABLE sessions(id TEXT PRIMARY KEY, cwd TEXT, repository TEXT, created_at TEXT);
        CREATE TABLE assistant_usage_events(id INTEGER PRIMARY KEY, session_id TEXT, model TEXT, input_tokens INTEGER,
            output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER, created_at TEXT);
        INSERT INTO sessions VALUES('s-1', '/gone/shop', 'me/shop', '2026-11-02T10:00:00.000Z');
        """

    private static func row(_ id: Int, _ figures: [Int], at second: Int, session: String = "s-1") -> String {
        let values = figures.map(\.description).joined(separator: ",")
        return "INSERT INTO assistant_usage_events VALUES(\(id), '\(session)', 'claude-sonnet-4.5', \(values), "
            + "'2026-11-02T10:00:0\(second).000Z');"
    }

    private static func shutdown(_ id: String, _ figures: [Int], minute: Int) -> String {
        event(
            "session.shutdown",
            id,
            minute: minute,
            #"{"modelMetrics":{"gpt-5":{"requests":{"count":3},"usage":{"inputTokens":\#(figures[0]),"outputTokens":\#(figures[1]),"#
                + #""cacheReadTokens":\#(figures[2]),"cacheWriteTokens":0,"reasoningTokens":0}}}}"#
        )
    }

    private static func event(_ type: String, _ id: String, minute: Int, _ data: String) -> String {
        #"{"type":"\#(type)","data":\#(data),"id":"\#(id)","timestamp":"2026-11-02T10:0\#(minute):00.000Z","parentId":null}"#
    }

    private static func events(_ session: String) -> String {
        [
            event(
                "session.start",
                "e0",
                minute: 0,
                #"{"sessionId":"\#(session)","context":{"cwd":"/gone/shop","branch":"main"}}"#
            ),
            event("assistant.message", "e1", minute: 1, #"{"outputTokens":40}"#),
            shutdown("e2", [1_000, 100, 600], minute: 2),
            // The next leg goes on with the sum; after a compaction it begins again.
            shutdown("e3", [1_500, 130, 900], minute: 3),
            event("session.compaction_complete", "e4", minute: 4, #"{"success":false}"#),
            shutdown("e5", [1_500, 130, 900], minute: 5),
            event("session.compaction_complete", "e6", minute: 6, #"{"success":true}"#),
            shutdown("e7", [1_600, 140, 1_000], minute: 7),
        ].joined(separator: "\n") + "\n"
    }

    static var fixtures: [StoreFixture] {
        get throws {
            let rows = row(1, [10_000, 400, 7_000, 1_000, 100], at: 5) + row(2, [50, 5, 0, 0, 0], at: 6)
            return [
                StoreFixture(
                    "copilot",
                    bytes: [(database, try TestDatabase.bytes(tables + rows))],
                    truth: [2, 2_050, 7_000, 1_000, 405]
                ),
                StoreFixture(
                    "copilot-events",
                    [(".copilot/session-state/s-9/events.jsonl", events("s-9"))],
                    truth: [3, 1_200, 1_900, 0, 270]
                ),
            ]
        }
    }

    @Test func `a session with rows is not counted by its sums`() async throws {
        let home = try Self.fixtures[0].home()
        try home.write(Self.events("s-1"), to: ".copilot/session-state/s-1/events.jsonl")
        let (books, _) = try await scanned(home)
        #expect(books.figures == (try Self.fixtures[0].truth))
        let call = try #require(books.calls.first)
        #expect(call.agent == "copilot" && call.session == "s-1" && call.project == "/gone/shop")
        #expect(call.counts.reasoning == 100 && books.sessions["s-1"]?.branch?.value == "main")
    }

    @Test func `rows are read as they come, and all of them after a reset of the store`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + Self.database, isLogged: true)
        try database.run(Self.tables + Self.row(1, [10, 1, 0, 0, 0], at: 1))
        let scene = try await Scene(home)
        try await scene.scan()
        try database.run(Self.row(2, [20, 2, 0, 0, 0], at: 2))
        #expect(try await scene.scan().calls == 1)
        #expect(scene.books.figures == [2, 30, 0, 0, 3])
        try database.run("DELETE FROM assistant_usage_events;")
        for id in 1...3 { try database.run(Self.row(id, [100, 10, 0, 0, 0], at: id + 2)) }
        try await scene.scan()
        #expect(scene.books.figures == [5, 330, 0, 0, 33])
        await scene.shutdown()
    }

    @Test func `the same request by telemetry is one call`() async throws {
        let (books, _) = try await scanned(try Self.fixtures[0].home())
        try await books.consume(
            span(
                service: "github-copilot",
                name: "chat claude-sonnet-4.5",
                end: "2026-11-02T10:00:04.000Z",
                [
                    ("gen_ai.operation.name", #"{"stringValue":"chat"}"#),
                    ("gen_ai.conversation.id", #"{"stringValue":"s-1"}"#),
                    ("gen_ai.response.id", #"{"stringValue":"msg_0123456789abcdef01234567"}"#),
                    ("gen_ai.response.model", #"{"stringValue":"claude-sonnet-4-5-20250929"}"#),
                    ("gen_ai.usage.input_tokens", #"{"intValue":"10000"}"#),
                    ("gen_ai.usage.output_tokens", #"{"intValue":"400"}"#),
                    ("gen_ai.usage.cache_read.input_tokens", #"{"intValue":"7000"}"#),
                    ("gen_ai.usage.cache_creation.input_tokens", #"{"intValue":"1000"}"#),
                ]
            )
        )
        #expect(books.figures == (try Self.fixtures[0].truth))
        #expect(books.calls.filter { $0.sources == [.otlpSpan, .agentStore] }.count == 1)
    }
}
