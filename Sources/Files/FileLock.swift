// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Keeps other processes from what a file stands for, as long as it lives; the file itself stays.
///
/// The lock is `flock`'s: it goes with the process, also when that is killed. Safe to use from any thread.
public final class FileLock: Sendable {
    /// The open file of the lock, which may be read and written as long as this lives.
    public let descriptor: Int32

    /// Takes the lock, for this user only; the file is made if it is missing.
    ///
    /// - Parameter waits: Whether to wait for another process to give the lock back.
    /// - Throws: ``FileError``; ``FileError/isLocked`` when another process has the lock and this does not wait.
    public init(_ path: String, waits: Bool = false) throws(FileError) {
        descriptor = try OwnFile.open(path, .making)
        while flock(descriptor, waits ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            guard waits, number == EINTR else { throw FileError(number: number, path: path) }
        }
    }

    deinit {
        // Not left to the closing: a program that this one starts has the descriptor, too, for an instant.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
