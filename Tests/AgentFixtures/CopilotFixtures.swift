// SPDX-License-Identifier: Apache-2.0

/// Copilot's table of requests, and the sums in its events.
package enum CopilotFixtures {
    package static let database = ".copilot/session-store.db"

    package static let tables = """
        CREATE TABLE sessions(id TEXT PRIMARY KEY, cwd TEXT, repository TEXT, created_at TEXT);
        CREATE TABLE assistant_usage_events(id INTEGER PRIMARY KEY, session_id TEXT, model TEXT, input_tokens INTEGER,
            output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER, created_at TEXT);
        INSERT INTO sessions VALUES('s-1', '/gone/shop', 'me/shop', '2026-11-02T10:00:00.000Z');
        """

    package static func row(_ id: Int, _ figures: [Int], at second: Int, session: String = "s-1") -> String {
        let values = figures.map(\.description).joined(separator: ",")
        return "INSERT INTO assistant_usage_events VALUES(\(id), '\(session)', 'claude-sonnet-4.5', \(values), "
            + "'2026-11-02T10:00:0\(second).000Z');"
    }

    package static func shutdown(_ id: String, _ figures: [Int], minute: Int) -> String {
        event(
            "session.shutdown",
            id,
            minute: minute,
            #"{"modelMetrics":{"gpt-5":{"requests":{"count":3},"usage":{"inputTokens":\#(figures[0]),"outputTokens":\#(figures[1]),"#
                + #""cacheReadTokens":\#(figures[2]),"cacheWriteTokens":0,"reasoningTokens":0}}}}"#
        )
    }

    package static func event(_ type: String, _ id: String, minute: Int, _ data: String) -> String {
        #"{"type":"\#(type)","data":\#(data),"id":"\#(id)","timestamp":"2026-11-02T10:0\#(minute):00.000Z","parentId":null}"#
    }

    package static func events(_ session: String) -> String {
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

    package static var fixtures: [StoreFixture] {
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
                // As version 1.0.36 writes it: each process begins its sums again, which the outputs of the answers show.
                StoreFixture(
                    "copilot-resumed",
                    [
                        (
                            ".copilot/session-state/s-8/events.jsonl",
                            [
                                event(
                                    "session.start",
                                    "r0",
                                    minute: 0,
                                    #"{"sessionId":"s-8","context":{"cwd":"/gone/shop"}}"#
                                ),
                                answer("r1", output: 23, minute: 1), shutdown("r2", [1_037, 23, 101], minute: 2),
                                event("session.resume", "r3", minute: 3, #"{"eventCount":3}"#),
                                answer("r4", output: 26, minute: 4), answer("r5", output: 29, minute: 5),
                                shutdown("r6", [2_185, 55, 505], minute: 6),
                                // This one goes on.
                                answer("r7", output: 1, minute: 7), shutdown("r8", [2_285, 56, 505], minute: 8),
                            ].joined(separator: "\n") + "\n"
                        )
                    ],
                    truth: [3, 2_716, 606, 0, 79]
                ),
                // The file of spans has the calls, the events their sum.
                StoreFixture(
                    "copilot-spans",
                    [
                        (
                            ".copilot/otel/spans.jsonl",
                            [
                                span("a1", "chat", [1_000, 60, 600], second: 1),
                                span("a2", "chat", [500, 40, 0], second: 2),
                                span("a3", "invoke_agent", [1_500, 100, 600], second: 3),
                                #"{"type":"metric","name":"gen_ai.client.token.usage","dataPoints":[]}"#,
                            ].joined(separator: "\n") + "\n"
                        ),
                        (
                            ".copilot/session-state/s-7/events.jsonl",
                            event("session.start", "p0", minute: 0, #"{"sessionId":"s-7"}"#) + "\n"
                                + shutdown("p1", [1_500, 100, 600], minute: 9) + "\n"
                        ),
                    ],
                    truth: [2, 900, 600, 0, 100],
                    sums: 1
                ),
                StoreFixture(
                    "copilot-vscode",
                    bytes: [
                        (
                            ".config/Code/User/globalStorage/github.copilot-chat/agent-traces.db",
                            try TestDatabase.bytes(traces)
                        )
                    ],
                    truth: [2, 1_050, 9_000, 500, 55]
                ),
            ]
        }
    }

    /// An answer in the events.
    package static func answer(_ id: String, output: Int, minute: Int) -> String {
        event(
            "assistant.message",
            id,
            minute: minute,
            #"{"messageId":"m\#(id)","content":"ok","outputTokens":\#(output)}"#
        )
    }

    /// A span as version 1.0.36 writes it into a file; figures are input, output, cache reads.
    package static func span(_ id: String, _ operation: String, _ figures: [Int], second: Int) -> String {
        let end = 1_793_613_600 + second
        return
            #"{"type":"span","traceId":"6f894e3dc38596da5ab6bbedb6b0725f","spanId":"\#(id)","name":"\#(operation) gpt-5.4","kind":2,"#
            + #""startTime":[\#(end - 1),747000000],"endTime":[\#(end),271420386],"attributes":{"gen_ai.operation.name":"\#(operation)","#
            + #""gen_ai.provider.name":"github","gen_ai.conversation.id":"s-7","gen_ai.response.model":"gpt-5.4","#
            + #""gen_ai.response.id":"chatcmpl-00000000000000000000\#(id)","gen_ai.usage.input_tokens":\#(figures[0]),"#
            + #""gen_ai.usage.output_tokens":\#(figures[1]),"gen_ai.usage.cache_read.input_tokens":\#(figures[2]),"#
            + #""gen_ai.usage.reasoning.output_tokens":2},"resource":{"attributes":{"service.name":"github-copilot"}}}"#
    }

    /// The extension's database: two calls, the agent's sum of them, a tool.
    package static var traces: String {
        func row(_ id: String, _ operation: String, _ figures: String, second: Int) -> String {
            "INSERT INTO spans(span_id, trace_id, name, start_time_ms, end_time_ms, operation_name, conversation_id, chat_session_id,"
                + " request_model, response_model, input_tokens, output_tokens, cached_tokens, reasoning_tokens) VALUES('\(id)', 't', 'n', 1,"
                + " \(1_793_613_600_000 + second * 1_000), '\(operation)', NULL, 'v-1', 'gpt-5', 'gpt-5-2025-08-07', \(figures));"
        }
        return """
            CREATE TABLE spans(span_id TEXT PRIMARY KEY, trace_id TEXT NOT NULL, parent_span_id TEXT, name TEXT NOT NULL,
                start_time_ms INTEGER NOT NULL, end_time_ms INTEGER NOT NULL, operation_name TEXT, conversation_id TEXT,
                request_model TEXT, response_model TEXT, input_tokens INTEGER, output_tokens INTEGER, cached_tokens INTEGER,
                reasoning_tokens INTEGER, chat_session_id TEXT);
            CREATE TABLE span_attributes(span_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (span_id, key));
            """
                + row("c1", "chat", "10000, 50, 9000, 0", second: 1)
                + row("c2", "chat", "550, 5, NULL, NULL", second: 2)
                + row("c3", "invoke_agent", "10550, 55, 9000, 0", second: 3)
                + row("c4", "execute_tool", "NULL, NULL, NULL, NULL", second: 3)
                + "INSERT INTO span_attributes VALUES('c2', 'gen_ai.usage.cache_creation.input_tokens', '500');"
                + "INSERT INTO span_attributes VALUES('c1', 'gen_ai.response.id', 'chatcmpl-0123456789abcdef0123');"
    }
}
