// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import TokensProcessor
import Usage

/// The ids of calls, and their sessions.
struct IdentityTests {
    private static let longID = "chatcmpl-Kfd92tFfdTGG0M596itosMBuKkym5"

    private static func keys(_ attributes: Attributes) throws -> CallKeys {
        try #require(try spanObservation(attributes)).keys
    }

    @Test func `an id of the API is the same from every program and session`() throws {
        let here = try Self.keys(["input_tokens": 1, "gen_ai.response.id": .string(Self.longID), "session.id": "s1"])
        let there = try Self.keys(["input_tokens": 9, "response_id": .string(Self.longID), "session.id": "s2"])
        #expect(here == there)
        #expect(here.response != 0 && here.request == 0)
    }

    @Test func `a short id is only unique in its session`() throws {
        func response(_ session: AttributeScalar) throws -> UInt64 {
            try Self.keys(["input_tokens": 1, "gen_ai.response.id": "chatcmpl-7", "session.id": session]).response
        }
        #expect(try response("s1") == response("s1"))
        #expect(try response("s1") != response("s2"))
    }

    @Test func `the id of a request is known by its prefix under any key`() throws {
        let id: AttributeScalar = "req_011Cdc5BWSmjgaXTdX9GkH8U"
        let request = try Self.keys(["input_tokens": 1, "request_id": id])
        #expect(try Self.keys(["input_tokens": 1, "gen_ai.response.id": id]) == request)
        #expect(try Self.keys(["input_tokens": 1, "request_id": id, "gen_ai.response.id": id]) == request)
        #expect(request.request != 0 && request.response == 0)
    }

    @Test func `the client's own id serves when there is no other`() throws {
        let own = try Self.keys(["input_tokens": 1, "client_request_id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"])
        #expect(own.request != 0)
        let both = try Self.keys([
            "input_tokens": 1, "client_request_id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
            "gen_ai.response.id": .string(Self.longID),
        ])
        #expect(both.request == 0 && both.response != 0)
    }

    @Test func `LiteLLM's own id of a call decides nothing against the id of the answer`() throws {
        let own: AttributeScalar = "2f1c1d1e-aaaa-4bbb-8ccc-000000000007"
        let keys = try Self.keys(["input_tokens": 1, "litellm.call_id": own])
        #expect(keys.response == 0 && keys.request == 0 && keys.lineage != 0)
        var proxy = Record(
            span: 1,
            ["gen_ai.usage.input_tokens": 910, "gen_ai.usage.output_tokens": 20, "litellm.call_id": own]
        )
        var retry = Record(
            span: 3,
            [
                "gen_ai.usage.input_tokens": 910, "gen_ai.usage.output_tokens": 20,
                "litellm.call_id": "2f1c1d1e-aaaa-4bbb-8ccc-000000000008",
            ]
        )
        var client = Record(
            span: 2,
            [
                "llm.token_count.prompt": 910, "llm.token_count.completion": 20,
                "gen_ai.response.id": .string(Self.longID),
            ]
        )
        client.trace = "00000000000000000000000000000008"
        (proxy.start, retry.start, client.start) = (1_000_000_000, 1_000_000_000, 1_000_000_001)
        func calls(_ batches: [OTLPBatch]) throws -> Int {
            var ledger = MemoryLedger()
            for batch in batches { try ledger.absorb(try processed(batch).observations) }
            return ledger.calls.count
        }
        let batches = try [spans([proxy], scope: "litellm"), spans([client], scope: "openinference.openai")]
        #expect(try calls(batches) == 1)
        #expect(try calls(batches.reversed()) == 1)
        let more = try batches + [spans([retry], scope: "litellm")]
        #expect(try calls(more) == 2, "another id of its own is another call")
    }

    @Test func `a record that is sent again is the same observation`() throws {
        let record = Record(["event.name": "x", "input_tokens": 1, "session.id": "s", "event.sequence": 4])
        let (first, again) = try (
            processed(logs([record])).observations, processed(logs([record, record])).observations
        )
        #expect(Set(again) == Set(first))
        var other = record
        other.attributes = ["event.name": "x", "input_tokens": 1, "session.id": "s", "event.sequence": 5]
        #expect(try processed(logs([other])).observations.map(\.id) != first.map(\.id))
    }

    @Test func `a log record and a span are two observations of two observations`() throws {
        let attributes: Attributes = [
            "input_tokens": 1, "request_id": "req_011Cdc5BWSmjgaXTdX9GkH8U", "session.id": "s",
        ]
        let (log, span) = (try #require(try observation(attributes)), try #require(try spanObservation(attributes)))
        #expect(log.id != span.id && log.emitter != span.emitter)
        #expect(log.source == .otlpLog && span.source == .otlpSpan)
        #expect(log.priority > span.priority)
    }

    @Test func `the vendor's own SDK is trusted more than what is built around it`() throws {
        let sdk = try #require(try spanObservation(["input_tokens": 1], scope: "com.anthropic.sdk.python"))
        let other = try #require(
            try spanObservation(["input_tokens": 1], scope: "opentelemetry.instrumentation.anthropic")
        )
        #expect(sdk.priority > other.priority)
        #expect(sdk.emitter != other.emitter)
    }

    @Test(arguments: sessionKeys)
    func `a session is found under many names`(key: String) throws {
        let found = try spanObservation([key: "s-1", "input_tokens": 1] as Attributes)
        #expect(found?.session == "s-1")
        #expect(found?.sessionIsTrace == false)
    }

    private static let sessionKeys = [
        "session.id", "conversation.id", "gen_ai.conversation.id", "langfuse.session.id",
        "ai.telemetry.metadata.sessionId",
        "traceloop.association.properties.session_id", "sessionId", "thread.id",
    ]

    @Test func `a thread of the operating system is no session`() throws {
        let found = try spanObservation(["thread.id": 4, "input_tokens": 1])
        #expect(found?.session == "unknown service · 1970-01-01 (no session)")
        #expect(found?.sessionIsTrace == true)
        #expect(try observation(["thread.id": 4, "input_tokens": 1])?.sessionIsTrace == true)
    }

    @Test func `a session may be in the resource, the record's own takes precedence`() throws {
        let resource: Attributes = [
            "session.id": "whole", "host.name": "box", "user.id": "ann",
            "vcs.repository.url.full": "https://x.y/a/b.git",
        ]
        let inherited = try #require(try observation(["input_tokens": 1], resource: resource))
        #expect(
            [inherited.session, inherited.machine, inherited.user, inherited.project] == ["whole", "box", "ann", "b"]
        )
        let own = try #require(
            try observation(
                ["input_tokens": 1, "session.id": "own", "user.email": "e@f", "project": "p"],
                resource: resource
            )
        )
        #expect([own.session, own.user, own.project] == ["own", "e@f", "p"])
    }

    @Test func `Copilot's session is its chat, not its window`() throws {
        let resource: Attributes = ["service.name": "copilot-chat"]
        let found = try spanObservation(
            ["session.id": "window", "copilot_chat.session_id": "chat", "input_tokens": 1],
            resource: resource
        )
        #expect(found?.session == "chat")
        #expect(
            try spanObservation(["session.id": "window", "input_tokens": 1], resource: resource)?.sessionIsTrace == true
        )
    }

    @Test(arguments: [
        ("event.timestamp", "2026-11-22T08:13:44.144Z", 1_795_335_224_144_000_000),
        ("event.timestamp", "not a time", 55),
        ("other", "2026-11-22T08:13:44.144Z", 55),
    ])
    func `a log record without a time has it in an attribute, or when it was seen`(
        key: String,
        text: String,
        expected: Int64
    ) throws {
        var record = Record([key: .string(text), "input_tokens": 1, "session.id": "s"] as Attributes)
        (record.time, record.start) = (0, 55)
        let batch = try processed(logs([record]))
        #expect(batch.observations.map(\.time.nanoseconds) == [expected])
        #expect(batch.sessions.map(\.lastSeen.nanoseconds) == [expected])
    }

    @Test func `an impossible time counts as missing`() throws {
        var record = Record(["input_tokens": 1])
        (record.time, record.start) = (.max, 0)
        #expect(try processed(logs([record])).observations.map(\.time) == [arrival])
        record.start = 9
        #expect(try processed(spans([record])).observations.map(\.time.nanoseconds) == [9])
    }

    @Test(arguments: durations)
    func `how long a call took`(attributes: Attributes, nanoseconds: Int64) throws {
        var record = Record(span: 1, attributes)
        record.start = record.time - 40
        #expect(try processed(spans([record])).observations.map(\.duration) == [nanoseconds])
    }

    @Test(arguments: errors)
    func `what went wrong`(attributes: Attributes, error: String?) throws {
        let found = try #require(try observation(attributes))
        #expect(found.error == error)
    }

    private static let durations: [(Attributes, Int64)] = [
        (["input_tokens": 1, "duration_ms": 12], 12_000_000), (["input_tokens": 1, "duration_ms": "1.5"], 1_500_000),
        (["input_tokens": 1, "duration_ms": -1], 40), (["input_tokens": 1, "duration_ms": 1e300], 40),
        (["input_tokens": 1], 40),
    ]

    private static let errors: [(Attributes, String?)] = [
        (["input_tokens": 1, "error.type": "overloaded"], "overloaded"),
        (["input_tokens": 1, "status_code": "529"], "status 529"),
        (["input_tokens": 1, "http.response.status_code": 200], nil),
    ]
}
