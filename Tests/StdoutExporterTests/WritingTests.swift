// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Logging
import OTLP
import Synchronization
import Testing
import Usage

@testable import StdoutExporter

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

@Suite struct WritingTests {
    @Test func `JSON is one object of OTLP for each batch`() async throws {
        let bench = try await Bench(.json)
        let whole = try batch(.logs, twoLogs)
        var half = whole
        half.otlp.overlay.drop(record: 1)
        _ = try await bench.lines(whole)
        let lines = try await bench.lines(half)
        try #require(lines.count == 2)
        let records = try lines.map { try OTLPBatch(signal: .logs, json: Array($0.utf8)).recordCount }
        #expect(records == [2, 1])
        #expect(lines[0].hasPrefix(#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name""#))
    }

    @Test func `a batch without records makes no JSON`() async throws {
        #expect(try await Bench(.json).lines(batch(.logs, #"{"resourceLogs":[{}]}"#)).isEmpty)
    }

    @Test(arguments: StdoutConfig.Format.allCases)
    func `each batch is written in one piece, however many come at once`(format: StdoutConfig.Format) async throws {
        let bench = try await Bench(format, .detailed)
        let batch = try batch(.logs, twoLogs)
        try await bench.exporter.consume(batch)
        let piece = try #require(bench.output.pieces.first)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...50 { group.addTask { try await bench.exporter.consume(batch) } }
            try await group.waitForAll()
        }
        #expect(bench.output.pieces == Array(repeating: piece, count: 51))
    }

    @Test func `a batch that cannot be written gets a retryable error`() async throws {
        let bench = try await Bench()
        let batch = try batch(.logs, twoLogs)
        bench.output.setBroken(true)
        let error = await #expect(throws: ConsumeError.self) { try await bench.exporter.consume(batch) }
        #expect(error?.isRetryable == true)
        bench.output.setBroken(false)
        try await bench.exporter.consume(batch)
        #expect(bench.output.pieces.count == 1)
    }

    @Test func `a reader that does not read holds up no thread that others need`() async throws {
        let (executor, reader) = (OneThread(), DispatchSemaphore(value: 0))
        let settings = ComponentSettings(
            id: try #require(ComponentID("stdout")),
            logger: Logger(label: "stdout") { _ in SwiftLogNoOpLogHandler() },
            home: "/nowhere",
            now: { Timestamp(nanoseconds: 0) }
        )
        let factory = ComponentFactory.stdout { _ in
            // A program that writes on the caller's thread would never end without this limit.
            if reader.wait(timeout: .now() + 20) == .timedOut { throw Output.Broken() }
        }
        let exporter = try factory.makeExporter(StdoutConfig(), settings)
        try await exporter.start()
        let batch = try batch(.logs, twoLogs)
        let writing = Task(executorPreference: executor) { try await exporter.consume(batch) }
        let reading = Task(executorPreference: executor) { _ = reader.signal() }
        await reading.value
        try await writing.value
    }

    @Test func `a pipe whose reader has gone is an error, not the end`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        let error = #expect(throws: WriteError.self) { try FileDescriptorWriter(descriptor: ends[1]).write([1, 2, 3]) }
        #expect(error?.errorNumber == EPIPE)
        #expect(error?.description == "the reader of the standard output has gone")
    }

    @Test func `a slow reader of a pipe that does not block gets everything`() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (input, output) = (ends[0], ends[1])
        defer { close(input) }
        try #require(fcntl(output, F_SETFL, O_NONBLOCK) == 0)
        let sent = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        // A thread of its own: the tasks of other tests may block all threads of the cooperative pool.
        let received = Mutex<[UInt8]>([])
        let done = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            var piece = [UInt8](repeating: 0, count: 10_000)
            while case let count = read(input, &piece, piece.count), count > 0 {
                received.withLock { $0 += piece.prefix(count) }
            }
            done.signal()
        }
        do {
            defer { close(output) }
            try FileDescriptorWriter(descriptor: output).write(sent)
        }
        done.wait()
        #expect(received.withLock { $0 } == sent)
    }

    @Test func `a descriptor that is not open is an error`() {
        #expect(throws: WriteError.self) { try FileDescriptorWriter(descriptor: -1).write([1]) }
    }

    @Test(arguments: [
        (Int64(0), "$0.00"), (1_000_000_000, "$1.00"), (1, "$0.000000001"), (12_345_000_000, "$12.345"),
        (-500_000_000, "-$0.50"),
    ])
    func `amounts are exact`(nanodollars: Int64, text: String) {
        #expect(CallText.dollars(Money(nanodollars: nanodollars)) == text)
    }
}

/// Runs all its tasks on one thread.
private final class OneThread: TaskExecutor {
    private let queue = DispatchQueue(label: "one")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
