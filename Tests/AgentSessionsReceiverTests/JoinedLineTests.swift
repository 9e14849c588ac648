// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing

@testable import AgentSessionsReceiver

/// Lines between which a line feed was lost, and files that are no transcripts.
struct JoinedLineTests {
    private let home: TestHome
    private let file = ".claude/projects/-gone-app/s1.jsonl"

    init() throws {
        home = try TestHome()
    }

    private func line(_ number: Int) -> String {
        answer("msg_\(number)", request: "req_\(number)", time: "2026-10-01T09:00:\(number + 10).000Z")
    }

    private func joined(_ numbers: ClosedRange<Int>) -> String { numbers.map { String(line($0).dropLast()) }.joined() }

    @Test func `every object of a line counts`() async throws {
        try home.write(joined(1...3) + "\n" + line(4) + joined(5...6), to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 6 && report.skippedLines == 0)
    }

    @Test func `a line of content does not hide the answer behind it`() async throws {
        let content = #"{"type":"user","message":{"content":"\\frac{a}{b} {\"x\":{}{}"},"sessionId":"s1"}"#
        try home.write("\u{FEFF}" + content + line(1) + content + "\n" + content + content + line(2), to: file)
        #expect(try await scanned(home).books.figures[0] == 2)
    }

    @Test func `what is appended to a line without its end is read`() async throws {
        try home.write(joined(1...1), to: file)
        let scene = try await Scene(home)
        #expect(try await scene.scan().ingested == 1)
        try home.append(joined(2...3), to: file)
        #expect(try await scene.scan().ingested == 2)
        await scene.shutdown()
        #expect(scene.books.figures[0] == 3)
    }

    @Test func `a whole object behind one that was cut off counts, and the line is named`() async throws {
        try home.write(String(line(1).prefix(120)) + line(2) + String(line(3).prefix(300)) + line(4), to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 2)
        #expect(report.skippedLines == 2 && report.problems.first?.line == 1)
    }

    @Test func `rollouts are read the same way`() async throws {
        let lines = [meta(threadA), turn("gpt-5", second: 1), total((100, 40, 10), last: (100, 40, 10), second: 2)]
        let content = rolloutLine("response_item", #"{"type":"message","text":"}{"}"#, second: 3)
        let all = (lines + [content, total((250, 90, 30), last: (150, 50, 20), second: 4)]).map { $0.dropLast() }
        try home.write(
            all.joined() + "\n",
            to: ".codex/sessions/2026/10/01/rollout-2026-10-01T09-00-00-\(threadA).jsonl"
        )
        #expect(try await scanned(home).books.figures[0] == 2)
    }

    @Test func `braces are found at every place of a line`() {
        for length in 0..<80 {
            for gap in 0..<3 {
                let text =
                    #"{"a":"\#(String(repeating: "x", count: length))"}"# + String(repeating: " ", count: gap)
                    + #"{"b":1}"#
                Array(text.utf8).withUnsafeBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return }
                    let end = LineBytes(base: base, count: buffer.count).endOfFirstObject()
                    #expect(end == (gap == 0 ? length + 8 : nil))
                }
            }
        }
    }

    /// junhoyeo/tokscale#837.
    @Test func `the journal of a workflow is no transcript`() async throws {
        let folder = ".claude/projects/-gone-app/s1/subagents/workflows/wf_1"
        try home.write(
            #"{"type":"started","key":"v2:1","agentId":"a1"}"# + "\n" + line(1),
            to: folder + "/journal.jsonl"
        )
        try home.write(line(2), to: folder + "/agent-a1.jsonl")
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 1 && report.scanned == 1 && report.unknownLines.isEmpty)
    }
}
