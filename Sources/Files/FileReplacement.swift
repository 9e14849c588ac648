// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that is written aside from front to back and takes its place in one step.
///
/// At any moment, also after a crash or a power cut, the path has the old content or the new one, whole: the bytes are flushed
/// before the rename, and the folder after it (see fsync(2) on directories). What is not put in place is removed. Blocks on the
/// disk.
public struct FileReplacement: ~Copyable {
    /// How many bytes were appended.
    public private(set) var size: Int64 = 0
    private let path: String
    private let draft: String
    private let descriptor: Int32
    private var isFlushed = false
    /// Whether the path has the new content.
    public private(set) var isInPlace = false

    /// Opens a draft beside a file, for this user only.
    ///
    /// - Parameters:
    ///   - path: What is to be replaced; it may be missing, its folder may not.
    ///   - draft: The path of the draft, in the same folder; one that an earlier run left there is overwritten. `path` with
    ///     `.new` behind it where none is given.
    /// - Throws: ``FileError``; also when the draft's path has something else than a regular file.
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
    /// - Throws: ``FileError``; the file at the path is as it was.
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

    /// Gives the draft permissions, and the owner and group of the file that it replaces, as far as this user may.
    public mutating func take(mode: UInt32) throws(FileError) {
        isFlushed = false
        var old = stat()
        // Root may keep a group, others need not be able to.
        if stat(path, &old) == 0 { _ = fchown(descriptor, old.st_uid, old.st_gid) }
        guard fchmod(descriptor, mode_t(mode)) == 0 else { throw FileError(number: errno, path: draft) }
    }

    /// Puts the bytes on the disk, still aside.
    public mutating func flush() throws(FileError) {
        if isFlushed { return }
        guard fsync(descriptor) == 0 else { throw FileError(number: errno, path: draft) }
        isFlushed = true
    }

    /// Puts the draft in its place; on the disk when this returns.
    ///
    /// - Throws: ``FileError``. When only the folder could not be flushed, the new content is in place and may be lost by a power cut.
    public mutating func commit() throws(FileError) {
        try flush()
        guard rename(draft, path) == 0 else { throw FileError(number: errno, path: path) }
        isInPlace = true
        do throws(FileError) {
            try DurableFolder.flush(DurableFolder.containing(path))
        } catch  where error.isPermission {
            // A folder that may be written to and not read cannot be flushed by this user at all.
        }
    }

    /// Puts the draft under its path unless something is there already; on the disk when this returns.
    ///
    /// - Returns: Whether it did: of several processes that do so at once, one.
    public mutating func commitNew() throws(FileError) -> Bool {
        try flush()
        guard link(draft, path) == 0 else {
            guard errno == EEXIST else { throw FileError(number: errno, path: path) }
            return false
        }
        try DurableFolder.flush(DurableFolder.containing(path))
        return true
    }

    /// Replaces a file with bytes in one step.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(FileError) {
        var file = try FileReplacement(of: path)
        try file.append(bytes)
        try file.commit()
    }
}
