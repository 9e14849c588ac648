// SPDX-License-Identifier: Apache-2.0

/// A coding agent that onboarding can configure.
public enum Agent: String, CaseIterable, Sendable, Codable {
    case claudeCode = "claude-code"
    case codex
    case gemini
    case qwen
    case cursor
    case opencode
    case copilot

    /// The agent's name for people.
    public var title: String {
        switch self {
        case .claudeCode: "Claude Code"
        case .codex: "Codex"
        case .gemini: "Gemini CLI"
        case .qwen: "Qwen Code"
        case .cursor: "Cursor"
        case .opencode: "OpenCode"
        case .copilot: "GitHub Copilot"
        }
    }

    /// The name under which its calls and sessions are reported.
    public var reportedName: String {
        switch self {
        case .gemini: "gemini-cli"
        case .qwen: "qwen-code"
        default: rawValue
        }
    }

    /// What to do so that the agent sends with new settings, and when its first records arrive.
    public var firstRecord: String {
        switch self {
        case .claudeCode: "restart it and send a prompt; its first records come within a minute"
        case .codex: "restart it; its first records come with the first turn"
        case .gemini, .qwen: "restart it; its first records come within half a minute"
        case .copilot: "reload the window or restart it; its first records come at the end of the first turn"
        case .opencode: "restart it; its first records come at the end of the first turn"
        case .cursor: "it sends nothing"
        }
    }
}
