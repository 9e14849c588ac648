// SPDX-License-Identifier: Apache-2.0

import AgentSessionsReceiver
import CollectorKit
import Foundation
import OTLP
import Testing
import Usage

/// Sessions of Kimi Code and of Kimi CLI before it.
struct KimiTests {
    private static func usage(_ input: Int, _ output: Int, _ read: Int = 0, _ write: Int = 0) -> String {
        #"{"inputOther":\#(input),"output":\#(output),"inputCacheRead":\#(read),"inputCacheCreation":\#(write)}"#
    }

    private static func step(_ usage: String) -> String {
        #"{"type":"context.append_loop_event","event":{"type":"step.end","usage":\#(usage)}}"#
    }

    private static func record(_ usage: String) -> String {
        #"{"type":"usage.record","model":"default","usage":\#(usage)}"#
    }

    private static let request = #"{"type":"llm.request","turnStep":"1.1","model":"kimi-k2.7-code"}"#

    private static func status(_ id: String, _ usage: String, second: Int) -> String {
        let usage = usage.replacing("inputOther", with: "input_other").replacing(
            "inputCacheRead",
            with: "input_cache_read"
        )
        .replacing("inputCacheCreation", with: "input_cache_creation")
        return
            #"{"timestamp":1796000\#(second).5,"message":{"type":"StatusUpdate","payload":{"message_id":"\#(id)","token_usage":\#(usage)}}}"#
    }

    static var fixtures: [StoreFixture] {
        let session = ".kimi-code/sessions/wd_1/s-1/"
        func file(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }
        let (first, second) = (usage(1_200, 200, 8_000), usage(5, 6))
        return [
            StoreFixture(
                "kimi",
                [
                    (session + "state.json", #"{"workDir":"/gone/shop"}"#),
                    (
                        session + "agents/main/wire.jsonl",
                        // A record behind the end of a step repeats it; an end without one, and a record without an end, are calls.
                        file([
                            request, step(first), record(first), step(second), step(second), record(second),
                            record(usage(7, 1)), record(usage(7, 1)),
                        ])
                    ),
                    (session + "agents/sub-1/wire.jsonl", file([request, record(usage(100, 10))])),
                    (".kimi-code/sessions/wd_1/ctitle-1/agents/main/wire.jsonl", file([record(usage(999, 999))])),
                ],
                truth: [6, 1_324, 8_000, 0, 224]
            ),
            StoreFixture(
                "kimi-cli",
                [
                    (
                        ".kimi/sessions/0cc1/s-2/wire.jsonl",
                        file([
                            status("m1", first, second: 100), status("m1", first, second: 100),
                            status("m2", second, second: 200),
                        ])
                    ),
                    (".kimi/sessions/0cc1/s-2/subagents/a1/wire.jsonl", file([status("m1", usage(3, 4), second: 300)])),
                    // The same session in the store to which Kimi Code copied it.
                    (".kimi-code/sessions/wd_9/s-2/agents/main/wire.jsonl", file([record(first), record(second)])),
                ],
                truth: [3, 1_208, 8_000, 0, 210]
            ),
        ]
    }

    @Test func `the model is that of the request, not the alias of the record`() async throws {
        let (books, _) = try await scanned(try Self.fixtures[0].home())
        #expect(Set(books.calls.map(\.model)) == ["kimi-k2.7-code"])
        #expect(books.calls.allSatisfy { $0.agent == "kimi-code" && $0.session == "s-1" && $0.project == "/gone/shop" })
    }

    @Test func `Kimi CLI names no model and has the time in seconds`() async throws {
        let home = try TestHome()
        let file = Self.fixtures[1].files[0]
        try home.write(file.bytes, to: file.path)
        let (books, _) = try await scanned(home)
        #expect(books.calls.map(\.model) == [nil, nil])
        #expect(books.calls.map(\.time.milliseconds) == [1_796_000_100_500, 1_796_000_200_500])
    }
}
