// SPDX-License-Identifier: Apache-2.0

import CollectorKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that is written from front to back and takes its place only when it is whole.
struct ReplacingFile: ~Copyable {
    private let descriptor: Int32
    private let path: String
    private(set) var size: Int64 = 0

    init(_ path: String) throws(StorageFailure) {
        descriptor = try StorageFailure.opening(path, .replacing)
        self.path = path
    }

    deinit { close(descriptor) }

    mutating func append(_ bytes: [UInt8]) throws(StorageFailure) {
        let failure = bytes.withUnsafeBytes { bytes -> Int32 in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = write(descriptor, part.baseAddress, part.count)
                if count < 0, errno != EINTR { return errno }
                rest = rest.dropFirst(max(0, count))
            }
            return 0
        }
        guard failure == 0 else { throw StorageFailure(number: failure, path: path) }
        size += Int64(bytes.count)
    }

    /// Puts the file on the disk.
    func flush() throws(StorageFailure) {
        guard fsync(descriptor) == 0 else { throw StorageFailure(number: errno, path: path) }
    }

    /// Puts the file on the disk and in the place of another.
    func take(placeOf other: String) throws(StorageFailure) {
        try flush()
        try Rename.file(path, to: other)
    }
}
