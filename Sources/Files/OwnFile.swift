// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
package import Glibc
#elseif canImport(Musl)
package import Musl
#else
package import Darwin
#endif

/// Opens the files of this program: stores, queues, keys, checkpoints, locks.
///
/// Only a regular file is opened. A symbolic link would let another user choose what is overwritten, reading a named pipe could block
/// for ever, and a device has no end; each of them is refused with its kind. Opening never blocks: a path is opened with `O_NONBLOCK`, and
/// the kind is that of the descriptor, so that it cannot change in between. Links among the parent folders are followed. Safe to use
/// from any thread.
public enum OwnFile {
    /// The purpose of opening a file.
    public enum Access: Sendable {
        /// Reading; the file must exist.
        case reading
        /// Reading and writing; the file must exist.
        case updating
        /// Reading and writing; a missing file is created.
        case making
        /// Reading and appending; a missing file is created.
        case appending
        /// Writing from the beginning; the old content is removed.
        case replacing

        fileprivate var flags: Int32 {
            switch self {
            case .reading: O_RDONLY
            case .updating: O_RDWR
            case .making: O_RDWR | O_CREAT
            case .appending: O_RDWR | O_CREAT | O_APPEND
            case .replacing: O_RDWR | O_CREAT
            }
        }
    }

    /// The kinds of files that are not regular.
    public enum Kind: String, Sendable {
        /// A symbolic link.
        case link = "a symbolic link"
        /// A folder.
        case folder = "a folder"
        /// A named pipe.
        case pipe = "a named pipe"
        /// The address of a local server.
        case socket = "a socket"
        /// A terminal, a disk, `/dev/null` and the like.
        case device = "a device"

        /// The kind in a file's mode; nil for a regular file.
        init?(_ mode: mode_t) {
            switch mode & S_IFMT {
            case S_IFREG: return nil
            case S_IFLNK: self = .link
            case S_IFDIR: self = .folder
            case S_IFIFO: self = .pipe
            case S_IFSOCK: self = .socket
            default: self = .device
            }
        }
    }

    /// Opens a file, which is created for this user only.
    ///
    /// Child processes do not inherit the descriptor; the caller closes it.
    ///
    /// - Throws: ``FileError`` with the system's number, and with the kind when it is not a regular file.
    public static func open(_ path: String, _ access: Access) throws(FileError) -> Int32 {
        let descriptor = systemOpen(path, access.flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0o600)
        guard descriptor >= 0 else {
            let number = errno
            // The error of a file that cannot be opened, such as a link or a socket, names its kind, too.
            throw FileError(number: number, path: path, kind: kind(path))
        }
        do throws(FileError) {
            try check(descriptor, path)
            if case .replacing = access, ftruncate(descriptor, 0) != 0 {
                throw FileError(number: errno, path: path)
            }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// When the content of a file last changed, which each system names in its own way.
    package static func modificationTime(_ facts: stat) -> timespec {
        #if canImport(Darwin)
        facts.st_mtimespec
        #else
        facts.st_mtim
        #endif
    }

    /// A method of this type hides the system's `open`.
    static func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
        #if canImport(Glibc)
        Glibc.open(path, flags, mode)
        #elseif canImport(Musl)
        Musl.open(path, flags, mode)
        #else
        Darwin.open(path, flags, mode)
        #endif
    }

    private static func check(_ descriptor: Int32, _ path: String) throws(FileError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(number: errno, path: path) }
        guard let kind = Kind(status.st_mode) else { return }
        throw FileError(number: EINVAL, path: path, kind: kind)
    }

    /// The kind of the file at a path; nil for a regular file or none.
    ///
    /// For files that a library opens. Between this call and its opening another user of the folder could replace the file.
    public static func kind(_ path: String) -> Kind? {
        var status = stat()
        return lstat(path, &status) == 0 ? Kind(status.st_mode) : nil
    }

    /// Refuses a file that is not regular; a missing file is accepted.
    ///
    /// - Throws: ``FileError`` with the kind.
    public static func refuseOthers(_ path: String) throws(FileError) {
        if let kind = kind(path) { throw FileError(number: EINVAL, path: path, kind: kind) }
    }

    /// All bytes of a file.
    ///
    /// - Parameters:
    ///   - largest: The most bytes to read; a larger file is an error.
    ///   - followsLinks: Whether the path was named by the user and may be a link.
    /// - Returns: nil when the file does not exist.
    /// - Throws: ``FileError``, with the number `EFBIG` for a file that is too large.
    public static func content(_ path: String, largest: Int, followsLinks: Bool = false) throws(FileError)
        -> [UInt8]?
    {
        let descriptor: Int32
        do throws(FileError) {
            descriptor = followsLinks ? try openBehindLinks(path) : try open(path, .reading)
        } catch {
            guard error.kind == nil, error.number == ENOENT else { throw error }
            return nil
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError(number: errno, path: path) }
            if count == 0 { return bytes }
            bytes += block[..<count]
            guard bytes.count <= largest else { throw FileError(number: EFBIG, path: path) }
        }
    }

    /// Renames a file and replaces an existing one of that name, durably.
    public static func move(_ path: String, to other: String) throws(FileError) {
        guard systemRename(path, other) == 0 else { throw FileError(number: errno, path: other) }
        try DurableFolder.flush(DurableFolder.containing(other))
    }

    /// Truncates a file to a size in bytes, durably.
    public static func cut(_ path: String, to size: Int64) throws(FileError) {
        let descriptor = try open(path, .updating)
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(size)) == 0, fsync(descriptor) == 0 else {
            throw FileError(number: errno, path: path)
        }
    }

    /// Removes a file; a missing file is no error.
    ///
    /// Not flushed: after a power cut the file may exist again.
    public static func remove(_ path: String) { unlink(path) }

    private static func systemRename(_ path: String, _ other: String) -> Int32 { rename(path, other) }

    private static func openBehindLinks(_ path: String) throws(FileError) -> Int32 {
        let descriptor = systemOpen(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0)
        guard descriptor >= 0 else { throw FileError(number: errno, path: path) }
        do throws(FileError) {
            try check(descriptor, path)
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }
}

/// A method of this type hides the system's `open`.
func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
