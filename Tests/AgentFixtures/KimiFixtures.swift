// SPDX-License-Identifier: Apache-2.0

/// Sessions of Kimi Code and of Kimi CLI before it.
package enum KimiFixtures {
    package static func usage(_ input: Int, _ output: Int, _ read: Int = 0, _ write: Int = 0) -> String {
        #"{"inputOther":\#(input),"output":\#(output),"inputCacheRead":\#(read),"inputCacheCreation":\#(write)}"#
    }

    package static func step(_ usage: String) -> String {
        #"{"type":"context.append_loop_event","event":{"type":"step.end","usage":\#(usage)}}"#
    }

    package static func record(_ usage: String) -> String {
        #"{"type":"usage.record","model":"default","usage":\#(usage)}"#
    }

    package static let request = #"{"type":"llm.request","turnStep":"1.1","model":"kimi-k2.7-code"}"#

    package static func status(_ id: String, _ usage: String, second: Int) -> String {
        let usage = usage.replacing("inputOther", with: "input_other").replacing(
            "inputCacheRead",
            with: "input_cache_read"
        )
        .replacing("inputCacheCreation", with: "input_cache_creation")
        return
            #"{"timestamp":1796000\#(second).5,"message":{"type":"StatusUpdate","payload":{"message_id":"\#(id)","token_usage":\#(usage)}}}"#
    }

    package static var fixtures: [StoreFixture] {
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
            StoreFixture(
                "kimi-cli-fork",
                [
                    (
                        ".kimi/sessions/0cc1/s-4/wire.jsonl",
                        file([
                            status(long("1"), first, second: 100), status(long("2"), second, second: 200),
                            // The session's file repeats what the sub-agent's has, at another time.
                            nested("a1", status(long("3"), usage(3, 4), second: 301)),
                            // Of a sub-agent without a file of its own it is all there is.
                            nested("a2", status(long("4"), usage(30, 40), second: 400)),
                        ])
                    ),
                    (
                        ".kimi/sessions/0cc1/s-4/subagents/a1/wire.jsonl",
                        file([status(long("3"), usage(3, 4), second: 300)])
                    ),
                    // A fork copies the lines of its parent's file.
                    (".kimi/sessions/0cc1/s-5/state.json", #"{"custom_title":"Fork: say hello","wire_mtime":1}"#),
                    (
                        ".kimi/sessions/0cc1/s-5/wire.jsonl",
                        file([status(long("1"), first, second: 100), status(long("5"), usage(7, 8), second: 500)])
                    ),
                ],
                truth: [5, 1_245, 8_000, 0, 258]
            ),
        ]
    }

    private static func long(_ id: String) -> String { "chatcmpl-00000000000000000000000" + id }

    /// An event of a sub-agent in the file of its session.
    private static func nested(_ agent: String, _ line: String) -> String {
        let time = line.prefix { $0 != "," }
        let event = line.dropFirst(time.count + #","message":"#.count).dropLast()
        return time
            + #","message":{"type":"SubagentEvent","payload":{"agent_id":"\#(agent)","subagent_type":"coder","event":\#(event)}}}"#
    }
}
