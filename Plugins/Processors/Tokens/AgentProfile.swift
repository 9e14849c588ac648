// SPDX-License-Identifier: Apache-2.0

/// What is particular about the telemetry of one agent: which of its records tell of calls and how its numbers are meant.
struct AgentProfile: Sendable {
    /// The agent's name in answers.
    var name: String
    /// Beginnings of `service.name` by which it is known.
    var serviceNames: [String]
    /// Beginnings of event names, or of the instrumentation scope, by which it is known when the service was renamed.
    var prefixes: [String]
    /// The log events that tell of one call each; nil accepts every event that carries tokens.
    var callEvents: Set<String>?
    /// The spans that tell of one call each; nil accepts every span that looks like inference.
    var callSpans: Set<String>?
    /// How its numbers are meant; nil leaves it to the attributes.
    var convention: CountingConvention?
    /// How far its log records are trusted.
    var logAuthority: UInt8 = 80
    /// How far its spans are trusted.
    var spanAuthority: UInt8 = 70
    /// How far apart in seconds two sightings of one call can be.
    var window: Int32 = 30
    /// Whether spans lack the session, so that they can only be matched by the size of the prompt.
    var spansLackSession = false
    /// Who answers it, when the telemetry does not say.
    var provider: String?

    /// Programs whose telemetry is known by heart.
    static let known: [AgentProfile] = [
        AgentProfile(
            name: "claude-code",
            serviceNames: ["claude-code"],
            prefixes: ["claude_code.", "com.anthropic.claude_code"],
            callEvents: ["api_request"],
            callSpans: ["claude_code.llm_request"],
            convention: .exclusive,
            logAuthority: 90,
            spanAuthority: 80,
            window: 120,
            provider: "anthropic"
        ),
        AgentProfile(
            name: "codex",
            serviceNames: ["codex"],
            prefixes: ["codex."],
            callEvents: ["codex.sse_event", "codex.websocket_event"],
            callSpans: ["handle_responses"],
            convention: .inclusive,
            spansLackSession: true,
            provider: "openai"
        ),
        AgentProfile(
            name: "gemini-cli",
            serviceNames: ["gemini-cli"],
            prefixes: ["gemini_cli."],
            callEvents: ["gemini_cli.api_response", "gen_ai.client.inference.operation.details"],
            convention: .inclusiveReasoningApart,
            provider: "gcp.gemini"
        ),
        AgentProfile(
            name: "qwen-code",
            serviceNames: ["qwen-code"],
            prefixes: ["qwen-code."],
            callEvents: ["qwen-code.api_response", "gen_ai.client.inference.operation.details"],
            convention: .inclusiveReasoningApart
        ),
        AgentProfile(
            name: "copilot",
            serviceNames: ["copilot-chat", "github-copilot"],
            prefixes: ["copilot_chat.", "github.copilot."],
            callEvents: ["gen_ai.client.inference.operation.details"],
            convention: .inclusive,
            spanAuthority: 90
        ),
        AgentProfile(
            name: "opencode",
            serviceNames: ["opencode"],
            prefixes: ["opencode.", "com.opencode"],
            convention: nil
        ),
    ]

    /// The profile of a program that nobody has described.
    static func generic(named name: String?) -> AgentProfile {
        AgentProfile(name: name ?? "", serviceNames: [], prefixes: [])
    }

    /// Log events that carry token figures and are no calls: sums, or the same call told again.
    static let eventsThatSumUp: Set<String> = [
        "subagent_completed", "api_retries_exhausted", "compaction", "copilot_chat.agent.turn",
        "hammurabi.onboard_validation",
    ]

    /// Operations of GenAI spans that are no inference; their figures sum up those of their descendants.
    static let operationsThatSumUp: Set<String> = [
        "invoke_agent", "invoke_workflow", "create_agent", "execute_tool", "plan", "retrieval", "fetch_response",
    ]

    /// Spans that always repeat what their descendants or their parent tells.
    static let spansThatSumUp: Set<String> = [
        "ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject", "ai.embedMany",
        "claude_code.interaction",
        "raw_gen_ai_request", "session_task.turn",
    ]

    /// What OpenInference and Langfuse call an inference; other kinds of span sum up or do something else.
    static let kindsThatInfer: Set<String> = ["LLM", "EMBEDDING", "generation", "embedding"]
}
