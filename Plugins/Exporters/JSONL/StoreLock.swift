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

/// Keeps other processes from a store as long as it lives.
final class StoreLock: Sendable {
    private let lock: FileLock
    private var descriptor: Int32 { lock.descriptor }

    /// Takes the lock.
    ///
    /// - Throws: ``FileError``; ``FileError/isLocked`` when another process has it.
    init(_ path: String) throws(FileError) {
        lock = try FileLock(path)
    }

    /// The number by which the store recognises itself, which is in the file of the lock.
    ///
    /// - Parameter isNew: Whether there is nothing in the store yet: then it gets another number.
    func identity(isNew: Bool) -> UInt64 {
        var bytes = [UInt8](repeating: 0, count: 17)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        if !isNew, count == 16, let known = UInt64(String(decoding: bytes[..<16], as: UTF8.self), radix: 16) {
            return known
        }
        let new = UInt64.random(in: 1 << 60 ... .max)
        forgetIdentity()
        // A number that cannot be kept is another one next time, which costs no more than reading sources again.
        let text = Array(String(new, radix: 16).utf8)
        _ = pwrite(descriptor, text, text.count, 0)
        return new
    }

    /// Makes the store another one at its next start, because some of what it holds is no longer in its files.
    ///
    /// On the disk when it returns: with the old number after a power cut nothing would be read again.
    func forgetIdentity() {
        _ = ftruncate(descriptor, 0)
        _ = fsync(descriptor)
    }
}
