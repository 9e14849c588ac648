// SPDX-License-Identifier: Apache-2.0

/// Chats of Gemini CLI.
package enum GeminiFixtures {
    package static let folder = ".gemini/tmp/" + String(repeating: "ab12", count: 16) + "/chats/"

    package static func head(_ session: String = "5f0c", kind: String = "main", more: String = "") -> String {
        #"{"sessionId":"\#(session)","projectHash":"ab12","startTime":"2026-11-02T10:00:00.000Z","kind":"\#(kind)"\#(more)}"#
    }

    package static func message(_ id: String, _ tokens: String, second: Int = 5) -> String {
        #"{"id":"\#(id)","timestamp":"2026-11-02T10:00:0\#(second).000Z","type":"gemini","content":"ok {\"tokens\":9}","#
            + #""thoughts":[{"tokens":{"input":1}}],"model":"gemini-3.1-pro-preview","tokens":\#(tokens)}"#
    }

    package static let first =
        #"{"input":12000,"output":300,"cached":9000,"thoughts":200,"tool":0,"total":12500}"#
    package static let second = #"{"input":100,"output":20,"cached":0,"thoughts":0,"tool":0,"total":120}"#
    package static let third = #"{"input":7,"output":3,"cached":0,"thoughts":0,"tool":0,"total":10}"#

    package static var fixtures: [StoreFixture] {
        let user = #"{"id":"u1","timestamp":"2026-11-02T10:00:04.000Z","type":"user","content":"hello"}"#
        let lines = [
            head(more: #","directories":["/gone/shop"]"#), user, message("m1", "null"), message("m1", first),
            #"{"$set":{"lastUpdated":"2026-11-02T10:00:06.000Z"}}"#,
            message("m2", second, second: 7),
            // After a compression the whole history comes again; what was rewound was billed.
            #"{"$set":{"messages":[\#(user),\#(message("m1", first)),\#(message("m2", second, second: 7))]}}"#,
            #"{"$rewindTo":"u1"}"#, message("m1", first),
        ]
        let document =
            #"{"sessionId":"5f0c","startTime":"2026-11-02T10:00:00.000Z","messages":[\#(user),\#(message("m1", first))]}"#
        return [
            StoreFixture(
                "gemini",
                [
                    // The document of the version before is left beside its twin.
                    (folder + "session-2026-11-02T10-00-5f0c.json", document),
                    (folder + "session-2026-11-02T10-00-5f0c.jsonl", lines.joined(separator: "\n") + "\n"),
                    (
                        folder + "5f0c/77aa.jsonl",
                        head("77aa", kind: "subagent") + "\n" + message("m1", third) + "\n"
                    ),
                    (".gemini/tmp/logs.json", "[{}]"),
                ],
                truth: [3, 3_107, 9_000, 0, 523]
            )
        ]
    }
}
