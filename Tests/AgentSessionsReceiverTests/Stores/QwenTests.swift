// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// Chats of Qwen Code.
struct QwenTests {
    @Test func `a branch's copies are the calls of the session that made them`() async throws {
        let (books, _) = try await scanned(try QwenFixtures.fixtures[0].home())
        #expect(books.calls.map(\.session) == ["s1", "s1", "s1", "s2"])
        #expect(books.calls.map(\.counts.output) == [300, 50, 70, 1])
        #expect(books.sessions["s2"]?.parent == "s1" && books.sessions["s1"]?.branch?.value == "main")
        #expect(books.calls.allSatisfy { $0.agent == "qwen-code" && $0.project == "/gone/shop" })
    }

    @Test func `the same call by telemetry is one call`() async throws {
        let (books, _) = try await scanned(try QwenFixtures.fixtures[0].home())
        try await books.consume(
            telemetry(
                service: "qwen-code",
                event: "qwen-code.api_response",
                time: "2026-11-02T10:00:05.400Z",
                [
                    ("session.id", .string("s1")), ("model", .string("qwen3-coder-plus")),
                    ("response_id", .string("chatcmpl-0123456789abcdef0123")), ("input_token_count", .int(12_000)),
                    ("output_token_count", .int(300)), ("cached_content_token_count", .int(9_000)),
                ]
            )
        )
        #expect(books.figures == QwenFixtures.fixtures[0].truth)
        #expect(books.calls.filter { $0.sources == [.otlpLog, .agentStore] }.count == 1)
    }
}
