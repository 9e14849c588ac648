// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Locks a file against other processes as long as the object lives; the file itself stays.
///
/// The lock is that of `flock`: it ends with the process, even when that is killed. Safe to use from any thread.
public final class FileLock: Sendable {
    /// The open lock file, which may be read and written as long as the object lives.
    public let descriptor: Int32

    /// Takes the lock; a missing file is created for this user only.
    ///
    /// - Parameter waits: Whether to wait until another process releases the lock.
    /// - Throws: ``FileError``; its ``FileError/isLocked`` is true when another process holds the lock and this does not wait.
    public init(_ path: String, waits: Bool = false) throws(FileError) {
        descriptor = try OwnFile.open(path, .making)
        while flock(descriptor, waits ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            guard waits, number == EINTR else { throw FileError(number: number, path: path) }
        }
    }

    deinit {
        // Not left to closing: a child process that is being started holds the descriptor for an instant.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
