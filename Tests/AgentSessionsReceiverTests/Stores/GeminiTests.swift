// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// Chats of Gemini CLI.
struct GeminiTests {
    @Test func `thoughts are added to the output and cached tokens taken out of the input`() async throws {
        let (books, _) = try await scanned(try GeminiFixtures.fixtures[0].home())
        let call = try #require(books.calls.first { $0.counts.cacheRead > 0 })
        #expect(call.counts.uncachedInput == 3_000 && call.counts.output == 500 && call.counts.reasoning == 200)
        #expect(call.agent == "gemini-cli" && call.provider == "gcp.gemini" && call.project == "/gone/shop")
        #expect(call.session == "5f0c" && call.time.iso8601 == "2026-11-02T10:00:05.000Z")
        #expect(books.sessions["77aa"]?.parent == "5f0c")
    }

    @Test func `the same call by telemetry is one call`() async throws {
        let (books, _) = try await scanned(try GeminiFixtures.fixtures[0].home())
        for _ in 0..<2 {
            try await books.consume(
                telemetry(
                    service: "gemini-cli",
                    event: "gemini_cli.api_response",
                    time: "2026-11-02T10:00:05.400Z",
                    [
                        ("session.id", .string("5f0c")), ("model", .string("gemini-3.1-pro-preview")),
                        ("input_token_count", .int(12_000)), ("output_token_count", .int(300)),
                        ("cached_content_token_count", .int(9_000)), ("thoughts_token_count", .int(200)),
                    ]
                )
            )
        }
        #expect(books.figures == GeminiFixtures.fixtures[0].truth)
        #expect(books.calls.filter { $0.sources == [.otlpLog, .agentStore] }.count == 1)
    }
}
