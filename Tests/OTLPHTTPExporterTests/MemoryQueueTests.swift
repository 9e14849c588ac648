// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import SendingQueue
import SinkServer
import Synchronization
import Testing

@testable import OTLPHTTPExporter

/// Queues in memory use the collector's memory budget of requests and queues.
struct MemoryQueueTests {
    @Test func `a queue in memory refuses when the collector's memory is used up, and takes again when it is not`()
        async throws
    {
        let down = Mutex(true)
        let sink = try await SinkServer.start { _ in SinkServer.Reply(down.withLock { $0 } ? 503 : 200) }
        let pool = Pool(limit: 1_000)
        let bench = Bench(sink.address, memory: pool) { $0.sendingQueue.storage = "memory" }
        try await bench.start()
        var kept = 0
        var refusal: ConsumeError?
        while refusal == nil, kept < 100 {
            do {
                try await bench.consume(try logs("a\(kept)"))
                kept += 1
            } catch let error as ConsumeError {
                refusal = error
            }
        }
        let error = try #require(refusal)
        #expect(error.isRetryable && (1...30).contains(error.retryAfter))
        #expect(error.message.contains("is full"))
        #expect((5..<100).contains(kept))
        #expect(pool.waiting == bench.status?.bytes)
        #expect(bench.log.lines.count { $0.contains("the queue is full") } == 1)
        down.withLock { $0 = false }
        try await waitUntil { bench.counters.value(.sent) == kept }
        try await waitUntil { pool.waiting == 0 && pool.charged == 0 }
        try await bench.consume(try logs("b"))
        await bench.stop()
        #expect(pool.waiting == 0 && pool.charged == 0)
        await sink.stop()
    }

    @Test func `a batch that can never wait is refused for good`() async throws {
        let sink = try await SinkServer.start()
        let bench = Bench(sink.address, memory: Pool(limit: 1_000)) { $0.sendingQueue.storage = "memory" }
        try await bench.start()
        let error = await #expect(throws: ConsumeError.self) { try await bench.consume(try logs("a", 100)) }
        #expect(error?.isRetryable == false)
        #expect(error?.message.contains("service.memory_limit") == true)
        await bench.stop()
        await sink.stop()
    }

    @Test func `where that is wanted the oldest make room in the memory, too`() async throws {
        let sink = try await SinkServer.start { _ in SinkServer.Reply(503) }
        let pool = Pool(limit: 1_000)
        let bench = Bench(sink.address, memory: pool) {
            $0.sendingQueue.storage = "memory"
            $0.sendingQueue.overflow = .dropOldest
            $0.sendingQueue.batch.flushTimeout = ConfigDuration(seconds: 3_600)
        }
        try await bench.start()
        for number in 0..<50 { try await bench.consume(try logs("a\(number)")) }
        #expect(pool.waiting <= 1_000)
        #expect(pool.waiting == bench.status?.bytes)
        #expect(bench.counters.value(.dropped) == 50 - (bench.status?.batches ?? 0))
        await bench.stop()
        #expect(pool.waiting == 0)
        await sink.stop()
    }

    @Test func `a queue on the disk takes memory only for what is being sent`() async throws {
        let sink = try await SinkServer.start { _ in SinkServer.Reply(200, delay: .milliseconds(300)) }
        let pool = Pool(limit: 1)
        let bench = Bench(sink.address, memory: pool)
        try await bench.start()
        for number in 0..<9 { try await bench.consume(try logs("a\(number)", 9)) }
        try await waitUntil { pool.charged > 0 }
        #expect(pool.waiting == 0)
        try await waitUntil { bench.counters.value(.sent) == 81 }
        try await waitUntil { pool.charged == 0 }
        await bench.stop()
        await sink.stop()
    }
}

/// A memory budget that limits only waiting bytes.
final class Pool: MemoryPool {
    private let state = Mutex((waiting: 0, charged: 0))
    let mostWaiting: Int

    init(limit: Int) { mostWaiting = limit }

    var waiting: Int { state.withLock { $0.waiting } }
    var charged: Int { state.withLock { $0.charged } }

    func mayWait(_ bytes: Int, beside own: Int) -> Bool { state.withLock { $0.waiting + bytes <= mostWaiting } }

    func reserve(_ bytes: Int, beside own: Int) -> Bool {
        state.withLock { state in
            guard state.waiting + bytes <= mostWaiting else { return false }
            state.waiting += bytes
            return true
        }
    }

    func unreserve(_ bytes: Int) { state.withLock { $0.waiting -= bytes } }
    func charge(_ bytes: Int) { state.withLock { $0.charged += bytes } }
    func discharge(_ bytes: Int) { state.withLock { $0.charged -= bytes } }
}
