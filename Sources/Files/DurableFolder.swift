// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Makes names durable: a file that was created or renamed is found after a power cut only when its folder was flushed, too.
///
/// Blocks on the disk; safe to call from any thread. See "Calling fsync() does not necessarily ensure that the entry in the
/// directory containing the file has also reached disk" in fsync(2).
public enum DurableFolder {
    /// Creates a folder and its parents, for this user only, durably.
    ///
    /// - Throws: ``FileError`` when the folder does not exist afterwards.
    public static func make(_ path: String) throws(FileError) {
        if mkdir(path, 0o700) != 0 {
            switch errno {
            case EEXIST: return try check(path)
            case ENOENT where containing(path) != path: break
            default: throw FileError(number: errno, path: path)
            }
            try make(containing(path))
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
                throw FileError(number: errno, path: path)
            }
        }
        do throws(FileError) {
            try flush(containing(path))
        } catch  where error.isPermission {
            // A folder that is writable but not readable cannot be flushed by this user.
        }
    }

    /// Checks that the path is a folder, or a link to one.
    private static func check(_ path: String) throws(FileError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError(number: errno, path: path, kind: OwnFile.kind(path)) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw FileError(number: ENOTDIR, path: path, kind: OwnFile.Kind(status.st_mode))
        }
    }

    /// Flushes the names in a folder to the disk.
    ///
    /// - Throws: ``FileError`` when that failed or the folder cannot be opened.
    public static func flush(_ path: String) throws(FileError) {
        let folder = OwnFile.systemOpen(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        guard folder >= 0 else { throw FileError(number: errno, path: path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FileError(number: errno, path: path) }
    }

    /// The names in a folder, sorted; none when it does not exist.
    ///
    /// - Throws: ``FileError`` when it cannot be read.
    public static func names(in folder: String) throws(FileError) -> [String] {
        guard let directory = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw FileError(number: errno, path: folder)
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

    /// The folder of a path; the root is its own folder.
    public static func containing(_ path: String) -> String {
        var name = path[...]
        while name.count > 1, name.hasSuffix("/") { name.removeLast() }
        guard let slash = name.lastIndex(of: "/") else { return name == "." ? ".." : "." }
        return slash == name.startIndex ? "/" : String(name[..<slash])
    }

    /// The last name of a path.
    public static func lastName(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}
