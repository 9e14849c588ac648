// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

/// The agents of the one table whose own stores are read.
///
/// They are in the order of the table. To add an agent: a line in ``CodingAgent``, a folder with its readers and an ``AgentStore``, a case here, a section in
/// ``AgentSessionsConfig``.
enum Agent: Sendable, CaseIterable {
    case claudeCode, codex, openCode, gemini, copilot, cline, pi, qwen, kimi, amp

    /// Its line in the table.
    var known: CodingAgent {
        switch self {
        case .claudeCode: .claudeCode
        case .codex: .codex
        case .openCode: .openCode
        case .gemini: .gemini
        case .copilot: .copilot
        case .cline: .cline
        case .pi: .pi
        case .qwen: .qwen
        case .kimi: .kimi
        case .amp: .amp
        }
    }

    /// The agent of a line; nil for one that keeps nothing that can be counted.
    init?(_ known: CodingAgent) {
        guard let agent = Self.allCases.first(where: { $0.known == known }) else { return nil }
        self = agent
    }

    /// The key of its section in the configuration.
    var key: String { known.sectionKey }

    /// Its name for people, with those of the programs that are built of it.
    var title: String {
        let names = known.titles
        return names.count < 2
            ? names.joined() : names.dropLast().joined(separator: ", ") + " and " + names[names.count - 1]
    }

    /// Where the agent keeps its store and how it is read.
    var store: AgentStore {
        switch self {
        case .claudeCode: .claudeCode
        case .codex: .codex
        case .openCode: .openCode
        case .gemini: .gemini
        case .copilot: .copilot
        case .cline: .cline
        case .pi: .pi
        case .qwen: .qwen
        case .kimi: .kimi
        case .amp: .amp
        }
    }
}

/// Where an agent keeps its store, which files belong to it, and how they are read.
struct AgentStore: Sendable {
    /// Its own homes in words, for the documentation of the configuration.
    var homesInWords: String
    /// Its own homes, by the variables of the environment.
    var homes: @Sendable (StoreEnvironment) -> [String]
    /// Folders below which further homes are at any depth, and how the paths of their session folders end.
    var searched: @Sendable (StoreEnvironment) -> SearchedFolders = { _ in SearchedFolders() }
    /// Folders of sessions that variables name by themselves.
    var namedFolders: @Sendable (StoreEnvironment) -> [String] = { _ in [] }
    /// The folders of a home that hold sessions.
    var folders: [Folder]
    /// How the names of its files end; the others are not even asked for their size.
    var endings: [StaticString]
    /// How a file is laid out, by its path below the folder; nil for a file that is no part of the store.
    var layout: @Sendable (_ relative: String) -> FileLayout?
    /// The name of the service under which the calls in a file are reported.
    var service: @Sendable (_ path: String) -> String
    /// Under what a file is remembered, by its path: the path itself unless files of the agent are moved.
    var key: @Sendable (_ path: String) -> String = { $0 }
    /// Makes the reader of a file, which goes on from what an earlier one remembered.
    var reader: @Sendable (FoundFile, ReaderState?, ReaderContext) -> FileReader

    /// Folders below which homes are at any depth.
    struct SearchedFolders {
        var folders: [String] = []
        /// How the path of a folder of sessions ends.
        var ending = ""
    }

    /// A folder of sessions in a home.
    struct Folder: Sendable {
        /// Its path in the home; empty for the home itself.
        var name: String
        /// Whether its files were put aside, so that a copy elsewhere is the live one.
        var isArchive = false
        /// How many levels of folders below it are looked through.
        var depth = FolderWalk.deepest
    }
}

/// How a file is laid out.
enum FileLayout: Sendable {
    /// Lines of JSON, to which others are added.
    case lines
    /// One JSON value that is written again as a whole.
    case document
    /// An SQLite database, perhaps with changes in a log beside it.
    case database
}

/// What reads a file, by its layout.
enum FileReader {
    case lines(any SessionReader)
    case pieces(any PieceReader)
}

/// What the readers of one pass share.
struct ReaderContext {
    var projects: ProjectNames
    var lineages: Lineages
    var histories: ThreadHistories
}

/// The variables that say where agents keep their files.
struct StoreEnvironment: Sendable {
    private let variables: [String: String]

    init(_ variables: [String: String]) {
        self.variables = variables
    }

    /// The value of a variable; nil when it is empty.
    func value(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// A path below the user's home; none when the home is not known.
    func home(_ path: String) -> [String] { value("HOME").map { [$0 + "/" + path] } ?? [] }

    /// A path below the folder of settings.
    func settings(_ path: String) -> [String] {
        value("XDG_CONFIG_HOME").map { [$0 + "/" + path] } ?? home(".config/" + path)
    }

    /// A path below the folder of data.
    func data(_ path: String) -> [String] {
        value("XDG_DATA_HOME").map { [$0 + "/" + path] } ?? home(".local/share/" + path)
    }

    /// The folders in which extensions of VS Code and of the editors that are built of it keep their files.
    var editorStorage: [String] {
        let editors = ["Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf", "Trae"].flatMap { editor in
            settings(editor) + home("Library/Application Support/" + editor)
        }
        let servers = [".vscode-server", ".vscode-server-insiders", ".cursor-server", ".windsurf-server"]
            .flatMap { home($0 + "/data") }
        return (editors + servers).map { $0 + "/User/globalStorage" }
    }

    /// The path that a variable names, else others.
    func named(_ name: String, else others: [String]) -> [String] { value(name).map { [$0] } ?? others }

    /// The paths of a list with commas; empty ones do not count.
    func list(_ name: String) -> [String] {
        (value(name) ?? "").split(separator: ",").map { $0.drop { $0 == " " } }
            .map { text in String(text.reversed().drop { $0 == " " }.reversed()) }.filter { !$0.isEmpty }
    }
}

/// The folders of all agents: from the configuration, else from the environment.
struct SessionFolders: Sendable {
    private var entries: [Entry] = []

    private struct Entry: Sendable {
        var agent: Agent
        var homes: [String]
        var namedFolders: [String]
        var searched: [String]
        var ending: String
    }

    /// A folder to look through.
    struct Root: Hashable {
        var agent: Agent
        var path: String
        /// Whether its files were put aside, so that a copy elsewhere is the live one.
        var isArchive = false
        /// How many levels of folders below it are looked through.
        var depth = FolderWalk.deepest
    }

    init(_ config: AgentSessionsConfig, environment: [String: String]) {
        let environment = StoreEnvironment(environment)
        for agent in Agent.allCases where config.section(agent).enabled {
            let named = config.section(agent).directories.map(\.path)
            let searched = named.isEmpty ? agent.store.searched(environment) : AgentStore.SearchedFolders()
            entries.append(
                Entry(
                    agent: agent,
                    homes: (named.isEmpty ? agent.store.homes(environment) : named).map(Self.trimmed),
                    namedFolders: named.isEmpty ? agent.store.namedFolders(environment).map(Self.trimmed) : [],
                    searched: searched.folders,
                    ending: searched.ending
                )
            )
        }
    }

    /// The folders that are there, each once.
    func roots(_ walk: inout FolderWalk) -> [Root] {
        var roots: [Root] = []
        for entry in entries {
            for home in entry.homes {
                for folder in entry.agent.store.folders {
                    let path = Self.path(of: folder, in: home)
                    guard walk.isFolder(path) else { continue }
                    roots.append(
                        Root(agent: entry.agent, path: path, isArchive: folder.isArchive, depth: folder.depth)
                    )
                }
            }
            for folder in entry.namedFolders where walk.isFolder(folder) {
                roots.append(Root(agent: entry.agent, path: folder))
            }
            for folder in entry.searched where walk.isFolder(folder) {
                roots += walk.folders(below: folder, endingIn: entry.ending).map { Root(agent: entry.agent, path: $0) }
            }
        }
        var seen: Set<Root> = []
        return roots.filter { seen.insert($0).inserted }
    }

    /// The path of a folder of sessions; a configuration may name the folder in place of the home.
    private static func path(of folder: AgentStore.Folder, in home: String) -> String {
        if folder.name.isEmpty || home.hasSuffix("/" + folder.name) { return home }
        return home + "/" + folder.name
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
