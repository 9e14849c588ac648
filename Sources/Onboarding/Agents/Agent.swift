// SPDX-License-Identifier: Apache-2.0

public import Usage

/// A coding agent, of the one table of them.
public typealias Agent = CodingAgent

extension CodingAgent {
    /// What to do so that the agent sends with new settings, and when its first records arrive.
    public var firstRecord: String {
        switch self {
        case .claudeCode: "restart it and send a prompt; its first records come within a minute"
        case .codex: "restart it; its first records come with the first turn"
        case .gemini, .qwen: "restart it; its first records come within half a minute"
        case .copilot: "reload the window or restart it; its first records come at the end of the first turn"
        case .openCode: "restart it; its first records come at the end of the first turn"
        case .cline, .pi, .kimi, .amp, .cursor: "it sends nothing"
        }
    }

    /// What becomes known of an agent that has no setting for sending; a sentence without its full stop.
    public var withoutTelemetry: String {
        isRead
            ? "\(title) has no settings for telemetry; what it keeps of its sessions is read by agent_sessions"
            : "\(title) has no settings for telemetry of its own, and its files hold no token counts; nothing can be configured"
    }
}
