// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import EventsReceiver
import HTTPTypes
import Testing
import Usage

struct IngestTests {
    @Test func `an event becomes a call under the id that was answered`() async throws {
        let bench = try await Bench()
        let answer = try await bench.ingest(
            """
            {"sessionId":"s-1","event":"token_usage","inputTokens":1500,"outputTokens":800,"cacheReadTokens":40,"cacheWriteTokens":7,
            "reasoningTokens":300,"model":"claude-sonnet-4-20250514","provider":"anthropic","agentName":"aider","project":"hub",
            "user":"ann","taskStatus":"refactoring","cost":0.012,"duration":3400.5,"timestamp":"2026-11-22T08:13:37.999Z","id":"e-1"}
            """
        )
        #expect(answer.status == 202)
        let call = try #require(bench.books.calls.first)
        #expect(try answer.ids() == [call.name])
        #expect(answer.text == #"{"ok":true,"callId":"\#(call.name)"}"#)
        #expect(
            call.counts
                == TokenCounts(uncachedInput: 1_500, cacheRead: 40, cacheWrite5m: 7, output: 800, reasoning: 300)
        )
        #expect((call.session, call.agent, call.model) == ("s-1", "aider", "claude-sonnet-4-20250514"))
        #expect((call.provider, call.project, call.user) == ("anthropic", "hub", "ann"))
        #expect(call.reportedCost == Money(nanodollars: 12_000_000))
        #expect(call.isCostGiven && call.isCounted && call.sources == [.event])
        #expect(call.duration == 3_400_500_000)
        #expect(call.time.iso8601 == "2026-11-22T08:13:37.999Z")
        let session = try #require(bench.books.session("s-1"))
        #expect(session.taskStatus?.value == "refactoring")
        #expect((session.agent, session.provenance) == ("aider", .measured))
    }

    @Test func `older spellings and numbers as strings are understood`() async throws {
        let bench = try await Bench()
        let bodies = [
            #"{"session_id":"s","input_tokens":"10","output_tokens":5,"costUsd":"0.5","durationMs":"7","agent":"a","currentTask":"t","createdAt":1795334400000}"#,
            #"{"session_id":"s","input_tokens":10.0,"output_tokens":"5","cost_usd":0.5,"duration_ms":7,"agentName":"a","task":"t","createdAt":"2026-11-22T08:00:00Z"}"#,
            #"{"sessionId":"s","session_id":"other","inputTokens":10,"outputTokens":5,"cost":null,"costUsd":0.5,"duration":7,"agent":"a","taskStatus":"t","timestamp":"1795334400000"}"#,
        ]
        for body in bodies {
            #expect(try await bench.ingest(body).status == 202)
        }
        #expect(bench.books.calls.count == 3)
        for call in bench.books.calls {
            #expect(call.counts == TokenCounts(uncachedInput: 10, output: 5))
            #expect((call.session, call.agent, call.duration) == ("s", "a", 7_000_000))
            #expect(call.reportedCost == Money(nanodollars: 500_000_000))
            #expect(call.time.iso8601 == "2026-11-22T08:00:00.000Z")
        }
        #expect(bench.books.session("s")?.taskStatus?.value == "t")
        #expect(bench.books.records == ["token_usage", "token_usage", "token_usage"])
    }

    @Test(arguments: [
        ("2026-11-22T08:00:00", "2026-11-22T08:00:00.000Z"), ("2026-11-22 08:00:00.25", "2026-11-22T08:00:00.250Z"),
        ("2026-11-22T07:59:60Z", "2026-11-22T08:00:00.000Z"), ("2026-11-22T09:00:00+01:00", "2026-11-22T08:00:00.000Z"),
        ("1.7953344e12", "2026-11-22T08:00:00.000Z"),
    ])
    func `a time without a zone is UTC, a leap second the next second`(written: String, time: String) async throws {
        let bench = try await Bench()
        #expect(
            try await bench.ingest(#"{"sessionId":"s","inputTokens":"1e1","timestamp":"\#(written)"}"#).status == 202
        )
        #expect(bench.books.calls.map(\.time.iso8601) == [time])
        #expect(bench.books.calls.map(\.counts.uncachedInput) == [10])
    }

    @Test(arguments: ["copilot", "claude-code", "my-agent"])
    func `an event's session counts whatever its agent is called`(agent: String) async throws {
        let bench = try await Bench()
        let body =
            #"{"id":"c1","sessionId":"cop-1","agentName":"\#(agent)","model":"gpt-4.1","inputTokens":1000,"outputTokens":100}"#
        #expect(try await bench.ingest(body).status == 202)
        #expect(bench.books.calls.map(\.session) == ["cop-1"])
        #expect(bench.books.calls.map(\.sessionIsTrace) == [false])
    }

    @Test func `the same id counts once, and without an id every event counts`() async throws {
        let bench = try await Bench()
        let event = #"{"sessionId":"s","inputTokens":1,"outputTokens":2,"timestamp":1795334400000"#
        let first = try await bench.ingest(event + #","id":"x"}"#).ids()
        #expect(try await bench.ingest(event + #","id":"x"}"#).ids() == first)
        #expect(bench.books.calls.count == 1)
        let second = try await bench.ingest(event + "}").ids()
        #expect(try await bench.ingest(event + "}").ids() != second)
        #expect(bench.books.calls.count == 3)
    }

    @Test func `an event and the agent's own telemetry of one call are one call`() async throws {
        let bench = try await Bench()
        _ = try await bench.ingest(
            #"{"sessionId":"s","agentName":"claude-code","inputTokens":70,"outputTokens":9,"cost":0.25}"#
        )
        let observed = try #require(bench.books.calls.first)
        // The agent's own report two seconds later: it has the request id, but the session and the prompt are the same.
        var own = Observation(
            id: 5,
            time: Timestamp(nanoseconds: observed.time.nanoseconds + 2_000_000_000),
            source: .otlpLog,
            emitter: 9,
            priority: 90
        )
        (own.session, own.agent, own.counts) = ("s", "claude-code", TokenCounts(uncachedInput: 70, output: 9))
        (own.keys.request, own.reportedCost) = (77, Money(nanodollars: 1))
        var weak = StableHash(domain: "weak")
        weak.combine("claude-code")
        weak.combine(Int64(70))
        weak.combine("s")
        own.blockingKey = weak.value
        try bench.books.take([own])
        #expect(bench.books.calls.count == 1)
        #expect(bench.books.calls.first?.sources == [.otlpLog, .event])
        #expect(bench.books.calls.first?.reportedCost == Money(nanodollars: 250_000_000))
        #expect(bench.books.calls.first?.isCostGiven == true)
    }

    @Test func `a list is taken as a whole`() async throws {
        let bench = try await Bench()
        let answer = try await bench.ingest(
            #"[{"sessionId":"a","inputTokens":1,"id":"1"},{"sessionId":"b","event":"tool_result"},{"sessionId":"b","outputTokens":0}]"#
        )
        #expect(answer.status == 202)
        let ids = try answer.ids()
        #expect(answer.text.hasPrefix(#"{"ok":true,"accepted":3,"callIds":["#))
        #expect(ids.count == 3 && ids[1] == nil)
        #expect(Set(bench.books.calls.map(\.name)) == Set(ids.compactMap(\.self)))
        #expect(bench.books.records == ["token_usage", "tool_result", "token_usage"])
        let empty = try await bench.ingest("[]")
        #expect((empty.status, empty.text) == (202, #"{"ok":true,"accepted":0,"callIds":[]}"#))
        let many = "[" + Array(repeating: #"{"sessionId":"m"}"#, count: 1_000).joined(separator: ",") + "]"
        #expect(try await bench.ingest(many).ids().count == 1_000)
    }

    @Test(arguments: [
        (#"{"event":"token_usage"}"#, "sessionId is required"), (#"{"sessionId":""}"#, "sessionId is required"),
        (#"{"sessionId":3}"#, "sessionId must be a string"),
        (#"{"sessionId":"s","inputTokens":-1}"#, "inputTokens must be a whole number from 0 to 1099511627776"),
        (#"{"sessionId":"s","input_tokens":1.5}"#, "input_tokens must be a whole number from 0 to 1099511627776"),
        (#"{"sessionId":"s","outputTokens":"many"}"#, "outputTokens must be a whole number"),
        (#"{"sessionId":"s","outputTokens":[1]}"#, "outputTokens must be a whole number"),
        (#"{"sessionId":"s","outputTokens":1e300}"#, "outputTokens must be a whole number from 0 to 1099511627776"),
        (#"{"sessionId":"s","cost":-0.1}"#, "cost must be a number from 0 to 1000000000"),
        (#"{"sessionId":"s","cost_usd":"NaN"}"#, "cost_usd must be a number"),
        (#"{"sessionId":"s","duration":true}"#, "duration must be a number"),
        (#"{"sessionId":"s","inputTokens":"0x10"}"#, "inputTokens must be a whole number"),
        (#"{"sessionId":"s","inputTokens":"+5"}"#, "inputTokens must be a whole number"),
        (#"{"sessionId":"s","inputTokens":" 5"}"#, "inputTokens must be a whole number"),
        (#"{"sessionId":"s","cost":".5"}"#, "cost must be a number"),
        (#"{"sessionId":"s","cost":"0x1p4"}"#, "cost must be a number"),
        (#"{"sessionId":"s","cost":"inf"}"#, "cost must be a number"),
        (#"{"sessionId":"s","cost":1000000001}"#, "cost must be a number from 0 to 1000000000"),
        (
            #"{"sessionId":"s","timestamp":"2026-02-30T10:00:00Z"}"#,
            #"timestamp must be an instant such as \"2026-11-22T08:13:37.999Z\" or milliseconds since 1970"#
        ),
        (
            #"{"sessionId":"s","timestamp":"0x19c0a2b3c40"}"#,
            #"timestamp must be an instant such as \"2026-11-22T08:13:37.999Z\" or milliseconds since 1970"#
        ),
        (
            #"{"sessionId":"s","inputTokens":1,}"#,
            "the body is no JSON: at byte 33 there is a comma in front of the end"
        ),
        (#"[{"sessionId":"s"} , ]"#, "the body is no JSON: at byte 21 there is a comma in front of the end"),
        (
            #"{"sessionId":"s","more":{"list":[1,2,\#n]}}"#,
            "the body is no JSON: at byte 38 there is a comma in front of the end"
        ),
        (
            #"{"sessionId":"s","timestamp":"yesterday"}"#,
            #"timestamp must be an instant such as \"2026-11-22T08:13:37.999Z\" or milliseconds since 1970"#
        ),
        (#"[{"sessionId":"s"},{"sessionId":"s","model":7}]"#, "event 1: model must be a string"),
        (#"[{"sessionId":"s"},7]"#, "event 1: must be a JSON object"),
        ("", "the body is no JSON: at byte 0 the text ends too early"),
        ("{", "the body is no JSON: at byte 1 the text ends too early"),
        ("7", "the body must be an event, which is a JSON object, or a list of events"),
    ])
    func `an invalid member is named, and nothing is stored`(body: String, error: String) async throws {
        let bench = try await Bench()
        let answer = try await bench.ingest(body)
        #expect(answer.status == 400)
        #expect(answer.text == #"{"error":"\#(error)","status":400}"#)
        #expect(bench.books.records.isEmpty)
        #expect(bench.counters.value(.refused) == 1)
    }

    @Test(arguments: ["/api/telemetry/ingest", "/api/telemetry/heartbeat"])
    func `only UTF-8 is read, whatever the brackets look like`(path: String) async throws {
        let bench = try await Bench()
        let text = #"{"sessionId":"s,]","inputTokens":1}"#
        func wide(_ bigEndian: Bool, _ mark: [UInt8]) -> [UInt8] {
            mark + text.utf8.flatMap { bigEndian ? [0, $0] : [$0, 0] }
        }
        for body in [
            wide(true, []), wide(false, []), wide(true, [0xFE, 0xFF]), wide(false, [0xFF, 0xFE]),
            Array(text.utf8) + [0xFF], Array(text.utf8) + [0],
        ] {
            let answer = try await bench.send(path, body, [.contentType: "application/json"])
            #expect(answer.status == 400)
        }
        #expect(bench.books.calls.isEmpty)
        // A comma within a text does not separate list items.
        #expect(try await bench.send(path, Array(text.utf8), [.contentType: "application/json"]).status < 300)
    }

    @Test func `names that are too long are cut, as those of OTLP are, and two stay two`() async throws {
        let bench = try await Bench()
        let names = ["a", "b"].map { String(repeating: "x", count: 600) + $0 }
        for name in names {
            let event = #"{"sessionId":"\#(name)","model":"\#(name)","user":"\#(name)","inputTokens":1}"#
            #expect(try await bench.ingest(event).status == 202)
            #expect(try await bench.beat(#"{"sessionId":"\#(name)"}"#).text.contains(NameLimit.bounded(name)))
        }
        #expect(Set(bench.books.calls.map(\.session)) == Set(names.map { NameLimit.bounded($0) }))
        #expect(Set(bench.books.calls.map(\.user)) == Set(names.map { NameLimit.bounded($0) }))
        #expect(NameLimit.bounded(names[0]).utf8.count <= 512)
    }

    @Test func `too many events are refused, and an id that is too long`() async throws {
        let bench = try await Bench { $0.maxRequestBodySize.bytes = 40_000 }
        let long = String(repeating: "x", count: 600)
        #expect(
            try await bench.ingest(#"{"sessionId":"s","id":"\#(long)"}"#).text.contains(
                "id must have at most 512 bytes"
            )
        )
        let many = "[" + Array(repeating: #"{"sessionId":"m"}"#, count: 1_001).joined(separator: ",") + "]"
        #expect(try await bench.ingest(many).text.contains("at most 1000 events, this one has 1001"))
        let large = try await bench.ingest(String(repeating: " ", count: 40_001))
        #expect(large.status == 413)
        #expect(large.fields[.connection] == "close")
        #expect(bench.books.records.isEmpty)
    }

    @Test func `only JSON is read, unless a key is shown`() async throws {
        let bench = try await Bench()
        let event = #"{"sessionId":"s","inputTokens":1}"#
        #expect(try await bench.ingest(event, [:]).status == 415)
        for type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            #expect(try await bench.ingest(event, [.contentType: type]).status == 415)
        }
        let key = try #require(HTTPField.Name("X-Hammurabi-Api-Key"))
        let form = "application/x-www-form-urlencoded"
        #expect(try await bench.ingest(event, [.contentType: form, key: "k"]).status == 202)
        #expect(try await bench.ingest(event, [.contentType: form, .authorization: "Bearer k"]).status == 202)
        #expect(try await bench.ingest(event, [.contentType: form, key: ""]).status == 415)
        #expect(try await bench.ingest(event, [.contentType: "Application/JSON; charset=utf-8"]).status == 202)
        #expect(
            try await bench.ingest(event, [.contentType: "application/json", .contentEncoding: "br"]).status == 415
        )
    }

    @Test func `a batch that the pipeline refuses is not acknowledged`() async throws {
        let bench = try await Bench()
        bench.books.refuse(.retryable("the disk is full", after: 10))
        let later = try await bench.ingest(#"{"sessionId":"s"}"#)
        #expect((later.status, later.fields[.retryAfter]) == (503, "10"))
        #expect(later.text == #"{"error":"the disk is full","status":503}"#)
        bench.books.refuse(.permanent("too strange"))
        #expect(try await bench.ingest(#"{"sessionId":"s"}"#).status == 400)
        bench.books.refuse(nil)
        #expect(try await Bench(hasPipeline: false).ingest(#"{"sessionId":"s"}"#).text.contains("logs pipeline"))
    }

    @Test func `the receiver keeps the contract of components`() async {
        #expect(await ComponentConformance(.events, home: "/nowhere").violations() == [])
    }
}
