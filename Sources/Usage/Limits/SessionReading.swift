// SPDX-License-Identifier: Apache-2.0

/// What an agent says of one of its sessions: how full its context is, and what the session has cost by the agent's own reckoning.
///
/// Nothing of it is counted: costs and tokens come from calls. Source: the `context_window` and `cost` that Claude Code hands to the command
/// of its status line (its documentation, "Customize your status line").
public struct SessionReading: Codable, AgentReport {
    /// The agent, as calls name it.
    public var agent: String
    /// The id of the session.
    public var session: String
    /// The machine on which it was reported; nil when it is not known.
    public var machine: String?
    /// The used share of the context, in billionths; nil before the first answer of a model.
    public var contextUsed: Int64?
    /// How many tokens the context holds; nil when the agent does not say.
    public var contextWindow: Int64?
    /// What the session has cost, as the agent reckons; nil when it does not say.
    public var cost: Money?
    /// When the agent reported it.
    public var reportedAt: Timestamp

    /// The largest context that is taken from outside, in tokens.
    private static let largestContext: Int64 = 1_000_000_000

    /// Creates a reading from what an agent reports; figures that are none are left out.
    ///
    /// - Parameters:
    ///   - contextPercent: From 0 to 1000.
    ///   - contextWindow: More than 0.
    /// - Returns: Nil without the id of a session, and when no figure is left.
    public init?(
        agent: String,
        session: String,
        contextPercent: Double?,
        contextWindow: Int64?,
        cost: Money?,
        reportedAt: Timestamp
    ) {
        (self.agent, self.session, self.cost, self.reportedAt) = (agent, session, cost, reportedAt)
        contextUsed = contextPercent.flatMap(UsageLimit.share)
        self.contextWindow = contextWindow.flatMap { (1...Self.largestContext).contains($0) ? $0 : nil }
        guard !session.isEmpty, contextUsed != nil || self.contextWindow != nil || cost != nil else { return nil }
    }

    /// The id of its session: an id is that of one agent.
    public var key: String { session }

    /// The later the session, the more it has cost.
    public var weight: Int64 { cost?.nanodollars ?? 0 }

    /// Shortens the names.
    public mutating func shortenNames() {
        (agent, session) = (NameLimit.bounded(agent), NameLimit.bounded(session))
        machine = machine.map(NameLimit.bounded)
    }

    /// How many sessions are kept.
    public static let most = 512
    /// Two weeks.
    public static let longest: Int64 = 14 * 86_400_000_000_000
}
