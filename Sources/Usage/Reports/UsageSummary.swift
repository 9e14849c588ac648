// SPDX-License-Identifier: Apache-2.0

/// What a period cost, and where: the answer behind `summary` in the API, the command line and the dashboard.
public struct UsageSummary: Sendable {
    /// The period it is about.
    public var period: Period
    /// Everything together.
    public var totals = UsageTotals()
    /// Sessions with a call in the period.
    public var sessionCount = 0
    /// Sessions seen in the last minute, of those that the filter lets through.
    public var activeSessions = 0
    /// Models without a price: those with most such calls, in the order of their names, and ``ListedNames/other`` for more of them.
    public var unpricedModels: [String] = []
    private var shares = [[String: Share]](repeating: [:], count: UsageDimension.allCases.count)
    /// By day, every day of the period in order, also those without a call.
    public var byDay: [Day]
    /// The period's figures by session, dearest first, at most ``maximumSessions``.
    public var sessions: [Session] = []

    /// The days of ``byDay`` split up by the dimension that was asked for; empty when none was.
    public var series: [[String: UsageTotals]] = []

    /// How many sessions a summary lists.
    public static let maximumSessions = 1_000

    /// Creates a summary of nothing.
    public init(period: Period) {
        self.period = period
        byDay = period.days.map { Day(date: $0) }
    }

    /// What each name of a dimension has, bounded by ``ListedNames``; calls without a known name are under the empty one.
    ///
    /// Projects are under their keys (``ProjectPath``), in the hub's answers under their labels.
    public subscript(by dimension: UsageDimension) -> [String: Share] {
        get { shares[dimension.position] }
        set { shares[dimension.position] = newValue }
    }

    /// By model.
    public var byModel: [String: Share] {
        get { self[by: .model] }
        set { self[by: .model] = newValue }
    }

    /// By agent.
    public var byAgent: [String: Share] {
        get { self[by: .agent] }
        set { self[by: .agent] = newValue }
    }

    /// By project.
    public var byProject: [String: Share] {
        get { self[by: .project] }
        set { self[by: .project] = newValue }
    }

    /// By user.
    public var byUser: [String: Share] {
        get { self[by: .user] }
        set { self[by: .user] = newValue }
    }

    /// By machine.
    public var byMachine: [String: Share] {
        get { self[by: .machine] }
        set { self[by: .machine] = newValue }
    }

    /// What one name of a dimension has of a period.
    public struct Share: Sendable, Hashable {
        /// Its sums.
        public var totals = UsageTotals()
        /// Its sessions.
        public var sessions = 0

        /// Creates an empty share.
        public init() {}
    }

    /// What one day has of a period.
    public struct Day: Sendable, Hashable {
        /// The date, `YYYY-MM-DD`, in the period's time zone.
        public var date: String
        /// Its sums.
        public var totals = UsageTotals()

        /// Creates a day without calls.
        public init(date: String) {
            self.date = date
        }
    }
}
