// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Files
import FlushCounter
import Foundation
import Glibc
import OTLP
import SendingQueue
import Testing
import Usage

/// What a queue acknowledges is on the disk, with its name.
struct DurableFileTests {
    private let home: TemporaryFolder
    private var folder: String { home.path }
    private let log = RecordedLog()

    init() throws {
        home = try TemporaryFolder()
    }

    @Test func `a flush is counted for the folder in which it happens`() throws {
        let (here, elsewhere) = (FlushCounter(below: folder), FlushCounter(below: NSTemporaryDirectory() + "/nowhere"))
        let file = open(folder + "/a", O_CREAT | O_RDWR, 0o600)
        #expect(fsync(file) == 0 && fdatasync(file) == 0)
        close(file)
        #expect(here.all == ["a": 2])
        #expect(elsewhere.all == [:])
    }

    @Test func `each name of a folder that is made is on the disk`() throws {
        let flushes = FlushCounter(below: folder)
        try DurableFolder.make(folder + "/a/b/c")
        #expect(flushes.all == ["/": 1, "a": 1, "a/b": 1])
        try DurableFolder.make(folder + "/a/b/c")
        #expect(flushes.all.count == 3)
        #expect(throws: FileError.self) { try DurableFolder.make("/proc/none/such") }
        #expect(
            ["/a/b", "a/b", "b", "/b", "/", ".", "a//", "/a/b/"].map(DurableFolder.containing) == [
                "/a", "a", ".", "/", "/", "..", ".", "/a",
            ]
        )
    }

    @Test func `each acknowledgement of a queue has flushed its segment, and each segment its folder`() throws {
        let flushes = FlushCounter(below: folder)
        let queue = SegmentLog(folder: folder + "/queue", storage: DiskStorage(), segmentSize: 300, logger: log.logger)
        try queue.open()
        for number in 0..<40 {
            try queue.append([entry(number)])
            #expect(flushes.count(".segment") >= number + 1)
        }
        let segments = flushes.all.keys.count { $0.hasSuffix(".segment") }
        #expect(segments > 5)
        #expect(flushes.all["queue", default: 0] >= segments)
        #expect(flushes.all["/"] == 1)
        queue.close()
    }

    @Test(arguments: [false, true])
    func `a queue acknowledges nothing into a file that is not under its name`(moves: Bool) throws {
        let path = folder + "/queue"
        let queue = SegmentLog(folder: path, storage: DiskStorage(), logger: log.logger)
        try queue.open()
        try queue.append([entry(1)])
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasSuffix(".segment") {
            let file = path + "/" + name
            if moves {
                try FileManager.default.moveItem(atPath: file, toPath: folder + "/elsewhere")
            } else {
                try FileManager.default.removeItem(atPath: file)
            }
        }
        let failure = #expect(throws: FileError.self) { try queue.append([entry(2)]) }
        #expect(failure?.number == ENOENT)
        // The next attempt begins a new file.
        try queue.append([entry(2)])
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: FileError.self) { try queue.append([entry(3)]) }
        #expect(throws: FileError.self) { try queue.append([entry(3)]) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try queue.append([entry(4)])
        queue.close()
        let again = SegmentLog(folder: path, storage: DiskStorage(), logger: log.logger)
        try again.open()
        #expect(again.waiting.batches == 1)
        again.close()
    }
}
