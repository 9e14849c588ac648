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

/// A file on the disk; after ``releaseDescriptor()`` it is opened again when it is needed.
final class DiskFile: QueueFile {
    private let path: String
    private let opened: Mutex<DiskDescriptor?>

    init(_ path: String, creating: Bool) throws(FileError) {
        self.path = path
        opened = Mutex(try Self.open(path, creating: creating))
    }

    private static func open(_ path: String, creating: Bool) throws(FileError) -> DiskDescriptor {
        do throws(FileError) {
            return DiskDescriptor(try OwnFile.open(path, creating ? .making : .updating))
        } catch {
            guard !creating, error.kind == nil, [EACCES, EROFS].contains(error.number) else { throw error }
            return DiskDescriptor(try OwnFile.open(path, .reading))
        }
    }

    /// The file descriptor, which stays open as long as the caller holds it.
    private func descriptor() throws(FileError) -> DiskDescriptor {
        try opened.withLock { opened throws(FileError) in
            if let opened { return opened }
            let again = try Self.open(path, creating: false)
            opened = again
            return again
        }
    }

    func releaseDescriptor() { opened.withLock { $0 = nil } }

    var size: Int {
        guard let descriptor = try? descriptor() else { return 0 }
        var status = stat()
        return fstat(descriptor.number, &status) == 0 ? Int(status.st_size) : 0
    }

    func write(_ bytes: UnsafeRawBufferPointer, then more: UnsafeRawBufferPointer, at offset: Int)
        throws(FileError)
    {
        let descriptor = try descriptor()
        var written = 0
        if !more.isEmpty {
            let ranges = (Self.range(bytes), Self.range(more))
            let count = withUnsafeBytes(of: ranges) { ranges in
                pwritev(descriptor.number, ranges.assumingMemoryBound(to: iovec.self).baseAddress, 2, off_t(offset))
            }
            if count < 0, errno != EINTR { throw FileError(number: errno, path: path) }
            written = max(0, count)
        }
        try write(bytes.dropFirst(written), to: descriptor, at: offset + written)
        let rest = max(0, written - bytes.count)
        try write(more.dropFirst(rest), to: descriptor, at: offset + bytes.count + rest)
    }

    private static func range(_ bytes: UnsafeRawBufferPointer) -> iovec {
        iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }

    private func write(_ bytes: Slice<UnsafeRawBufferPointer>, to descriptor: DiskDescriptor, at offset: Int)
        throws(FileError)
    {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(written))
            let count = pwrite(descriptor.number, rest.baseAddress, rest.count, off_t(offset + written))
            if count < 0, errno != EINTR { throw FileError(number: errno, path: path) }
            written += max(0, count)
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
        let descriptor = try descriptor()
        var count = 0
        while count < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let step = pread(descriptor.number, rest.baseAddress, rest.count, off_t(offset + count))
            if step == 0 { break }
            if step < 0, errno != EINTR { throw FileError(number: errno, path: path) }
            count += max(0, step)
        }
        return count
    }

    func sync() throws(FileError) {
        let descriptor = try descriptor()
        #if canImport(Darwin)
        let status = fsync(descriptor.number)
        #else
        let status = fdatasync(descriptor.number)
        #endif
        guard status == 0 else { throw FileError(number: errno, path: path) }
        // A file that another program deleted or moved can still be flushed, but no later start would find it.
        var (written, found) = (stat(), stat())
        guard fstat(descriptor.number, &written) == 0, stat(path, &found) == 0, written.st_ino == found.st_ino,
            written.st_dev == found.st_dev
        else { throw FileError(number: ENOENT, path: path) }
    }

    func cut(to size: Int) throws(FileError) {
        let descriptor = try descriptor()
        guard ftruncate(descriptor.number, off_t(size)) == 0, fsync(descriptor.number) == 0 else {
            throw FileError(number: errno, path: path)
        }
    }
}

/// An open file descriptor, closed with the last reference.
final class DiskDescriptor: Sendable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }
}
