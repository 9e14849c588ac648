// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Files
import Foundation
import SendingQueue
import Testing

/// Queues of more files than a process may have open.
struct LongQueueTests {
    private let log = RecordedLog()
    private let home: TemporaryFolder
    private var folder: String { home.path }

    init() throws { home = try TemporaryFolder() }

    private func open(_ storage: any QueueStorage) throws -> SegmentLog {
        let queue = SegmentLog(folder: folder, storage: storage, segmentSize: 100, logger: log.logger)
        try queue.open()
        return queue
    }

    /// How many files of the queue this process has open.
    private var openFiles: Int {
        let descriptors = "/proc/self/fd"
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? []
        return numbers.count { number in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\(number)")
            return target?.hasPrefix(folder) == true
        }
    }

    @Test func `only files that are written or read are open`() throws {
        let queue = try open(DiskStorage())
        for number in 0..<60 { try queue.append([entry(number)]) }
        #expect(try DiskStorage().names(in: folder).count >= 20)
        #expect(openFiles == 1)
        queue.close()
        let again = try open(DiskStorage())
        #expect(openFiles == 0)
        let first = try #require(try again.take(SegmentLog.BatchLimit(bytes: 1)))
        #expect(openFiles == 1)
        #expect(first.requests.compactMap(number) == [0])
        again.close()
        let whole = try open(DiskStorage())
        #expect(try drain(whole) == Array(0..<60))
        whole.close()
        #expect(openFiles == 0)
        #expect(log.lines == [])
    }

    /// No descriptors left, no permission, no memory: none of these means that the file is damaged.
    @Test(arguments: [EMFILE, ENFILE, EACCES, ENOMEM])
    func `a file that cannot be opened now is not set aside, and the next start reads it`(reason: Int32) throws {
        let queue = try open(DiskStorage())
        for number in 0..<20 { try queue.append([entry(number)]) }
        queue.close()
        let names = try DiskStorage().names(in: folder)
        let poor = try open(PoorStorage(missing: names[1], reason: reason))
        try poor.append([entry(20)])
        let seen = try drain(poor)
        poor.close()
        #expect(seen.count < 21 && seen.last == 20)
        #expect(log.lines.count { $0.contains("cannot be read") } == 1)
        #expect(try DiskStorage().names(in: folder) == [names[1]])
        let whole = try open(DiskStorage())
        #expect(try (seen + drain(whole)).sorted() == Array(0...20))
        whole.close()
    }
}

/// A disk on which one file cannot be opened.
private struct PoorStorage: QueueStorage {
    let missing: String
    let reason: Int32
    private let disk = DiskStorage()

    init(missing: String, reason: Int32) { (self.missing, self.reason) = (missing, reason) }

    func open(_ path: String, creating: Bool) throws(FileError) -> any QueueFile {
        if path.hasSuffix("/" + missing) { throw FileError(number: reason, path: path) }
        return try disk.open(path, creating: creating)
    }

    func makeFolder(_ path: String) throws(FileError) { try disk.makeFolder(path) }
    func names(in folder: String) throws(FileError) -> [String] { try disk.names(in: folder) }
    func rename(_ path: String, to other: String) throws(FileError) { try disk.rename(path, to: other) }
    func remove(_ path: String) { disk.remove(path) }
    func syncFolder(_ path: String) throws(FileError) { try disk.syncFolder(path) }
    func lock(_ path: String) throws(FileError) -> any Sendable { try disk.lock(path) }
}
