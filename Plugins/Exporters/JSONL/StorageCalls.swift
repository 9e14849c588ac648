// SPDX-License-Identifier: Apache-2.0

import CollectorKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The calls of the system that can fail for want of room or rights while batches come in, so that tests can let them fail.
struct StorageCalls: Sendable {
    /// Appends some of the bytes to a file; how many, or the negative number of the error.
    var append: @Sendable (Int32, UnsafeRawBufferPointer) -> Int
    /// Puts everything that was written on the disk; the number of the error, 0 for none.
    var flush: @Sendable (Int32) -> Int32
    /// Cuts a file to a size; the number of the error, 0 for none.
    var cut: @Sendable (Int32, Int64) -> Int32
    /// How many bytes a megabyte has when files are rotated; fewer in tests.
    var megabyte: Int64 = 1_000_000

    /// The calls themselves.
    static let system = StorageCalls(
        append: { descriptor, bytes in
            let count = write(descriptor, bytes.baseAddress, bytes.count)
            return count < 0 ? -Int(errno) : count
        },
        flush: { descriptor in
            #if canImport(Darwin)
            return fsync(descriptor) == 0 ? 0 : errno
            #else
            return fdatasync(descriptor) == 0 ? 0 : errno
            #endif
        },
        cut: { descriptor, size in ftruncate(descriptor, off_t(size)) == 0 ? 0 : errno }
    )
}

/// Why a file cannot be read or written.
struct StorageFailure: Error, CustomStringConvertible {
    /// The system's number of the error.
    let number: Int32
    /// The file.
    let path: String
    /// What is there where a regular file should be; nil where that is not the reason.
    let kind: OwnFile.Kind?

    init(number: Int32, path: String) {
        (self.number, self.path, kind) = (number, path, nil)
    }

    init(_ error: QueueStorageError) {
        (number, path, kind) = (error.number, error.path, error.kind)
    }

    /// Whether there is no such file.
    var isMissing: Bool { kind == nil && number == ENOENT }

    /// Why, without the path.
    var reason: String {
        if let kind { return "it is \(kind.rawValue), not a file of this program; remove it or name another path" }
        return switch number {
        case ENOSPC, EDQUOT: "the disk is full; free some space"
        case EACCES, EPERM: "it may not be written; check the rights of the file and its folder"
        case EROFS: "the file system is read-only; mount it for writing"
        case ENOENT: "its folder is missing; make it again"
        case EIO: "the disk reports an error; check it"
        case EFBIG: "the file has reached the largest size allowed; set rotation.max_megabytes"
        case ENOTDIR, EISDIR: "it is a folder or lies below a file; name another path"
        default: String(cString: strerror(number))
        }
    }

    var description: String { "\(path): \(reason)" }

    /// Whether the rights are missing.
    var isPermission: Bool { [EACCES, EPERM, EROFS].contains(number) }
}
