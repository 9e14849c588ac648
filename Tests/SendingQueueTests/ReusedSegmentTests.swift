// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Files
import Foundation
import SendingQueue
import Synchronization
import Testing

/// Segments whose file was another segment before.
struct ReusedSegmentTests {
    private static let folder = "/queue"
    private static let segmentSize = 600

    private let log = RecordedLog()

    private func open(_ storage: any QueueStorage, folder: String = folder) throws -> SegmentLog {
        let queue = SegmentLog(
            folder: folder,
            storage: storage,
            segmentSize: Self.segmentSize,
            logger: log.logger
        )
        try queue.open()
        return queue
    }

    /// A queue whose segment overwrites an earlier one, with three waiting batches.
    private func prepared() throws -> (storage: MemoryStorage, path: String, bytes: [UInt8]) {
        let storage = MemoryStorage(reusesFiles: true)
        let queue = try open(storage)
        var number = 100
        // The third segment is the first that can reuse a file.
        while try !storage.names(in: Self.folder).contains("000000000003.segment") {
            try queue.append([entry(number)])
            _ = try drain(queue)
            number += 1
        }
        for number in 0..<3 { try queue.append([entry(number)]) }
        let name = try #require(try storage.names(in: Self.folder).last { $0.hasSuffix(".segment") })
        let path = "\(Self.folder)/\(name)"
        return (storage, path, try #require(storage.contents(of: path)))
    }

    @Test func `a finished file becomes the next segment, and is removed with the queue`() throws {
        let (storage, path, bytes) = try prepared()
        #expect(bytes.count >= Self.segmentSize)
        let again = storage.afterCrash { $0 }
        let queue = try open(again)
        #expect(again.contents(of: path).map { $0.count < Self.segmentSize } == true)
        #expect(try drain(queue) == [0, 1, 2])
        queue.close()
        #expect(try again.names(in: Self.folder) == [])
        #expect(log.lines == [])
    }

    @Test func `whatever was being written over the old bytes, what was acknowledged is there and nothing old returns`()
        throws
    {
        let (storage, path, bytes) = try prepared()
        let end = try #require(bytes.firstRange(of: Array("batch-2-".utf8))).upperBound + 2
        for torn in 0...90 {
            let copy = storage.afterCrash { $0 }
            var damaged = bytes
            for position in end..<min(bytes.count, end + torn) { damaged[position] = UInt8(position * 7 % 251) }
            copy.put(damaged, at: path)
            #expect(try drain(try open(copy)) == [0, 1, 2], "\(torn)")
        }
    }

    @Test func `a survey finds exactly what waits`() throws {
        let (storage, _, _) = try prepared()
        let survey = try QueueSurvey(folder: Self.folder, storage: storage)
        #expect(survey.waiting.batches == 3)
        #expect(survey.damagedFiles == [])
    }

    @Test(arguments: 0...600) func `a power cut at any write of a queue that reuses files loses nothing`(cut: Int)
        throws
    {
        let storage = CutStorage(after: cut)
        var acknowledged: [Int] = []
        var done: Set<Int> = []
        do throws(FileError) {
            let queue = SegmentLog(
                folder: Self.folder,
                storage: storage,
                segmentSize: Self.segmentSize,
                logger: log.logger
            )
            try queue.open()
            for number in 0..<60 {
                try queue.append([entry(number)])
                acknowledged.append(number)
                guard number % 3 == 2 else { continue }
                while let range = try queue.take(SegmentLog.BatchLimit(bytes: 100)) {
                    done.formUnion(range.requests.compactMap { SendingQueueTests.number($0) })
                    queue.acknowledge(range.place)
                }
            }
        } catch {
            #expect(storage.isCut)
        }
        for keeping in [0, 1, 40, 47, .max] {
            let after = storage.disk.afterCrash { min($0, keeping) }
            let found = try drain(try open(after))
            #expect(Set(found).isSuperset(of: Set(acknowledged).subtracting(done)), "\(keeping)")
            #expect(found == found.sorted() && Set(found).count == found.count, "\(keeping)")
        }
    }

    @Test func `on the disk a queue that is drained has one spare file at most, and none when it is closed`() throws {
        let home = try TemporaryFolder()
        let folder = home.path + "/queue"
        let queue = try open(DiskStorage(), folder: folder)
        var seen: [Int] = []
        for number in 0..<50 {
            try queue.append([entry(number), entry(number + 100)])
            seen += try drain(queue)
            #expect(try DiskStorage().names(in: folder).count <= 3)
        }
        #expect(seen == (0..<50).flatMap { [$0, $0 + 100] })
        for number in 0..<9 { try queue.append([entry(number)]) }
        queue.close()
        #expect(try !DiskStorage().names(in: folder).contains("spare"))
        let again = try open(DiskStorage(), folder: folder)
        #expect(try drain(again) == Array(0..<9))
        again.close()
        #expect(try DiskStorage().names(in: folder) == [])
        #expect(log.lines == [])
    }
}

/// A disk whose power is cut after a number of writes, flushes and renamings.
private final class CutStorage: QueueStorage {
    let disk = MemoryStorage(reusesFiles: true)
    let power: Power

    var reusesFiles: Bool { true }
    var isCut: Bool { power.isCut }

    init(after steps: Int) { power = Power(steps: steps) }

    func makeFolder(_ path: String) throws(FileError) {}
    func names(in folder: String) throws(FileError) -> [String] { try disk.names(in: folder) }
    func open(_ path: String, creating: Bool) throws(FileError) -> any QueueFile {
        try power.use()
        return CutFile(file: try disk.open(path, creating: creating), power: power)
    }
    func rename(_ path: String, to other: String) throws(FileError) {
        try power.use()
        try disk.rename(path, to: other)
    }
    func remove(_ path: String) { if (try? power.use()) != nil { disk.remove(path) } }
    func syncFolder(_ path: String) throws(FileError) { try power.use() }
    func lock(_ path: String) throws(FileError) -> any Sendable { try disk.lock(path) }
}

private final class Power: Sendable {
    private let steps: Mutex<Int>

    init(steps: Int) { self.steps = Mutex(steps) }

    var isCut: Bool { steps.withLock { $0 < 0 } }

    func use() throws(FileError) {
        let isCut = steps.withLock { steps in
            steps -= 1
            return steps < 0
        }
        if isCut { throw FileError(number: 5, path: "cut") }
    }
}

private final class CutFile: QueueFile {
    let file: any QueueFile
    let power: Power

    init(file: any QueueFile, power: Power) { (self.file, self.power) = (file, power) }

    var size: Int { file.size }
    func write(_ bytes: UnsafeRawBufferPointer, then more: UnsafeRawBufferPointer, at offset: Int)
        throws(FileError)
    {
        try power.use()
        try file.write(bytes, then: more, at: offset)
    }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
        try file.read(into: buffer, at: offset)
    }
    func sync() throws(FileError) {
        try power.use()
        try file.sync()
    }
    func cut(to size: Int) throws(FileError) {
        try power.use()
        try file.cut(to: size)
    }
}
