// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What distinguishes one file from another, and its size.
struct FileIdentity: Equatable {
    var device: UInt64
    var inode: UInt64
    var size: Int64

    static func of(_ path: String) -> FileIdentity? {
        var status = stat()
        return stat(path, &status) == 0 ? FileIdentity(status) : nil
    }

    static func of(descriptor: Int32) -> FileIdentity? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? FileIdentity(status) : nil
    }

    private init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(truncatingIfNeeded: status.st_ino)
        size = Int64(status.st_size)
    }
}

/// An open file for reading; closed with the last reference.
final class ReadableFile: Sendable {
    let descriptor: Int32
    let path: String
    private let error = Atomic<Int32>(0)

    /// Opens a file.
    ///
    /// - Throws: ``FileError``, ``FileError/isMissing`` when there is none.
    init(_ path: String) throws(FileError) {
        self.path = path
        descriptor = try OwnFile.open(path, .reading)
    }

    /// Opens a file if there is one.
    static func ifPresent(_ path: String) throws(FileError) -> ReadableFile? {
        do throws(FileError) {
            return try ReadableFile(path)
        } catch {
            guard error.isMissing else { throw error }
            return nil
        }
    }

    /// Throws what the system reported of a read; what was read then ends too early.
    func check() throws(FileError) {
        let number = error.load(ordering: .relaxed)
        if number != 0 { throw FileError(number: number, path: path) }
    }

    deinit { close(descriptor) }

    /// Fills a buffer from an offset on; how many bytes there were.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        var count = 0
        while count < buffer.count {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let step = pread(descriptor, part.baseAddress, part.count, off_t(offset) + off_t(count))
            if step == 0 { break }
            if step < 0, errno != EINTR {
                error.store(errno, ordering: .relaxed)
                break
            }
            count += max(0, step)
        }
        return count
    }

    /// A stretch of the file, shorter at its end.
    func bytes(at offset: Int64, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, filled in
            filled = read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
    }

    var size: Int64 { FileIdentity.of(descriptor: descriptor)?.size ?? 0 }
}
