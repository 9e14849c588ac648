// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A settings file as it was read.
public struct SettingsFile: Sendable, Hashable {
    /// The path under which its program reads it.
    public let path: String
    /// Its path after following links.
    public let target: String
    /// Its content; nil when it does not exist.
    public let content: [UInt8]?
    /// Its permission bits; nil when it does not exist.
    public let mode: UInt32?

    /// Finds and reads a file without the intention to change it.
    static func read(_ path: String, in files: LocalFiles) throws(SettingsError) -> SettingsFile {
        guard let target = files.target(of: path) else {
            throw SettingsError(
                .badContent,
                "\(path) is a link in a circle; make it a file and try again, nothing was changed"
            )
        }
        guard let status = files.status(target) else {
            if access(target, F_OK) != 0, errno != ENOENT { throw LocalFiles.fault(path, "could not be read") }
            return SettingsFile(path: path, target: target, content: nil, mode: nil)
        }
        guard status.isFile else { throw SettingsError(.badContent, "\(path) is no plain file; nothing was changed") }
        return SettingsFile(path: path, target: target, content: try files.read(target), mode: status.mode)
    }

    /// Finds and reads a file that is to be changed, and checks that it may be changed.
    static func open(_ path: String, in files: LocalFiles) throws(SettingsError) -> SettingsFile {
        let file = try read(path, in: files)
        let place = path == file.target ? path : "\(path) (\(file.target))"
        if let status = files.status(file.target) {
            guard status.owner == files.user else {
                throw SettingsError(
                    .permission,
                    "\(place) belongs to user \(status.owner), not to you; let its owner change it, nothing was changed"
                )
            }
            guard status.mode & 0o200 != 0 else {
                throw SettingsError(
                    .permission,
                    "\(place) is read-only; allow writing (chmod u+w) and try again, nothing was changed"
                )
            }
            guard status.names == 1 else {
                throw SettingsError(
                    .permission,
                    "\(place) has \(status.names) names (hard links), which a change would part; nothing was changed"
                )
            }
        }
        try checkFolder(of: file, place, in: files)
        return file
    }

    /// For a new file, checks that the nearest existing folder is writable.
    private static func checkFolder(of file: SettingsFile, _ place: String, in files: LocalFiles) throws(SettingsError)
    {
        var folder = LocalFiles.folder(of: file.target)
        while files.status(folder) == nil, folder != "/", folder != "." { folder = LocalFiles.folder(of: folder) }
        guard let status = files.status(folder), status.isFolder else {
            throw SettingsError(.badContent, "\(folder) is no folder, so \(place) cannot be made; nothing was changed")
        }
        let mayWrite = access(folder, W_OK | X_OK) == 0 && status.mode & 0o222 != 0
        guard mayWrite else {
            throw SettingsError(
                .permission,
                "\(folder) takes no new files; allow writing and try again, nothing was changed"
            )
        }
    }
}

/// The planned content of a file.
public struct FileChange: Sendable, Hashable {
    /// The file as it was read.
    public let file: SettingsFile
    /// The new content.
    public let content: [UInt8]
    /// The new permission bits.
    public let mode: UInt32

    /// Creates a change; a file that holds a key can be read by its owner only.
    init(_ file: SettingsFile, content: [UInt8], holdsKey: Bool, newMode: UInt32 = 0o644) {
        self.file = file
        self.content = content
        mode = holdsKey ? 0o600 : file.mode ?? newMode
    }
}
