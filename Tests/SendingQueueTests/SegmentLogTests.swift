// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Files
import Foundation
import OTLP
import SendingQueue
import Testing
import Usage

struct SegmentLogTests {
    private static let folder = "/queue"

    private let log = RecordedLog()

    private func open(_ storage: any QueueStorage, segmentSize: Int = 4_096, folder: String = folder) throws
        -> SegmentLog
    {
        let queue = SegmentLog(folder: folder, storage: storage, segmentSize: segmentSize, logger: log.logger)
        try queue.open()
        return queue
    }

    @Test func `what was added comes back in order, once, and its files go when it is done with`() throws {
        let storage = MemoryStorage()
        let queue = try open(storage, segmentSize: 300)
        for number in 0..<40 { try queue.append([entry(number)]) }
        #expect(queue.waiting.batches == 40)
        #expect(queue.waiting.records == (0..<40).reduce(0) { $0 + $1 % 7 + 1 })
        #expect(queue.oldest == time(0))
        #expect(try storage.names(in: Self.folder).count > 5)
        var seen: [Int] = []
        while let range = try queue.take(SegmentLog.BatchLimit(bytes: 200)) {
            seen += range.requests.compactMap(number)
            queue.acknowledge(range.place)
        }
        #expect(seen == Array(0..<40))
        #expect(queue.waiting == QueueSize())
        queue.close()
        #expect(try storage.names(in: Self.folder) == [])
        #expect(log.lines == [])
    }

    @Test func `a portion is bounded by bytes and records, and one batch always fits`() throws {
        let queue = try open(MemoryStorage())
        for number in 0..<14 { try queue.append([entry(number)]) }
        let records = try #require(try queue.take(SegmentLog.BatchLimit(bytes: .max, records: 10)))
        #expect(records.place.tally.records == 10)
        let large = try #require(try queue.take(SegmentLog.BatchLimit(bytes: 1)))
        #expect(large.place.tally.batches == 1)
        #expect(large.request == large.requests[0])
        #expect(try queue.read(records.place)?.requests == records.requests)
    }

    @Test func `what was taken and not answered for comes again after a kill, nothing else`() throws {
        let storage = MemoryStorage()
        let queue = try open(storage)
        for number in 0..<10 { try queue.append([entry(number)]) }
        let one = SegmentLog.BatchLimit(bytes: 1)
        let taken = try (0..<6).map { _ in try #require(try queue.take(one)) }
        for index in [0, 1, 3, 5] { queue.acknowledge(taken[index].place) }
        let again = try open(storage.afterCrash { $0 })
        #expect(again.waiting.batches == 6)
        #expect(try drain(again) == [2, 4, 6, 7, 8, 9])
    }

    @Test func `the end of the last block may be missing at every byte`() throws {
        let (storage, path, start) = try prepared()
        let whole = try #require(storage.contents(of: path))
        for size in start...whole.count {
            let copy = storage.afterCrash()
            copy.put(Array(whole[..<size]), at: path)
            let queue = try open(copy)
            try queue.append([entry(99)])
            #expect(try drain(queue) == (size == whole.count ? [0, 1, 2, 3, 99] : [0, 1, 2, 99]), "\(size)")
        }
        #expect(log.lines.filter { $0.contains("torn end") }.count == whole.count - start - 1)
        #expect(Set(log.lines.map { $0.prefix(12) }).count == 1)
    }

    @Test func `every byte of the last block may be another`() throws {
        let (storage, path, start) = try prepared()
        let whole = try #require(storage.contents(of: path))
        for position in start..<whole.count {
            var flipped = whole
            flipped[position] ^= 1 << UInt8(position % 8)
            let copy = storage.afterCrash()
            copy.put(flipped, at: path)
            let before = log.lines.count
            let queue = try open(copy)
            #expect(try drain(queue) == [0, 1, 2], "\(position)")
            #expect(log.lines.count == before + 1)
        }
    }

    @Test func `every byte of the head of a segment may be another`() throws {
        let (storage, path, _) = try prepared()
        let whole = try #require(storage.contents(of: path))
        for position in 0..<48 {
            var flipped = whole
            flipped[position] ^= 0x10
            storage.put(flipped, at: path)
            #expect(try drain(try open(storage.afterCrash())) == [0, 1, 2, 3])
        }
    }

    @Test func `damage in the middle costs one batch, and the file is kept for inspection`() throws {
        let storage = MemoryStorage()
        let writer = try open(storage, segmentSize: 400)
        for number in 0..<20 { try writer.append([entry(number)]) }
        let first = try #require(try storage.names(in: Self.folder).first)
        var bytes = try #require(storage.contents(of: "\(Self.folder)/\(first)"))
        // The length of the second batch, so that only a search finds the third.
        let second = 48 + 40 + entry(0).bytes.count
        bytes[second + 4] ^= 0xff
        let copy = storage.afterCrash()
        copy.put(bytes, at: "\(Self.folder)/\(first)")
        let queue = try open(copy, segmentSize: 400)
        #expect(try drain(queue) == [0] + Array(2..<20))
        #expect(queue.waiting == QueueSize())
        queue.close()
        #expect(try copy.names(in: Self.folder) == [first + ".bad"])
        #expect(log.lines.contains { $0.contains("damaged") && $0.contains(first) })
    }

    @Test func `a file that is no segment is set aside and the start succeeds`() throws {
        let storage = MemoryStorage()
        storage.put(Array(repeating: 7, count: 5_000), at: "\(Self.folder)/000000000001.segment")
        storage.put([], at: "\(Self.folder)/000000000002.segment")
        storage.put([1, 2, 3], at: "\(Self.folder)/000000000003.done")
        let queue = try open(storage)
        try queue.append([entry(5)])
        #expect(try drain(queue) == [5])
        #expect(try storage.names(in: Self.folder).first == "000000000001.segment.bad")
    }

    @Test func `finished ranges apply only to the segment that they were written for`() throws {
        let storage = MemoryStorage()
        let queue = try open(storage)
        for number in 0..<3 { try queue.append([entry(number)]) }
        let range = try #require(try queue.take(SegmentLog.BatchLimit(bytes: 1)))
        queue.acknowledge(range.place)
        let note = try #require(storage.contents(of: "\(Self.folder)/000000000001.done"))
        let other = MemoryStorage()
        let unknownType = try open(other)
        for number in 0..<3 { try unknownType.append([entry(number)]) }
        let copy = other.afterCrash()
        copy.put(note, at: "\(Self.folder)/000000000001.done")
        #expect(try drain(try open(copy)) == [0, 1, 2])
    }

    @Test func `a full disk refuses, and room is used as soon as there is some`() throws {
        let storage = MemoryStorage(room: 500)
        let queue = try open(storage)
        var kept: [Int] = []
        for number in 0..<20 {
            do throws(FileError) {
                try queue.append([entry(number)])
                kept.append(number)
            } catch {
                #expect(error.isFull)
            }
        }
        #expect(kept.count > 1 && kept.count < 20)
        storage.setRoom(10_000)
        try queue.append([entry(50)])
        #expect(try drain(try open(storage.afterCrash { $0 })) == kept + [50])
        #expect(try drain(queue) == kept + [50])
    }

    @Test func `the oldest are given up first, and never what is being sent`() throws {
        let queue = try open(MemoryStorage())
        for number in 0..<10 { try queue.append([entry(number)]) }
        let taken = try #require(try queue.take(SegmentLog.BatchLimit(bytes: 1)))
        let dropped = try queue.dropOldest(bytes: 150)
        #expect(dropped.bytes >= 150)
        #expect(try queue.read(taken.place)?.requests.compactMap(number) == [0])
        #expect(try drain(queue) == Array((1 + dropped.batches)..<10))
    }

    @Test(arguments: 0..<120) func `nothing acknowledged is lost whatever happens when`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var storage = MemoryStorage(reusesFiles: seed % 2 == 0)
        var queue = try open(storage, segmentSize: 700)
        var (next, waiting, taken) = (0, Set<Int>(), [QueueRange]())
        for _ in 0..<200 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let count = Int.random(in: 1...4, using: &random)
                try queue.append((next..<next + count).map(entry))
                waiting.formUnion(next..<next + count)
                next += count
            case 4..<7:
                let portion = SegmentLog.BatchLimit(bytes: .random(in: 1...600, using: &random))
                if let range = try queue.take(portion) { taken.append(range) }
            case 7, 8:
                guard let index = taken.indices.randomElement(using: &random) else { continue }
                let range = taken.remove(at: index)
                queue.acknowledge(range.place)
                waiting.subtract(range.requests.compactMap(number))
            default:
                // Killed in the middle of a write: a part of an unacknowledged batch is in the file.
                let torn = [UInt8](repeating: 0x48, count: .random(in: 0...90, using: &random))
                let copy = storage.afterCrash { $0 }
                if let name = try copy.names(in: Self.folder).last(where: { $0.hasSuffix(".segment") }) {
                    let path = "\(Self.folder)/\(name)"
                    copy.put((copy.contents(of: path) ?? []) + torn, at: path)
                }
                storage = copy
                queue = try open(storage, segmentSize: 700)
                taken = []
                #expect(queue.waiting.batches == waiting.count)
            }
        }
        let rest = try drain(try open(storage.afterCrash { $0 }, segmentSize: 700))
        #expect(rest == waiting.sorted())
    }

    @Test func `on the disk: what one run has added another finds, and only one has the lock`() throws {
        let home = try TemporaryFolder()
        let folder = home.path + "/a/b"
        let storage = DiskStorage()
        do {
            let queue = try open(storage, segmentSize: 200, folder: folder)
            let lock = try storage.lock("\(folder)/lock")
            #expect(throws: FileError.self) { try storage.lock("\(folder)/lock") }
            for number in 0..<9 { try queue.append([entry(number), entry(number + 100)]) }
            withExtendedLifetime(lock) { queue.close() }
        }
        _ = try storage.lock("\(folder)/lock")
        let queue = try open(storage, segmentSize: 200, folder: folder)
        #expect(try drain(queue) == (0..<9).flatMap { [$0, $0 + 100] })
        queue.close()
        #expect(try storage.names(in: folder) == ["lock"])
    }

    /// Four batches in one segment: its storage and path, and the start of the last batch.
    private func prepared() throws -> (MemoryStorage, String, Int) {
        let storage = MemoryStorage()
        let queue = try open(storage)
        for number in 0..<4 { try queue.append([entry(number)]) }
        let path = "\(Self.folder)/000000000001.segment"
        let size = try #require(storage.contents(of: path)).count
        return (storage, path, size - entry(3).bytes.count - 40)
    }
}
