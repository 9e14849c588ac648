// SPDX-License-Identifier: Apache-2.0

import AgentFixtures
import CollectorKit
import CollectorTesting
import FlushCounter
import Foundation
import JSON
import OTLP
import Testing
import Usage

@testable import AgentSessionsReceiver

/// The parts that carry the rest: lines, members, what is remembered.
struct BuildingBlockTests {
    @Test func `a checkpoint that was saved is there after a power cut`() throws {
        let home = try TemporaryFolder()
        let flushes = FlushCounter(below: home.path)
        let file = CheckpointFile(path: home.path + "/deep/agent_sessions.checkpoint")
        for _ in 0..<2 { try file.save(Checkpoint()) }
        #expect(flushes.all == ["/": 1, "deep": 2, "deep/agent_sessions.checkpoint.new": 2])
    }

    @Test func `what is remembered of a store comes back, and a checkpoint of 0.1.0 is read`() throws {
        var state = StoreState()
        (state.session, state.parent, state.project, state.branch) = ("s", "p", "/w", "main")
        (state.version, state.title, state.model, state.note) = ("1", "t", "m", "n")
        (state.lastSeen, state.lastReported, state.cursor, state.count, state.begin) = (1, 2, 3, 4, 5)
        var checkpoint = Checkpoint()
        for (key, state) in [
            ("a", ReaderState.store(state)), ("b", .transcript(TranscriptState())), ("c", .rollout(RolloutState())),
        ] {
            let identity = FileIdentity(device: 1, inode: 2)
            checkpoint.marks[key] = FileMark(identity: identity, size: 3, modified: 4, offset: 5, state: state)
        }
        #expect(Checkpoint(checkpoint.encoded) == checkpoint)
        checkpoint.marks["a"] = nil
        var former = checkpoint.encoded
        let digit = try #require(former.firstIndex(of: UInt8(ascii: "5")))
        former[digit] = UInt8(ascii: "4")
        #expect(Checkpoint(former) == checkpoint)
        former[digit] = UInt8(ascii: "3")
        #expect(Checkpoint(former) == nil)
    }

    /// Lines of a text that arrives in pieces; `-` for one that is left out.
    private func lines(_ text: String, piece: Int, largest: Int) -> [String] {
        let buffer = LineBuffer(largestLine: largest)
        buffer.reset(offset: 0)
        var rest = Array(text.utf8)[...]
        var found: [String] = []
        while true {
            switch buffer.next() {
            case .line(let line): found.append(String(decoding: line.buffer, as: UTF8.self))
            case .omitted: found.append("-")
            case .more:
                let count = buffer.fill { target in
                    let part = rest.prefix(min(piece, target.count))
                    target.copyBytes(from: part)
                    rest = rest.dropFirst(part.count)
                    return part.count
                }
                guard count == 0 else { continue }
                #expect(Int(buffer.offset) == text.utf8.count - (buffer.rest?.count ?? 0))
                return found
            }
        }
    }

    @Test(arguments: [1, 2, 3, 7, 1_000])
    func `lines come whole, however they arrive`(piece: Int) {
        let text = "one\n\nthree is longer\n" + String(repeating: "x", count: 40) + "\nfive\nhalf"
        #expect(lines(text, piece: piece, largest: 20) == ["one", "", "three is longer", "-", "five"])
    }

    @Test func `a line of any length takes no more room than the longest that is read`() {
        let buffer = LineBuffer(largestLine: 1 << 20)
        buffer.reset(offset: 0)
        var (rest, found) = (64 << 20, [String]())
        while true {
            switch buffer.next() {
            case .line(let line): found.append(String(decoding: line.buffer, as: UTF8.self))
            case .omitted: found.append("-")
            case .more:
                guard rest >= 0 else {
                    #expect(found == ["-", "next"])
                    #expect(buffer.offset == 64 << 20 + 6)
                    return
                }
                _ = buffer.fill { target in
                    let end = Array("\nnext\n".utf8)
                    let count = rest > 0 ? min(rest, target.count) : end.count
                    for index in 0..<count { target[index] = rest > 0 ? 120 : end[index] }
                    rest -= rest > 0 ? count : 1
                    return count
                }
                #expect(buffer.capacity <= 4 << 20)
            }
        }
    }

    @Test func `a stream can be entered in the middle of a line`() {
        let buffer = LineBuffer()
        buffer.reset(offset: 100, isInsideLine: true)
        var bytes = Array("rest\nnext\n".utf8)
        _ = buffer.fill { target in
            defer { bytes = [] }
            target.copyBytes(from: bytes)
            return bytes.count
        }
        guard case .omitted(.entered) = buffer.next(), case .line(let line) = buffer.next() else {
            Issue.record("the rest of the line was not left out")
            return
        }
        #expect(String(decoding: line.buffer, as: UTF8.self) == "next")
        #expect(buffer.offset == 110)
    }

    private func members(_ text: String) throws -> [String: String] {
        var found: [String: String] = [:]
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var cursor = JSONScanner(LineBytes(base: base, count: buffer.count))
            guard try cursor.enterObject() else { return }
            while let key = try cursor.nextKey() { found[key.string] = try cursor.text()?.string ?? "" }
        }
        return found
    }

    @Test func `the cursor finds its way through anything`() throws {
        let text =
            #" { "a" : "x\"\\" , "b":[1,{"c":"]}"},"\\"], "d":{"e":{}},"f":-1.5e3,"g":null,"h\u0041":"\ud83d\ude00\ud800\q"}"#
        #expect(try members(text) == ["a": #"x"\"#, "b": "", "d": "", "f": "", "g": "", "hA": "😀\u{FFFD}\u{FFFD}"])
    }

    @Test(arguments: [
        "", "{", #"{"a"#, #"{"a":"#, #"{"a":["#, #"{"a":"x"#, #"{"a":"x\"#, #"{"a" 1}"#, "{1:2}", #"{"a":{"b":[}"#,
    ])
    func `a line that is cut off is said to be`(text: String) {
        #expect(throws: LineFault.cutOff) { try members(text.isEmpty ? " " : text) }
    }

    @Test func `depth costs nothing`() throws {
        let deep = String(repeating: "[", count: 200_000) + String(repeating: "]", count: 200_000)
        #expect(try members(#"{"a":\#(deep),"b":"x"}"#)["b"] == "x")
        let usage = String(repeating: #"{"data":{"message":{"data":{"message":"#, count: 50_000)
        #expect(throws: LineFault.cutOff) { try transcript(usage) }
    }

    private func transcript(_ text: String) throws {
        try Array(text.utf8).withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            _ = try TranscriptLine(LineBytes(base: base, count: buffer.count), wantsFacts: true)
        }
    }

    @Test func `what is remembered comes back the same`() throws {
        var transcript = TranscriptState()
        (transcript.session, transcript.title, transcript.isTitleCustom) = ("s", "ä\n", true)
        var call = CallRecord(.transcriptSidechain, time: Timestamp(nanoseconds: 7), session: "s")
        (call.request, call.response, call.model, call.project) = ("r", "m", "claude", "/gone/app")
        (call.agent, call.serviceTier, call.speed, call.geography) = ("a", "priority", "fast", "us")
        (call.input, call.output, call.cacheRead, call.cacheWrite) = (1, 2, 3, 4)
        (call.cacheWrite5m, call.reasoning, call.webSearches, call.cost) = (0, 5, 6, 0.25)
        transcript.searches.note(call, uses: ["toolu_1", "toolu_2"])
        _ = transcript.searches.answer("toolu_2", count: 9)
        transcript.searches.note(CallRecord(.transcriptCall, time: Timestamp(nanoseconds: 0), session: ""), uses: [""])
        var rollout = RolloutState()
        (rollout.thread, rollout.hasRecords, rollout.lastSeen) = ("t", true, 1_790_000_000_000_000_000)
        for name in ["parent", "grandparent"] { rollout.ancestors.add(name, of: "t") }
        var vector = TokenVector()
        (vector.input, vector.output, vector.total) = (1 << 38, 7, .max)
        rollout.running.previous = vector
        rollout.running.peaks = [TokenVector(), vector]
        var checkpoint = Checkpoint()
        for (key, state) in [("a", ReaderState.transcript(transcript)), ("b", .rollout(rollout))] {
            checkpoint.marks[key] = FileMark(
                identity: FileIdentity(device: .max, inode: 3),
                size: -1,
                modified: .min,
                offset: .max,
                lines: 12,
                isInsideLine: true,
                head: FileHead(length: 4_096, hash: .max),
                state: state,
                faults: faults(of: key)
            )
        }
        checkpoint.unreadable.note(ScanProblem(path: "/c", line: nil, message: "no"))
        #expect(Checkpoint(checkpoint.encoded) == checkpoint)
    }

    private func faults(of key: String) -> FileFaults? {
        var (faults, left) = (FileFaults(path: "/" + key), 3)
        faults.note("broken", line: nil, left: &left)
        for line in [7, .max] as [Int64] { faults.note("cut off", line: line, left: &left) }
        faults.note(unknownType: "hologram", line: 9, left: &left)
        return key == "a" ? faults : nil
    }

    @Test func `what is damaged anywhere is not believed`() {
        var checkpoint = Checkpoint()
        checkpoint.marks["a"] = FileMark(
            identity: FileIdentity(device: 1, inode: 2),
            size: 3,
            modified: 4,
            offset: 5,
            state: .rollout(RolloutState())
        )
        let bytes = checkpoint.encoded
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 0x41
            #expect(Checkpoint(damaged) == nil)
            #expect(Checkpoint(Array(bytes[..<position])) == nil)
        }
    }

    /// A database of many pages of content: a change costs the pages of its table of messages, and never those of the content.
    @Test func `of a large database that changed only the table of messages is looked through`() throws {
        let home = try TestHome()
        let path = home.path + "/opencode.db"
        let database = try TestDatabase(path, isLogged: true)
        let content = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
        try database.run(
            OpenCodeFixtures.firstTables
                + "INSERT INTO part SELECT * FROM (\(content) SELECT 'p' || i, 'm', 's', hex(randomblob(20000)) FROM n);"
                + "INSERT INTO message SELECT * FROM (\(content) SELECT 'm' || i, 's', i, i, "
                + "replace('\(OpenCodeFixtures.step([5, 6, 0, 0, 0]))', '1796000000000', 1796000000000 + i) FROM n);"
                + "PRAGMA wal_checkpoint(TRUNCATE);"
        )
        let pages = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) / 4_096
        #expect(pages > 4_000)
        let (first, calls) = try Self.read(path, nil)
        #expect(calls == 400 && (first.database?.pagesRead ?? .max) < pages / 20)
        try database.run(OpenCodeFixtures.message("new", "s", OpenCodeFixtures.step([1, 1, 0, 0, 0]), updated: 401))
        let (second, more) = try Self.read(path, .store(first.state))
        // The row of the newest time is read again with the new one.
        #expect(more == 2 && (second.database?.pagesRead ?? .max) < pages / 20)
    }

    private static func read(_ path: String, _ state: ReaderState?) throws -> (DatabaseReader, calls: Int) {
        let file = FoundFile(
            agent: .openCode,
            path: path,
            rootLength: 0,
            identity: FileIdentity(device: 1, inode: 1),
            size: 0,
            modified: 0,
            isArchived: false,
            layout: .database,
            service: "opencode"
        )
        let projects = ProjectNames(files: LocalFolders(), home: nil)
        let reader = DatabaseReader(file, state) { _ in OpenCodeTables(projects: projects) }
        var calls = 0
        while true {
            var sink = RecordSink(listing: false)
            let outcome = try reader.read(into: &sink)
            calls += sink.takeFindings().count {
                if case .call = $0 { true } else { false }
            }
            if case .more = outcome { continue }
            return (reader, calls)
        }
    }
}
