// SPDX-License-Identifier: Apache-2.0

/// Threads of Amp.
package enum AmpFixtures {
    package static func message(_ id: Int, output: Int, model: String? = "claude-opus-4-5") -> String {
        let model = model.map { #""model":"\#($0)","# } ?? ""
        return
            #"{"messageId":\#(id),"role":"assistant","content":[{"text":"x"}],"usage":{\#(model)"timestamp":"2026-11-02T10:00:05Z","#
            + #""inputTokens":12,"outputTokens":\#(output),"cacheCreationInputTokens":300,"cacheReadInputTokens":8000,"#
            + #""totalInputTokens":8312,"maxInputTokens":200000}}"#
    }

    package static let path = ".local/share/amp/threads/T-1.json"

    package static func thread(events: [String], messages: [String]) -> String {
        #"{"v":9,"id":"T-1","created":1796000000000,"title":"fix it","env":{"initial":{"trees":[{"uri":"file:///gone/shop"}]}},"#
            + #""messages":[{"messageId":1,"role":"user"},\#(messages.joined(separator: ","))],"#
            + #""usageLedger":{"events":[\#(events.joined(separator: ","))]}}"#
    }

    package static func event(_ id: String, to message: Int?, input: Int, output: Int) -> String {
        let target = message.map { #","toMessageId":\#($0)"# } ?? ""
        return #"{"id":"\#(id)","timestamp":"2026-11-02T10:00:05Z","model":"claude-opus-4-5","credits":1.2,"#
            + #""tokens":{"input":\#(input),"output":\#(output)},"operationType":"inference"\#(target)}"#
    }

    package static var fixtures: [StoreFixture] {
        let messages = [message(2, output: 200), message(3, output: 50, model: nil), message(4, output: 0)]
        return [
            StoreFixture(
                "amp",
                [
                    // First without a ledger: the calls are those of the messages.
                    (path, thread(events: [], messages: Array(messages.prefix(1)))),
                    (
                        path,
                        thread(
                            // The second event about message 2 is a title; the last one is about none.
                            events: [
                                event("e1", to: 2, input: 12, output: 200), event("e2", to: 2, input: 40, output: 5),
                                event("e3", to: nil, input: 60, output: 6),
                            ],
                            messages: messages
                        )
                    ),
                ],
                // e1 12, e2 40, e3 60, messages 3 and 4 12 each.
                truth: [5, 136, 24_000, 900, 261]
            )
        ]
    }
}
