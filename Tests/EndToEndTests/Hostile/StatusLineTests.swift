// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The line of a status bar: from the collector where one runs, else from the store.
struct StatusLineTests {
    @Test(arguments: ["sqlite", "jsonl"])
    func `a status bar gets its numbers whether a collector runs or not`(store: String) async throws {
        let subject = try StoreProgram(store)
        let program = try await subject.sandbox.serve()
        let event = #"{"sessionId":"one","id":"1","model":"claude-sonnet-4-5","inputTokens":1000000,"outputTokens":0}"#
        #expect(try await program.post("/api/telemetry/ingest", Data(event.utf8)).status == 202)
        func line(_ input: String = #"{"session_id":"one"}"#) async throws -> Outcome {
            try await subject.sandbox.run(["statusline", "--config", "config.yaml"], input: input)
        }
        /// The minutes that are left of the block go on between two lines.
        func withoutTime(_ outcome: Outcome) -> String { outcome.output.replacing(#/, \S+( \d+m)? left/#, with: "") }
        let asked = try await line()
        #expect(withoutTime(asked) == "$3.00 session | $3.00 today | $3.00 block | 1.0M tok\n", "\(asked)")
        #expect(withoutTime(try await line(#"{"session_id":"none"}"#)) == "$3.00 today | $3.00 block | 1.0M tok\n")
        #expect(try await program.stop().exitCode == 0)
        #expect(withoutTime(try await line()) == withoutTime(asked))
    }
}
