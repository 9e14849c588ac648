// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing
import Usage

struct HeartbeatTests {
    @Test func `a heartbeat keeps a session alive and says what it does`() async throws {
        let bench = try await Bench()
        let answer = try await bench.beat(
            #"{"sessionId":"my-session","status":"active","taskStatus":"implementing feature X"}"#
        )
        #expect(answer.status == 200)
        #expect(
            answer.text
                == #"{"ok":true,"session":{"lastSeenAt":"2026-11-22T10:00:00.000Z","sessionId":"my-session","status":"active","#
                + #""taskStatus":"implementing feature X"}}"#
        )
        let session = try #require(bench.books.session("my-session"))
        #expect(session.taskStatus?.value == "implementing feature X")
        #expect(session.lastSeen == Bench.now)
        #expect(session.completion?.value == 0)
        #expect(bench.books.calls.isEmpty)
        #expect(bench.books.records == ["heartbeat"])
    }

    @Test(arguments: [
        (#""status":"completed""#, true), (#""status":"done""#, true), (#""status":"Ended""#, true),
        (#""completed":true"#, true), (#""completed":"true","status":"active""#, true), (#""status":"waiting""#, false),
        (#""completed":false"#, false), (#""task":"x""#, false),
    ])
    func `some words end a session`(words: String, ends: Bool) async throws {
        let bench = try await Bench()
        let answer = try await bench.beat("{\"sessionId\":\"s\",\(words)}")
        #expect(answer.text.contains(#""status":"\#(ends ? "completed" : "active")""#))
        #expect(bench.books.session("s")?.completion?.value == (ends ? 1 : 0))
    }

    @Test func `a session that goes on is alive again`() async throws {
        let bench = try await Bench()
        _ = try await bench.beat(#"{"sessionId":"s","status":"done","timestamp":1795334400000}"#)
        _ = try await bench.beat(#"{"sessionId":"s","status":"active","agentName":"a","timestamp":1795334401000}"#)
        _ = try await bench.beat(#"{"sessionId":"s","status":"done","timestamp":1795334399000}"#)
        #expect(bench.books.session("s")?.completion?.value == 0)
        #expect(bench.books.session("s")?.agent == "a")
    }

    @Test(arguments: [
        ("{}", "sessionId is required"), ("[]", "the body must be a heartbeat, which is a JSON object"),
        (#"{"sessionId":"s","completed":"maybe"}"#, "completed must be true or false"),
        ("{]", "the body is no JSON: at byte 1 a key in quotes should be here"),
    ])
    func `what is wrong is named`(body: String, error: String) async throws {
        let bench = try await Bench()
        let answer = try await bench.beat(body)
        #expect((answer.status, answer.text) == (400, #"{"error":"\#(error)","status":400}"#))
        #expect(bench.books.records.isEmpty)
    }

    @Test func `a key that may only write learns nothing of what is kept`() async throws {
        let bench = try await Bench(knows: #"{"sessionId":"s","user":"somebody@example.com","cost":12.5}"#)
        let body = #"{"sessionId":"s","agentName":"a"}"#
        #expect(try await bench.beat(body).text.contains("somebody@example.com"))
        let blind = try await bench.beat(body, allowed: .write)
        #expect(blind.status == 200)
        #expect(
            blind.text
                == #"{"ok":true,"session":{"agent":"a","lastSeenAt":"2026-11-22T10:00:00.000Z","sessionId":"s","status":"active"}}"#
        )
    }
}
