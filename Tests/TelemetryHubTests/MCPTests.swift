// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import TelemetryHub

/// The messages of the Model Context Protocol, as its specification of 2025-06-18 has them.
struct MCPTests {
    private let server = MCPServer { name, arguments in
        if name == "session" { throw CommandFailure.usage("no such session", suggestion: "try another") }
        let names = arguments.keys.sorted().joined(separator: ",")
        return #"{"tool":"\#(name)","arguments":"\#(names)"}"#
    }

    private func answer(_ line: String) async -> String? { await server.answer(to: Array(line.utf8)) }

    @Test(arguments: [
        (#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, #"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        (#"{"jsonrpc":"2.0","id":"a\"b","method":"ping"}"#, #"{"jsonrpc":"2.0","id":"a\"b","result":{}}"#),
        (
            #"{"jsonrpc":"2.0","id":2,"method":"prompts/list"}"#,
            #"{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"there is no method prompts/list"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":3}"#,
            #"{"jsonrpc":"2.0","id":3,"error":{"code":-32600,"message":"a message needs a method"}}"#
        ),
        ("{", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"this line is no JSON"}}"#),
        ("[]", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a message needs a method"}}"#),
        (
            #"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"delete"}}"#,
            #"{"jsonrpc":"2.0","id":4,"error":{"code":-32602,"message":"there is no such tool; tools/list names them"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"summary","arguments":{"period":"7d"}}}"#,
            #"{"jsonrpc":"2.0","id":5,"result":{"content":[{"type":"text","text":"{\"tool\":\"summary\",\"arguments\":\"period\"}"}],"#
                + #""structuredContent":{"tool":"summary","arguments":"period"},"isError":false}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"session","arguments":{"id":"x"}}}"#,
            #"{"jsonrpc":"2.0","id":6,"result":{"content":[{"type":"text","text":"no such session; try another"}],"isError":true}}"#
        ),
    ])
    func `a message gets its answer`(line: String, expected: String) async {
        #expect(await answer(line) == expected)
    }

    @Test(arguments: [
        #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, #"{"jsonrpc":"2.0","id":9,"result":{}}"#, "",
        "  \r",
    ])
    func `what wants no answer gets none`(line: String) async {
        #expect(await answer(line) == nil)
    }

    @Test(arguments: [
        ("2025-06-18", "2025-06-18"), ("2024-11-05", "2024-11-05"), ("2019-01-01", "2025-06-18"),
    ])
    func `the client's version is spoken, if it is known`(asked: String, spoken: String) async throws {
        let line = #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"\#(asked)"}}"#
        let text = try #require(await answer(line))
        #expect(
            text.hasPrefix(
                #"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"\#(spoken)","capabilities":{"tools":{}},"#
            )
        )
    }

    @Test func `every tool is described and only reads`() async throws {
        let text = try #require(await answer(#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#))
        var reader = JSONReader(Array(text.utf8))
        _ = try reader.value()
        for name in MCPTools.names { #expect(text.contains(#"{"name":"\#(name)","description":""#)) }
        #expect(text.ranges(of: "\"readOnlyHint\":true").count == MCPTools.names.count)
    }
}
