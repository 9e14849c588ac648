// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import OTLP
import SendingQueue
import Testing
import Usage

/// Queues that keep the newest entries in memory give the same results as if they read everything.
struct RecentEntriesTests {
    private static let mebibyte = 1 << 20

    private func open(_ storage: any QueueStorage, folder: String = "/queue") throws -> SegmentLog {
        let queue = SegmentLog(folder: folder, storage: storage, logger: RecordedLog().logger)
        try queue.open()
        return queue
    }

    /// A batch with a number and of a size.
    private func large(_ number: Int, _ size: Int) -> QueueEntry {
        let bytes = Array("batch-\(number)-".utf8) + [UInt8](repeating: UInt8(number % 251), count: size)
        return QueueEntry(signal: .traces, records: number + 1, time: time(number), bytes: bytes)
    }

    @Test func `entries without room in memory are read, in order, and so are those after them`() throws {
        let queue = try open(MemoryStorage())
        for number in 0..<9 { try queue.append([large(number, Self.mebibyte)]) }
        var seen: [QueueEntry] = []
        for next in 9..<30 {
            let range = try #require(try queue.take(SegmentLog.BatchLimit(bytes: 5 * Self.mebibyte / 2)))
            #expect(range.place.tally.batches == range.entries.count)
            #expect(try queue.read(range.place)?.entries == range.entries)
            seen += range.entries
            #expect(queue.waiting.batches == next - seen.count + range.entries.count)
            queue.acknowledge(range.place)
            if seen.count < next { #expect(queue.oldest == time(seen.count)) }
            try queue.append([large(next, next % 3 * Self.mebibyte / 2)])
        }
        while let range = try queue.take(SegmentLog.BatchLimit(bytes: .max)) {
            seen += range.entries
            queue.acknowledge(range.place)
        }
        #expect(seen.map(\.time) == (0..<30).map(time))
        #expect(seen.map(\.records) == Array(1...30))
        #expect(seen.allSatisfy { number($0.bytes) == $0.records - 1 })
        #expect(queue.waiting == QueueSize())
    }

    @Test func `the pieces of a range are its request`() throws {
        let storage = MemoryStorage()
        let queue = try open(storage)
        try queue.append((0..<5).map(entry))
        let taken = try #require(try queue.take(SegmentLog.BatchLimit(bytes: .max)))
        let read = try #require(try open(storage.afterCrash { $0 }).take(SegmentLog.BatchLimit(bytes: .max)))
        #expect(taken.request == (0..<5).flatMap { entry($0).bytes })
        #expect(Array(taken.pieces.joined()) == taken.request)
        #expect(read.request == taken.request)
        #expect(read.entries == taken.entries)
    }

    @Test func `large and small batches follow each other on the disk`() throws {
        let home = try TemporaryFolder()
        let folder = home.path + "/queue"
        let entries = [0, 20_000, 300_000, 5, 70_000, 0].enumerated().map { large($0, $1) }
        let queue = try open(DiskStorage(), folder: folder)
        try queue.append(entries)
        queue.close()
        let again = try open(DiskStorage(), folder: folder)
        #expect(try again.take(SegmentLog.BatchLimit(bytes: .max))?.entries == entries)
        again.close()
    }
}
