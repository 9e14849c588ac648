// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a user writes under `agent_sessions:`.
public struct AgentSessionsConfig: ComponentConfig {
    /// The store of Claude Code.
    public var claudeCode = Store()
    /// The store of Codex.
    public var codex = Store()
    /// The stores of OpenCode, and of Kilo CLI and MiMo Code, which are built of it.
    public var opencode = Store()
    /// The store of Gemini CLI.
    public var gemini = Store()
    /// The store of GitHub Copilot's command line.
    public var copilot = Store()
    /// The stores of Cline, Roo Code and Kilo Code.
    public var cline = Store()
    /// The stores of pi and omp.
    public var pi = Store()
    /// The store of Qwen Code.
    public var qwen = Store()
    /// The stores of Kimi Code and Kimi CLI.
    public var kimi = Store()
    /// The store of Amp.
    public var amp = Store()
    /// How often to look for what is new; zero to look only when asked.
    public var pollInterval = ConfigDuration(seconds: 30)
    /// What to do with what is there when the files are first looked at.
    public var startAt = Start.beginning
    /// The file that remembers how far each session file was read.
    public var checkpoint: ConfigPath = ""

    /// The agents' own directories, every 30 seconds.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case codex, opencode, gemini, copilot, cline, pi, qwen, kimi, amp, checkpoint
        case claudeCode = "claude_code"
        case pollInterval = "poll_interval"
        case startAt = "start_at"
    }

    /// What is read of an agent, and where.
    public struct Store: ConfigSection, Hashable {
        /// Whether its store is read where there is one.
        public var enabled = true
        /// Homes of the agent, or the folders of sessions in them; empty for the agent's own.
        public var directories: [ConfigPath] = []

        /// The agent's own.
        public init() {}
    }

    /// The section of an agent.
    func section(_ agent: Agent) -> Store {
        switch agent {
        case .claudeCode: claudeCode
        case .codex: codex
        case .openCode: opencode
        case .gemini: gemini
        case .copilot: copilot
        case .cline: cline
        case .pi: pi
        case .qwen: qwen
        case .kimi: kimi
        case .amp: amp
        }
    }

    /// Where reading begins when nothing is remembered.
    public enum Start: String, Codable, Sendable, CaseIterable {
        /// Everything that is there is read.
        case beginning
        /// Only what comes later is read.
        case end
    }

    /// What each key means.
    public static let documentation: [String: String] = {
        var meanings = [
            "poll_interval": "how often to look for what is new; 0s to look only when asked",
            "start_at": "beginning: read what is there; end: only what comes after the first look",
            "checkpoint":
                "the file that remembers how far each file was read; by default agent_sessions.checkpoint in the program's home",
        ]
        for agent in Agent.allCases {
            let (key, store, title) = (agent.key, agent.store, agent.title)
            meanings[key] = "the store of \(title)"
            meanings[key + ".enabled"] = "whether \(title) is read where there is a store"
            meanings[key + ".directories"] =
                "its homes, or the folders of sessions in them; by default \(store.homesInWords)"
        }
        return meanings
    }()

    /// Refuses intervals that would keep the disk busy, and directories without a name.
    public func validate(_ findings: inout ConfigFindings) {
        if pollInterval.nanoseconds != 0, pollInterval.nanoseconds < 1_000_000_000 {
            findings.error(
                "out-of-range",
                "an interval of \(pollInterval) is too short",
                at: ["poll_interval"],
                help: "write 1s or more, or 0s to look only when asked"
            )
        }
        for agent in Agent.allCases {
            for (position, directory) in section(agent).directories.enumerated() where directory.isEmpty {
                findings.error(
                    "empty-value",
                    "a directory needs a path",
                    at: [agent.key, "directories", "\(position)"]
                )
            }
        }
    }

    /// The checkpoint, where one is named.
    public var resources: [ConfigResource] {
        checkpoint.isEmpty ? [] : [ConfigResource(.file(checkpoint.path), at: ["checkpoint"])]
    }
}
