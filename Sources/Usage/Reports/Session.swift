// SPDX-License-Identifier: Apache-2.0

/// A session of an agent: who, where, since when, and what it cost.
public struct Session: Sendable, Hashable {
    /// The agent's id for it, or that of a ``SessionGroup``.
    public var id: String
    /// A name people gave it; the id when there is none.
    public var name: String
    /// The agent.
    public var agent: String?
    /// The model of the newest call.
    public var model: String?
    /// The repository or project.
    public var project: String?
    /// The person or account.
    public var user: String?
    /// The machine.
    public var machine: String?
    /// The team that pays.
    public var team: String?
    /// The branch that was checked out.
    public var branch: String?
    /// The version of the agent.
    public var agentVersion: String?
    /// The session that started this one.
    public var parent: String?
    /// What the agent says it is doing.
    public var taskStatus: String?
    /// Whether the agent said that it ended.
    public var isCompleted = false
    /// The first sign of it.
    public var startedAt: Timestamp
    /// The newest sign of it.
    public var lastSeenAt: Timestamp
    /// What the agent says that it cost, if that can be compared, see ``SessionUpdate/comparableCost``.
    public var comparableCost: Money?
    /// From what it is known.
    public var provenance = Provenance.measured
    /// Its sums.
    public var totals = UsageTotals()

    /// Creates a session without calls.
    public init(id: String, startedAt: Timestamp, lastSeenAt: Timestamp) {
        self.id = id
        name = id
        self.startedAt = startedAt
        self.lastSeenAt = lastSeenAt
    }

    /// Whether it is alive at an instant: `active` for a minute after the last sign, `idle` for five, then `stale`.
    public func status(at now: Timestamp) -> Status {
        if isCompleted { return .completed }
        let silence = now.nanoseconds.saturatingSubtracting(lastSeenAt.nanoseconds)
        return silence <= 60_000_000_000 ? .active : silence <= 300_000_000_000 ? .idle : .stale
    }

    /// The states of a session, in the API's words.
    public enum Status: String, Sendable, CaseIterable {
        /// Seen in the last 60 seconds.
        case active
        /// Seen in the last five minutes.
        case idle
        /// Not seen for longer.
        case stale
        /// Ended by its own word.
        case completed
    }
}

/// One session with its calls.
public struct SessionDetail: Sendable {
    /// The session.
    public var session: Session
    /// Its calls in order of time, at most ``maximumCalls``.
    public var calls: [Call]
    /// Its other records, in order of time.
    public var events: [SessionEvent]
    /// The cost of each model.
    public var costByModel: [String: Money]
    /// The sessions that this one started, with their calls, in the order of their starts, at most ``maximumSubagents``.
    public var subagents: [Subagent] = []

    /// A session that another one started.
    public struct Subagent: Sendable, Hashable {
        /// The session.
        public var session: Session
        /// Its calls in order of time, at most ``SessionDetail/maximumCalls``.
        public var calls: [Call]

        /// Creates a sub-agent's part.
        public init(session: Session, calls: [Call]) {
            self.session = session
            self.calls = calls
        }
    }

    /// How many sub-agents a detail lists.
    public static let maximumSubagents = 200
    /// How many calls and how many events a detail lists.
    public static let maximumCalls = 10_000

    /// Creates a detail.
    public init(session: Session, calls: [Call], events: [SessionEvent], costByModel: [String: Money]) {
        self.session = session
        self.calls = calls
        self.events = events
        self.costByModel = costByModel
    }
}

/// Something that happened in a session and was not a call.
public struct SessionEvent: Sendable, Hashable {
    /// When.
    public var time: Timestamp
    /// The event's name, such as `api_error`.
    public var name: String

    /// Creates an event.
    public init(time: Timestamp, name: String) {
        self.time = time
        self.name = name
    }
}
