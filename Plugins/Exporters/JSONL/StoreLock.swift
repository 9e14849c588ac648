// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Keeps other processes from a store as long as it lives.
final class StoreLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Throws: ``StorageFailure`` with `EWOULDBLOCK` when another process has it.
    init(_ path: String) throws(StorageFailure) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StorageFailure(number: errno, path: path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StorageFailure(number: errno, path: path)
        }
    }

    deinit {
        // Not left to the closing: a program that is just being started by this one has the descriptor, too, for an instant.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

extension StorageFailure {
    /// A folder that cannot be made.
    static func ofFolder(_ path: String) -> StorageFailure { StorageFailure(number: EACCES, path: path) }

    /// Whether somebody else has the lock.
    var isLocked: Bool { number == EWOULDBLOCK }
}
