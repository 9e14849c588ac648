// SPDX-License-Identifier: Apache-2.0

import Files

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Access to the files of this machine for reading and changing settings.
///
/// Links are followed and never replaced. A file is replaced in one step, so that it is complete at any moment, old or new.
public struct LocalFiles: Sendable {
    /// The id of the user whose files may be changed.
    public let user: UInt32

    /// The largest file that is read, in bytes.
    static let largest = 4 << 20

    /// Creates the access for a user; without an id, for the user of this process.
    public init(user: UInt32? = nil) {
        self.user = user ?? geteuid()
    }

    /// The metadata of a file.
    public struct Status: Sendable {
        /// Whether it is a plain file.
        public let isFile: Bool
        /// Whether it is a folder.
        public let isFolder: Bool
        /// The permission bits.
        public let mode: UInt32
        /// The id of its owner.
        public let owner: UInt32
        /// The number of hard links.
        let names: UInt
        /// Its size in bytes.
        public let size: Int
    }

    /// The metadata at a path after following links; nil when there is no file.
    public func status(_ path: String) -> Status? {
        var found = stat()
        guard stat(path, &found) == 0 else { return nil }
        return Status(
            isFile: found.st_mode & S_IFMT == S_IFREG,
            isFolder: found.st_mode & S_IFMT == S_IFDIR,
            mode: found.st_mode & 0o7777,
            owner: found.st_uid,
            names: found.st_nlink,
            size: Int(found.st_size)
        )
    }

    /// Whether there is a folder at a path.
    func isFolder(_ path: String) -> Bool { status(path)?.isFolder == true }

    /// Whether there is an executable file at a path.
    func isProgram(_ path: String) -> Bool { status(path)?.isFile == true && access(path, X_OK) == 0 }

    /// The path after following links, even when no file is there yet; nil when the links form a cycle.
    func target(of path: String) -> String? {
        var path = path
        for _ in 0..<40 {
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let length = readlink(path, &buffer, buffer.count)
            guard length > 0 else { return path }
            let link = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            path = link.hasPrefix("/") ? link : Self.folder(of: path) + "/" + link
        }
        return nil
    }

    /// The folder of a path.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The names in a folder, sorted; none when it cannot be read.
    public func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// All bytes of a file; nil when it does not exist.
    public func read(_ path: String) throws(SettingsError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.fault(path, "could not be read")
        }
        defer { close(descriptor) }
        var found = stat()
        // Reading a pipe without a writer would look like an empty file.
        guard fstat(descriptor, &found) == 0, found.st_mode & S_IFMT == S_IFREG else {
            throw SettingsError(.badContent, "\(path) is no regular file; nothing was changed")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = systemRead(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.fault(path, "could not be read") }
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
            guard bytes.count <= Self.largest else {
                throw SettingsError(
                    .badContent,
                    "\(path) is larger than 4 MiB, which no settings are; nothing was changed"
                )
            }
        }
    }

    /// Replaces or creates a file in one step; the old content is gone only when the new bytes are on the disk.
    func replace(_ path: String, with bytes: [UInt8], mode: UInt32) throws(SettingsError) {
        var isInPlace = false
        do throws(FileError) {
            // The folder belongs to another program: a random name cannot meet one of its files.
            let draft = Self.folder(of: path) + "/.hammurabi-" + String(UInt64.random(in: 0 ... .max), radix: 36)
            var file = try FileReplacement(of: path, draft: draft)
            defer { isInPlace = file.isInPlace }
            try file.append(bytes)
            try file.take(mode: mode)
            try file.commit()
        } catch {
            // A failed flush of the folder is ignored: the new file is in place, although a power cut may undo that.
            if !isInPlace { throw Self.fault(path, "could not be written", error.number) }
        }
    }

    /// Creates a folder and its parents; returns the new ones, outermost first.
    func makeFolders(_ path: String, mode: UInt32) throws(SettingsError) -> [String] {
        if isFolder(path) { return [] }
        var made: [String] = []
        let above = Self.folder(of: path)
        if above != path { made = try makeFolders(above, mode: mode) }
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw Self.fault(path, "could not be made") }
        try? DurableFolder.flush(above)
        return made + [path]
    }

    /// Removes a file.
    func remove(_ path: String) throws(SettingsError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw Self.fault(path, "could not be removed") }
        try? DurableFolder.flush(Self.folder(of: path))
    }

    /// Removes a folder if it is empty.
    func removeEmptyFolder(_ path: String) { rmdir(path) }

    static func fault(_ path: String, _ what: String, _ code: Int32 = errno) -> SettingsError {
        let kind: SettingsError.Kind = [EACCES, EPERM, EROFS].contains(code) ? .permission : .inputOutput
        return SettingsError(
            kind,
            "\(path) \(what): \(String(cString: strerror(code)).lowercased()); nothing was changed"
        )
    }
}

/// A method of the same name hides the system's `read`.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
