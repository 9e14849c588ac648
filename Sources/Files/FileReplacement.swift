// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes a new version of a file to a draft and replaces the file in one step.
///
/// At any moment, even after a crash or a power cut, the path has the complete old or new content: the bytes are flushed before the
/// rename, and the folder after it (see fsync(2) on directories). A draft that is not committed is removed. Blocks on the disk.
public struct FileReplacement: ~Copyable {
    /// The number of appended bytes.
    public private(set) var size: Int64 = 0
    private let path: String
    private let draft: String
    private let descriptor: Int32
    private var isFlushed = false
    /// Whether the path has the new content.
    public private(set) var isInPlace = false

    /// Creates a draft next to a file, for this user only.
    ///
    /// - Parameters:
    ///   - path: The file to replace; it may be missing, but its folder must exist.
    ///   - draft: The path of the draft, in the same folder; one left by an earlier run is overwritten. By default `path` with the
    ///     suffix `.new`.
    /// - Throws: ``FileError``, also when the draft's path is not a regular file.
    public init(of path: String, draft: String? = nil) throws(FileError) {
        self.path = path
        self.draft = draft ?? path + ".new"
        descriptor = try OwnFile.open(self.draft, .replacing)
    }

    deinit {
        close(descriptor)
        if !isInPlace { unlink(draft) }
    }

    /// Appends bytes.
    ///
    /// - Throws: ``FileError``; the file at the path is unchanged.
    public mutating func append(_ bytes: [UInt8]) throws(FileError) {
        isFlushed = false
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
        guard failure == 0 else { throw FileError(number: failure, path: draft) }
        size += Int64(bytes.count)
    }

    /// Gives the draft permissions, and the owner and group of the file that it replaces, as far as this user is allowed to.
    public mutating func take(mode: UInt32) throws(FileError) {
        isFlushed = false
        var old = stat()
        // Root can set the group; other users may not be able to.
        if stat(path, &old) == 0 { _ = fchown(descriptor, old.st_uid, old.st_gid) }
        guard fchmod(descriptor, mode_t(mode)) == 0 else { throw FileError(number: errno, path: draft) }
    }

    /// Flushes the draft to the disk, without replacing the file.
    public mutating func flush() throws(FileError) {
        if isFlushed { return }
        guard fsync(descriptor) == 0 else { throw FileError(number: errno, path: draft) }
        isFlushed = true
    }

    /// Replaces the file by the draft, durably.
    ///
    /// - Throws: ``FileError``. When only the folder could not be flushed, the new content is in place and may be lost by a power cut.
    public mutating func commit() throws(FileError) {
        try flush()
        guard rename(draft, path) == 0 else { throw FileError(number: errno, path: path) }
        isInPlace = true
        do throws(FileError) {
            try DurableFolder.flush(DurableFolder.containing(path))
        } catch  where error.isPermission {
            // A folder that is writable but not readable cannot be flushed by this user.
        }
    }

    /// Renames the draft to its path unless that exists already, durably.
    ///
    /// - Returns: Whether it did; of several processes at the same time only one succeeds.
    public mutating func commitNew() throws(FileError) -> Bool {
        try flush()
        guard link(draft, path) == 0 else {
            guard errno == EEXIST else { throw FileError(number: errno, path: path) }
            return false
        }
        try DurableFolder.flush(DurableFolder.containing(path))
        return true
    }

    /// Replaces the content of a file in one step.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(FileError) {
        var file = try FileReplacement(of: path)
        try file.append(bytes)
        try file.commit()
    }
}
