// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Files
import FoundationEssentials
import Testing
import Usage

/// Limits on the disk.
struct LimitBookTests {
    private let folder: TemporaryFolder
    private let now = Timestamp(nanoseconds: 1_795_000_000_000_000_000)

    init() throws { folder = try TemporaryFolder() }

    private func limit(_ name: String, _ used: Double, before seconds: Int64 = 0) throws -> UsageLimit {
        try #require(
            UsageLimit(
                agent: "codex",
                name: name,
                usedPercent: used,
                windowMinutes: 300,
                resetsAt: nil,
                source: .rollout,
                reportedAt: Timestamp(nanoseconds: now.nanoseconds - seconds * 1_000_000_000)
            )
        )
    }

    @Test func `what is kept is known after a restart, and noting writes nothing`() throws {
        let book = LimitBook(home: folder.path)
        book.note([try limit("primary", 38.5)], now: now)
        #expect(try OwnFile.content(folder.path + "/limits.json", largest: 1 << 20) == nil)
        try book.keep(now: now)
        #expect(LimitBook(home: folder.path).limits(now: now) == [try limit("primary", 38.5)])
    }

    private func reading(_ session: String, _ dollars: Double, before seconds: Int64 = 0) throws -> SessionReading {
        try #require(
            SessionReading(
                agent: "claude-code",
                session: session,
                contextPercent: 41,
                contextWindow: 200_000,
                cost: Money(dollars: dollars),
                reportedAt: Timestamp(nanoseconds: now.nanoseconds - seconds * 1_000_000_000)
            )
        )
    }

    @Test func `what an agent says of its sessions is kept beside the limits, and bounded`() throws {
        let (one, other) = (LimitBook(home: folder.path), LimitBook(home: folder.path))
        one.note([try limit("primary", 10)], now: now)
        one.note(try reading("a", 1), now: now)
        other.note(try reading("a", 2), now: now)
        other.note(try reading("b", 3, before: 86_400), now: now)
        try one.keep(now: now)
        try other.keep(now: now)
        let known = LimitBook(home: folder.path)
        #expect(known.reading(ofSession: "a", now: now) == (try reading("a", 2)))
        #expect(known.reading(ofSession: "b", now: now)?.cost == Money(dollars: 3))
        #expect(known.reading(ofSession: "c", now: now) == nil)
        #expect(known.limits(now: now).count == 1)
        for index in 0..<SessionReading.most { known.note(try reading("s\(index)", 1), now: now) }
        #expect(known.reading(ofSession: "b", now: now) == nil)
        #expect(known.reading(ofSession: "s0", now: now) != nil)
    }

    @Test func `a file of the first version, with limits alone, is read`() throws {
        let book = LimitBook(home: folder.path)
        book.note([try limit("primary", 10)], now: now)
        try book.keep(now: now)
        let path = folder.path + "/limits.json"
        let text = String(decoding: try #require(try OwnFile.content(path, largest: 1 << 20)), as: UTF8.self)
        try folder.write(text.replacing(#","sessions":[]"#, with: ""), to: "limits.json")
        #expect(LimitBook(home: folder.path).limits(now: now) == [try limit("primary", 10)])
        #expect(text.contains(#","sessions":[]"#))
    }

    @Test func `two processes lose nothing of each other`() throws {
        let (one, other) = (LimitBook(home: folder.path), LimitBook(home: folder.path))
        one.note([try limit("primary", 10), try limit("secondary", 20, before: 60)], now: now)
        other.note([try limit("primary", 5, before: 60), try limit("secondary", 30)], now: now)
        try one.keep(now: now)
        try other.keep(now: now)
        let known = LimitBook(home: folder.path).limits(now: now)
        #expect(known == [try limit("primary", 10), try limit("secondary", 30)])
    }

    @Test func `a damaged file is named, and replaced by what is reported next`() throws {
        try folder.write("{\"limits\":[", to: "limits.json")
        let book = LimitBook(home: folder.path)
        #expect(book.limits(now: now).isEmpty)
        #expect(try #require(book.problem).contains("limits.json is damaged"))
        book.note([try limit("primary", 1)], now: now)
        try book.keep(now: now)
        #expect(LimitBook(home: folder.path).limits(now: now).map(\.name) == ["primary"])
    }

    @Test func `a folder that is missing is an error, and what was noted is written when it is there`() throws {
        let book = LimitBook(home: folder.path + "/absent")
        book.note([try limit("primary", 1)], now: now)
        #expect(throws: FileError.self) { try book.keep(now: now) }
        #expect(book.limits(now: now).map(\.name) == ["primary"])
        try FileManager.default.createDirectory(atPath: folder.path + "/absent", withIntermediateDirectories: true)
        try book.keep(now: now)
        #expect(LimitBook(home: folder.path + "/absent").limits(now: now).count == 1)
    }
}
