// SPDX-License-Identifier: Apache-2.0

/// Tasks and sessions of Cline, Roo Code and Kilo Code.
package enum ClineFixtures {
    package static let editor = ".config/Code/User/globalStorage/"

    /// A request as the extensions write it; the text is JSON of its own.
    package static func request(
        _ time: Int,
        _ figures: [Int]?,
        protocolName: String? = nil,
        more: String = ""
    ) -> String {
        var inner = #"{\"request\":\"say \\\"tokensIn\\\": 5\""#
        if let protocolName { inner += #",\"apiProtocol\":\"\#(protocolName)\""# }
        if let figures {
            inner += #",\"tokensIn\":\#(figures[0]),\"tokensOut\":\#(figures[1]),\"cacheWrites\":\#(figures[2]),"#
            inner += #"\"cacheReads\":\#(figures[3]),\"cost\":0.0156"#
        }
        return #"{"ts":\#(time),"type":"say","say":"api_req_started","text":"\#(inner)}"\#(more)}"#
    }

    package static func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

    /// 1 December 2025 and 1 October 2025.
    package static let (late, early) = (1_764_547_200_123, 1_759_276_800_123)

    package static var fixtures: [StoreFixture] {
        let cline = editor + "saoudrizwan.claude-dev/tasks/1/"
        let roo = editor + "rooveterinaryinc.roo-cline/tasks/r1/"
        let kilo = ".vscode-server/data/User/globalStorage/kilocode.kilo-code/tasks/k1/"
        let text = #"{"ts":1,"type":"say","say":"text","text":"hello"}"#
        return [
            StoreFixture(
                "cline",
                [
                    // Without figures first, filled in later; one call has tokens of the cache alone.
                    (cline + "ui_messages.json", array([text, request(late, nil)])),
                    (
                        cline + "ui_messages.json",
                        array([
                            text, request(late, [10_000, 250, 1_000, 7_000]), request(late + 1, [0, 0, 0, 500]),
                            request(
                                late + 2,
                                [9_000, 10, 0, 8_000],
                                more: #","modelInfo":{"modelId":"grok-4","providerId":"xai"}"#
                            ),
                            request(late + 3, nil),
                        ])
                    ),
                    (
                        cline + "task_metadata.json",
                        #"{"model_usage":[{"ts":\#(late),"model_id":"claude-sonnet-4-5","model_provider_id":"anthropic"}]}"#
                    ),
                ],
                truth: [3, 11_000, 15_500, 1_000, 260]
            ),
            StoreFixture(
                "roo",
                [
                    (
                        roo + "ui_messages.json",
                        array([
                            // Before 3.29.5 Anthropic's protocol left the cache out, OpenAI's did not.
                            request(early, [10_000, 250, 1_000, 7_000], protocolName: "anthropic"),
                            request(early + 1, [10_000, 250, 1_000, 7_000], protocolName: "openai"),
                            request(late, [10_000, 250, 1_000, 7_000], protocolName: "anthropic"),
                            // Less than its parts: they are not in it.
                            request(late + 1, [5, 1, 100, 900], protocolName: "anthropic"),
                        ])
                    )
                ],
                truth: [4, 14_005, 21_900, 3_100, 751]
            ),
            StoreFixture(
                "kilo",
                [(kilo + "ui_messages.json", array([request(late, [10_000, 250, 1_000, 7_000])]))],
                truth: [1, 2_000, 7_000, 1_000, 250]
            ),
            StoreFixture(
                "cline-sessions",
                [
                    (".cline/data/sessions/c1/c1.messages.json", #"{"version":1,"messages":\#(array(messages))}"#),
                    // A sub-agent's message may have an id of its parent's.
                    (".cline/data/sessions/c1/a9.messages.json", array([messages[1].replacing("10000", with: "9000")])),
                    (
                        ".cline/data/sessions/c1/c1.json",
                        #"{"model":"fallback","cwd":"/gone/shop","metadata":{"usage":{"inputTokens":9}}}"#
                    ),
                ],
                truth: [2, 3_000, 14_000, 2_000, 500]
            ),
        ]
    }

    package static let messages = [
        #"{"id":"m0","role":"user","ts":1796000000000,"content":"x"}"#,
        #"{"id":"m1","role":"assistant","ts":1796000001000,"modelInfo":{"id":"claude-sonnet-4-5","provider":"anthropic"},"#
            + #""metrics":{"inputTokens":10000,"outputTokens":250,"cacheReadTokens":7000,"cacheWriteTokens":1000,"cost":0.0156}}"#,
    ]
}
