// SPDX-License-Identifier: Apache-2.0

import Usage

/// The keys of projects by the folder in which an agent worked, see ``ProjectPath``.
///
/// A project is its repository: the folder that holds `.git`. Where `.git` is a file, the folder is a worktree and the main repository is
/// the project. A folder that is gone is a project of its own.
final class ProjectNames {
    private var keys: [String: String] = [:]
    private let files: any FolderReading
    private let home: String?

    /// Folders remembered; more are looked up again.
    private static let capacity = 10_000

    init(files: any FolderReading, home: String?) {
        self.files = files
        self.home = home
    }

    /// The key for a folder; nil for the root of the file system.
    func key(of folder: String) -> String? {
        if let known = keys[folder] { return known }
        guard let own = ProjectPath.key(of: folder) else {
            // No absolute path: nothing can be looked up, and its last part is all that it says.
            let last = folder.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last
            return folder.hasPrefix("/") ? nil : last.map(String.init)
        }
        let place = folder.hasPrefix("/") ? folder : ProjectPath.mounted(own)
        let key = place.flatMap(repository(above:)).flatMap(ProjectPath.key) ?? own
        if keys.count >= Self.capacity { keys = [:] }
        keys[folder] = key
        return key
    }

    /// The last part of a name in which every character of a path that is no letter or digit was replaced by `-`.
    static func name(ofSlug slug: String) -> String? {
        slug.split(whereSeparator: { $0 == "-" }).last.map(String.init)
    }

    private func repository(above folder: String) -> String? {
        var folder = folder[...]
        // A repository of settings in the home folder does not make a project of everything below it.
        while folder.hasPrefix("/"), folder.count > 1, folder != home ?? "" {
            switch files.git(in: String(folder)) {
            case .folder: return String(folder)
            case .file(let text): return Self.mainRepository(text, of: folder) ?? String(folder)
            case .none: folder = folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)]
            }
        }
        return nil
    }

    /// The repository of a worktree whose `.git` says `gitdir: /path/to/repository/.git/worktrees/name`.
    ///
    /// With `worktree.useRelativePaths` of Git 2.48 the path begins at the worktree.
    private static func mainRepository(_ text: String, of worktree: Substring) -> String? {
        guard let line = text.split(whereSeparator: \.isNewline).first, line.hasPrefix("gitdir:"),
            let range = line.firstRange(of: "/.git/worktrees/")
        else { return nil }
        let path = line[line.index(line.startIndex, offsetBy: 7)..<range.lowerBound].drop { $0 == " " }
        guard path.hasPrefix("..") else { return path.isEmpty ? nil : String(path) }
        var parts = worktree.split(separator: "/")
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.isEmpty ? nil : "/" + parts.joined(separator: "/")
    }
}

/// What has to be known of the folders in which agents worked.
protocol FolderReading {
    func git(in folder: String) -> GitEntry?
}

/// What `.git` is.
enum GitEntry: Equatable {
    case folder
    /// A file with this text.
    case file(String)
}
