// SPDX-License-Identifier: Apache-2.0

public import Usage

/// Evidence that an agent is installed on this machine.
public struct AgentFinding: Sendable, Hashable {
    /// The agent.
    public let agent: Agent
    /// The path of its program; nil when it is not in `PATH`.
    public let program: String?
    /// Its settings folder, when it exists.
    public let settings: String?
    /// The folder of its sessions, when it has any.
    public let sessions: String?

    /// Whether there is any evidence.
    public var isPresent: Bool { program != nil || settings != nil || sessions != nil }

    /// The evidence for every agent.
    public static func all(of account: Account, in files: LocalFiles) -> [AgentFinding] {
        Agent.allCases.map { find($0, of: account, in: files) }
    }

    private static func find(_ agent: Agent, of account: Account, in files: LocalFiles) -> AgentFinding {
        let signs = signs(of: agent, account)
        let folders = (account.environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
        let programs = signs.programs.lazy.flatMap { name in folders.lazy.map { "\($0)/\(name)" } }
        return AgentFinding(
            agent: agent,
            program: programs.first { files.isProgram($0) },
            settings: signs.settings.first { files.isFolder($0) } ?? editorExtension(of: agent, account, in: files),
            sessions: signs.sessions.first { files.isFolder($0) }
        )
    }

    /// Copilot and Cline's family are extensions of an editor.
    private static func editorExtension(of agent: Agent, _ account: Account, in files: LocalFiles) -> String? {
        let names = extensions[agent] ?? []
        guard !names.isEmpty else { return nil }
        let folders = [".vscode/extensions", ".vscode-insiders/extensions"].map { account.home + "/" + $0 }
        return folders.lazy.compactMap { folder in
            files.names(in: folder).first { name in names.contains { name.hasPrefix($0) } }.map { folder + "/" + $0 }
        }.first
    }

    /// How the names of extensions begin.
    private static let extensions: [Agent: [String]] = [
        .copilot: ["github.copilot"], .cline: clineExtensions,
    ]

    private static let clineExtensions = ["saoudrizwan.claude-dev", "rooveterinaryinc.roo-cline", "kilocode.kilo-code"]

    private struct Signs {
        var programs: [String]
        var settings: [String]
        var sessions: [String]
    }

    private static func signs(of agent: Agent, _ account: Account) -> Signs {
        func home(_ path: String) -> String { account.home + "/" + path }
        switch agent {
        case .claudeCode:
            let folder = account.folder("CLAUDE_CONFIG_DIR", or: ".claude")
            return Signs(programs: ["claude"], settings: [folder], sessions: [folder + "/projects"])
        case .codex:
            let folder = account.folder("CODEX_HOME", or: ".codex")
            return Signs(programs: ["codex"], settings: [folder], sessions: [folder + "/sessions"])
        case .gemini: return Signs(programs: ["gemini"], settings: [home(".gemini")], sessions: [home(".gemini/tmp")])
        case .qwen: return Signs(programs: ["qwen"], settings: [home(".qwen")], sessions: [home(".qwen/projects")])
        case .cursor:
            return Signs(
                programs: ["cursor", "cursor-agent"],
                settings: [home(".cursor"), account.configFolder + "/Cursor"],
                sessions: [home(".cursor/projects")]
            )
        case .openCode:
            return Signs(
                programs: ["opencode"],
                settings: [account.configFolder + "/opencode"],
                sessions: [account.dataFolder + "/opencode"]
            )
        case .copilot:
            return Signs(
                programs: ["copilot"],
                settings: [home(".copilot")],
                sessions: [home(".copilot/session-state")]
            )
        case .cline:
            let storage = account.configFolder + "/Code/User/globalStorage/"
            return Signs(
                programs: ["cline"],
                settings: [home(".cline")],
                sessions: [home(".cline/data/tasks"), home(".cline/data/sessions")]
                    + clineExtensions.map { storage + $0 + "/tasks" }
            )
        case .pi:
            return Signs(
                programs: ["pi", "omp"],
                settings: [account.folder("PI_CODING_AGENT_DIR", or: ".pi/agent"), home(".omp/agent")],
                sessions: [
                    account.folder("PI_CODING_AGENT_DIR", or: ".pi/agent") + "/sessions", home(".omp/agent/sessions"),
                ]
            )
        case .kimi:
            let folders = [
                account.folder("KIMI_CODE_HOME", or: ".kimi-code"), account.folder("KIMI_SHARE_DIR", or: ".kimi"),
            ]
            return Signs(programs: ["kimi"], settings: folders, sessions: folders.map { $0 + "/sessions" })
        case .amp:
            return Signs(
                programs: ["amp"],
                settings: [account.configFolder + "/amp"],
                sessions: [account.folder("AMP_DATA_DIR", or: ".local/share/amp") + "/threads"]
            )
        }
    }
}
