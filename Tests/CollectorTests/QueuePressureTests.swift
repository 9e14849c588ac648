// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import NIOCore
import OTLP
import RawHTTP
import Testing

@testable import Collector
@testable import HTTPServer

/// Queues and requests share one memory budget.
struct QueuePressureTests {
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
        // Small requests still fit: they may be for another exporter.
        let body = try OTLPEncoding.json.twoRecords(.logs)
        #expect(try await hub.post(.logs, body, OTLPEncoding.json.fields).status == 200)
        memory.unreserve(memory.mostWaiting)
        try await hub.end()
    }
}
