// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// Where agents keep their sessions: from the configuration, else from the environment.
struct SessionFolders: Sendable {
    /// Homes of agents, or folders of sessions.
    private var entries: [Entry] = []

    private struct Entry: Sendable {
        var agent: Agent
        var path: String
    }

    /// A folder to look through.
    struct Root: Hashable {
        var agent: Agent
        var path: String
        /// Whether its files were put aside, so that a copy elsewhere is the live one.
        var isArchive = false
    }

    /// Folders of the desktop program below which homes of the agent lie at any depth.
    private var desktopFolders: [String] = []

    init(_ config: AgentSessionsConfig, environment: [String: String]) {
        let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
        let claude = config.claudeCode.directories.map(\.path)
        if claude.isEmpty {
            let named = Self.list(environment["CLAUDE_CONFIG_DIR"])
            let settings =
                environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home.map { $0 + "/.config" }
            let own = [home.map { $0 + "/.claude" }, settings.map { $0 + "/claude" }].compactMap(\.self)
            add(named.isEmpty ? own : named, .claudeCode)
            let desktop = [settings, home.map { $0 + "/Library/Application Support" }].compactMap {
                $0.map { $0 + "/Claude" }
            }
            desktopFolders = desktop.flatMap { [$0 + "/local-agent-mode-sessions", $0 + "/claude-code-sessions"] }
        } else {
            add(claude, .claudeCode)
        }
        let codex = config.codex.directories.map(\.path)
        let named = codex.isEmpty ? Self.list(environment["CODEX_HOME"]) : codex
        add(named.isEmpty ? [home.map { $0 + "/.codex" }].compactMap(\.self) : named, .codex)
    }

    private mutating func add(_ paths: [String], _ agent: Agent) {
        entries += paths.map { Entry(agent: agent, path: Self.trimmed($0)) }
    }

    /// The folders that are there, each once.
    func roots(_ walk: inout FolderWalk) -> [Root] {
        var roots: [Root] = []
        for entry in entries {
            for (name, isArchive) in Self.names(of: entry.agent) {
                let path = entry.path.hasSuffix("/" + name) ? entry.path : entry.path + "/" + name
                if walk.isFolder(path) { roots.append(Root(agent: entry.agent, path: path, isArchive: isArchive)) }
            }
        }
        for folder in desktopFolders where walk.isFolder(folder) {
            roots += walk.folders(below: folder, endingIn: "/.claude/projects").map {
                Root(agent: .claudeCode, path: $0)
            }
        }
        var seen: Set<Root> = []
        return roots.filter { seen.insert($0).inserted }
    }

    private static func names(of agent: Agent) -> [(String, Bool)] {
        switch agent {
        case .claudeCode: [("projects", false), ("transcripts", false)]
        case .codex: [("sessions", false), ("archived_sessions", true)]
        }
    }

    /// The paths of a list with commas; empty ones do not count.
    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { $0.drop { $0 == " " } }
            .map { text in String(text.reversed().drop { $0 == " " }.reversed()) }.filter { !$0.isEmpty }
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
