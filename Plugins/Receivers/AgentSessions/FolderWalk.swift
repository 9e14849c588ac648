// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Glibc

/// A file of sessions as the file system shows it.
struct FoundFile: Equatable {
    var agent: Agent
    var path: String
    /// The path from its root.
    var relative: String
    var identity: FileIdentity
    var size: Int64
    /// When it was last written, in nanoseconds since 1970.
    var modified: Int64
    var isArchived: Bool

    var isCompressed: Bool { path.hasSuffix(".zst") }
}

/// What stays the same when a file is moved.
struct FileIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
}

/// Looks through folders; every folder and file once, whatever links lead to it.
struct FolderWalk {
    private var seenFolders: Set<FileIdentity> = []
    private var seenFiles: Set<FileIdentity> = []
    /// What could not be looked through.
    private(set) var problems: [ScanProblem] = []

    private static let deepest = 24
    /// Outputs of tools, which can be many and tell no usage.
    private static let leftOut: Set<String> = ["tool-results", "file-history"]

    /// Whether there is a folder at a path.
    func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The session files below a root.
    mutating func files(below root: SessionFolders.Root) -> [FoundFile] {
        var found: [FoundFile] = []
        visit(root.path, "", 0) { entry in
            guard entry.name.hasSuffix(".jsonl") || (root.agent == .codex && entry.name.hasSuffix(".jsonl.zst")) else {
                return
            }
            found.append(
                FoundFile(
                    agent: root.agent,
                    path: root.path + "/" + entry.relative,
                    relative: entry.relative,
                    identity: FileIdentity(entry.status),
                    size: Int64(entry.status.st_size),
                    modified: Int64(entry.status.st_mtim.tv_sec) &* 1_000_000_000
                        &+ Int64(entry.status.st_mtim.tv_nsec),
                    isArchived: root.isArchive
                )
            )
        }
        return found.filter { seenFiles.insert($0.identity).inserted }
    }

    /// Folders at any depth whose path ends so.
    mutating func folders(below root: String, endingIn suffix: String) -> [String] {
        var walk = FolderWalk()
        var found: Set<String> = []
        walk.visit(root, "", 0) { entry in
            guard let range = "/\(entry.relative)".firstRange(of: suffix + "/") else { return }
            found.insert(root + "/\(entry.relative)"[..<range.lowerBound] + suffix)
        }
        return found.sorted()
    }

    private struct Entry {
        var name: String
        var relative: String
        var status: stat
    }

    private mutating func visit(_ root: String, _ relative: String, _ depth: Int, _ body: (Entry) -> Void) {
        let path = relative.isEmpty ? root : root + "/" + relative
        guard depth < Self.deepest, let folder = opendir(path) else {
            if depth >= Self.deepest || errno != ENOENT { note(path, depth) }
            return
        }
        defer { closedir(folder) }
        var status = stat()
        guard fstat(dirfd(folder), &status) == 0, seenFolders.insert(FileIdentity(status)).inserted else { return }
        var below: [String] = []
        while let next = readdir(folder) {
            let name = withUnsafePointer(to: &next.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            guard fstatat(dirfd(folder), name, &status, 0) == 0 else { continue }
            let child = relative.isEmpty ? name : relative + "/" + name
            switch status.st_mode & S_IFMT {
            case S_IFDIR: if !Self.leftOut.contains(name) { below.append(child) }
            case S_IFREG: body(Entry(name: name, relative: child, status: status))
            default: break
            }
        }
        for child in below.sorted() { visit(root, child, depth + 1, body) }
    }

    private mutating func note(_ path: String, _ depth: Int) {
        let reason = depth >= Self.deepest ? "it lies too deep" : String(cString: strerror(errno))
        problems.append(ScanProblem(path: path, line: nil, message: "the folder cannot be read: \(reason)"))
    }
}

extension FileIdentity {
    init(_ status: stat) {
        self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}

/// The folders of this machine.
struct LocalFolders: FolderReading {
    /// A `.git` file longer than this is none.
    private static let longestGitFile = 4_096

    func git(in folder: String) -> GitEntry? {
        let path = folder + "/.git"
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        if status.st_mode & S_IFMT == S_IFDIR { return .folder }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.longestGitFile else { return nil }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.longestGitFile)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? .file(String(decoding: bytes[..<count], as: UTF8.self)) : nil
    }
}
