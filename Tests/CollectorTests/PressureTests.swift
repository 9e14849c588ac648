// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import NIOCore
import OTLP
import Testing

@testable import Collector
@testable import HTTPServer

/// The memory that requests in flight may take up.
struct PressureTests {
    @Test func `what does not fit is not taken, and what is given back is there again`() {
        let budget = MemoryBudget(limit: 100)
        var first: MemoryShare? = MemoryShare(of: budget)
        #expect(first?.take(60) == true)
        let second = MemoryShare(of: budget)
        #expect(!second.take(41))
        #expect(!second.isBeyondLimit)
        #expect(first?.take(40) == true)
        #expect(first?.take(1) == false)
        #expect(first?.isBeyondLimit == true)
        #expect(budget.usedBytes == 100)
        first?.give(30)
        #expect(budget.usedBytes == 70)
        first = nil
        #expect(budget.usedBytes == 0)
    }

    @Test func `one sender holds two thirds with bodies that do not end, and others find room beside it`() {
        let budget = MemoryBudget(limit: 1_200)
        let share = MemoryShare(of: budget)
        var slow: IncomingShare? = IncomingShare(share, of: budget, sender: 1)
        var taken = 0
        while slow?.take(10) == true { taken += 10 }
        #expect(taken == 800)
        // Many connections of one sender have one share.
        let more = IncomingShare(MemoryShare(of: budget), of: budget, sender: 1)
        #expect(!more.take(10))
        let other = IncomingShare(MemoryShare(of: budget), of: budget, sender: 2)
        #expect(other.take(200))
        // An eighth is left to small bodies, which are not asked who sent them.
        #expect(!other.take(100))
        #expect(MemoryShare(of: budget).take(150))
        // What is complete no longer counts for its sender, and is still held.
        slow = nil
        #expect(budget.usedBytes == 1_000)
        #expect(more.take(10))
    }

    @Test func `health says for half a minute that senders are put off`() {
        let budget = MemoryBudget(limit: 100)
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        #expect(!budget.isRefusing(at: start))
        budget.noteRefusal(at: start)
        #expect(budget.isRefusing(at: start + .seconds(29)))
        #expect(!budget.isRefusing(at: start + .seconds(31)))
        // A request that has no room at all is no sign of want.
        let share = MemoryShare(of: MemoryBudget(limit: 100))
        #expect(!share.take(101))
        #expect(!budget.isRefusing(at: start + .seconds(31)))
    }

    @Test func `a sender is put off for as long as memory takes to be given back`() {
        let budget = MemoryBudget(limit: 1_000)
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        #expect(budget.take(1_000))
        #expect(budget.retryAfter(for: 500, at: start) == 1)
        budget.release(200)
        #expect(budget.take(200))
        // 100 bytes a second, and 500 are missing.
        #expect(budget.retryAfter(for: 500, at: start + .seconds(2)) == 5)
        #expect(budget.retryAfter(for: 500, at: start + .seconds(1_000)) == 1)
        budget.release(1)
        #expect(budget.take(1))
        #expect(budget.retryAfter(for: 500, at: start + .seconds(1_002)) == 30)
    }

    @Test func `a body that finds no memory is put off before it is read`() async throws {
        let hub = try await OTLPHub(service: "  memory_limit: 1MiB")
        hub.sink.hold()
        let first = try await hub.collector.connect()
        try await first.post("/v1/logs", try padded(600_000), Encoding.json.fields)
        #expect(await eventually { hub.sink.heldCount == 1 })
        let second = try await hub.collector.connect()
        let head = "POST /v1/logs HTTP/1.1\nHost: localhost\nContent-Type: application/json\n"
        try second.send(head + "Content-Length: 600000\n\n")
        let putOff = try await second.answer()
        #expect(putOff.status == 503)
        #expect(putOff.fields["retry-after"] == "1")
        let chunked = try await hub.collector.connect()
        try chunked.send(head + "Transfer-Encoding: chunked\n\n927C0\n")
        try? await chunked.send([UInt8](repeating: 32, count: 600_000))
        #expect(try await chunked.answer().status == 503)
        let never = try await hub.collector.connect()
        try never.send(head + "Content-Length: 2000000\n\n")
        #expect(try await never.answer().status == 413)
        #expect(hub.collector.status.memory.usedBytes >= 600_000)
        hub.sink.release()
        #expect(try await first.answer().status == 200)
        let answers = hub.collector.status.requests.map { "\($0.path) \($0.code) \($0.count)" }
        #expect(answers == ["/v1/logs 200 1", "/v1/logs 413 1", "/v1/logs 503 2"])
        let problems = hub.collector.status.intakeProblems.map { "\($0.code.rawValue) \($0.count)" }
        #expect(Set(problems) == ["no_memory 2", "too_large 1"])
        #expect(await eventually { hub.collector.status.memory.usedBytes == 0 })
        #expect(try await hub.post(.logs, try padded(600_000), Encoding.json.fields).status == 200)
        try await hub.end()
    }

    @Test func `what a body inflates to is counted`() async throws {
        let hub = try await OTLPHub(service: "  memory_limit: 1MiB")
        let fields = Encoding.json.fields.merging(["Content-Encoding": "gzip"]) { $1 }
        // 4 MiB of blanks, in gzip: 4 KiB.
        let answer = try await hub.post(.logs, Gzipped.blanks(mebibytes: 4), fields)
        // It would not fit with nothing else held, so to send it again is of no use.
        #expect(answer.status == 413)
        #expect(await eventually { hub.collector.status.memory.usedBytes == 0 })
        try await hub.end()
    }

    @Test(arguments: [("256", 1), ("1KiB", 1), ("1MiB", 0), ("2GiB", 0), ("much", 1)])
    func `the limit is a size`(text: String, errors: Int) {
        let config = """
            receivers: { otlp: }
            exporters: { sqlite: }
            service:
              memory_limit: \(text)
              pipelines: { logs: { receivers: [otlp], exporters: [sqlite] } }
            """
        #expect(LoadedConfig(config).codes.count == errors)
    }

    /// A request of one record that is followed by so many blanks.
    private func padded(_ count: Int) throws -> [UInt8] {
        try Encoding.json.twoRecords(.logs) + [UInt8](repeating: 32, count: count)
    }
}

/// Bodies in gzip, written by hand with stored repetitions.
enum Gzipped {
    /// So many blanks.
    static func blanks(mebibytes: Int) -> [UInt8] {
        // One member for each MiB; the reader takes them together.
        (0..<mebibytes).flatMap { _ in member }
    }

    /// 1 MiB of blanks, as `gzip -9n` writes them.
    private static let member: [UInt8] =
        [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 193, 49, 1, 0, 0, 0, 194, 160, 42, 235, 159, 210, 16, 190, 64, 1]
        + [UInt8](repeating: 0, count: 1_015) + [124, 6, 167, 2, 3, 241, 0, 0, 16, 0]
}
