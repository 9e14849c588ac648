// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a file or folder of this program cannot be read or written.
public struct FileError: Error, Sendable, CustomStringConvertible {
    /// The system's error number.
    public let number: Int32
    /// The file or folder.
    public let path: String
    /// The kind of file that was found in place of a regular file; nil for other errors.
    public let kind: OwnFile.Kind?

    /// Creates an error.
    public init(number: Int32, path: String, kind: OwnFile.Kind? = nil) {
        self.number = number
        self.path = path
        self.kind = kind
    }

    /// The path and the reason.
    public var description: String { "\(path): \(reason)" }

    /// The reason without the path, and what to do about it.
    public var reason: String {
        if let kind { return "it is \(kind.rawValue), not a file of this program; remove it or name another path" }
        return switch number {
        case ENOSPC, EDQUOT: "the disk is full; free some space"
        case EACCES, EPERM: "it may not be opened; check the rights of the file and its folder"
        case EROFS: "the file system is read-only; mount it for writing"
        case ENOENT:
            hasFolder ? "there is no such file; make it, or name another one" : "its folder is missing; make it again"
        case EIO: "the disk reports an error; check it"
        case EFBIG:
            "the file has reached the largest size allowed; raise it (ulimit -f), or rotate the file where its component can"
        case ENOTDIR, EISDIR: "it is a folder or is below a file; name another path"
        case EWOULDBLOCK: "another process has it"
        case EMFILE, ENFILE: "too many files are open; allow this process more of them"
        default: systemReason
        }
    }

    /// Whether the folder that should have the file is there now.
    private var hasFolder: Bool {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let folder = path[..<end]
        return access(folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : String(folder), F_OK) == 0
    }

    /// The system's text for the number.
    public var systemReason: String { String(cString: strerror(number)) }

    /// Whether the file does not exist.
    public var isMissing: Bool { kind == nil && number == ENOENT }
    /// Whether another process holds the lock.
    public var isLocked: Bool { number == EWOULDBLOCK }
    /// Whether the disk cannot read its data.
    public var isDamage: Bool { number == EIO }
    /// Whether the disk is full.
    public var isFull: Bool { [ENOSPC, EDQUOT].contains(number) }
    /// Whether permissions are missing.
    public var isPermission: Bool { [EACCES, EPERM, EROFS].contains(number) }
}
