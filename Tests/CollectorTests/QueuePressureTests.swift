// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import NIOCore
import OTLP
import Testing

@testable import Collector

/// Queues and requests share one memory.
struct QueuePressureTests {
    @Test func `what waits has three quarters of the memory, the rest is for requests`() {
        let budget = MemoryBudget(limit: 100)
        #expect(budget.mostWaiting == 75)
        #expect(budget.reserve(70))
        #expect(budget.mayWait(5) && !budget.mayWait(6))
        #expect(!budget.reserve(6))
        #expect(budget.usedBytes == 70)
        #expect(budget.take(30))
        #expect(!budget.take(1))
        // What a request has brought in waits before the request has given it back.
        #expect(budget.reserve(5))
        #expect(budget.usedBytes == 105)
        budget.release(30)
        budget.unreserve(75)
        #expect(budget.usedBytes == 0)
        #expect(budget.mayWait(75))
    }

    @Test func `what is being sent is counted and never refused`() {
        let budget = MemoryBudget(limit: 100)
        #expect(budget.reserve(75))
        budget.charge(50)
        #expect(budget.usedBytes == 125)
        #expect(!budget.take(1))
        budget.discharge(50)
        #expect(budget.take(25))
    }

    @Test func `a smaller limit is in force for what waits, too`() {
        let budget = MemoryBudget(limit: 1_000)
        #expect(budget.reserve(500))
        budget.limit = 400
        #expect(!budget.reserve(1))
        budget.unreserve(500)
        #expect(budget.reserve(300))
    }

    @Test func `queues that fill the memory put requests off before their body is read`() async throws {
        let hub = try await OTLPHub(service: "  memory_limit: 1MiB")
        let memory = hub.collector.collector.state.memory
        #expect(memory.reserve(memory.mostWaiting))
        let connection = try await hub.collector.connect()
        try connection.send(
            "POST /v1/logs HTTP/1.1\nHost: localhost\nContent-Type: application/json\nContent-Length: 600000\n\n"
        )
        let putOff = try await connection.answer()
        #expect(putOff.status == 503)
        #expect(putOff.fields["retry-after"] == "1")
        // Small requests find room: they may be for another exporter.
        let body = try Encoding.json.twoRecords(.logs)
        #expect(try await hub.post(.logs, body, Encoding.json.fields).status == 200)
        memory.unreserve(memory.mostWaiting)
        try await hub.end()
    }
}
