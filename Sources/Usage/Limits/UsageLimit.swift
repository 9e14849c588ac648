// SPDX-License-Identifier: Apache-2.0

/// How much of a subscription's limit is used, as an agent reported it.
///
/// Nothing is computed from calls: the vendor alone knows what a plan allows. Sources: the `rate_limits` of `token_count` events in Codex
/// rollouts (`RateLimitSnapshot` of openai/codex, `codex-rs/protocol/src/protocol.rs`), and the `rate_limits` that Claude Code hands to the
/// command of its status line (its documentation, "Customize your status line").
public struct UsageLimit: Codable, AgentReport {
    /// The agent whose subscription it is, as calls name it: `claude-code`, `codex`.
    public var agent: String
    /// The vendor's id of the account; nil when the agent does not name it.
    public var account: String?
    /// The machine on which it was reported; nil when it is not known.
    public var machine: String?
    /// The agent's name of the limit, such as `five_hour` or `primary`.
    public var name: String
    /// How long the window is, in minutes; nil when it is not known.
    public var windowMinutes: Int64?
    /// The used share, in billionths of the limit; more than a billion when more was used than allowed.
    public var used: Int64
    /// When the window ends and the share falls; nil when the agent does not say.
    public var resetsAt: Timestamp?
    /// The plan of the subscription; nil when the agent does not name it.
    public var plan: String?
    /// What it was read from.
    public var source: Source
    /// When the agent reported it.
    public var reportedAt: Timestamp

    /// What a limit was read from.
    public enum Source: String, Codable, Sendable, CaseIterable {
        /// The standard input of the status line.
        case statusLine = "statusline"
        /// A session file of Codex.
        case rollout
    }

    /// A limit that is used up, in the unit of ``used``.
    public static let whole: Int64 = 1_000_000_000
    /// The largest share that is taken from outside: ten times the limit.
    private static let mostUsed: Int64 = 10 * whole
    /// The longest window that is taken from outside: a year.
    private static let longestWindow: Int64 = 366 * 1_440

    /// Creates a limit from what an agent reports.
    ///
    /// Names are shortened as ``NameLimit`` has it.
    /// - Parameters:
    ///   - usedPercent: From 0 to 1000.
    ///   - windowMinutes: A length that no plan has counts as unknown.
    /// - Returns: Nil without a name, and for a share that is no share.
    public init?(
        agent: String,
        name: String,
        usedPercent: Double,
        windowMinutes: Int64?,
        resetsAt: Timestamp?,
        source: Source,
        reportedAt: Timestamp
    ) {
        guard !name.isEmpty, let share = Self.share(usedPercent) else { return nil }
        (self.agent, self.name, used) = (NameLimit.bounded(agent), NameLimit.bounded(name), share)
        self.windowMinutes = windowMinutes.flatMap { (1...Self.longestWindow).contains($0) ? $0 : nil }
        (self.resetsAt, self.source, self.reportedAt) = (resetsAt, source, reportedAt)
    }

    /// A share in percent as billionths; nil for one that is no share, or larger than ten times the whole.
    static func share(_ percent: Double) -> Int64? {
        guard percent.isFinite, percent >= 0, let share = Int64(exactly: (percent * 10_000_000).rounded()),
            share <= mostUsed
        else { return nil }
        return share
    }

    /// What makes it the same limit as another: all but its figures.
    public var key: Key { Key(agent: agent, account: account ?? "", machine: machine ?? "", name: name) }

    /// The same for all machines that use one account; that of a machine where no account is named.
    public var subscription: Key {
        Key(agent: agent, account: account ?? "", machine: account == nil ? machine ?? "" : "", name: name)
    }

    /// The identity of a limit; ordered by its members.
    public struct Key: Hashable, Sendable, Comparable {
        let agent: String
        let account: String
        let machine: String
        let name: String

        /// The members in their order, with slashes between them.
        public var text: String { [agent, account, machine, name].filter { !$0.isEmpty }.joined(separator: "/") }

        /// Orders keys.
        public static func < (left: Key, right: Key) -> Bool {
            (left.agent, left.account, left.machine, left.name) < (
                right.agent, right.account, right.machine, right.name
            )
        }
    }

    /// Of two reports of one instant the higher share counts.
    public var weight: Int64 { used }

    /// Shortens the names.
    public mutating func shortenNames() {
        (agent, name) = (NameLimit.bounded(agent), NameLimit.bounded(name))
        account = account.map(NameLimit.bounded)
        machine = machine.map(NameLimit.bounded)
        plan = plan.map(NameLimit.bounded)
    }

    /// How many limits are kept.
    public static let most = 256
    /// Five weeks.
    public static let longest: Int64 = 35 * 86_400_000_000_000

    /// The window in few characters: `5h`, `7d`; the name where no window is known.
    public var label: String {
        guard let windowMinutes else { return name }
        if windowMinutes % 1_440 == 0 { return "\(windowMinutes / 1_440)d" }
        return windowMinutes % 60 == 0 ? "\(windowMinutes / 60)h" : "\(windowMinutes)m"
    }

    // MARK: - Time

    private static let minute: Int64 = 60_000_000_000
    /// How long a share without a reset time and a window says something.
    private static let usualWindow: Int64 = 1_440

    /// Whether the share still holds: its window has not ended since it was reported.
    ///
    /// Without a reset time a share holds as long as its window is, or for a day.
    public func isCurrent(at now: Timestamp) -> Bool {
        if let resetsAt { return now < resetsAt }
        let length = (windowMinutes ?? Self.usualWindow) * Self.minute
        return now.nanoseconds.saturatingSubtracting(reportedAt.nanoseconds) < length
    }

    /// The share at the end of the window if it goes on as from the window's beginning to the report, in billionths.
    ///
    /// Nil without a window and a reset time, and in the first twentieth of a window, which says nothing about its end.
    public var projected: Int64? {
        guard let (elapsed, length) = progress else { return nil }
        return Int64(clamping: Int128(used) * Int128(length) / Int128(elapsed))
    }

    /// When the limit is used up at that pace; nil when the window ends before, or it is used up already.
    public var fullAt: Timestamp? {
        guard let resetsAt, let (elapsed, length) = progress, let projected, projected > Self.whole, used < Self.whole
        else { return nil }
        let time = Int128(elapsed) * Int128(Self.whole) / Int128(max(1, used))
        return Timestamp(nanoseconds: resetsAt.nanoseconds - length + Int64(clamping: time))
    }

    /// How much of the window was over when the share was reported, and how long it is, in nanoseconds.
    private var progress: (elapsed: Int64, length: Int64)? {
        guard let windowMinutes, let resetsAt else { return nil }
        let length = windowMinutes * Self.minute
        let elapsed = length - resetsAt.nanoseconds.saturatingSubtracting(reportedAt.nanoseconds)
        return elapsed >= length / 20 && elapsed <= length ? (elapsed, length) : nil
    }
}
