// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import Testing
import Usage

@testable import AgentSessionsReceiver

/// Lines that are longer than what is kept in memory.
struct LongLineTests {
    private let home: TestHome
    private let file = ".claude/projects/-gone-app/s1.jsonl"

    init() throws {
        home = try TestHome()
    }

    /// An answer with so much text before its figures.
    private func long(_ id: String, _ text: String) -> String {
        answer(id, request: "req_\(id)").replacing(
            #"{"type":"text","text":"say"#,
            with: #"{"type":"text","text":"\#(text) say"#
        )
    }

    @Test func `an answer counts, however long its text is`() async throws {
        let text = String(repeating: #"one \"quoted\" line\n and a \u00e4 "#, count: 300_000)
        let rest = answer("msg_3", request: "req_3")
        try home.write(answer("msg_1") + long("msg_2", text) + rest, to: file)
        let (books, report) = try await scanned(home)
        #expect(text.utf8.count > 8 << 20)
        #expect(books.figures == [3, 30, 300, 18, 60] && report.problems.isEmpty)
        #expect(
            Set(books.calls.map(\.model)) == ["claude-opus-4-5"] && Set(books.calls.map(\.project)) == ["/gone/app"]
        )
    }

    @Test func `a line that is long without any text is named`() async throws {
        let numbers = String(repeating: "1,", count: 5 << 20)
        try home.write(
            answer("msg_1") + #"{"type":"user","n":[\#(numbers)0]}"# + "\n" + answer("msg_2", request: "req_2"),
            to: file
        )
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 2)
        #expect(report.problems.map(\.line) == [2] && report.problems.first?.message == "the line is too long")
    }

    @Test func `reading goes on behind a long line that was not finished`() async throws {
        let whole = long("msg_2", String(repeating: "x", count: 3 << 20))
        try home.write(answer("msg_1") + whole.dropLast(300), to: file)
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(scene.books.figures[0] == 1)
        try home.append(whole.suffix(300) + answer("msg_3", request: "req_3"), to: file)
        #expect(try await scene.scan().problems.isEmpty)
        #expect(scene.books.figures[0] == 3)
        await scene.shutdown()
    }

    /// What is left of a text that comes in pieces of random length.
    private func condensed(_ text: String, seed: UInt64) -> String {
        var random = SeededGenerator(seed: seed)
        var (condenser, rest, left) = (LineCondenser(), Array(text.utf8)[...], [UInt8]())
        var piece: [UInt8] = []
        while !rest.isEmpty {
            let count = min(rest.count, 1 + Int(random.next() % 3_000))
            piece += rest.prefix(count)
            rest = rest.dropFirst(count)
            let (kept, again) = piece.withUnsafeMutableBufferPointer { condenser.condense($0) }
            left += piece.prefix(kept)
            piece = Array(piece.suffix(again))
        }
        return String(decoding: left + piece, as: UTF8.self)
    }

    @Test(arguments: 1...20)
    func `what is left is the same JSON with its texts cut off`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var members: [String: String] = [:]
        for number in 1...20 {
            let alphabet = ["a", "\\", "\"", "\n", "\\\"", "ä"].map {
                String(repeating: $0, count: 1 + Int(random.next() % 3))
            }
            members["k\(number)"] = (0..<Int(random.next() % 6_000)).map { _ in alphabet[Int(random.next() % 6)] }
                .joined()
        }
        let text = String(decoding: try JSONEncoder().encode(members), as: UTF8.self)
        let left = condensed(text, seed: seed)
        #expect(left.utf8.count <= 20 * (LineCondenser.longestText + 10))
        let read = try JSONDecoder().decode([String: String].self, from: Data(left.utf8))
        #expect(read.keys.sorted() == members.keys.sorted())
        for (key, value) in read {
            let whole = try #require(members[key])
            // Half a character at the end is repaired.
            #expect(whole.hasPrefix(value) || whole.hasPrefix(value.dropLast()))
            #expect(value == whole || value.utf8.count > LineCondenser.longestText / 2 - 10)
        }
    }
}
