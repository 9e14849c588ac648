// SPDX-License-Identifier: Apache-2.0

/// The form of the log records that the `agent_sessions` receiver writes and the `tokens` processor reads, in one place for both.
///
/// Every record has the scope ``scope``, the resource attributes `service.name` (`claude-code`, `codex`, `opencode` …) and, where known,
/// `host.name`, and `session.id`. Its event name is an ``Event``.
///
/// Calls carry the standard `gen_ai.response.id`, `gen_ai.response.model`, `gen_ai.provider.name`, `gen_ai.usage.input_tokens` (cached
/// ones included), `.output_tokens`, `.cache_read.input_tokens`, `.cache_write.input_tokens`, `.reasoning.output_tokens`,
/// `gen_ai.agent.id`, then `request_id`, `anthropic.usage.cache_creation.ephemeral_5m_input_tokens` and `…_1h_…`, `service_tier`,
/// `speed`, `inference_geo`, `cost_usd`, `project.name` (the last part of its path) and the attributes of ``Attribute`` that are of calls.
/// Facts about a session are `project.name`, `vcs.ref.head.name` (the branch), `app.version` and the attributes of ``Attribute`` that are of
/// sessions.
///
/// A limit of a subscription has no `session.id`, but the attributes of ``Attribute`` that are of limits; its time is that of the report.
public enum SessionFileRecord {
    /// The name of the instrumentation scope.
    public static let scope = "hammurabi.agent_sessions"

    /// What a record reports; the raw value is the event name.
    public enum Event: String, CaseIterable, Sendable {
        /// A call, from a line of a Claude Code transcript.
        case transcriptCall = "hammurabi.transcript.call"
        /// The same from a sub-agent or a side question, which may repeat its parent's calls.
        case transcriptSidechain = "hammurabi.transcript.sidechain"
        /// A call, from a `token_usage_record` of a Codex rollout.
        case rolloutCall = "hammurabi.rollout.call"
        /// A call, from the growth of a rollout's running total.
        case rolloutTotal = "hammurabi.rollout.total"
        /// A call, from the store of another agent.
        case storeCall = "hammurabi.store.call"
        /// A call, from a span that an agent wrote into a file instead of sending it.
        case storeSpan = "hammurabi.store.span"
        /// Facts about a session at the record's time.
        case session = "hammurabi.session"
        /// How much of a subscription's limit is used.
        case limit = "hammurabi.limit"
    }

    /// An attribute that no convention has; the raw value is the key.
    public enum Attribute: String, CaseIterable, Sendable {
        /// The place of a call in the history that a rollout and its forks share, or what else names it in a store.
        case lineage = "hammurabi.lineage"
        /// The agent's own id of a call, which decides over its place.
        case callKey = "hammurabi.call.key"
        /// The place of a call in the history of the thread that made it, where forks may have equal turns of their own.
        case ownLineage = "hammurabi.lineage.own"
        /// True on a call that was copied into another session by a fork.
        case isFork = "hammurabi.session.fork"
        /// How many web searches the provider ran for a call.
        case webSearches = "hammurabi.web_searches"
        /// The name of a part of a session: the record is the sum of the part's calls, and counts where none of them is known.
        case sum = "hammurabi.sum"
        /// The names of the parts of a session to which a call belongs, with line feeds between them.
        case parts = "hammurabi.parts"
        /// The path of the project's repository, of calls and sessions.
        case projectPath = "hammurabi.project.path"
        /// The title of a session.
        case sessionName = "hammurabi.session.name"
        /// The session that started this one.
        case sessionParent = "hammurabi.session.parent"
        /// What the agent reports that the session has cost up to the record's time, in dollars.
        case reportedCost = "hammurabi.session.reported_cost_usd"
        /// The agent's name of a limit.
        case limitName = "hammurabi.limit.name"
        /// The used share of a limit, in percent.
        case limitUsedPercent = "hammurabi.limit.used_percent"
        /// The length of a limit's window, in minutes.
        case limitWindowMinutes = "hammurabi.limit.window_minutes"
        /// When a limit's window ends, in seconds since 1970.
        case limitResetsAt = "hammurabi.limit.resets_at"
        /// The plan of the subscription.
        case limitPlan = "hammurabi.limit.plan"
        /// The vendor's id of the account.
        case limitAccount = "hammurabi.limit.account"
    }
}
