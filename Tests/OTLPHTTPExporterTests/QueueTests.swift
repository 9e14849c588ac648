// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Files
import FlushCounter
import Foundation
import OTLP
import OTLPHTTPExporter
import SendingQueue
import SinkServer
import Synchronization
import Testing
import Usage

/// The queue while the destination does not accept requests.
struct QueueTests {
    @Test func `what waits at the end is on the disk, the log says so, and the next start sends it`() async throws {
        let down = Mutex(true)
        let sink = try await SinkServer.start { _ in SinkServer.Reply(down.withLock { $0 } ? 503 : 200) }
        let bench = Bench(sink.address)
        try await bench.start()
        for number in 0..<20 { try await bench.consume(try logs("a\(number)", 3)) }
        try await waitUntil { bench.trouble != nil }
        #expect(bench.status?.batches == 20)
        #expect(bench.status?.oldest != nil)
        #expect(bench.counters.value(.queuedBytes) == bench.status?.bytes)
        await bench.stop()
        #expect(bench.log.lines.contains { $0.contains("left in the queue") && $0.contains("60") })
        #expect(bench.counters.value(.sent) == 0)
        down.withLock { $0 = false }
        try await bench.start()
        try await waitUntil { bench.counters.value(.sent) == 60 }
        #expect(Set(try sink.requests.flatMap { try $0.texts() }).count == 60)
        try await waitUntil { bench.counters.value(.queuedBytes) == 0 }
        await bench.stop()
        await sink.stop()
    }

    @Test func `a shutdown sends what is there to a destination that takes it`() async throws {
        let sink = try await SinkServer.start()
        let bench = Bench(sink.address) { $0.sendingQueue.batch.flushTimeout = ConfigDuration(seconds: 3_600) }
        try await bench.start()
        for number in 0..<5 { try await bench.consume(try logs("a\(number)")) }
        #expect(sink.requests.isEmpty)
        await bench.stop()
        #expect(bench.counters.value(.sent) == 5)
        #expect(!bench.log.lines.contains { $0.contains("left in the queue") })
        await sink.stop()
    }

    @Test func `a full queue answers with a time to try again`() async throws {
        let sink = try await SinkServer.start { _ in SinkServer.Reply(503) }
        let bench = Bench(sink.address) { $0.sendingQueue.queueSize = SendingQueueConfig.Amount(count: 3) }
        try await bench.start()
        for number in 0..<3 { try await bench.consume(try logs("a\(number)")) }
        do {
            try await bench.consume(try logs("b"))
            Issue.record("it was taken")
        } catch let error as ConsumeError {
            #expect(error.isRetryable)
            #expect((1...30).contains(error.retryAfter))
            #expect(error.message.contains("is full"))
        }
        #expect(bench.counters.value(.dropped) == 0)
        await bench.stop()
        await sink.stop()
    }

    @Test func `a full disk refuses for now, says so once, and is used again as soon as it has room`() async throws {
        let sink = try await SinkServer.start { _ in SinkServer.Reply(503) }
        let storage = MemoryStorage(room: 300)
        let bench = Bench(sink.address, storage: storage)
        try await bench.start()
        try await bench.consume(try logs("first"))
        for number in 0..<5 {
            let error = await #expect(throws: ConsumeError.self) { try await bench.consume(try logs("a\(number)", 9)) }
            #expect(error?.isRetryable == true)
            #expect(error?.message.contains("the disk is full") == true)
        }
        #expect(bench.log.lines.filter { $0.contains("cannot be written") }.count == 1)
        #expect(bench.trouble?.contains("the disk is full") == true)
        storage.setRoom(100_000)
        try await bench.consume(try logs("b", 9))
        #expect(bench.log.lines.contains { $0.contains("can be written again") })
        sink.answer { _ in SinkServer.Reply(200) }
        try await waitUntil { bench.counters.value(.sent) == 10 }
        await bench.stop()
        await sink.stop()
    }

    @Test func `where that is wanted the oldest give way, and are counted`() async throws {
        let down = Mutex(true)
        let sink = try await SinkServer.start { _ in SinkServer.Reply(down.withLock { $0 } ? 503 : 200) }
        let bench = Bench(sink.address) {
            $0.sendingQueue.queueSize = SendingQueueConfig.Amount(count: 3)
            $0.sendingQueue.overflow = .dropOldest
            $0.sendingQueue.batch.flushTimeout = ConfigDuration(seconds: 3_600)
        }
        try await bench.start()
        for number in 0..<10 { try await bench.consume(try logs("a\(number)", 2)) }
        #expect(bench.counters.value(.dropped) == 14)
        down.withLock { $0 = false }
        await bench.stop()
        #expect(
            try sink.requests.flatMap { try $0.texts() }.sorted() == ["a7-0", "a7-1", "a8-0", "a8-1", "a9-0", "a9-1"]
        )
        await sink.stop()
    }

    @Test func `a slow destination does not delay another`() async throws {
        let slow = try await SinkServer.start { _ in SinkServer.Reply(200, delay: .seconds(600)) }
        let quick = try await SinkServer.start()
        let (first, second) = (Bench(slow.address) { $0.sendingQueue.numConsumers = 1 }, Bench(quick.address))
        try await first.start()
        try await second.start()
        for number in 0..<50 {
            let batch = try logs("a\(number)")
            try await first.consume(batch)
            try await second.consume(batch)
        }
        try await waitUntil { second.counters.value(.sent) == 50 }
        #expect(first.counters.value(.sent) == 0)
        #expect(first.status?.batches == 50)
        await slow.stop()
        await first.stop()
        await second.stop()
        await quick.stop()
    }

    @Test func `a single batch that is refused repeatedly does not block the others`() async throws {
        let sink = try await SinkServer.start { request in
            SinkServer.Reply(((try? request.texts()) ?? []).contains("poison-0") ? 503 : 200)
        }
        let bench = Bench(sink.address) { $0.sendingQueue.batch.maxSize = SendingQueueConfig.Amount(count: 1) }
        try await bench.start()
        try await bench.consume(try logs("poison"))
        for number in 0..<20 { try await bench.consume(try logs("a\(number)")) }
        try await waitUntil { bench.counters.value(.sent) == 20 && bench.status?.batches == 1 }
        await bench.stop()
        await sink.stop()
    }

    @Test func `a batch that has been tried for too long goes to the dead letters`() async throws {
        let sink = try await SinkServer.start { _ in SinkServer.Reply(503) }
        let bench = Bench(sink.address) {
            $0.retryOnFailure.maxElapsedTime = ConfigDuration(nanoseconds: 200_000_000)
        }
        try await bench.start()
        try await bench.consume(try logs("a", 4))
        try await waitUntil { bench.counters.value(.failed) == 4 }
        try await waitUntil { bench.status?.batches == 0 }
        let letters = try await bench.deadLetters()
        #expect(letters.map(\.records) == [4])
        #expect(letters[0].reason.hasPrefix("given up: the destination answered 503"))
        await sink.stop()
    }

    @Test func `what is acknowledged is on the disk, and so is a dead letter before its batch leaves the queue`()
        async throws
    {
        let sink = try await SinkServer.start { _ in SinkServer.Reply(403) }
        let bench = Bench(sink.address)
        try FileManager.default.createDirectory(atPath: bench.folder, withIntermediateDirectories: true)
        let flushes = FlushCounter(below: bench.folder)
        try await bench.start()
        for number in 1...5 {
            try await bench.consume(try logs("a\(number)"))
            let queued = flushes.all.reduce(0) { $1.key.contains("/logs/") ? $0 + $1.value : $0 }
            #expect(queued >= number)
        }
        try await waitUntil { bench.status?.batches == 0 }
        #expect(flushes.all.contains { $0.key.contains("/dead-letters/") && $0.key.hasSuffix(".segment") })
        #expect(try await bench.deadLetters().reduce(0) { $0 + $1.records } == 5)
        await sink.stop()
    }

    /// The host counts what an exporter refuses; counted by both it would count twice.
    @Test func `the exporter does not count refused records itself`() async throws {
        let bench = Bench("http://127.0.0.1:9") { $0.sendingQueue.queueSize = SendingQueueConfig.Amount(bytes: 4_096) }
        try await bench.start()
        let large = try logs(String(repeating: "x", count: 10_000), 10)
        let refusal = await #expect(throws: ConsumeError.self) { try await bench.consume(large) }
        #expect(refusal?.isRetryable == false)
        #expect(bench.counters.value(.refused) == 0 && bench.counters.value(.failed) == 0)
        #expect(bench.counters.value(.accepted) == 0)
        await bench.stop()
    }

    @Test func `dead letters that are put back are sent by the next start`() async throws {
        let isStrict = Mutex(true)
        let sink = try await SinkServer.start { _ in SinkServer.Reply(isStrict.withLock { $0 } ? 403 : 200) }
        let bench = Bench(sink.address)
        try await bench.start()
        try await bench.consume(try logs("a", 2))
        try await bench.consume(try logs("b", 3, signal: .traces))
        try await waitUntil { bench.counters.value(.failed) == 5 }
        let queue = try ForwardingQueue(id: "otlp_http/test", config: SendingQueueConfig(), home: bench.folder)
        do throws(FileError) {
            _ = try queue.replay(logger: bench.log.logger)
            Issue.record("it was put back beside a running exporter")
        } catch {
            #expect(error.isLocked)
        }
        await bench.stop()
        #expect(try queue.surveyDeadLetters().waiting.records == 5)
        #expect(try queue.replay(logger: bench.log.logger).records == 5)
        #expect(try queue.surveyDeadLetters().waiting.records == 0)
        #expect(try queue.survey(.traces).waiting.records == 3)
        #expect(try queue.batch(1, of: .logs)?.records == 2)
        isStrict.withLock { $0 = false }
        try await bench.start()
        try await waitUntil { bench.counters.value(.sent) == 5 }
        await bench.stop()
        await sink.stop()
    }

    @Test func `two exporters never share a folder`() async throws {
        let sink = try await SinkServer.start()
        let bench = Bench(sink.address)
        try await bench.start()
        let other = try bench.make()
        await #expect(throws: StartError.self) { try await other.start() }
        await other.shutdown()
        await bench.stop()
        await sink.stop()
    }

    @Test func `without a queue the sender gets the destination's answer`() async throws {
        let status = Mutex(200)
        let sink = try await SinkServer.start { _ in SinkServer.Reply(status.withLock { $0 }, [("Retry-After", "7")]) }
        let bench = Bench(sink.address) { $0.sendingQueue.enabled = false }
        try await bench.start()
        try await bench.consume(try logs("a"))
        #expect(bench.counters.value(.sent) == 1)
        status.withLock { $0 = 503 }
        let passing = await #expect(throws: ConsumeError.self) { try await bench.consume(try logs("b")) }
        #expect(passing?.isRetryable == true && passing?.retryAfter == 7)
        status.withLock { $0 = 400 }
        let lasting = await #expect(throws: ConsumeError.self) { try await bench.consume(try logs("c")) }
        #expect(lasting?.isRetryable == false)
        await bench.stop()
        await sink.stop()
    }

    @Test func `it keeps the contract of exporters`() async throws {
        let home = try TemporaryFolder()
        var config = OTLPHTTPConfig()
        config.endpoint = "http://127.0.0.1:9"
        let suite = ComponentConformance(.otlpHTTP(), config: config, home: home.path)
        #expect(await suite.violations() == [])
    }
}
