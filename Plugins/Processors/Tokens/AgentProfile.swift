// SPDX-License-Identifier: Apache-2.0

/// The telemetry of one agent: which of its records are calls and under which keys they name their session.
///
/// A class, so that passing it from record to record costs almost nothing.
final class AgentProfile: Sendable {
    /// The agent's name in answers.
    let name: String
    /// Prefixes of `service.name` that identify it.
    let serviceNames: [String]
    /// Prefixes of event names, or of the instrumentation scope, that identify it when the service was renamed.
    let prefixes: [StaticString]
    /// The log events that each report one call; nil accepts every event with tokens.
    let callEvents: Set<String>?
    /// The spans that each report one call; nil accepts every span that looks like inference.
    let callSpans: Set<String>?
    /// The priority of its log records.
    let logPriority: UInt8
    /// The priority of its spans.
    let spanPriority: UInt8
    /// How many seconds two observations of one call may be apart.
    let window: Int32
    /// Whether its spans have no session, so that they can only be matched by the size of the prompt.
    let spansLackSession: Bool
    /// The provider, when the telemetry does not name it.
    let provider: String?
    /// Whether the agent is one of those described here, so that its ids and sessions can be relied on.
    var isKnown: Bool { !serviceNames.isEmpty }
    /// The keys under which its records name their session.
    let sessionKeys: KeyGroup
    /// How its store names a session whose calls it only has a sum of, before the session's id; nil when it has the calls.
    let part: String?

    init(
        name: String,
        serviceNames: [String] = [],
        prefixes: [StaticString] = [],
        callEvents: Set<String>? = nil,
        callSpans: Set<String>? = nil,
        logPriority: UInt8 = 80,
        spanPriority: UInt8 = 70,
        window: Int32 = 30,
        spansLackSession: Bool = false,
        provider: String? = nil,
        sessionKeys: KeyGroup = ExtractionTable.session,
        part: String? = nil
    ) {
        self.name = name
        self.serviceNames = serviceNames
        self.prefixes = prefixes
        self.callEvents = callEvents
        self.callSpans = callSpans
        self.logPriority = logPriority
        self.spanPriority = spanPriority
        self.window = window
        self.spansLackSession = spansLackSession
        self.provider = provider
        self.sessionKeys = sessionKeys
        self.part = part
    }

    /// The agents whose telemetry is described here.
    static let known: [AgentProfile] = [
        AgentProfile(
            name: "claude-code",
            serviceNames: ["claude-code"],
            prefixes: ["claude_code.", "com.anthropic.claude_code"],
            callEvents: ["api_request"],
            callSpans: ["claude_code.llm_request"],
            logPriority: 90,
            spanPriority: 80,
            window: 120,
            provider: "anthropic"
        ),
        AgentProfile(
            name: "codex",
            serviceNames: ["codex"],
            prefixes: ["codex."],
            callEvents: ["codex.sse_event", "codex.websocket_event"],
            callSpans: ["handle_responses"],
            spansLackSession: true,
            provider: "openai"
        ),
        AgentProfile(
            name: "gemini-cli",
            serviceNames: ["gemini-cli"],
            prefixes: ["gemini_cli."],
            callEvents: ["gemini_cli.api_response", "gen_ai.client.inference.operation.details"],
            provider: "gcp.gemini"
        ),
        AgentProfile(
            name: "qwen-code",
            serviceNames: ["qwen-code"],
            prefixes: ["qwen-code."],
            callEvents: ["qwen-code.api_response", "gen_ai.client.inference.operation.details"]
        ),
        AgentProfile(
            name: "copilot",
            serviceNames: ["copilot-chat", "github-copilot"],
            prefixes: ["copilot_chat.", "github.copilot."],
            callEvents: ["gen_ai.client.inference.operation.details"],
            spanPriority: 90,
            sessionKeys: ExtractionTable.copilotSession,
            part: "copilot:"
        ),
        AgentProfile(
            name: "opencode",
            serviceNames: ["opencode"],
            prefixes: ["opencode.", "com.opencode"],
            // Its store has the end time of a step including tools; its spans have that of the answer.
            window: 120
        ),
    ]

    /// Log events with token figures that are not calls: sums, or repetitions of a call.
    static let eventsThatSumUp: Set<String> = [
        "subagent_completed", "api_retries_exhausted", "compaction", "copilot_chat.agent.turn",
        "hammurabi.onboard_validation",
    ]

    /// Operations of GenAI spans that are not inference; their figures are sums of their descendants.
    static let operationsThatSumUp: Set<String> = [
        "invoke_agent", "invoke_workflow", "create_agent", "execute_tool", "plan", "retrieval", "fetch_response",
        "execute_event_loop_cycle", "execute_task", "handoff", "chain",
    ]

    /// Operations of GenAI spans that are the run of an agent: when no model call below reports usage, only their figures exist.
    static let operationsOfAgents: Set<String> = ["invoke_agent"]

    /// The kinds that libraries give the span of an agent, in lower case.
    static let kindsOfAgents: Set<String> = ["agent"]

    /// Spans that always repeat what their descendants or their parent report.
    static let spansThatSumUp: Set<String> = [
        "ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject", "ai.embedMany",
        "claude_code.interaction",
        "raw_gen_ai_request", "session_task.turn",
    ]

    /// What OpenInference, Langfuse, MLflow, LangSmith and Laminar call an inference, in lower case; other kinds of span sum up or do
    /// something else.
    static let kindsThatInfer: Set<String> = ["llm", "embedding", "generation", "chat_model"]

    /// AG2's spans of usage (`ag2.usage.kind`) that repeat others: `subtask` the calls of a helper.
    ///
    /// Other kinds (`compaction`, `aggregation`) are the only source of their spend.
    static let usageKindsThatRepeat: Set<String> = ["subtask"]

    /// AG2's spans of usage that repeat the chat span beside them, if there is one (see ``AgentSums``).
    static let usageKindsBesideCalls: Set<String> = ["model_call"]

    /// Whether it is known which of its records are calls.
    var isKnownByHeart: Bool { callEvents != nil || callSpans != nil }
}
