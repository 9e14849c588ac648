// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import HTTPTypes
import RawHTTP
import Testing

@testable import Collector

struct DrainTests {
    private let journal = Journal()
    private let opened: AsyncStream<Void>
    private let gate: AsyncStream<Void>.Continuation

    init() {
        (opened, gate) = AsyncStream<Void>.makeStream()
    }

    /// Answers once the gate is open.
    private var slow: Route {
        Route(.get, "/slow") { [journal, opened] _ in
            journal.write("begun")
            for await _ in opened {}
            journal.write("answered")
            return ServerResponse(.ok, body: .bytes(Array("done".utf8)))
        }
    }

    @Test func `a request that has begun is answered and a new one is not taken`() async throws {
        let collector = try await RunningCollector(web("a"), .probes(journal, ["a": [slow, echo]]))
        let begun = try await collector.connect()
        try begun.send("GET /slow HTTP/1.1\nHost: localhost\n\n")
        #expect(await eventually { journal.entries.contains("begun") })
        await collector.beginShutdown()
        #expect(await eventually { await isRefused(collector) })
        #expect(!journal.entries.contains("stop in"))
        gate.finish()
        #expect(try await begun.answer().body == "done")
        #expect(try await begun.rest().isEmpty)
        try await collector.end()
        #expect(journal.entries.suffix(3) == ["answered", "stop in", "stop out"])
    }

    @Test func `an idle connection does not hold up the end`() async throws {
        let collector = try await RunningCollector(web("a"), .probes(journal, ["a": [echo]]))
        let (used, fresh) = (try await collector.connect(), try await collector.connect())
        try used.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
        #expect(try await used.answer().body == "ok")
        try await collector.end()
        #expect(try await used.rest().isEmpty)
        #expect(try await fresh.rest().isEmpty)
    }

    @Test func `a client that never finishes its request is cut off`() async throws {
        let collector = try await RunningCollector(
            web("a"),
            .probes(journal, ["a": [echo]]),
            drainDeadline: .milliseconds(50)
        )
        let stuck = try await collector.connect()
        try stuck.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 20\n\nnot all")
        let other = try await collector.connect()
        try other.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
        #expect(try await other.answer().body == "ok")
        try await collector.end()
        #expect(journal.entries.suffix(2) == ["stop in", "stop out"])
    }

    private func isRefused(_ collector: RunningCollector) async -> Bool {
        do {
            let connection = try await collector.connect()
            try connection.send("POST /v1/echo HTTP/1.1\nHost: localhost\nContent-Length: 2\n\nok")
            return try await connection.answer().body != "ok"
        } catch {
            return true
        }
    }
}
