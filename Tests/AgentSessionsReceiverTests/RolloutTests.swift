// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing
import Usage

/// What Codex's rollouts do, each by itself.
struct RolloutTests {
    private let home: TestHome

    init() throws {
        home = try TestHome()
    }

    private func books(_ text: String, id: String = threadA) async throws -> Books {
        try home.write(text, to: rolloutName(id))
        return try await scanned(home).books
    }

    private var twoCalls: String {
        turn("gpt-5", second: 1) + total((100, 40, 10), last: (100, 40, 10), second: 2)
            + total((250, 90, 30), last: (150, 50, 20), second: 3)
    }

    @Test func `only growth of the total counts`() async throws {
        let repeated = total((250, 90, 30), last: (150, 50, 20), second: 9)
        #expect(try await books(meta(threadA) + twoCalls + repeated + repeated).figures == [2, 160, 90, 0, 30])
    }

    @Test func `an event without figures counts nothing`() async throws {
        let empty = rolloutLine("event_msg", #"{"type":"token_count","info":null}"#, second: 1)
        #expect(try await books(meta(threadA) + empty + twoCalls).figures[0] == 2)
    }

    @Test func `lines of unknown types are counted and named`() async throws {
        let strange = rolloutLine("hologram", "{}", second: 1)
        try home.write(
            meta(threadA) + strange + twoCalls + rolloutLine("response_item", "{}", second: 4),
            to: rolloutName(threadA)
        )
        let (books, report) = try await scanned(home)
        #expect(books.figures[0] == 2)
        #expect(report.unknownLines == ["hologram": UnknownLines(first: home.path + "/\(rolloutName(threadA)):2")])
    }

    @Test func `each call has the model of the turn before it`() async throws {
        let text =
            meta(threadA) + twoCalls + turn("gpt-5-mini", second: 4) + total((260, 90, 35), last: (10, 0, 5), second: 5)
        #expect(try await books(text).calls.map(\.model) == ["gpt-5", "gpt-5", "gpt-5-mini"])
    }

    @Test func `a total that starts again counts from there, and one that comes back is known`() async throws {
        let text =
            meta(threadA) + twoCalls + total((30, 0, 3), last: (30, 0, 3), second: 5)
            + total((250, 90, 30), last: (150, 50, 20), second: 6) + total((270, 90, 31), last: (20, 0, 1), second: 7)
        #expect(try await books(text).figures == [4, 210, 90, 0, 34])
    }

    @Test func `a jump beyond the call's own figures is not taken for usage`() async throws {
        let text = meta(threadA) + twoCalls + total((90_250, 90, 9_030), last: (20, 0, 5), second: 5)
        #expect(try await books(text).figures == [3, 180, 90, 0, 35])
    }

    @Test func `a fork that starts at its parent's total counts its own calls`() async throws {
        let fork = meta(threadB, more: #","forked_from_id":"\#(threadA)""#)
        #expect(
            try await books(fork + total((300, 90, 40), last: (50, 0, 10), second: 8), id: threadB).figures == [
                1, 50, 0, 0, 10,
            ]
        )
    }

    @Test func `a fork that replays its parent's history counts only what is new`() async throws {
        let fork = meta(threadB, more: #","forked_from_id":"\#(threadA)""#)
        try home.write(meta(threadA) + twoCalls, to: rolloutName(threadA))
        let books = try await books(fork + twoCalls + total((300, 90, 40), last: (50, 0, 10), second: 8), id: threadB)
        #expect(books.figures == [3, 210, 90, 0, 40])
    }

    @Test func `copies before a sub-agent's own history are left out`() async throws {
        let child = meta(threadB, more: #","parent_thread_id":"\#(threadA)","subagent_history_start_ordinal":5"#)
        let text =
            child + total((100, 40, 10), last: (100, 40, 10), second: 2, ordinal: 3)
            + total((7, 0, 1), last: (7, 0, 1), second: 3, ordinal: 6)
        #expect(try await books(text, id: threadB).figures == [1, 7, 0, 0, 1])
    }

    @Test func `usage records make totals redundant, also after older calls`() async throws {
        let text =
            meta(threadA) + twoCalls
            + record("resp_000000000000000001", (10, 0, 1), total: (260, 90, 31), thread: threadA, second: 5)
            + total((260, 90, 31), last: (10, 0, 1), second: 6)
        #expect(try await books(text).figures == [3, 170, 90, 0, 31])
    }

    @Test func `a copy of a record counts once, for its own thread`() async throws {
        let line = record("resp_000000000000000001", (10, 0, 1), total: (10, 0, 1), thread: threadA, second: 5)
        try home.write(meta(threadA) + line, to: rolloutName(threadA))
        let books = try await books(meta(threadB, more: #","forked_from_id":"\#(threadA)""#) + line, id: threadB)
        #expect(books.figures == [1, 10, 0, 0, 1])
        #expect(books.calls.first?.session == threadA)
    }

    @Test func `members may stand in any order`() async throws {
        let line =
            #"{"payload":{"info":{"last_token_usage":{"input_tokens":5,"output_tokens":2},"#
            + #""total_token_usage":{"input_tokens":5,"output_tokens":2}},"type":"token_count"},"#
            + #""timestamp":"2026-10-01T09:00:00.000Z","type":"event_msg"}"# + "\n"
        #expect(try await books(meta(threadA) + line).figures == [1, 5, 0, 0, 2])
    }

    @Test func `a local provider is told, a made-up name is not`() async throws {
        let local = meta(threadA).replacing(#""model_provider":"openai""#, with: #""model_provider":"oss""#)
        #expect(try await books(local + twoCalls).calls.first?.provider == "ollama")
        let ours = meta(threadB).replacing(#""model_provider":"openai""#, with: #""model_provider":"our-proxy""#)
        try home.remove(".codex")
        try home.remove("hub")
        #expect(try await books(ours + twoCalls, id: threadB).calls.first?.provider == "openai")
    }
}

/// Which calls of a rollout are copies of another thread's.
struct ForkedRolloutTests {
    private let home: TestHome
    private let threads = (1...4).map { "0199a213-81a0-7800-8aa0-00000000000\($0)" }

    init() throws {
        home = try TestHome()
    }

    private func write(_ text: String, thread: Int) throws { try home.write(text, to: rolloutName(threads[thread])) }

    private func fork(_ thread: Int, of parent: Int) -> String {
        meta(threads[thread], more: #","forked_from_id":"\#(threads[parent])""#)
    }

    /// Two calls of the parent; a fork repeats them with other times.
    private func history(second: Int) -> String {
        turn("gpt-5", second: second) + total((100, 40, 10), last: (100, 40, 10), second: second + 1)
            + total((250, 90, 30), last: (150, 50, 20), second: second + 2)
    }

    @Test func `forks with equal own turns keep a call each`() async throws {
        try write(meta(threads[0]) + history(second: 1), thread: 0)
        let own = total((300, 90, 40), last: (50, 0, 10), second: 90)
        for thread in 1...3 { try write(fork(thread, of: 0) + history(second: 60) + own, thread: thread) }
        let books = try await scanned(home).books
        #expect(books.figures == [5, 310, 90, 0, 60])
        #expect(books.calls.compactMap(\.session).sorted() == [threads[0]] + threads)
    }

    @Test func `what the parent did after the fork is no copy, however equal`() async throws {
        let later = total((300, 90, 40), last: (50, 0, 10), second: 90)
        try write(meta(threads[0]) + history(second: 1) + later, thread: 0)
        let late = fork(1, of: 0).replacing("09:00:00", with: "09:01:00")
        try write(late + history(second: 60) + later, thread: 1)
        #expect(try await scanned(home).books.figures == [4, 260, 90, 0, 50])
    }

    @Test func `a fork of a fork repeats what both made`() async throws {
        try write(meta(threads[0]) + history(second: 1), thread: 0)
        let first = history(second: 60) + total((300, 90, 40), last: (50, 0, 10), second: 70)
        try write(fork(1, of: 0) + first, thread: 1)
        try write(fork(2, of: 1) + first + total((310, 90, 45), last: (10, 0, 5), second: 95), thread: 2)
        let books = try await scanned(home).books
        #expect(books.figures == [4, 220, 90, 0, 45])
        #expect(books.calls.compactMap(\.session).sorted() == [threads[0]] + threads[0...2])
    }

    /// A fork of a fork, whose file has the `session_meta` of its ancestors behind its own.
    private func grandchild(_ thread: Int = 2, ownTotal: Tokens = (310, 90, 45)) -> [String] {
        [
            fork(thread, of: 1), fork(1, of: 0), meta(threads[0]), history(second: 60),
            total((300, 90, 40), last: (50, 0, 10), second: 70), total(ownTotal, last: (10, 0, 5), second: 95),
        ]
    }

    @Test func `where the parent's file is gone the grandparent's separates copies from own turns`() async throws {
        try write(meta(threads[0]) + history(second: 1), thread: 0)
        try write(grandchild().joined(), thread: 2)
        let books = try await scanned(home).books
        // The parent's own turn is in no other file: it counts for the fork that repeats it.
        #expect(books.figures == [4, 220, 90, 0, 45])
        #expect(books.calls.compactMap(\.session).sorted() == [threads[0], threads[0], threads[2], threads[2]])
    }

    @Test func `a fork whose parent is a fork without a parent's file finds the oldest ancestor`() async throws {
        try write(meta(threads[0]) + history(second: 1), thread: 0)
        try write(grandchild().joined(), thread: 2)
        let lines = [fork(3, of: 2)] + grandchild() + [total((320, 90, 50), last: (10, 0, 5), second: 99)]
        try write(lines.joined(), thread: 3)
        #expect(try await scanned(home).books.figures == [5, 230, 90, 0, 50])
    }

    @Test(arguments: 1...5)
    func `a scan that pauses among the ancestors of a fork remembers them`(lines: Int) async throws {
        try write(meta(threads[0]) + history(second: 1), thread: 0)
        try write(grandchild().prefix(lines).joined(), thread: 2)
        let scene = try await Scene(home)
        try await scene.scan()
        for line in grandchild().dropFirst(lines) {
            try home.append(line, to: rolloutName(threads[2]))
            try await scene.scan()
        }
        await scene.shutdown()
        #expect(scene.books.figures == [4, 220, 90, 0, 45])
    }

    @Test func `a fork and a fork of a fork, whose files are all that is left, share their oldest ancestor's history`()
        async throws
    {
        try write(grandchild().dropLast().joined(), thread: 2)
        try write(fork(3, of: 0) + meta(threads[0]) + history(second: 80), thread: 3)
        #expect(try await scanned(home).books.figures == [3, 210, 90, 0, 40])
    }

    @Test func `without the parent's file the times of copies tell where own turns begin`() async throws {
        func late(_ thread: Int) -> String { fork(thread, of: 0).replacing("09:00:00", with: "09:05:00") }
        let own = total((300, 90, 40), last: (50, 0, 10), second: 400)
        for thread in 1...2 { try write(late(thread) + history(second: 1) + own, thread: thread) }
        #expect(try await scanned(home).books.figures == [4, 260, 90, 0, 50])
    }

    @Test func `without any sign of its own turns a fork shares the history`() async throws {
        for thread in 1...2 { try write(fork(thread, of: 0) + history(second: 60), thread: thread) }
        #expect(try await scanned(home).books.figures == [2, 160, 90, 0, 30])
    }

    @Test func `fresh sub-agents with equal first responses are calls of their own, with and without response ids`()
        async throws
    {
        // junhoyeo/tokscale#679
        try write(meta(threads[0]) + history(second: 1), thread: 0)
        func spawned(_ thread: Int) -> String {
            meta(threads[thread], more: #","session_id":"\#(threads[0])","parent_thread_id":"\#(threads[0])""#)
        }
        for thread in 1...2 {
            try write(spawned(thread) + total((70, 0, 7), last: (70, 0, 7), second: 50), thread: thread)
        }
        try write(
            spawned(3)
                + record("resp_3_0123456789abcdef", (70, 0, 7), total: (70, 0, 7), thread: threads[3], second: 50),
            thread: 3
        )
        let books = try await scanned(home).books
        #expect(books.figures == [5, 370, 90, 0, 51])
    }

    @Test func `a fork that repeats only the totals of its parent's records makes no calls`() async throws {
        let parent = (1...3).map { number in
            record(
                "resp_\(number)_0123456789abcdef",
                (100, 40, 10),
                total: (Int64(number) * 100, Int64(number) * 40, Int64(number) * 10),
                thread: threads[0],
                second: number
            )
        }
        try write(meta(threads[0]) + parent.joined(), thread: 0)
        let copies = (1...3).map { number in
            total(
                (Int64(number) * 100, Int64(number) * 40, Int64(number) * 10),
                last: (100, 40, 10),
                second: 60 + number
            )
        }
        try write(fork(1, of: 0) + copies.joined() + total((350, 120, 31), last: (50, 0, 1), second: 80), thread: 1)
        #expect(try await scanned(home).books.figures == [4, 230, 120, 0, 31])
    }

    @Test func `a total before the first record is the record's call`() async throws {
        let text =
            meta(threads[0]) + history(second: 1) + total((260, 90, 31), last: (10, 0, 1), second: 5)
            + record("resp_1_0123456789abcdef", (10, 0, 1), total: (260, 90, 31), thread: threads[0], second: 5)
            + record("resp_2_0123456789abcdef", (10, 0, 1), total: (270, 90, 32), thread: threads[0], second: 7)
        try write(text, thread: 0)
        #expect(try await scanned(home).books.figures == [4, 180, 90, 0, 32])
    }

    @Test func `a compaction's record counts although the total stays`() async throws {
        // openai/codex#47003
        let text =
            meta(threads[0])
            + record("resp_1_0123456789abcdef", (100, 40, 10), total: (100, 40, 10), thread: threads[0], second: 1)
            + record("resp_c_0123456789abcdef", (900, 800, 9), total: (100, 40, 10), thread: threads[0], second: 5)
        try write(text, thread: 0)
        #expect(try await scanned(home).books.figures == [2, 160, 840, 0, 19])
    }

    @Test(arguments: [1, 2, 3, 5, 8])
    func `a scan that pauses in a fork's file goes on with what it knew`(appended: Int) async throws {
        try write(meta(threads[0]) + history(second: 1), thread: 0)
        let lines =
            [fork(1, of: 0), history(second: 60)]
            + (1...6).map { number in
                total((250 + Int64(number) * 10, 90, 30 + Int64(number)), last: (10, 0, 1), second: 70 + number)
            }
        try write(lines.prefix(appended).joined(), thread: 1)
        let scene = try await Scene(home)
        try await scene.scan()
        for line in lines.dropFirst(appended) {
            try home.append(line, to: rolloutName(threads[1]))
            try await scene.scan()
        }
        await scene.shutdown()
        #expect(scene.books.figures == [8, 220, 90, 0, 36])
    }
}
