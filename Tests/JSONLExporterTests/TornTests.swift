// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import StoreFixtures
import Testing
import Usage

@testable import JSONLExporter

/// Files that do not end where they should, or hold what nobody wrote.
struct TornTests {
    /// The bytes of a store, where its last line begins, and what it answers with and without that line.
    private struct Prepared {
        var bytes: [UInt8] = []
        var lastLine = 0
        var before: Facts
        var after: Facts

        init() async throws {
            let (bench, batches) = (try await Bench(), try smallCorpus())
            try await bench.consume(Array(batches.dropLast()))
            before = try await Facts(bench.store)
            lastLine = bench.bytes().count
            try await bench.consume([batches[batches.count - 1]])
            after = try await Facts(bench.store)
            bytes = bench.bytes()
        }
    }

    @Test func `a last line that was cut anywhere is set aside and nothing else is lost`() async throws {
        let whole = try await Prepared()
        #expect(whole.before != whole.after)
        let bench = try await Bench(start: false)
        for end in stride(from: whole.lastLine, to: whole.bytes.count, by: 5) {
            for file in bench.files() { bench.remove(file) }
            try bench.write(Array(whole.bytes[..<end]))
            let store = try await bench.again()
            #expect(try await Facts(store) == whole.before, "cut at \(end)")
            #expect(bench.bytes() == Array(whole.bytes[..<whole.lastLine]))
            #expect(bench.bytes("t.jsonl.torn") == Array(whole.bytes[whole.lastLine..<end]))
            await store.shutdown()
        }
    }

    @Test func `after the cut the store goes on`() async throws {
        let whole = try await Prepared()
        let bench = try await Bench(start: false)
        try bench.write(Array(whole.bytes.dropLast(9)))
        let store = try await bench.again()
        try await store.consume(try smallCorpus()[3])
        #expect(try await Facts(store) == whole.after)
        await store.shutdown()
        bench.removeIndex()
        #expect(try await Facts(bench.again()) == whole.after)
    }

    @Test func `whatever byte of the end is wrong, the lines before it count`() async throws {
        let whole = try await Prepared()
        let bench = try await Bench(start: false)
        for position in stride(from: whole.lastLine, to: whole.bytes.count, by: 5) {
            for file in bench.files() { bench.remove(file) }
            var bytes = whole.bytes
            bytes[position] ^= [0x01, 0x20, 0x80][position % 3]
            try bench.write(bytes)
            let store = try await bench.again()
            #expect(try await store.session(id: "c")?.events.first?.name == "tool", "at \(position)")
            try await store.consume(try Batch([Observation(99, session: "z")]))
            #expect(try await store.session(id: "z")?.calls.count == 1, "at \(position)")
            await store.shutdown()
        }
    }

    @Test(arguments: [
        "", "{", "no json", "{\"version\":2}", "{\"version\":1,\"calls\":[{}]}", "[[[[[", "{\"version\":1}}", "\u{0}",
    ])
    func `a broken line in the middle is passed over`(text: String) async throws {
        let whole = try await Prepared()
        let bench = try await Bench(start: false)
        try bench.write(
            Array(whole.bytes[..<whole.lastLine]) + Array(text.utf8) + [0x0A] + whole.bytes[whole.lastLine...]
        )
        #expect(try await Facts(bench.again()) == whole.after)
    }

    @Test func `deep nesting is no danger`() async throws {
        let bench = try await Bench(start: false)
        let deep = #"{"version":1,"x":"# + String(repeating: "[", count: 500_000) + "\n"
        try bench.write(Array(deep.utf8))
        #expect(try await bench.again().sessions(SessionQuery(now: morning)).total == 0)
    }

    @Test(arguments: [10, 1_200_000])
    func `a line may be longer than what is read at once`(size: Int) async throws {
        let bench = try await Bench()
        let name = String(repeating: "n", count: size)
        let long = Observation(5, session: "long", model: "m").with { $0.error = name }
        try await bench.consume([
            try Batch([long], records: [(name, "long", morning)]), try Batch([Observation(6, session: "next")]),
        ])
        let before = try await Facts(bench.store)
        await bench.exporter.shutdown()
        bench.removeIndex()
        let store = try await bench.again()
        #expect(try await Facts(store) == before)
        #expect(try await store.session(id: "long")?.events.map(\.name) == [NameLimit.bounded(name)])
        #expect(try await store.session(id: "next")?.calls.count == 1)
    }
}
