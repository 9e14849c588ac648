// SPDX-License-Identifier: Apache-2.0

/// Sessions of pi.
package enum PiFixtures {
    package static let usage =
        #"{"input":1200,"output":200,"cacheRead":8000,"cacheWrite":300,"totalTokens":9700,"cost":{"input":1,"total":0.010125}}"#

    package static func small(_ input: Int, _ output: Int) -> String {
        #"{"input":\#(input),"output":\#(output),"cacheRead":0,"cacheWrite":0,"cost":{"total":0}}"#
    }

    package static func head(_ id: String, second: Int = 0, more: String = "") -> String {
        #"{"type":"session","version":3,"id":"\#(id)","timestamp":"2026-11-02T10:00:0\#(second).000Z","cwd":"/gone/shop"\#(more)}"#
    }

    package static func entry(_ id: String, _ message: String, second: Int = 2) -> String {
        #"{"type":"message","id":"\#(id)","parentId":"a1b2c3d4","timestamp":"2026-11-02T10:00:0\#(second).000Z","message":\#(message)}"#
    }

    package static func answer(_ usage: String, response: String? = nil) -> String {
        let response = response.map { #","responseId":"\#($0)""# } ?? ""
        return #"{"role":"assistant","content":[{"type":"text","text":"{\"usage\":1}"}],"provider":"anthropic","#
            + #""model":"claude-sonnet-4-5"\#(response),"usage":\#(usage),"stopReason":"stop","timestamp":1796000002000}"#
    }

    package static var fixtures: [StoreFixture] {
        let folder = ".pi/agent/sessions/--gone-shop--/"
        let shared = [
            entry("b2c3d4e5", answer(usage, response: "msg_01AbCdEfGhIjKlMnOpQrStUv")),
            // A branch that was left was billed, too.
            entry("c3d4e5f6", answer(small(10, 1)), second: 3),
            entry("d4e5f6a7", answer(small(0, 0)), second: 4),
        ]
        let own = [
            entry("e5f6a7b8", #"{"role":"toolResult","toolName":"ask","usage":\#(small(20, 2))}"#, second: 5),
            #"{"type":"compaction","id":"f6a7b8c9","timestamp":"2026-11-02T10:00:06.000Z","usage":\#(small(30, 3)),"#
                + #""details":{"retainedTail":[{"message":\#(answer(usage))}]}}"#,
            #"{"type":"branch_summary","id":"a7b8c9d0","timestamp":"2026-11-02T10:00:07.000Z","usage":\#(small(40, 4))}"#,
        ]
        let fork = [entry("b8c9d0e1", answer(small(50, 5)), second: 8)]
        func file(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }
        let parent = #","parentSession":"/home/me/\#(folder)2026-11-02_s-one.jsonl""#
        return [
            StoreFixture(
                "pi",
                [
                    (folder + "2026-11-02_s-one.jsonl", file([head("s-one")] + shared + own)),
                    (folder + "2026-11-02_s-two.jsonl", file([head("s-two", second: 7, more: parent)] + shared + fork)),
                    (
                        ".omp/agent/sessions/x/2026_s-omp.jsonl",
                        file([head("s-omp"), entry("11111111", answer(small(60, 6)))])
                    ),
                ],
                truth: [7, 1_410, 8_000, 300, 221]
            )
        ]
    }
}
