// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
public import Files
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files on the disk, for this user only.
public struct DiskStorage: QueueStorage {
    /// Creates the access to the disk.
    public init() {}

    /// A file that stays as large as it is and where it is has nothing to be put on the disk but its bytes.
    public var reusesFiles: Bool { true }

    /// Makes a folder and those above it, on the disk when it returns.
    public func makeFolder(_ path: String) throws(FileError) { try DurableFolder.make(path) }

    /// The names in a folder; none when it is missing.
    public func names(in folder: String) throws(FileError) -> [String] {
        try DurableFolder.names(in: folder)
    }

    /// Opens a file.
    public func open(_ path: String, creating: Bool) throws(FileError) -> any QueueFile {
        try DiskFile(path, creating: creating)
    }

    /// Gives a file another name.
    public func rename(_ path: String, to other: String) throws(FileError) {
        guard systemRename(path, other) == 0 else { throw FileError(number: errno, path: path) }
    }

    /// Removes a file.
    public func remove(_ path: String) { unlink(path) }

    /// Puts the names in a folder on the disk.
    public func syncFolder(_ path: String) throws(FileError) { try DurableFolder.flush(path) }

    /// Takes the lock of a file.
    public func lock(_ path: String) throws(FileError) -> any Sendable {
        try FileLock(path)
    }
}

/// The name of the method above hides that of the system.
private func systemRename(_ path: String, _ other: String) -> Int32 { rename(path, other) }
