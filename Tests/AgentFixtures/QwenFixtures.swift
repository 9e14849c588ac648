// SPDX-License-Identifier: Apache-2.0

/// Chats of Qwen Code.
package enum QwenFixtures {
    package static func record(
        _ uuid: String,
        session: String = "s1",
        type: String = "assistant",
        second: Int = 5,
        usage: String?,
        more: String = ""
    ) -> String {
        let usage = usage.map { #","usageMetadata":\#($0)"# } ?? ""
        return
            #"{"uuid":"\#(uuid)","parentUuid":"u0","sessionId":"\#(session)","timestamp":"2026-11-02T10:00:0\#(second).000Z","#
            + #""type":"\#(type)","cwd":"/gone/shop","version":"0.18.0","gitBranch":"main","model":"qwen3-coder-plus"\#(usage)\#(more)}"#
    }

    package static func usage(_ prompt: Int, _ cached: Int, _ output: Int, _ thoughts: Int, total: Int?) -> String {
        let total = total.map { #","totalTokenCount":\#($0)"# } ?? ""
        return
            #"{"promptTokenCount":\#(prompt),"cachedContentTokenCount":\#(cached),"candidatesTokenCount":\#(output),"#
            + #""thoughtsTokenCount":\#(thoughts)\#(total)}"#
    }

    package static var fixtures: [StoreFixture] {
        let folder = ".qwen/projects/-gone-shop/chats/"
        let first = usage(12_000, 9_000, 300, 0, total: 12_300)
        let shared = [
            ("u2", first, 5),
            // Reasoning inside of the answer, as back-ends that speak OpenAI's protocol report it.
            ("u3", usage(100, 0, 50, 20, total: 150), 6),
            // Reasoning on top, as Google's do.
            ("u4", usage(100, 0, 50, 20, total: 170), 7),
        ]
        let original = shared.map { record($0.0, second: $0.2, usage: $0.1) }
        let event =
            #","subtype":"ui_telemetry","systemPayload":{"uiEvent":{"event.name":"qwen-code.api_response","input_token_count":12000}}"#
        let branch = shared.map { uuid, usage, second in
            record(
                uuid,
                session: "s2",
                second: second,
                usage: usage,
                more: #","forkedFrom":{"sessionId":"s1","messageUuid":"\#(uuid)"}"#
            )
        }
        func file(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }
        return [
            StoreFixture(
                "qwen",
                [
                    (
                        folder + "s1.jsonl",
                        file(
                            [record("u1", type: "user", second: 4, usage: nil)] + original
                                + [
                                    record("u9", type: "system", second: 7, usage: nil, more: event),
                                    record("u10", type: "system", second: 7, usage: first),
                                ]
                        )
                    ),
                    (
                        folder + "s2.jsonl",
                        file(branch + [record("u5", session: "s2", second: 8, usage: usage(9, 0, 1, 0, total: 10))])
                    ),
                ],
                truth: [4, 3_209, 9_000, 0, 421]
            )
        ]
    }
}
