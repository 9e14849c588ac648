// SPDX-License-Identifier: Apache-2.0

import CZstd
import CollectorKit
import CollectorTesting
import Foundation
import Testing
import Usage

@testable import AgentSessionsReceiver

/// What happens to session files between two scans.
struct FileLifeTests {
    private let home: TestHome
    private let transcript = ".claude/projects/-gone-app/s1.jsonl"

    init() throws {
        home = try TestHome()
    }

    private func answers(_ range: ClosedRange<Int>) -> String {
        range.map { answer("msg_\($0)", request: "req_\($0)", time: "2026-10-01T09:00:\($0 + 10).000Z") }.joined()
    }

    private var rollout: String {
        meta(threadA) + turn("gpt-5", second: 1) + total((100, 40, 10), last: (100, 40, 10), second: 2)
            + total((250, 90, 30), last: (150, 50, 20), second: 3)
    }

    @Test func `what is appended is read, and nothing else`() async throws {
        try home.write(answers(1...2), to: transcript)
        let scene = try await Scene(home)
        #expect(try await scene.scan().ingested == 2)
        try home.append(answers(3...3), to: transcript)
        let report = try await scene.scan()
        #expect(report.scanned == 1 && report.ingested == 1 && scene.books.figures[0] == 3)
        await scene.shutdown()
        // Another process goes on where this one stopped.
        try home.append(answers(4...4), to: transcript)
        let next = try await Scene(home, books: scene.books)
        #expect(try await next.scan().ingested == 1)
        #expect(next.books.figures[0] == 4)
        await next.shutdown()
    }

    @Test func `a line that is still being written waits`() async throws {
        let whole = answers(1...2)
        try home.write(String(whole.dropLast(60)), to: transcript)
        let scene = try await Scene(home)
        #expect(try await scene.scan().problems.isEmpty)
        #expect(scene.books.figures[0] == 1)
        try home.append(String(whole.suffix(60)), to: transcript)
        try await scene.scan()
        #expect(scene.books.figures[0] == 2)
        await scene.shutdown()
    }

    @Test func `a last line without its end counts when it is whole`() async throws {
        try home.write(String(answers(1...2).dropLast()), to: transcript)
        let text = rollout
        try home.write(String(text.dropLast()), to: rolloutName(threadA))
        let scene = try await Scene(home)
        try await scene.scan()
        let figures = scene.books.figures
        #expect(figures == [4, 180, 290, 12, 70])
        try home.append("\n", to: transcript)
        try home.append("\n", to: rolloutName(threadA))
        try await scene.scan()
        #expect(scene.books.figures == figures)
        await scene.shutdown()
    }

    @Test(arguments: [1, 2, 3, 5, 8, 13, 21, 34], [0, 1])
    func `cutting the appends anywhere gives the same calls`(seed: Int, kind: Int) async throws {
        let text = kind == 0 ? answers(1...6) : rollout + total((30, 0, 3), last: (30, 0, 3), second: 5) + rollout
        let name = kind == 0 ? transcript : rolloutName(threadA)
        try home.write(text, to: name)
        let whole = try await scanned(home).books.calls
        try home.write("", to: name)
        try home.remove("hub")
        let scene = try await Scene(home)
        var random = SeededGenerator(seed: UInt64(seed))
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = min(rest.count, 1 + Int(random.next() % 400))
            try home.append(String(decoding: rest.prefix(count), as: UTF8.self), to: name)
            rest = rest.dropFirst(count)
            try await scene.scan()
        }
        #expect(scene.books.calls == whole)
        await scene.shutdown()
    }

    @Test func `a file that is shorter or another one is read from its beginning`() async throws {
        try home.write(answers(1...4), to: transcript)
        let scene = try await Scene(home)
        try await scene.scan()
        try home.write(answers(7...8), to: transcript)
        #expect(try await scene.scan().ingested == 2)
        try home.write(answers(9...9) + answers(1...6), to: transcript)
        try await scene.scan()
        #expect(scene.books.figures[0] == 9)
        await scene.shutdown()
    }

    @Test func `a rollout that is archived and compressed stays the same calls`() async throws {
        try home.write(rollout, to: rolloutName(threadA))
        let scene = try await Scene(home)
        #expect(try await scene.scan().ingested == 2)
        let archived = rolloutName(threadA, folder: "archived_sessions")
        try home.move(rolloutName(threadA), to: archived)
        #expect(try await scene.scan().skipped == 1)
        try home.write(compressed(rollout), to: archived + ".zst")
        #expect(try await scene.scan().skipped == 1)
        try home.remove(archived)
        #expect(try await scene.scan().scanned == 1)
        // It is taken up again: for a while there are both.
        try home.write(rollout + total((260, 90, 31), last: (10, 0, 1), second: 9), to: rolloutName(threadA))
        try await scene.scan()
        #expect(scene.books.figures == [3, 170, 90, 0, 31])
        await scene.shutdown()
    }

    @Test func `a compressed rollout of several frames is read, a torn one as far as it goes`() async throws {
        let cut = rollout.utf8.count / 2
        let parts = [Array(rollout.utf8.prefix(cut)), Array(rollout.utf8.dropFirst(cut))].map(compressed)
        try home.write(parts[0] + parts[1], to: rolloutName(threadA) + ".zst")
        #expect(try await scanned(home).books.figures == [2, 160, 90, 0, 30])
        try home.remove("hub")
        try home.write(parts[0] + parts[1].dropLast(9), to: rolloutName(threadA) + ".zst")
        let report = try await scanned(home).report
        #expect(report.unreadable == 1 && report.problems.first?.message.contains("too early") == true)
        try home.remove("hub")
        try home.write(Array("no frame".utf8), to: rolloutName(threadA) + ".zst")
        #expect(try await scanned(home).report.unreadable == 1)
    }

    @Test func `links in circles, pipes and folders with a file's name do no harm`() async throws {
        try home.write(answers(1...2), to: transcript)
        let folder = home.path + "/.claude/projects/-gone-app"
        #expect(symlink(home.path + "/.claude/projects", folder + "/loop") == 0)
        #expect(symlink(home.path + "/" + transcript, folder + "/copy.jsonl") == 0)
        #expect(symlink("/nowhere/at/all", folder + "/dangling.jsonl") == 0)
        #expect(mkfifo(folder + "/pipe.jsonl", 0o600) == 0)
        #expect(mkdir(folder + "/folder.jsonl", 0o700) == 0)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 2 && report.scanned == 1 && report.problems.isEmpty)
    }

    @Test func `a scan does not leave its roots through links`() async throws {
        try home.write(answers(1...2), to: transcript)
        try home.write(answers(3...5), to: "elsewhere/project/other.jsonl")
        let folder = home.path + "/.claude/projects/-gone-app"
        #expect(symlink(home.path + "/elsewhere/project/other.jsonl", folder + "/file.jsonl") == 0)
        #expect(symlink(home.path + "/elsewhere", folder + "/folder") == 0)
        #expect(symlink("/proc/self", folder + "/kernel") == 0)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 2 && report.scanned == 1 && report.problems.isEmpty)
    }

    @Test func `a root may be a link, and the kernel's file systems are never looked through`() async throws {
        try home.write(answers(1...2), to: "elsewhere/-app/one.jsonl")
        #expect(mkdir(home.path + "/.claude", 0o700) == 0)
        #expect(symlink(home.path + "/elsewhere", home.path + "/.claude/projects") == 0)
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 2 && report.problems.isEmpty)
        var walk = FolderWalk()
        let root = SessionFolders.Root(agent: .claudeCode, path: "/proc/self", isArchive: false)
        #expect(walk.files(below: root).isEmpty)
        #expect(walk.problems.map(\.path) == ["/proc/self"])
    }

    @Test func `a file that is gone is forgotten, and its calls stay`() async throws {
        try home.write(answers(1...2), to: transcript)
        let scene = try await Scene(home)
        try await scene.scan()
        try home.remove(transcript)
        let report = try await scene.scan()
        #expect(report.scanned == 0 && report.skipped == 0 && scene.books.figures[0] == 2)
        await scene.shutdown()
    }

    @Test func `a store that is new gets all that is there, whether the receiver was running or not`() async throws {
        try home.write(answers(1...2), to: transcript)
        try home.write(rollout, to: rolloutName(threadA))
        let scene = try await Scene(home)
        try await scene.scan()
        let figures = scene.books.figures
        scene.books.begin(as: 2)
        #expect(try await scene.scan().ingested == 4)
        #expect(scene.books.figures == figures)
        #expect(try await scene.scan().scanned == 0)
        await scene.shutdown()
        scene.books.begin(as: 3)
        let next = try await Scene(home, books: scene.books)
        #expect(try await next.scan().scanned == 2)
        #expect(scene.books.figures == figures)
        await next.shutdown()
    }

    @Test func `calls that the store knows are not new`() async throws {
        try home.write(answers(1...2), to: transcript)
        let scene = try await Scene(home)
        #expect(try await scene.scan().ingested == 2)
        await scene.shutdown()
        try home.remove("hub")
        try home.append(answers(3...3), to: transcript)
        let again = try await Scene(home, books: scene.books)
        let report = try await again.scan()
        #expect(report.calls == 3 && report.ingested == 1 && scene.books.figures[0] == 3)
        await again.shutdown()
    }

    @Test func `a store that is new changes nothing for who starts at the end`() async throws {
        try home.write(answers(1...2), to: transcript)
        let scene = try await Scene(home) { $0.startAt = .end }
        try await scene.scan()
        scene.books.begin(as: 2)
        try home.append(answers(3...3), to: transcript)
        try await scene.scan()
        #expect(scene.books.figures[0] == 1)
        await scene.shutdown()
    }

    private func compressed(_ text: String) -> [UInt8] { compressed(Array(text.utf8)) }

    private func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var target = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
        let count = ZSTD_compress(&target, target.count, bytes, bytes.count, 3)
        #expect(ZSTD_isError(count) == 0)
        return Array(target[..<count])
    }
}
