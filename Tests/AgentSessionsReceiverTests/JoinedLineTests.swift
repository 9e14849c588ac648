// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSON
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

    @Test(arguments: ["", " ", "\t", "\r", "\0", " \t\r\0\0 "])
    func `white space and NULs between two objects hide none of them`(gap: String) async throws {
        try home.write(line(1).dropLast() + gap + line(2).dropLast() + gap + "\n" + line(3), to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 3 && report.skippedLines == 0)
    }

    @Test(arguments: [",", " , ", "]", "}", "x", "\"", "null ", ",\n,"])
    func `anything else between two objects is a fault, and both count`(gap: String) async throws {
        try home.write(line(1).dropLast() + gap + line(2) + line(3), to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 3)
        #expect(report.skippedLines >= 1 && report.problems.first?.line == 1)
    }

    @Test func `what follows the last object is named`() async throws {
        let content = #"{"type":"user","message":{"content":"x"},"sessionId":"s1"}"#
        try home.write(line(1).dropLast() + "garbage\n" + content + ",\n" + line(2), to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 2)
        #expect(report.skippedLines == 2 && report.problems.map(\.line) == [1, 2])
    }

    @Test(arguments: [60, 120, 170, 300])
    func `all objects behind one that was cut off count`(length: Int) async throws {
        let content = #"{"type":"user","message":{"content":"a text that"#
        try home.write(
            line(1).prefix(length) + joined(2...3) + " " + line(4) + content + joined(5...6) + "\n",
            to: file
        )
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 5)
        #expect(report.skippedLines == 2 && report.problems.map(\.line) == [1, 2])
    }

    @Test(arguments: ["garbage", "\0\0", "]"])
    func `what is before the first object is a fault, and all behind it count`(text: String) async throws {
        try home.write(text + joined(1...2) + "\n" + text + line(3), to: file)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 3)
        #expect(report.skippedLines == 2 && report.problems.map(\.line) == [1, 2])
    }

    @Test func `objects are found at every place of a line`() {
        for length in 0..<80 {
            for gap in 0..<3 {
                let first = #"{"a":"\#(String(repeating: "x", count: length))"}"#
                #expect(objects(first + String(repeating: " ", count: gap) + #"{"b":1}"#) == [first, #"{"b":1}"#])
            }
        }
    }

    @Test(arguments: [
        #"{"a":[{"type":"x"},{"type":"y"}, {"b":{"c":"}{"}}],"d":"{"}"#, #"{"a":"{","b":"}{","c":"\"}{\"b"}"#, "{}",
    ])
    func `the members of one object are no objects of the line`(text: String) {
        #expect(objects(text) == [text])
    }

    private func objects(_ text: String) -> [String] {
        var found: [String] = []
        Array(text.utf8).withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            _ = LineBytes(base: base, count: buffer.count).forEachObject { object throws(LineFault) in
                found.append(String(decoding: object.buffer, as: UTF8.self))
            } fault: { fault in
                found.append(fault.message)
                return true
            }
        }
        return found
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
