// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing
import Usage

/// What Claude Code's transcripts do, each by itself.
struct TranscriptTests {
    private let home: TestHome
    private let file = ".claude/projects/-gone-app/s1.jsonl"

    init() throws {
        home = try TestHome()
    }

    private func books(_ text: String) async throws -> Books {
        try home.write(text, to: file)
        return try await scanned(home).books
    }

    @Test func `one answer on several lines is one call with the largest figures and the first time`() async throws {
        let books = try await books(
            answer("msg_1", usage: #""input_tokens":10,"output_tokens":1"#)
                + answer("msg_1", time: "2026-10-01T09:00:01.000Z", usage: #""input_tokens":10,"output_tokens":30"#)
                + answer("msg_2", request: "req_2", time: "2026-10-01T09:00:02.000Z")
                + answer("msg_1", time: "2026-10-01T09:00:03.000Z", usage: #""input_tokens":10,"output_tokens":25"#)
        )
        #expect(books.figures == [2, 20, 100, 6, 50])
        #expect(books.calls.first?.time.iso8601 == "2026-10-01T09:00:00.000Z")
    }

    @Test func `copies in another session's file count once`() async throws {
        try home.write(answer("msg_1", session: "s2"), to: ".claude/projects/-gone-app/s2.jsonl")
        #expect(try await books(answer("msg_1")).figures == [1, 10, 100, 6, 20])
    }

    @Test func `a side question's copy counts once, its own call counts`() async throws {
        try home.write(
            answer("msg_1", request: "req_8", more: #""isSidechain":true,"agentId":"a1","#)
                + answer("msg_9", request: "req_9", more: #""isSidechain":true,"agentId":"a1","#),
            to: ".claude/projects/-gone-app/s1/subagents/agent-a1.jsonl"
        )
        #expect(try await books(answer("msg_1")).figures == [2, 20, 200, 12, 40])
    }

    @Test(arguments: [
        answer("msg_1", model: "<synthetic>"), answer("msg_1", more: #""isApiErrorMessage":true,"#),
        answer("msg_1", usage: #""input_tokens":0,"output_tokens":0"#),
        #"{"type":"user","sessionId":"s1","timestamp":"2026-10-01T09:00:00Z","toolUseResult":{"usage":{"input_tokens":5}}}"#
            + "\n",
        #"{"type":"cost-state","sessionId":"s1","modelUsage":{"m":{"inputTokens":5}},"usage":{"input_tokens":5}}"#
            + "\n",
    ])
    func `what is no call is not counted`(line: String) async throws {
        #expect(try await books(line).figures[0] == 0)
    }

    @Test(arguments: ["not json at all", #"{"type":"assistant","message":{"id":"m"#, "\u{0}\u{0}", "[1]"])
    func `a line that cannot be read is named and costs nothing else`(fault: String) async throws {
        try home.write(answer("msg_1") + "\n" + fault + "\n" + answer("msg_2", request: "req_2"), to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 2)
        #expect(report.skippedLines == 1 && report.problems.first?.line == 3)
        #expect(report.problems.first?.path.hasSuffix(file) == true)
    }

    @Test(
        arguments: [
            (#""totalCostUSD":0.25,"hasUnknownModelCost":false"#, 250_000_000), (#""totalCostUSD":0.25"#, 250_000_000),
            (#""totalCostUSD":0.25,"hasUnknownModelCost":true"#, nil), (#""totalCostUSD":-1"#, nil),
            (#""totalCostUSD":"0.25""#, 250_000_000), (#""totalCostUSD":"a lot""#, nil), (#""totalCostUSD":"""#, nil),
            (#""totalCostUSD":"nan""#, nil), (#""totalCostUSD":null"#, nil), (#""totalCostUSD":1e300"#, nil),
        ] as [(String, Int64?)]
    )
    func `a session's own sum is kept when it is one of all its calls`(members: String, cost: Int64?) async throws {
        let state = #"{"type":"cost-state","sessionId":"s1",\#(members),"modelUsage":{}}"# + "\n"
        let books = try await books(answer("msg_1") + state)
        #expect(books.figures[0] == 1)
        #expect(books.sessions["s1"]?.comparableCost == cost.map(Money.init(nanodollars:)))
    }

    @Test func `lines of unknown types are counted and named`() async throws {
        let strange = #"{"type":"hologram","sessionId":"s1","timestamp":"2026-10-01T09:00:00Z"}"# + "\n"
        let known = #"{"type":"mode","mode":"plan","sessionId":"s1"}"# + "\n"
        try home.write(answer("msg_1") + strange + known + strange, to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 1)
        #expect(report.skippedLines == 0)
        #expect(report.unknownLines == ["hologram": UnknownLines(count: 2, first: home.path + "/\(file):2")])
    }

    @Test(arguments: ["-1", "99999999999999999999999999", "1.5", "274877906945"])
    func `a count that no call can have makes its line unreadable`(count: String) async throws {
        try home.write(answer("msg_1", usage: #""input_tokens":\#(count),"output_tokens":1"#), to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 0 && report.skippedLines == 1)
    }

    @Test func `counts may be null or written with an exponent`() async throws {
        let books = try await books(
            answer("msg_1", usage: #""input_tokens":1e2,"output_tokens":5,"cache_read_input_tokens":null"#)
        )
        #expect(books.figures == [1, 100, 0, 0, 5])
    }

    @Test func `lines may end as on Windows, begin with a mark and hold what is no UTF-8`() async throws {
        var bytes: [UInt8] = [0xEF, 0xBB, 0xBF]
        bytes += Array(answer("msg_1").utf8).dropLast() + [13, 10]
        bytes += Array(answer("msg_2", request: "req_2").replacing("gone/app", with: "gone/\u{1}").utf8)
            .map { $0 == 1 ? 0xFF : $0 }
        try home.write(bytes, to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 2 && report.problems.isEmpty)
    }

    @Test func `cache writes are split where the file says so`() async throws {
        let books = try await books(
            answer(
                "msg_1",
                usage: #""input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":0,"#
                    + #""cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":3}"#
            )
        )
        let counts = try #require(books.calls.first?.counts)
        #expect(counts.cacheWrite5m == 4 && counts.cacheWrite1h == 3 && counts.uncachedInput == 1)
    }

    @Test func `the advisor's iterations come on top, the answer's own do not`() async throws {
        let books = try await books(
            answer(
                "msg_1",
                usage: #""input_tokens":10,"output_tokens":20,"iterations":[{"type":"message","input_tokens":10,"#
                    + #""output_tokens":20},{"type":"advisor_message","model":"claude-haiku-4-5","input_tokens":3,"output_tokens":4}]"#
            )
        )
        #expect(books.figures == [2, 13, 0, 0, 24])
        #expect(Set(books.calls.map(\.model)) == ["claude-opus-4-5", "claude-haiku-4-5"])
    }

    @Test func `terms of billing are told`() async throws {
        let books = try await books(
            answer(
                "msg_1",
                usage:
                    #""input_tokens":10,"output_tokens":20,"service_tier":"batch","speed":"fast","inference_geo":"us","#
                    + #""server_tool_use":{"web_search_requests":2}"#
            )
        )
        let terms = try #require(books.calls.first?.terms)
        #expect(terms.serviceTier == "batch" && terms.isFast && terms.geography == "us" && terms.webSearches == 2)
    }

    @Test func `answers without a request id or without any id are told apart`() async throws {
        let books = try await books(
            answer("msg_1", request: nil) + answer("msg_2", request: nil)
                + answer(nil, request: nil, time: "2026-10-01T09:00:05.000Z")
                + answer(nil, request: nil, time: "2026-10-01T09:00:06.000Z")
        )
        #expect(books.figures[0] == 4)
    }

    @Test func `a progress line repeats its sub-agent's call`() async throws {
        let inner =
            #"{"id":"msg_7-011CskHCQDJPPZoN6tWl05","model":"claude-opus-4-5","usage":{"input_tokens":10,"output_tokens":20}}"#
        let progress =
            #"{"type":"progress","sessionId":"s1","timestamp":"2026-10-01T09:00:00Z","#
            + #""data":{"message":{"requestId":"req_7-011CskHCQDJPPZoN6tWl05","message":\#(inner)}}}"# + "\n"
        try home.write(
            answer("msg_7", request: "req_7", usage: #""input_tokens":10,"output_tokens":20"#),
            to: ".claude/projects/-gone-app/s1/subagents/agent-a1.jsonl"
        )
        #expect(try await books(progress).figures == [1, 10, 0, 0, 20])
    }

    @Test func `a user's title stays, an agent's is replaced`() async throws {
        let books = try await books(
            answer("msg_1") + #"{"type":"ai-title","aiTitle":"One","sessionId":"s1"}"# + "\n"
                + #"{"type":"custom-title","customTitle":"Mine \u00e4\n","sessionId":"s1"}"# + "\n"
                + answer("msg_2", request: "req_2", time: "2026-10-01T10:00:00.000Z")
                + #"{"type":"ai-title","aiTitle":"Two","sessionId":"s1"}"# + "\n"
        )
        #expect(books.sessions["s1"]?.name?.value == "Mine ä\n")
    }
}

/// Whose call a line is, and which lines are one call, where ids alone do not say.
struct TranscriptIdentityTests {
    private let home: TestHome

    init() throws {
        home = try TestHome()
    }

    private static func usage(_ input: Int, _ output: Int = 20) -> String {
        #""input_tokens":\#(input),"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":\#(output)"#
    }

    private func books(_ files: [String: String]) async throws -> Books {
        for (name, text) in files { try home.write(text, to: ".claude/projects/-w-shop/\(name).jsonl") }
        return try await scanned(home).books
    }

    @Test func `behind a gateway with one message id the prompt tells calls apart`() async throws {
        // ccusage/ccusage#1635: message.id "ocgo" in every answer, no request id.
        let first = (1...4).map { answer("ocgo", request: nil, usage: Self.usage($0 * 1_000, $0 * 100)) }.joined()
        let second = (1...3).map { answer("ocgo", request: nil, session: "s2", usage: Self.usage($0 * 500, $0 * 10)) }
            .joined()
        let books = try await books(["s1": first, "s2": second + first])
        // A prompt of 1,000 tokens in both: a fork repeats it, and nothing says that it is another call.
        #expect(books.figures == [6, 12_000, 0, 0, 1_040])
    }

    @Test func `an answer whose first line knows no prompt is one call`() async throws {
        let lines = [0, 900, 0].map { answer("kimi", request: nil, usage: Self.usage($0)) }.joined()
        #expect(try await books(["s1": lines]).figures == [1, 900, 0, 0, 20])
    }

    @Test func `one message id under several request ids is several calls`() async throws {
        // anthropics/claude-code#64880
        let lines = (1...6).map { answer("msg_1", request: "req_\($0)", usage: Self.usage($0 * 100)) }.joined()
        #expect(try await books(["s1": lines]).figures == [6, 2_100, 0, 0, 120])
    }

    @Test func `a side chain's copy and the calls that share its message id`() async throws {
        let lines = (1...2).map { answer("msg_1", request: "req_\($0)", usage: Self.usage($0 * 100)) }.joined()
        let copy = answer("msg_1", request: "req_side", usage: Self.usage(200), more: #""isSidechain":true,"#)
        let own = answer(
            "msg_1",
            request: "req_own",
            time: "2026-10-01T09:30:00.000Z",
            usage: Self.usage(700),
            more: #""isSidechain":true,"#
        )
        let books = try await books(["s1": lines, "s1/subagents/agent-a": copy + own])
        #expect(books.figures == [3, 1_000, 0, 0, 60])
    }

    @Test(arguments: [("a-parent", "z-fork"), ("z-parent", "a-fork")])
    func `a background fork does not take over its parent's calls`(parent: String, fork: String) async throws {
        // kenn-io/agentsview#1370: nothing marks the copies but sessionKind, which stands on every line of the fork.
        func call(_ number: Int, _ session: String, _ more: String = "") -> String {
            answer("msg_\(number)", request: "req_\(number)", session: session, more: more)
        }
        let background = #""sessionKind":"bg","#
        let copies = (1...3).map { call($0, fork, background) }.joined()
        let books = try await books([
            parent: (1...3).map { call($0, parent) }.joined(), fork: copies + call(9, fork, background),
        ])
        #expect(books.calls.compactMap(\.session).sorted() == [parent, parent, parent, fork].sorted())
    }
}
