// SPDX-License-Identifier: Apache-2.0

import CollectorKit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Changes of names, each on the disk when it returns.
enum Rename {
    /// Gives a file another name, in the place of what had it.
    static func file(_ path: String, to other: String) throws(StorageFailure) {
        guard rename(path, other) == 0 else { throw StorageFailure(number: errno, path: other) }
        try Folder.flush(of: other)
    }

    /// Cuts a file to a size.
    static func cut(_ path: String, to size: Int64) throws(StorageFailure) {
        let descriptor = try StorageFailure.opening(path, .updating)
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(size)) == 0, fsync(descriptor) == 0 else {
            throw StorageFailure(number: errno, path: path)
        }
    }

    /// Removes a file; one that is not there is removed.
    static func away(_ path: String) { unlink(path) }
}
