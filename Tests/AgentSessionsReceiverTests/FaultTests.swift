// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import Testing

/// What could not be read is reported as long as it is in the files.
struct FaultTests {
    private let home: TestHome
    private let file = ".claude/projects/-gone-app/s1.jsonl"
    private let strange = #"{"type":"hologram","sessionId":"s1","timestamp":"2026-10-01T09:00:00Z"}"# + "\n"

    init() throws {
        home = try TestHome()
    }

    private func path(_ name: String) -> String { home.path + "/" + name }

    @Test func `a receiver that was never started knows what an earlier one has found`() async throws {
        try home.write(answer("msg_1") + "no json\n" + strange, to: file)
        let first = try await Scene(home)
        #expect(first.faults == nil)
        try await first.scan()
        let found = try #require(first.faults)
        #expect(found.problems.map(\.description) == [path(file) + ":2: the line is cut off or is no JSON object"])
        #expect(found.unknownLines == ["hologram": UnknownLines(first: path(file) + ":3")])
        #expect(found.skippedLines == 1 && found.scanned == 0 && found.calls == 0)
        await first.shutdown()
        #expect(try await Scene(home, starts: false).faults == found)
        let second = try await Scene(home, books: first.books)
        #expect(second.faults == found)
        #expect(try await second.scan().problems.isEmpty)
        #expect(second.faults == found)
        await second.shutdown()
    }

    @Test func `types that are known to tell nothing are not named`() async throws {
        let types = ["mode", "system", "last-prompt", "agent-color", "attribution-snapshot", "marble-origami-commit"]
        try home.write(types.map { #"{"type":"\#($0)","sessionId":"s1"}"# + "\n" }.joined(), to: file)
        let items = ["response_item", "compacted", "world_state"].map { rolloutLine($0, "{}", second: 1) }.joined()
        try home.write(meta(threadA) + items, to: rolloutName(threadA))
        #expect(try await scanned(home).report.unknownLines.isEmpty)
    }

    @Test func `a scan that finds nothing new leaves the checkpoint alone`() async throws {
        try home.write(answer("msg_1") + "no json\n", to: file)
        let scene = try await Scene(home)
        try await scene.scan()
        let checkpoint = path("hub/agent_sessions.checkpoint")
        let written = try FileManager.default.attributesOfItem(atPath: checkpoint)[.systemFileNumber] as? Int
        try await scene.scan()
        #expect(try FileManager.default.attributesOfItem(atPath: checkpoint)[.systemFileNumber] as? Int == written)
        await scene.shutdown()
    }

    @Test func `what is appended adds to what is known`() async throws {
        try home.write(answer("msg_1") + strange + "no json\n", to: file)
        let scene = try await Scene(home)
        try await scene.scan()
        try home.append(strange + "{\n", to: file)
        try await scene.scan()
        #expect(scene.faults?.problems.map(\.line) == [3, 5])
        #expect(scene.faults?.unknownLines == ["hologram": UnknownLines(count: 2, first: path(file) + ":2")])
        await scene.shutdown()
    }

    @Test func `what is read anew or gone is told no more`() async throws {
        let other = ".claude/projects/-gone-app/s2.jsonl"
        try home.write(answer("msg_1") + "no json\n" + strange, to: file)
        try home.write("{\n" + answer("msg_2", session: "s2"), to: other)
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(scene.faults?.skippedLines == 2)
        try home.write(answer("msg_1"), to: file)
        try await scene.scan()
        #expect(scene.faults?.problems.map(\.path) == [path(other)] && scene.faults?.unknownLines.isEmpty == true)
        try home.remove(other)
        try await scene.scan()
        #expect(scene.faults?.problems.isEmpty == true && scene.faults?.skippedLines == 0)
        await scene.shutdown()
    }

    @Test func `a folder that cannot be read is told until it is gone`() async throws {
        try home.write(answer("msg_1"), to: file)
        let deep = ".claude/projects/" + Array(repeating: "d", count: 30).joined(separator: "/")
        try home.write(answer("msg_3"), to: deep + "/s3.jsonl")
        let scene = try await Scene(home)
        try await scene.scan()
        let found = try #require(scene.faults)
        #expect(found.unreadable == 1 && found.problems.first?.message.contains("too deep") == true)
        await scene.shutdown()
        #expect(try await Scene(home, starts: false).faults == found)
        try home.remove(".claude/projects/d")
        let next = try await Scene(home, books: scene.books)
        try await next.scan()
        #expect(next.faults?.unreadable == 0)
        await next.shutdown()
    }

    @Test func `a torn archive is told though it is not read again`() async throws {
        try home.write(Array("no frame".utf8), to: rolloutName(threadA) + ".zst")
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(try await scene.scan().skipped == 1)
        #expect(scene.faults?.unreadable == 1)
        await scene.shutdown()
    }

    @Test func `a rollout's faults move with it`() async throws {
        let archived = rolloutName(threadA, folder: "archived_sessions")
        try home.write(meta(threadA) + "no json\n", to: rolloutName(threadA))
        let scene = try await Scene(home)
        try await scene.scan()
        #expect(scene.faults?.problems.first?.path == path(rolloutName(threadA)))
        try home.move(rolloutName(threadA), to: archived)
        #expect(try await scene.scan().skipped == 1)
        #expect(scene.faults?.problems.first?.path == path(archived))
        await scene.shutdown()
    }

    @Test func `of many faults the first are named and all are counted`() async throws {
        for number in 1...150 {
            let text =
                String(repeating: "no json\n", count: 30) + (1...20).map { #"{"type":"t\#($0)"}"# + "\n" }.joined()
            try home.write(text, to: ".claude/projects/-gone-app/\(number + 1_000).jsonl")
        }
        let scene = try await Scene(home)
        try await scene.scan()
        await scene.shutdown()
        let faults = try #require(try await Scene(home, starts: false).faults)
        #expect(faults.skippedLines == 4_500 && faults.problems.count == ScanReport.problemLimit)
        #expect(faults.unnamedProblems == 4_400)
        #expect(faults.unknownLines.values.reduce(0) { $0 + $1.count } == 3_000)
        #expect(faults.unknownLines.count == 11)
        let size =
            try FileManager.default.attributesOfItem(atPath: path("hub/agent_sessions.checkpoint"))[.size] as? Int
        #expect(try #require(size) < 150 * 400 + 1_000 * 80)
    }
}
