// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import TokensProcessor
import Usage

/// Which records report a call, and which repeat or add up what others report.
struct WhichRecordsTests {
    @Test(arguments: callLogs)
    func `a log record that reports a call`(agent: String, service: String, event: String) throws {
        let found = try observation(
            ["event.name": .string(event), "input_tokens": 3],
            resource: ["service.name": .string(service)]
        )
        #expect(found?.agent == agent)
    }

    private static let callLogs = [
        ("claude-code", "claude-code", "api_request"), ("claude-code", "claude-code-desktop", "api_request"),
        ("codex", "codex_cli_rs", "codex.sse_event"), ("codex", "codex_exec", "codex.websocket_event"),
        ("gemini-cli", "gemini-cli", "gemini_cli.api_response"), ("qwen-code", "qwen-code", "qwen-code.api_response"),
        ("copilot", "copilot-chat", "gen_ai.client.inference.operation.details"), ("opencode", "opencode", "anything"),
        // A renamed service is recognised by the names of its events.
        ("codex", "my-agent", "codex.sse_event"), ("gemini-cli", "my-agent", "gemini_cli.api_response"),
        ("my-agent", "my-agent", "my.event"),
    ]

    @Test(arguments: otherLogs)
    func `a log record that reports no call, although it has tokens`(service: String, event: String) throws {
        let found = try observation(
            ["event.name": .string(event), "input_tokens": 3],
            resource: ["service.name": .string(service)]
        )
        #expect(found == nil)
    }

    private static let otherLogs = [
        ("claude-code", "subagent_completed"), ("claude-code", "compaction"), ("claude-code", "api_error"),
        ("codex_exec", "codex.api_request"), ("gemini-cli", "gemini_cli.tool_call"),
        ("copilot-chat", "copilot_chat.agent.turn"),
        ("my-agent", "subagent_completed"), ("my-agent", "api_retries_exhausted"),
        ("my-agent", "hammurabi.onboard_validation"),
    ]

    @Test func `an agent's event without a name is no call, a unknownType's is one`() throws {
        #expect(try observation(["input_tokens": 3], resource: ["service.name": "claude-code"]) == nil)
        #expect(try observation(["input_tokens": 3])?.agent == nil)
    }

    @Test func `the event's name may be in the record itself`() throws {
        var record = Record(["input_tokens": 3])
        record.name = "subagent_completed"
        #expect(try processed(logs([record])).observations.isEmpty)
        record.name = "codex.sse_event"
        #expect(try processed(logs([record])).observations.first?.agent == "codex")
    }

    @Test(arguments: ["com.anthropic.claude_code.events", "com.opencode", "unheard.of"])
    func `an agent is known by its scope`(scope: String) throws {
        let found = try processed(logs([Record(["event.name": "api_request", "input_tokens": 3])], scope: scope))
            .observations
        let agents = ["com.anthropic.claude_code.events": "claude-code", "com.opencode": "opencode"]
        #expect(found.map(\.agent) == [agents[scope]])
    }

    @Test(arguments: [
        "ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject", "ai.embedMany",
        "claude_code.interaction",
        "raw_gen_ai_request", "session_task.turn",
    ])
    func `a span that always sums up is no call`(name: String) throws {
        #expect(try spanObservation(["gen_ai.usage.input_tokens": 3], name: name) == nil)
        #expect(try spanObservation(["gen_ai.usage.input_tokens": 3], name: "my." + name) != nil)
    }

    @Test(arguments: [
        ("invoke_workflow", false), ("create_agent", false), ("execute_tool", false),
        ("plan", false),
        ("retrieval", false), ("fetch_response", false), ("chat", true), ("embeddings", true),
        ("text_completion", true),
    ])
    func `the operation distinguishes inference from sums of it`(operation: String, isCall: Bool) throws {
        let found = try spanObservation(["gen_ai.operation.name": .string(operation), "gen_ai.usage.input_tokens": 3])
        #expect((found != nil) == isCall)
    }

    @Test(arguments: [
        ("openinference.span.kind", "LLM", true), ("openinference.span.kind", "EMBEDDING", true),
        ("openinference.span.kind", "TOOL", false), ("openinference.span.kind", "CHAIN", false),
        ("langfuse.observation.type", "generation", true), ("langfuse.observation.type", "embedding", true),
        ("langfuse.observation.type", "span", false), ("traceloop.span.kind", "workflow", false),
    ])
    func `the kind of span distinguishes inference from sums of it`(key: String, kind: String, isCall: Bool) throws {
        let found = try spanObservation([key: .string(kind), "gen_ai.usage.input_tokens": 3] as Attributes)
        #expect((found != nil) == isCall)
    }

    @Test(arguments: [
        ("claude-code", "claude_code.llm_request", true), ("claude-code", "claude_code.tool", false),
        ("codex_exec", "handle_responses", true), ("codex_exec", "session_task.run", false),
    ])
    func `of a described agent only its own call spans count`(
        service: String,
        name: String,
        isCall: Bool
    ) throws {
        let found = try spanObservation(["input_tokens": 3], name: name, resource: ["service.name": .string(service)])
        #expect((found != nil) == isCall)
    }

    @Test func `a dropped record reports nothing`() throws {
        let batch = try logs([
            Record(["input_tokens": 1, "session.id": "s1"]), Record(["input_tokens": 2, "session.id": "s2"]),
        ])
        let found = try processed(batch) { $0.overlay.drop(record: 0) }
        #expect(found.observations.map(\.counts.uncachedInput) == [2])
        #expect(found.sessions.map(\.id) == ["s2"])
        #expect((0..<2).map { found.sessions.position(ofRecord: $0) } == [nil, 0])
    }

    @Test func `changes of an earlier processor are read`() throws {
        let found = try processed(
            logs([Record(["input_tokens": 1, "model": "old", "user.email": "a@b.c"]), Record(["tool": "x"])])
        ) {
            $0.set("model", to: "new", record: 0)
            $0.removeAttributes("user.email", record: 0)
            $0.set("input_tokens", to: 7, record: 1)
            $0.set("session.id", to: "s", record: 1)
        }
        #expect(found.observations.map(\.model) == ["new", nil])
        #expect(found.observations.map(\.user) == [nil, nil])
        #expect(found.observations.map(\.counts.uncachedInput) == [1, 7])
        #expect(found.sessions.map(\.id) == ["s"])
    }
}
