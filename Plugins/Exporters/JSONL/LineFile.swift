// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The file that lines are appended to, with the offset up to which it is known to be whole.
///
/// A write that fails or is cut short is taken back, so that what follows is never behind half a line. Used by one thread at a
/// time.
struct LineFile: ~Copyable {
    let path: String
    private let calls: StorageCalls
    private var descriptor: Int32 = -1
    private var identity: FileIdentity?
    /// Up to here the file is whole lines of ours.
    private(set) var offset: Int64 = 0
    /// How often a file was opened or found to be cut; another number means another file.
    private(set) var generation = 0
    /// Bytes beyond ``offset`` are what is left of a write that failed.
    private var mustCut = false
    /// How many bytes of lines that have begun were added behind ``offset``.
    private var unfinished: Int64 = 0
    private var isFolderStale = false

    init(path: String, calls: StorageCalls) {
        self.path = path
        self.calls = calls
    }

    deinit {
        if descriptor >= 0 { _ = Self.closing(descriptor) }
    }

    /// Appends whole lines and, if asked, puts them on the disk.
    ///
    /// - Returns: Where they begin.
    mutating func append(_ bytes: [UInt8], flush: Bool) throws(FileError) -> Int64 {
        let start = try begin()
        try finish(bytes, flush: flush)
        return start
    }

    /// Makes ready for lines that come in pieces: some ``add(_:)``, one ``finish(_:flush:)``; a failure takes back all of them.
    ///
    /// - Returns: Where they begin.
    mutating func begin() throws(FileError) -> Int64 {
        unfinished = 0
        try makeReady()
        return offset
    }

    /// Where the next piece will lie.
    var end: Int64 { offset + unfinished }

    /// Adds a piece of lines.
    mutating func add(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        let failure = writeAll(bytes)
        guard failure == 0 else { throw takeBack(failure) }
        unfinished += Int64(bytes.count)
    }

    /// Adds the last piece and, if asked, puts all of them on the disk.
    mutating func finish(_ bytes: [UInt8], flush: Bool) throws(FileError) {
        var failure = bytes.withUnsafeBytes { writeAll($0) }
        if failure == 0, flush { failure = flushAll() }
        guard failure == 0 else { throw takeBack(failure) }
        offset = end + Int64(bytes.count)
        unfinished = 0
    }

    private mutating func takeBack(_ failure: Int32) -> FileError {
        mustCut = calls.cut(descriptor, offset) != 0
        unfinished = 0
        return FileError(number: failure, path: path)
    }

    /// Takes back lines that were finished: those behind an offset.
    mutating func takeBack(to start: Int64) {
        guard descriptor >= 0, start < offset else { return }
        mustCut = calls.cut(descriptor, start) != 0
        offset = start
    }

    /// The hash of the last bytes, see ``Part/tail(of:before:)``.
    var tail: UInt64 {
        let descriptor = descriptor
        func bytes(_ offset: Int64, _ count: Int) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
            }
        }
        return Part.tail(of: bytes, before: offset) ?? 0
    }

    /// Puts everything that was appended on the disk.
    mutating func flush() throws(FileError) {
        guard descriptor >= 0 else { return }
        let failure = flushAll()
        guard failure == 0 else { throw FileError(number: failure, path: path) }
    }

    /// Closes the file; the next append opens what is then under the path.
    mutating func close() {
        if descriptor >= 0 { _ = Self.closing(descriptor) }
        descriptor = -1
        identity = nil
        mustCut = false
    }

    /// Opens the file if it is not, or if another one is under its path by now, and notices what others did to it.
    mutating func makeReady() throws(FileError) {
        let present = FileIdentity.of(path)
        if descriptor < 0 || present == nil || present?.inode != identity?.inode || present?.device != identity?.device
        {
            return try open()
        }
        guard let size = present?.size, size != offset else { return }
        if mustCut {
            let failure = calls.cut(descriptor, offset)
            guard failure == 0 else { throw FileError(number: failure, path: path) }
            mustCut = false
        } else {
            // Others have cut the file or appended to it. One that was cut is another file: some of what it held is gone.
            if size < offset { generation += 1 }
            try adopt(size)
        }
    }

    private mutating func open() throws(FileError) {
        close()
        let opened = try OwnFile.open(path, .appending)
        descriptor = opened
        generation += 1
        // Also of one that was there: the program that made it may have ended before it flushed the folder.
        isFolderStale = true
        identity = FileIdentity.of(descriptor: opened)
        try adopt(identity?.size ?? 0)
    }

    /// Goes on behind what is there; a last line without an end gets one.
    private mutating func adopt(_ size: Int64) throws(FileError) {
        offset = size
        var last: UInt8 = 0x0A
        guard size > 0, pread(descriptor, &last, 1, off_t(size - 1)) == 1, last != 0x0A else { return }
        let failure = [UInt8(0x0A)].withUnsafeBytes { writeAll($0) }
        guard failure == 0 else { throw FileError(number: failure, path: path) }
        offset += 1
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = calls.append(descriptor, UnsafeRawBufferPointer(rebasing: rest))
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count == 0 {
                return EIO
            } else if -count != Int(EINTR) {
                return Int32(truncatingIfNeeded: -count)
            }
        }
        return 0
    }

    /// A new file is only safe when its folder is, too.
    private mutating func flushAll() -> Int32 {
        let failure = calls.flush(descriptor)
        guard failure == 0, isFolderStale else { return failure }
        do throws(FileError) {
            try DurableFolder.flush(DurableFolder.containing(path))
        } catch {
            return error.number
        }
        isFolderStale = false
        return 0
    }

    /// Whether what was written is found under the path.
    var isInPlace: Bool {
        guard let present = FileIdentity.of(path), let identity else { return false }
        return present.inode == identity.inode && present.device == identity.device
    }

    private static func closing(_ descriptor: Int32) -> Int32 {
        #if canImport(Glibc)
        Glibc.close(descriptor)
        #elseif canImport(Musl)
        Musl.close(descriptor)
        #else
        Darwin.close(descriptor)
        #endif
    }
}
