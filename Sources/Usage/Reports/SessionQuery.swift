// SPDX-License-Identifier: Apache-2.0

/// Which sessions to list, in which order, from where on.
public struct SessionQuery: Sendable, Hashable {
    /// Only the session with this id; nil for all.
    public var id: String?
    /// Only sessions in this state.
    public var status: Session.Status?
    /// Only sessions of these agents, projects, users and machines, and that used one of these models.
    public var filter = UsageFilter()
    /// Only sessions with a sign of life in these days; nil for all.
    public var period: Period?
    /// Only sessions in whose id, name, project, user, branch or team this text occurs, whatever the case.
    public var text: String?
    /// What to sort by.
    public var sort = Sort.lastSeenAt
    /// Whether the largest comes first.
    public var descending = true
    /// How many at most, 1 to 1,000.
    public var limit = 100
    /// Only what comes after this place in the order; nil for the beginning.
    public var after: Place?
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
        /// Uncached prompt tokens.
        case inputTokens
        /// Tokens produced.
        case outputTokens
    }

    /// A place in the order of a listing: between the session it names and the next one, also when that session has moved since.
    public struct Place: Sendable, Hashable {
        /// By what the session was sorted: an instant in nanoseconds, an amount or a count; 0 when it was by name.
        public var number: Int64
        /// The session's name when it was sorted by that, else empty.
        public var name: String
        /// The session's id.
        public var id: String

        /// Creates a place.
        public init(number: Int64, name: String, id: String) {
            self.number = number
            self.name = name
            self.id = id
        }

        /// The place of a session in an order.
        public init(of session: Session, by sort: Sort) {
            let (totals, counts) = (session.totals, session.totals.counts)
            (number, name, id) = (0, "", session.id)
            switch sort {
            case .lastSeenAt: number = session.lastSeenAt.nanoseconds
            case .startedAt: number = session.startedAt.nanoseconds
            case .cost: number = totals.cost.nanodollars
            case .totalTokens: number = counts.total
            case .calls: number = totals.calls
            case .durationMs:
                number = session.lastSeenAt.nanoseconds.saturatingSubtracting(session.startedAt.nanoseconds)
            case .name: name = session.name
            case .inputTokens: number = counts.uncachedInput
            case .outputTokens: number = counts.output
            }
        }

        /// Whether one place comes before another; equals come in the order of their ids, whatever the direction.
        public static func isBefore(_ left: Place, _ right: Place, descending: Bool) -> Bool {
            let (first, second) = descending ? (right, left) : (left, right)
            if first.number != second.number { return first.number < second.number }
            if first.name != second.name { return first.name.utf8.lexicographicallyPrecedes(second.name.utf8) }
            return left.id.utf8.lexicographicallyPrecedes(right.id.utf8)
        }
    }

    /// Where ``text`` is looked for: a user counts under the id that agents send and under the name of the filter's rules.
    public func searchedTexts(id: String, name: String?, _ names: SessionNames) -> [String] {
        let called = filter.naming.applied(to: names)
        return [id, name, names.project, names.user, called.user, names.branch, called.team].compactMap(\.self)
    }

    /// Whether a session with these bounds has a sign of life in the period.
    public func isSeen(from first: Timestamp, to last: Timestamp) -> Bool {
        period.map { last >= $0.start && first < $0.end } ?? true
    }
}

/// A page of sessions.
public struct SessionPage: Sendable {
    /// The sessions.
    public var sessions: [Session]
    /// How many there are over all pages.
    public var total: Int
    /// Where the next page begins; nil after the last.
    public var next: SessionQuery.Place?

    /// Creates a page.
    public init(sessions: [Session], total: Int, next: SessionQuery.Place?) {
        self.sessions = sessions
        self.total = total
        self.next = next
    }
}
