// SPDX-License-Identifier: Apache-2.0

import Files
import FlushCounter
import FoundationEssentials
import Glibc
import Testing

/// Files that are replaced in one step, and locks.
struct FileReplacementTests {
    private let folder: String
    private var path: String { folder + "/file" }

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/replaced-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func finish() { try? FileManager.default.removeItem(atPath: folder) }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    }

    @Test func `the bytes are flushed, and then the folder of their name`() throws {
        defer { finish() }
        let flushes = FlushCounter(below: folder)
        try FileReplacement.replace(path, with: [1])
        try FileReplacement.replace(path, with: [2, 3])
        #expect(try OwnFile.content(path, largest: 9) == [2, 3])
        #expect(try names == ["file"])
        #expect(flushes.count(".new") == 2)
        #expect(flushes.all["/"] == 2)
    }

    @Test func `a draft that is not put in place is removed, and the file is as it was`() throws {
        defer { finish() }
        try FileReplacement.replace(path, with: [1])
        do {
            var draft = try FileReplacement(of: path)
            try draft.append([UInt8](repeating: 7, count: 100_000))
            #expect(draft.size == 100_000 && !draft.isInPlace)
            #expect(try names == ["file", "file.new"])
        }
        #expect(try names == ["file"])
        #expect(try OwnFile.content(path, largest: 9) == [1])
    }

    @Test func `a draft of an earlier run is overwritten, and one that is not a file is refused`() throws {
        defer { finish() }
        try FileReplacement.replace(path + ".new", with: [UInt8](repeating: 9, count: 50))
        try FileReplacement.replace(path, with: [1])
        #expect(try OwnFile.content(path, largest: 9) == [1])
        #expect(symlink("/dev/null", path + ".new") == 0)
        #expect { try FileReplacement.replace(path, with: [2]) } throws: { ($0 as? FileError)?.kind == .link }
        #expect(try OwnFile.content(path, largest: 9) == [1])
    }

    @Test func `permissions are given before the name is`() throws {
        defer { finish() }
        var file = try FileReplacement(of: path)
        try file.take(mode: 0o644)
        try file.commit()
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o644)
    }

    @Test func `of several that make a file at once one does, and the others see that it is there`() throws {
        defer { finish() }
        var first = try FileReplacement(of: path, draft: path + ".1")
        var second = try FileReplacement(of: path, draft: path + ".2")
        try first.append([1])
        try second.append([2])
        #expect(try second.commitNew())
        #expect(try !first.commitNew())
        #expect(try OwnFile.content(path, largest: 9) == [2])
    }

    @Test func `a new name and a new size are on the disk`() throws {
        defer { finish() }
        try FileReplacement.replace(path, with: [1, 2, 3])
        let flushes = FlushCounter(below: folder)
        try OwnFile.move(path, to: path + ".old")
        #expect(flushes.all == ["/": 1])
        try OwnFile.cut(path + ".old", to: 2)
        #expect(flushes.all == ["/": 1, "file.old": 1])
        #expect(try OwnFile.content(path + ".old", largest: 9) == [1, 2])
    }

    @Test func `a lock has one holder until it is released`() throws {
        defer { finish() }
        var lock: FileLock? = try FileLock(path)
        #expect { _ = try FileLock(path) } throws: { ($0 as? FileError)?.isLocked == true }
        withExtendedLifetime(lock) {}
        lock = nil
        _ = try FileLock(path, waits: true)
    }
}
