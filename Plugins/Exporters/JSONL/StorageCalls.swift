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
