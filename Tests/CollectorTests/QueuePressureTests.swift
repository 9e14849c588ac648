// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import NIOCore
import OTLP
import Testing

@testable import Collector
@testable import HTTPServer

/// Queues and requests share one memory.
struct QueuePressureTests {
    @Test func `what waits has three quarters of the memory at most, the rest is for requests`() {
        let budget = MemoryBudget(limit: 100)
        #expect(budget.mostWaiting == 75)
        #expect(budget.reserve(75, beside: 0))
        #expect(!budget.mayWait(1, beside: 0) && !budget.reserve(1, beside: 0))
        #expect(budget.usedBytes == 75)
        #expect(budget.take(25))
        #expect(!budget.take(1))
        budget.unreserve(10)
        // What a request has brought in waits before the request has given it back.
        #expect(budget.reserve(10, beside: 0))
        #expect(budget.usedBytes == 100)
        budget.release(25)
        budget.unreserve(75)
        #expect(budget.usedBytes == 0)
        #expect(budget.mayWait(75, beside: 0))
    }

    @Test func `queues that do not move leave room for the others`() {
        let budget = MemoryBudget(limit: 4_000)
        var queues = [Int](repeating: 0, count: 5)
        for queue in queues.indices {
            while budget.reserve(1, beside: queues[queue]) { queues[queue] += 1 }
            #expect(queues[queue] > 0)
        }
        #expect(queues[0] == 2_000)
        #expect(queues.reduce(0, +) < budget.mostWaiting)
        // The next one finds room, too.
        #expect(budget.mayWait(1, beside: 0))
    }

    @Test func `what is being sent is counted and never refused`() {
        let budget = MemoryBudget(limit: 100)
        #expect(budget.reserve(75, beside: 0))
        budget.charge(50)
        #expect(budget.usedBytes == 125)
        #expect(!budget.take(1))
        budget.discharge(50)
        #expect(budget.take(25))
    }

    @Test func `a smaller limit is in force for what waits, too`() {
        let budget = MemoryBudget(limit: 1_000)
        #expect(budget.reserve(500, beside: 0))
        budget.limit = 400
        #expect(!budget.reserve(1, beside: 0))
        budget.unreserve(500)
        #expect(budget.reserve(200, beside: 0))
    }

    @Test func `queues that fill the memory put requests off before their body is read`() async throws {
        let hub = try await OTLPHub(service: "  memory_limit: 1MiB")
        let memory = hub.collector.collector.state.memory
        #expect(memory.reserve(memory.mostWaiting, beside: 0))
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
