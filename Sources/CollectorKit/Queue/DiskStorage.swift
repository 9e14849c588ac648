// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
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
    public func makeFolder(_ path: String) throws(QueueStorageError) { try DurableFolder.make(path) }

    /// The names in a folder; none when it is missing.
    public func names(in folder: String) throws(QueueStorageError) -> [String] {
        guard let directory = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw QueueStorageError(number: errno, path: folder)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Opens a file.
    public func open(_ path: String, creating: Bool) throws(QueueStorageError) -> any QueueFile {
        try DiskFile(path, creating: creating)
    }

    /// Gives a file another name.
    public func rename(_ path: String, to other: String) throws(QueueStorageError) {
        guard systemRename(path, other) == 0 else { throw QueueStorageError(number: errno, path: path) }
    }

    /// Removes a file.
    public func remove(_ path: String) { unlink(path) }

    /// Puts the names in a folder on the disk.
    public func syncFolder(_ path: String) throws(QueueStorageError) { try DurableFolder.flush(path) }

    /// Takes the lock of a file.
    public func lock(_ path: String) throws(QueueStorageError) -> any Sendable {
        let descriptor = try OwnFile.open(path, .making)
        let file = DiskDescriptor(descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw QueueStorageError(number: errno, path: path) }
        return file
    }
}

/// The names of the methods above hide those of the system.
func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
private func systemRename(_ path: String, _ other: String) -> Int32 { rename(path, other) }

extension QueueStorageError {
    /// Why, without the path, and what to do about it.
    public var reason: String {
        if let kind { return "it is \(kind.rawValue), not a file of this program; remove it or name another path" }
        return switch number {
        case ENOSPC, EDQUOT: "the disk is full; free some space"
        case EACCES, EPERM: "it may not be written; check the rights of the folder"
        case EROFS: "the file system is read-only; mount it for writing"
        case ENOENT: "its folder is missing; make it again"
        case EIO: "the disk reports an error; check it"
        case ENOTDIR, EISDIR: "it is a folder or lies below a file; name another path"
        case EWOULDBLOCK: "another process has it"
        case EMFILE, ENFILE: "too many files are open; allow this process more of them"
        default: String(cString: strerror(number))
        }
    }

    /// Whether somebody else has the lock.
    public var isLocked: Bool { number == EWOULDBLOCK }
    /// Whether the disk cannot give back what it was given.
    var isDamage: Bool { number == EIO }
    /// Whether the disk has no room.
    public var isFull: Bool { [ENOSPC, EDQUOT].contains(number) }
    /// Whether the rights are missing.
    public var isPermission: Bool { [EACCES, EPERM, EROFS].contains(number) }
}
