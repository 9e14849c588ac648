// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import Usage

@testable import AgentSessionsReceiver

/// The tool WebSearch of Claude Code: asked for by a call, counted by the line of its result.
struct WebSearchTests {
    private let home: TestHome
    private let file = ".claude/projects/-gone-app/s1.jsonl"

    init() throws {
        home = try TestHome()
    }

    private func use(_ id: String, tool: String = "WebSearch", of call: Int = 1, searches: Int = 0) -> String {
        answer(
            "msg_\(call)",
            request: "req_\(call)",
            time: "2026-10-01T09:00:\(call + 10).000Z",
            usage: #""input_tokens":100,"output_tokens":50,"server_tool_use":{"web_search_requests":\#(searches)}"#
        ).replacing(
            #"{"type":"text","text":"say"#,
            with:
                #"{"type":"tool_use","id":"\#(id)","name":"\#(tool)","input":{"query":"q"}},{"type":"text","text":"say"#
        )
    }

    private func result(_ id: String, _ outcome: String) -> String {
        #"{"type":"user","sessionId":"s1","timestamp":"2026-10-01T09:00:30.000Z","message":{"role":"user","content":"#
            + #"[{"type":"tool_result","tool_use_id":"\#(id)","content":"…"}]},"toolUseResult":\#(outcome)}"# + "\n"
    }

    private func result(_ id: String, searches: Int) -> String {
        result(id, #"{"query":"q","results":["…"],"searchCount":\#(searches)}"#)
    }

    private func searches(_ text: String) async throws -> [Int64] {
        try home.write(text, to: file)
        return try await scanned(home).books.calls.map(\.terms.webSearches)
    }

    @Test func `the searches of a result are those of the call that used the tool`() async throws {
        let after = answer("msg_2", request: "req_2", time: "2026-10-01T09:00:40.000Z")
        #expect(try await searches(use("toolu_1") + result("toolu_1", searches: 2) + after) == [2, 0])
    }

    @Test func `the results of several uses of one call are added`() async throws {
        let lines = use("toolu_1") + result("toolu_1", searches: 2) + use("toolu_2") + use("toolu_3")
        #expect(try await searches(lines + result("toolu_3", searches: 1) + result("toolu_2", searches: 4)) == [7])
    }

    @Test func `searches that the usage has itself are not counted twice`() async throws {
        #expect(try await searches(use("toolu_1", searches: 2) + result("toolu_1", searches: 2)) == [2])
        #expect(try await searches(use("toolu_1", searches: 3) + result("toolu_1", searches: 2)) == [3])
    }

    @Test func `two calls behind a gateway that gives all one id keep their searches apart`() async throws {
        var searches = WebSearches()
        for (prompt, use) in [(100, "toolu_1"), (200, "toolu_2")] as [(Int64, String)] {
            var record = CallRecord(.transcriptCall, time: Timestamp(nanoseconds: prompt), session: "s1")
            (record.response, record.input) = ("msg_constant", prompt)
            searches.note(record, uses: [use])
        }
        #expect(searches.answer("toolu_2", count: 3).map { [$0.input, $0.webSearches] } == [200, 3])
        #expect(searches.answer("toolu_1", count: 1).map { [$0.input, $0.webSearches] } == [100, 1])
        #expect(searches.answer("toolu_1", count: 1) == nil && !searches.isWaiting)
    }

    @Test func `what is remembered is bounded`() {
        var searches = WebSearches()
        for number in 0..<100 {
            var record = CallRecord(.transcriptCall, time: Timestamp(nanoseconds: 1), session: "s1")
            record.response = "msg_\(number)"
            searches.note(record, uses: (0..<100).map { "toolu_\(number)_\($0)" })
        }
        #expect(searches.calls.count == WebSearches.mostCalls)
        #expect(searches.calls.allSatisfy { $0.uses.count == WebSearches.mostUses })
        #expect(searches.answer("toolu_0_0", count: 1) == nil && searches.answer("toolu_99_0", count: 1) != nil)
    }

    @Test func `a result that is read twice counts once`() async throws {
        let lines = use("toolu_1") + result("toolu_1", searches: 2)
        #expect(try await searches(lines + lines + result("toolu_1", searches: 2)) == [2])
        // A fork has copies of both lines in its own file.
        try home.write(lines, to: ".claude/projects/-gone-app/s2.jsonl")
        #expect(try await scanned(home).books.calls.map(\.terms.webSearches) == [2])
    }

    @Test(arguments: [
        #""Error: denied""#, "null", #"{"query":"q"}"#, #"{"searchCount":"2"}"#, #"{"searchCount":0}"#, "[]",
    ])
    func `a result without a number brings no searches`(outcome: String) async throws {
        #expect(try await searches(use("toolu_1") + result("toolu_1", outcome)) == [0])
    }

    @Test func `only results of the tool count`() async throws {
        #expect(try await searches(use("toolu_1", tool: "Read") + result("toolu_1", searches: 2)) == [0])
        #expect(try await searches(use("toolu_1") + result("toolu_9", searches: 2)) == [0])
    }

    @Test func `a result that comes after a later scan, in another process, still counts`() async throws {
        try home.write(use("toolu_1"), to: file)
        let first = try await Scene(home)
        try await first.scan()
        await first.shutdown()
        #expect(first.books.calls.map(\.terms.webSearches) == [0])
        let other = answer("msg_2", request: "req_2", time: "2026-10-01T09:00:40.000Z")
        try home.append(other + result("toolu_1", searches: 2), to: file)
        let second = try await Scene(home, books: first.books)
        let report = try await second.scan()
        await second.shutdown()
        #expect(report.ingested == 1)
        #expect(second.books.calls.map(\.terms.webSearches) == [2, 0])
        #expect(second.books.calls.map(\.counts.output) == [50, 20])
    }
}
