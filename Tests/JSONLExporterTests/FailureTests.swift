// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import OTLP
import StoreFixtures
import Synchronization
import Testing
import Usage

@testable import JSONLExporter

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Disks that are full, writes that stop half-way, files that others move.
struct FailureTests {
    /// What a disk does wrong, until it is mended.
    private final class Fault: Sendable {
        private let state = Mutex<(append: Int, flush: Int32, cut: Int32)>((0, 0, 0))

        func set(append: Int = 0, flush: Int32 = 0, cut: Int32 = 0) { state.withLock { $0 = (append, flush, cut) } }

        /// An `append` of n > 0 takes n bytes and then fails for want of room, one below 0 fails at once.
        var calls: StorageCalls {
            StorageCalls(
                append: { descriptor, bytes in
                    let append = self.state.withLock { state in
                        defer { if state.append > 0 { state.append = -Int(ENOSPC) } }
                        return state.append
                    }
                    if append < 0 { return append }
                    let part = append == 0 ? bytes : UnsafeRawBufferPointer(rebasing: bytes.prefix(append))
                    return StorageCalls.system.append(descriptor, part)
                },
                flush: { descriptor in
                    let failure = self.state.withLock(\.flush)
                    return failure == 0 ? StorageCalls.system.flush(descriptor) : failure
                },
                cut: { descriptor, size in
                    let failure = self.state.withLock(\.cut)
                    return failure == 0 ? StorageCalls.system.cut(descriptor, size) : failure
                }
            )
        }
    }

    @Test(arguments: [ENOSPC, EDQUOT, EIO, EROFS, EACCES, EFBIG])
    func `what cannot be written is refused for now and leaves no trace`(number: Int32) async throws {
        let (fault, batches) = (Fault(), try smallCorpus())
        let bench = try await Bench(calls: fault.calls)
        try await bench.consume([batches[0]])
        let (bytes, facts) = (bench.bytes(), try await Facts(bench.store))
        fault.set(append: -Int(number))
        let refusal = try #require(await bench.refusal(of: batches[1]))
        #expect(
            refusal.isRetryable && refusal.retryAfter > 0 && refusal.message.hasPrefix("the store cannot be written: ")
        )
        #expect(bench.bytes() == bytes)
        #expect(try await Facts(bench.store) == facts)
        fault.set()
        try await bench.consume(Array(batches[1...]))
        try await expectWhole(bench)
    }

    @Test(arguments: [1, 7, 100, 300], [false, true])
    func `half a line is taken back`(count: Int, cannotCut: Bool) async throws {
        let (fault, batches) = (Fault(), try smallCorpus())
        let bench = try await Bench(calls: fault.calls)
        try await bench.consume([batches[0]])
        let bytes = bench.bytes()
        fault.set(append: count, cut: cannotCut ? EIO : 0)
        #expect(await bench.refusal(of: batches[1])?.isRetryable == true)
        #expect(bench.bytes().count == bytes.count + (cannotCut ? count : 0))
        // As long as the half line stands there nothing is written behind it.
        fault.set(cut: cannotCut ? EIO : 0)
        #expect((await bench.refusal(of: batches[1]) != nil) == cannotCut)
        fault.set()
        try await bench.consume(Array(batches[1...]))
        #expect(bench.lines().allSatisfy { $0.hasPrefix("{\"version\":1,") && $0.hasSuffix("}") })
        try await expectWhole(bench)
    }

    @Test func `of a large batch for which there is room in part nothing stays`() async throws {
        let fault = Fault()
        let bench = try await Bench(calls: fault.calls)
        try await bench.consume([try smallCorpus()[0]])
        let bytes = bench.bytes()
        let large = try Batch(records: (0..<400).map { ("event-\($0)", "session-\($0 % 3)", morning + Double($0)) })
        // The beginning of the line finds room, its records do not.
        fault.set(append: 1 << 20)
        #expect(await bench.refusal(of: large)?.isRetryable == true)
        #expect(bench.bytes() == bytes)
        fault.set()
        try await bench.consume([large])
        let line = try #require(bench.lines().last)
        #expect(try OTLPBatch(signal: .logs, json: Array(line.utf8)).json() == large.otlp.json())
        let facts = try await Facts(bench.store)
        await bench.exporter.shutdown()
        bench.removeIndex()
        #expect(try await Facts(bench.again()) == facts)
    }

    @Test func `a write may take several steps`() async throws {
        let slow = StorageCalls(
            append: { StorageCalls.system.append($0, UnsafeRawBufferPointer(rebasing: $1.prefix(3))) },
            flush: StorageCalls.system.flush,
            cut: StorageCalls.system.cut
        )
        let bench = try await Bench(calls: slow)
        try await bench.consume(try smallCorpus())
        try await expectWhole(bench)
    }

    @Test func `what was not flushed is not acknowledged`() async throws {
        let (fault, batches) = (Fault(), try smallCorpus())
        let bench = try await Bench(calls: fault.calls)
        fault.set(flush: EIO)
        #expect(await bench.refusal(of: batches[0])?.isRetryable == true)
        #expect(bench.bytes() == [])
        fault.set()
        try await bench.consume(batches)
        try await expectWhole(bench)
    }

    @Test func `a full device refuses for now`() async throws {
        // What is to be appended goes to the device instead: its error is the system's own.
        let device = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(device) }
        var calls = StorageCalls.system
        calls.append = { _, bytes in StorageCalls.system.append(device, bytes) }
        let bench = try await Bench(calls: calls)
        let refusal = try #require(await bench.refusal(of: try smallCorpus()[0]))
        #expect(refusal.isRetryable && refusal.message.contains("the disk is full"))
        await bench.exporter.shutdown()
    }

    @Test(arguments: [false, true])
    func `a file that others move or remove is begun anew`(removes: Bool) async throws {
        let (bench, batches) = (try await Bench(), try smallCorpus())
        try await bench.consume([batches[0]])
        let first = bench.bytes()
        if removes { bench.remove("t.jsonl") } else { #expect(rename(bench.path, bench.path + ".1") == 0) }
        try await bench.consume([batches[1]])
        #expect(bench.lines().count == 1)
        #expect(removes || bench.bytes("t.jsonl.1") == first)
        #expect(try await bench.store.session(id: "a")?.calls.count == 2)
        // Both were acknowledged; the index keeps them, the lines have only what is there.
        await bench.exporter.shutdown()
        let again = try await bench.again()
        #expect(try await again.session(id: "a")?.calls.count == 2)
        await again.shutdown()
        bench.removeIndex()
        let plain = try await bench.again()
        #expect(try await plain.session(id: "a")?.calls.count == 1)
        await plain.shutdown()
    }

    @Test func `what others append is left alone`() async throws {
        let (bench, batches) = (try await Bench(), try smallCorpus())
        try await bench.consume([batches[0]])
        let first = bench.bytes()
        try bench.write(first + Array("half a li".utf8))
        try await bench.consume(Array(batches[1...]))
        #expect(bench.lines()[1] == "half a li")
        try await expectWhole(bench)
    }

    @Test func `two stores do not share a file`() async throws {
        let bench = try await Bench()
        let other = try Bench.makeExporter(bench.path)
        let failure = await #expect(throws: StartError.self) { try await other.start() }
        #expect(failure?.reason == .inputOutput)
        #expect(failure?.description.contains("is in use by another process") == true)
        await bench.exporter.shutdown()
        try await other.start()
        await other.shutdown()
    }

    @Test func `a place that cannot be used is told at the start`() async throws {
        let bench = try await Bench(start: false)
        try bench.write([], "file")
        let failure = await #expect(throws: StartError.self) {
            try await Bench.makeExporter(bench.folder.path + "/file/t.jsonl").start()
        }
        #expect(failure?.description.contains("/file") == true)
    }

    /// The store answers as if nothing had happened, now and after a restart from the lines alone.
    private func expectWhole(_ bench: Bench) async throws {
        let plain = try await Bench()
        try await plain.consume(try smallCorpus())
        let expected = try await Facts(plain.store)
        #expect(try await Facts(bench.store) == expected)
        await bench.exporter.shutdown()
        bench.removeIndex()
        #expect(try await Facts(bench.again()) == expected)
    }
}
