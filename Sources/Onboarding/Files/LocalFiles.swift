// SPDX-License-Identifier: Apache-2.0

import Files
import Glibc

/// The files of this machine, as far as settings need them.
///
/// Links are followed and never replaced; a file is replaced in one step, so that at any moment it is whole, old or new.
public struct LocalFiles: Sendable {
    /// Whose files may be changed.
    public let user: UInt32

    /// The largest file that is read, in bytes.
    static let largest = 4 << 20

    /// Creates the files as a user sees them; without a number, the one who runs this program.
    public init(user: UInt32? = nil) {
        self.user = user ?? geteuid()
    }

    /// What is known of a file without reading it.
    public struct Status: Sendable {
        /// Whether it is a plain file.
        public let isFile: Bool
        /// Whether it is a folder.
        public let isFolder: Bool
        /// The bits of its permissions.
        public let mode: UInt32
        /// The number of its owner.
        public let owner: UInt32
        /// How many names it has.
        let names: UInt
        /// Its size in bytes.
        public let size: Int
    }

    /// What lies at a path, behind links; nil when nothing does.
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

    /// Whether a folder lies at a path.
    func isFolder(_ path: String) -> Bool { status(path)?.isFolder == true }

    /// Whether a file lies at a path that may be run.
    func isProgram(_ path: String) -> Bool { status(path)?.isFile == true && access(path, X_OK) == 0 }

    /// Where a path leads behind links, also when nothing is there yet; nil for links in a circle.
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

    /// The folder that a path lies in.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The names in a folder, in order; none when it cannot be read.
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

    /// All bytes of a file; nil when there is none.
    public func read(_ path: String) throws(SettingsError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.fault(path, "could not be read")
        }
        defer { close(descriptor) }
        var found = stat()
        // Nothing comes out of a pipe to which no program writes, which would pass for an empty file.
        guard fstat(descriptor, &found) == 0, found.st_mode & S_IFMT == S_IFREG else {
            throw SettingsError(.badContent, "\(path) is no regular file; nothing was changed")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
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

    /// Replaces a file, or makes it, in one step; what it held before is gone only when the new bytes are on the disk.
    func replace(_ path: String, with bytes: [UInt8], mode: UInt32) throws(SettingsError) {
        var isInPlace = false
        do throws(FileError) {
            // The folder is another program's: a random name meets none of its files.
            let draft = Self.folder(of: path) + "/.hammurabi-" + String(UInt64.random(in: 0 ... .max), radix: 36)
            var file = try FileReplacement(of: path, draft: draft)
            defer { isInPlace = file.isInPlace }
            try file.append(bytes)
            try file.take(mode: mode)
            try file.commit()
        } catch {
            // Settings that a power cut may take back are there all the same.
            if !isInPlace { throw Self.fault(path, "could not be written", error.number) }
        }
    }

    /// Makes a folder and those above it; returns the ones that were not there, outermost first.
    func makeFolders(_ path: String, mode: UInt32) throws(SettingsError) -> [String] {
        if isFolder(path) { return [] }
        var made: [String] = []
        let above = Self.folder(of: path)
        if above != path { made = try makeFolders(above, mode: mode) }
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw Self.fault(path, "could not be made") }
        try? DurableFolder.flush(above)
        return made + [path]
    }

    /// Takes a file away.
    func remove(_ path: String) throws(SettingsError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw Self.fault(path, "could not be removed") }
        try? DurableFolder.flush(Self.folder(of: path))
    }

    /// Takes a folder away if nothing is in it.
    func removeEmptyFolder(_ path: String) { rmdir(path) }

    static func fault(_ path: String, _ what: String, _ code: Int32 = errno) -> SettingsError {
        let kind: SettingsError.Kind = [EACCES, EPERM, EROFS].contains(code) ? .permission : .inputOutput
        return SettingsError(
            kind,
            "\(path) \(what): \(String(cString: strerror(code)).lowercased()); nothing was changed"
        )
    }
}
