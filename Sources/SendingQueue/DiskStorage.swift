// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
public import Files
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files on the disk, readable by this user only.
public struct DiskStorage: QueueStorage {
    /// Creates a storage.
    public init() {}

    /// Overwriting a file without changing its size or name leaves only its bytes to be flushed.
    public var reusesFiles: Bool { true }

    /// Creates a folder and its parents, durably.
    public func makeFolder(_ path: String) throws(FileError) { try DurableFolder.make(path) }

    /// The names in a folder; none when it is missing.
    public func names(in folder: String) throws(FileError) -> [String] {
        try DurableFolder.names(in: folder)
    }

    /// Opens a file.
    public func open(_ path: String, creating: Bool) throws(FileError) -> any QueueFile {
        try DiskFile(path, creating: creating)
    }

    /// Renames a file.
    public func rename(_ path: String, to other: String) throws(FileError) {
        guard systemRename(path, other) == 0 else { throw FileError(number: errno, path: path) }
    }

    /// Removes a file.
    public func remove(_ path: String) { unlink(path) }

    /// Flushes the names in a folder to the disk.
    public func syncFolder(_ path: String) throws(FileError) { try DurableFolder.flush(path) }

    /// Locks a file.
    public func lock(_ path: String) throws(FileError) -> any Sendable {
        try FileLock(path)
    }
}

/// A method of this type hides the system's `rename`.
private func systemRename(_ path: String, _ other: String) -> Int32 { rename(path, other) }
