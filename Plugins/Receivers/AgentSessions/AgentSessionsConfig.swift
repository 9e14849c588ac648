// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a user writes under `agent_sessions:`.
public struct AgentSessionsConfig: ComponentConfig {
    /// Where Claude Code keeps its transcripts.
    public var claudeCode = Directories()
    /// Where Codex keeps its rollouts.
    public var codex = Directories()
    /// How often to look for what is new; zero to look only when asked.
    public var pollInterval = ConfigDuration(seconds: 30)
    /// What to do with what is there when the files are first looked at.
    public var startAt = Start.beginning
    /// The file that remembers how far each session file was read.
    public var checkpoint: ConfigPath = ""

    /// The agents' own directories, every 30 seconds.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case codex, checkpoint
        case claudeCode = "claude_code"
        case pollInterval = "poll_interval"
        case startAt = "start_at"
    }

    /// Where an agent keeps its sessions.
    public struct Directories: ConfigSection, Hashable {
        /// Homes of the agent, or the folders of sessions in them; empty for the agent's own.
        public var directories: [ConfigPath] = []

        /// The agent's own.
        public init() {}
    }

    /// Where reading begins when nothing is remembered.
    public enum Start: String, Codable, Sendable, CaseIterable {
        /// Everything that is there is read.
        case beginning
        /// Only what comes later is read.
        case end
    }

    /// What each key means.
    public static let documentation = [
        "claude_code": "transcripts of Claude Code",
        "claude_code.directories":
            "its homes, or their projects folders; by default $CLAUDE_CONFIG_DIR, else ~/.claude and ~/.config/claude",
        "codex": "rollouts of Codex",
        "codex.directories": "its homes, or their sessions folders; by default $CODEX_HOME, else ~/.codex",
        "poll_interval": "how often to look for what is new; 0s to look only when asked",
        "start_at": "beginning: read what is there; end: only what comes after the first look",
        "checkpoint":
            "the file that remembers how far each file was read; by default agent_sessions.checkpoint in the program's home",
    ]

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
        for (key, section) in [("claude_code", claudeCode), ("codex", codex)] {
            for (position, directory) in section.directories.enumerated() where directory.isEmpty {
                findings.error("empty-value", "a directory needs a path", at: [key, "directories", "\(position)"])
            }
        }
    }

    /// The checkpoint, where one is named.
    public var resources: [ConfigResource] {
        checkpoint.isEmpty ? [] : [ConfigResource(.file(checkpoint.path), at: ["checkpoint"])]
    }
}
