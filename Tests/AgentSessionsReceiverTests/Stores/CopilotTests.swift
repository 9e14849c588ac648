// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// Copilot's table of requests, and the sums in its events.
struct CopilotTests {
    @Test func `a session with rows is not counted by its sums`() async throws {
        let home = try CopilotFixtures.fixtures[0].home()
        try home.write(CopilotFixtures.events("s-1"), to: ".copilot/session-state/s-1/events.jsonl")
        let (books, _) = try await scanned(home)
        #expect(books.figures == (try CopilotFixtures.fixtures[0].truth))
        let call = try #require(books.calls.first)
        #expect(call.agent == "copilot" && call.session == "s-1" && call.project == "/gone/shop")
        #expect(call.counts.reasoning == 100 && books.sessions["s-1"]?.branch?.value == "main")
    }

    @Test func `rows are read as they come, and all of them after a reset of the store`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + CopilotFixtures.database, isLogged: true)
        try database.run(CopilotFixtures.tables + CopilotFixtures.row(1, [10, 1, 0, 0, 0], at: 1))
        let scene = try await Scene(home)
        try await scene.scan()
        try database.run(CopilotFixtures.row(2, [20, 2, 0, 0, 0], at: 2))
        #expect(try await scene.scan().calls == 1)
        #expect(scene.books.figures == [2, 30, 0, 0, 3])
        try database.run("DELETE FROM assistant_usage_events;")
        for id in 1...3 { try database.run(CopilotFixtures.row(id, [100, 10, 0, 0, 0], at: id + 2)) }
        try await scene.scan()
        #expect(scene.books.figures == [5, 330, 0, 0, 33])
        await scene.shutdown()
    }

    @Test func `the same request by telemetry is one call`() async throws {
        let (books, _) = try await scanned(try CopilotFixtures.fixtures[0].home())
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
        #expect(books.figures == (try CopilotFixtures.fixtures[0].truth))
        #expect(books.calls.filter { $0.sources == [.otlpSpan, .agentStore] }.count == 1)
    }

    /// The chat span of the command line, as it comes over OTLP.
    private static func chat(_ id: String, _ figures: [Int], session: String, end: String) throws -> Batch {
        try span(
            service: "github-copilot",
            name: "chat gpt-5.4",
            end: end,
            [
                ("gen_ai.operation.name", #"{"stringValue":"chat"}"#),
                ("gen_ai.conversation.id", #"{"stringValue":"\#(session)"}"#),
                ("gen_ai.response.id", #"{"stringValue":"\#(id)"}"#),
                ("gen_ai.response.model", #"{"stringValue":"gpt-5.4"}"#),
                ("gen_ai.usage.input_tokens", #"{"intValue":"\#(figures[0])"}"#),
                ("gen_ai.usage.output_tokens", #"{"intValue":"\#(figures[1])"}"#),
                ("gen_ai.usage.cache_read.input_tokens", #"{"intValue":"\#(figures[2])"}"#),
            ]
        )
    }

    @Test(arguments: [true, false])
    func `a session whose calls came over OTLP is not counted by its sums`(comesFirst: Bool) async throws {
        let fixture = try #require(try CopilotFixtures.fixtures.first { $0.name == "copilot-resumed" })
        let books = try Books()
        let calls = [
            ("chatcmpl-000000000000000000000001", [1_037, 23, 101], "2026-11-02T10:01:00.000Z"),
            ("chatcmpl-000000000000000000000002", [1_074, 26, 202], "2026-11-02T10:04:00.000Z"),
            ("chatcmpl-000000000000000000000003", [1_111, 29, 303], "2026-11-02T10:05:00.000Z"),
            ("chatcmpl-000000000000000000000004", [100, 1, 0], "2026-11-02T10:07:00.000Z"),
        ]
        let home = try fixture.home()
        if !comesFirst { try await Self.scan(home, into: books) }
        for (id, figures, end) in calls {
            try await books.consume(try Self.chat(id, figures, session: "s-8", end: end))
        }
        if comesFirst { try await Self.scan(home, into: books) }
        #expect(books.figures == [4] + fixture.truth.dropFirst())
    }

    private static func scan(_ home: TestHome, into books: Books) async throws {
        let scene = try await Scene(home, books: books)
        try await scene.scan()
        await scene.shutdown()
    }

    @Test func `the spans in a file, in the extension's database and over OTLP are one call each`() async throws {
        let fixture = try #require(try CopilotFixtures.fixtures.first { $0.name == "copilot-spans" })
        let (books, _) = try await scanned(try fixture.home())
        for (id, figures, end) in [
            ("a1", [1_000, 60, 600], "2026-11-02T10:00:01.271Z"), ("a2", [500, 40, 0], "2026-11-02T10:00:02.271Z"),
        ] {
            let name = "chatcmpl-00000000000000000000" + id
            try await books.consume(try Self.chat(name, figures, session: "s-7", end: end))
        }
        #expect(books.figures == fixture.truth)
        #expect(books.calls.filter { $0.sources == [.otlpSpan, .agentStore] }.count == 2)
    }

    /// Each part comes alone, as with a version that has no table yet.
    @Test(arguments: [true, false])
    func `sums that come before or after the rows of their session count in neither case`(areFirst: Bool) async throws {
        let home = try TestHome()
        let fixture = try CopilotFixtures.fixtures[0]
        let books = try Books()
        for isSum in [areFirst, !areFirst] {
            if isSum {
                try home.write(CopilotFixtures.events("s-1"), to: ".copilot/session-state/s-1/events.jsonl")
            } else {
                try fixture.write(to: home)
            }
            try await Self.scan(home, into: books)
        }
        #expect(books.figures == fixture.truth)
    }

    @Test func `a row of the table and a span in a file are one call`() async throws {
        let home = try TestHome()
        let database = try TestDatabase(home.path + "/" + CopilotFixtures.database, isLogged: true)
        try database.run(
            CopilotFixtures.tables
                + CopilotFixtures.row(1, [1_000, 60, 600, 0, 0], at: 1, session: "s-7")
                .replacing("claude-sonnet-4.5", with: "gpt-5.4")
        )
        try home.write(
            CopilotFixtures.span("a1", "chat", [1_000, 60, 600], second: 1) + "\n",
            to: ".copilot/otel/x.jsonl"
        )
        #expect(try await scanned(home).books.figures == [1, 400, 600, 0, 60])
    }

    @Test func `the extension's spans are read as they come, and again after they were removed`() async throws {
        let home = try TestHome()
        let path = home.path + "/.config/Code/User/globalStorage/github.copilot-chat/agent-traces.db"
        let database = try TestDatabase(path, isLogged: true)
        try database.run(CopilotFixtures.traces)
        let scene = try await Scene(home)
        try await scene.scan()
        let call = try #require(scene.books.calls.first)
        #expect(call.agent == "copilot" && call.session == "v-1" && call.model == "gpt-5-2025-08-07")
        try database.run("DELETE FROM spans; DELETE FROM span_attributes;")
        try database.run(
            "INSERT INTO spans(span_id, trace_id, name, start_time_ms, end_time_ms, operation_name, conversation_id, input_tokens, output_tokens)"
                + " VALUES('d1', 't', 'n', 1, 1793613700000, 'chat', 'v-1', 7, 8);"
        )
        try await scene.scan()
        #expect(scene.books.figures == [3, 1_057, 9_000, 500, 63])
        await scene.shutdown()
    }
}
