// SPDX-License-Identifier: Apache-2.0

import CollectorKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What tells one file from another, and its size.
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

/// Opens files for this user only; descriptors are not handed to child processes.
enum DescriptorFlags {
    static func appending(_ path: String) -> Int32 { open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o600) }
    static func replacing(_ path: String) -> Int32 { open(path, O_RDWR | O_TRUNC | O_CREAT | O_CLOEXEC, 0o600) }
    static func reading(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }
}

/// What has to be done to the folder of a file.
enum Folder {
    /// Puts the names in the folder of a file on the disk.
    static func flush(of path: String) throws(StorageFailure) {
        do throws(QueueStorageError) {
            try DurableFolder.flush(containing(path))
        } catch {
            throw StorageFailure(number: error.number, path: error.path)
        }
    }

    /// The folder of a file.
    static func containing(_ path: String) -> String { DurableFolder.containing(path) }

    /// The last part of a path.
    static func name(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}

/// An open file for reading; closed with the last reference.
final class ReadableFile: Sendable {
    let descriptor: Int32

    init?(_ path: String) {
        descriptor = DescriptorFlags.reading(path)
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// Fills a buffer from an offset on; how many bytes there were.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        var count = 0
        while count < buffer.count {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let step = pread(descriptor, part.baseAddress, part.count, off_t(offset) + off_t(count))
            if step == 0 || (step < 0 && errno != EINTR) { break }
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
