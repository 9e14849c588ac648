// SPDX-License-Identifier: Apache-2.0

/// The names of projects by the folder in which an agent worked.
///
/// A project is named after its repository: the folder that holds `.git`. Where `.git` is a file, the folder is a worktree and the
/// main repository gives the name. A folder that is gone is named after itself.
final class ProjectNames {
    private var names: [String: String] = [:]
    private let files: any FolderReading
    private let home: String?

    /// Folders remembered; more are looked up again.
    private static let capacity = 10_000

    init(files: any FolderReading, home: String?) {
        self.files = files
        self.home = home
    }

    /// The name for a folder; nil for the root of the file system.
    func name(of folder: String) -> String? {
        if let known = names[folder] { return known }
        guard let name = Self.last(repository(above: folder) ?? Self.withoutWorktree(folder)) else { return nil }
        if names.count >= Self.capacity { names = [:] }
        names[folder] = name
        return name
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
            case .file(let text): return Self.mainRepository(text) ?? String(folder)
            case .none: folder = folder[..<(folder.lastIndex(of: "/") ?? folder.startIndex)]
            }
        }
        return nil
    }

    /// The repository of a worktree whose `.git` says `gitdir: /path/to/repository/.git/worktrees/name`.
    private static func mainRepository(_ text: String) -> String? {
        guard let line = text.split(whereSeparator: \.isNewline).first, line.hasPrefix("gitdir:"),
            let range = line.firstRange(of: "/.git/worktrees/")
        else { return nil }
        let path = line[line.index(line.startIndex, offsetBy: 7)..<range.lowerBound].drop { $0 == " " }
        return path.isEmpty ? nil : String(path)
    }

    /// Claude Code keeps its own worktrees below the repository, and removes them again.
    private static func withoutWorktree(_ folder: String) -> String {
        guard let range = folder.firstRange(of: "/.claude/worktrees/") else { return folder }
        return String(folder[..<range.lowerBound])
    }

    private static func last(_ path: String) -> String? { path.split(separator: "/").last.map(String.init) }
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
