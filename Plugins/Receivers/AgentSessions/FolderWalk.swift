// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file of sessions as the file system shows it.
struct FoundFile: Equatable {
    var agent: Agent
    var path: String
    /// How many bytes of the path its root takes.
    var rootLength: Int
    var identity: FileIdentity
    var size: Int64
    /// When it was last written, in nanoseconds since 1970.
    var modified: Int64
    var isArchived: Bool
    var layout = FileLayout.lines
    /// The name of the service under which its calls are reported.
    var service: String

    /// The path from its root.
    var relative: String { String(Substring(path.utf8.dropFirst(rootLength + 1))) }

    var isCompressed: Bool { path.hasSuffix(".zst") }
}

/// What stays the same when a file is moved.
struct FileIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
}

/// Looks through folders; every folder and file once.
///
/// Links are not followed, but for a root that is one: a walk does not leave its roots, whatever other programs write into them. What a link leads
/// to within the roots is found under its own path. File systems that hold no files of users, such as `/proc`, are passed over.
struct FolderWalk {
    private var seenFolders: Set<FileIdentity> = []
    private var seenFiles: Set<FileIdentity> = []
    /// The file systems that are not looked through, once they are known.
    private var specialDevices: Set<UInt64>?
    /// What could not be looked through.
    private(set) var problems: [ScanProblem] = []

    /// Folders are looked through to this depth.
    static let deepest = 24
    /// Outputs of tools, which can be many and have no usage.
    private static let leftOut: Set<String> = ["tool-results", "file-history"]

    /// Whether there is a folder at a path.
    func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The session files below a root.
    mutating func files(below root: SessionFolders.Root) -> [FoundFile] {
        var found: [FoundFile] = []
        let (store, rootLength) = (root.agent.store, root.path.utf8.count)
        // The log of a database is part of it.
        var logs: [String: (size: Int64, modified: Int64)] = [:]
        visit(root.path, 0, store.endings, lowest: root.depth) { path, status in
            let size = Int64(status.st_size)
            let modified =
                Int64(OwnFile.modificationTime(status).tv_sec) &* 1_000_000_000
                &+ Int64(OwnFile.modificationTime(status).tv_nsec)
            if path.hasSuffix("-wal") { return logs[path] = (size, modified) }
            let relative = String(Substring(path.utf8.dropFirst(rootLength + 1)))
            guard let layout = store.layout(relative) else { return }
            found.append(
                FoundFile(
                    agent: root.agent,
                    path: path,
                    rootLength: rootLength,
                    identity: FileIdentity(status),
                    size: size,
                    modified: modified,
                    isArchived: root.isArchive,
                    layout: layout,
                    service: store.service(path)
                )
            )
        }
        for index in found.indices where found[index].layout == .database {
            guard let log = logs[found[index].path + "-wal"] else { continue }
            found[index].size += log.size
            found[index].modified = max(found[index].modified, log.modified)
        }
        found.removeAll { !seenFiles.insert($0.identity).inserted }
        return found
    }

    /// Folders at any depth whose path ends so.
    mutating func folders(below root: String, endingIn suffix: String) -> [String] {
        var walk = FolderWalk()
        var found: Set<String> = []
        walk.visit(root, 0, [""]) { path, _ in
            let inner = path.utf8.index(path.startIndex, offsetBy: root.utf8.count)
            guard let range = path[inner...].firstRange(of: suffix + "/") else { return }
            found.insert(path[..<range.lowerBound] + suffix)
        }
        return found.sorted()
    }

    /// Hands over every file below a folder whose name ends in one of some ways.
    ///
    /// - Parameter lowest: Folders below this depth are passed over; they are no fault.
    private mutating func visit(
        _ path: String,
        _ depth: Int,
        _ endings: [StaticString],
        lowest: Int = FolderWalk.deepest,
        _ body: (String, borrowing stat) -> Void
    ) {
        guard depth < Self.deepest, let folder = opendir(path) else {
            if depth >= Self.deepest || errno != ENOENT { note(path, depth) }
            return
        }
        defer { closedir(folder) }
        var status = stat()
        guard fstat(dirfd(folder), &status) == 0 else { return }
        let special = specialDevices ?? Self.specialDevices()
        specialDevices = special
        guard !special.contains(UInt64(status.st_dev)) else { return noteSpecial(path) }
        guard seenFolders.insert(FileIdentity(status)).inserted else { return }
        var below: [String] = []
        while let entry = readdir(folder) {
            withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    switch Self.kind(of: name, entry.pointee.d_type, in: folder, endings, &status) {
                    case S_IFDIR: below.append(String(cString: name))
                    case S_IFREG: body(Self.path(path, name), status)
                    default: break
                    }
                }
            }
        }
        guard depth < lowest else { return }
        for name in below.sorted() where name != "." && name != ".." && !Self.leftOut.contains(name) {
            visit(path + "/" + name, depth + 1, endings, lowest: lowest, body)
        }
    }

    /// What an entry is, its status where it is a file that is wanted; 0 for what is of no interest.
    ///
    /// Only files that are wanted are asked about one by one: that is what a look at an unchanged tree costs.
    private static func kind(
        of name: UnsafePointer<CChar>,
        _ type: UInt8,
        in folder: OpaquePointer,
        _ endings: [StaticString],
        _ status: inout stat
    ) -> mode_t {
        if Int(type) == Int(DT_DIR) { return S_IFDIR }
        guard Int(type) != Int(DT_LNK) else { return 0 }
        let isWanted = ends(name, in: endings)
        guard isWanted || Int(type) != Int(DT_REG),
            fstatat(dirfd(folder), name, &status, AT_SYMLINK_NOFOLLOW) == 0
        else { return 0 }
        let kind = status.st_mode & S_IFMT
        return kind == S_IFREG && !isWanted ? 0 : kind
    }

    private static func ends(_ name: UnsafePointer<CChar>, in endings: [StaticString]) -> Bool {
        let count = strlen(name)
        return endings.contains { ending in
            let length = ending.utf8CodeUnitCount
            return count >= length && memcmp(name + (count - length), ending.utf8Start, length) == 0
        }
    }

    private static func path(_ folder: String, _ name: UnsafePointer<CChar>) -> String {
        var path = folder
        path.reserveCapacity(folder.utf8.count + 1 + strlen(name))
        path += "/"
        path += String(cString: name)
        return path
    }

    /// The kinds of file systems in which the kernel shows itself (filesystems(5)).
    private static let special: Set<String> = [
        "proc", "sysfs", "devpts", "devtmpfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "bpf", "pstore",
        "configfs", "fusectl", "binfmt_misc", "mqueue", "efivarfs", "selinuxfs", "nsfs",
    ]

    /// The devices of such file systems, by the list of mounts (proc_pid_mountinfo(5)); none where there is no such list.
    private static func specialDevices() -> Set<UInt64> {
        guard let list = try? OwnFile.content("/proc/self/mountinfo", largest: 16 << 20) else { return [] }
        var devices: Set<UInt64> = []
        for line in String(decoding: list, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 3, let dash = fields.firstIndex(of: "-"), fields.indices.contains(dash + 1),
                special.contains(String(fields[dash + 1]))
            else { continue }
            let numbers = fields[2].split(separator: ":").compactMap { UInt64($0) }
            guard numbers.count == 2 else { continue }
            // As the C library composes a device number (makedev(3)).
            let (major, minor) = (numbers[0], numbers[1])
            devices.insert((major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | minor & 0xFF | (minor & ~0xFF) << 12)
        }
        return devices
    }

    private mutating func noteSpecial(_ path: String) {
        let message = "the folder is not looked through: it is in a file system of the kernel, such as /proc"
        problems.append(ScanProblem(path: path, line: nil, message: message))
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
