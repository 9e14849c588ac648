// SPDX-License-Identifier: Apache-2.0

/// Which sessions to list, in which order, from where on.
public struct SessionQuery: Sendable, Hashable {
    /// Only sessions in this state.
    public var status: Session.Status?
    /// Only sessions of this agent.
    public var agent: String?
    /// Only sessions that used this model.
    public var model: String?
    /// Only sessions of this project.
    public var project: String?
    /// Only sessions in whose id, name, project or user this text occurs, whatever the case.
    public var text: String?
    /// What to sort by.
    public var sort = Sort.lastSeenAt
    /// Whether the largest comes first.
    public var descending = true
    /// How many at most, 1 to 1,000.
    public var limit = 100
    /// How many to pass over.
    public var offset = 0
    /// The present, from which states follow.
    public var now: Timestamp

    /// Creates a query for the newest sessions.
    public init(now: Timestamp) {
        self.now = now
    }

    /// What sessions can be sorted by, in the API's words.
    public enum Sort: String, Sendable, CaseIterable {
        /// The newest sign.
        case lastSeenAt
        /// The first sign.
        case startedAt
        /// The cost.
        case cost
        /// All tokens.
        case totalTokens
        /// The number of calls.
        case calls
        /// From the first sign to the newest.
        case durationMs
        /// The name.
        case name
    }
}

/// A page of sessions.
public struct SessionPage: Sendable {
    /// The sessions.
    public var sessions: [Session]
    /// How many there are over all pages.
    public var total: Int
    /// Where the next page begins; nil after the last.
    public var nextOffset: Int?

    /// Creates a page.
    public init(sessions: [Session], total: Int, nextOffset: Int?) {
        self.sessions = sessions
        self.total = total
        self.nextOffset = nextOffset
    }
}
