// SPDX-License-Identifier: Apache-2.0

package import JSON
package import Usage

/// How much of the limits of subscriptions is used, as agents reported it.
package struct LimitsDocument: Codable, Hashable, Sendable {
    /// Ordered by agent, account, machine and name.
    package var limits: [Limit]

    /// The newest report of a limit.
    package struct Limit: Codable, Hashable, Sendable {
        package var agent: String
        /// The vendor's id; nil when the agent does not name it.
        package var account: String?
        package var machine: String?
        package var plan: String?
        /// The agent's name of it, such as `five_hour` or `primary`.
        package var name: String
        /// The window in few characters, such as `5h`.
        package var label: String
        package var windowMinutes: Int64?
        /// As it was reported; after the reset it no longer holds, see `isCurrent`.
        package var usedPercent: JSONNumber
        package var resetsAt: String?
        package var reportedAt: String
        /// How long ago it was reported.
        package var ageSeconds: Int64
        /// Whether the window has not ended since.
        package var isCurrent: Bool
        /// The share at the reset at the pace up to the report; nil when it is not current or no pace is known.
        package var projectedPercent: JSONNumber?
        /// When it is used up at that pace; nil when the window ends before.
        package var fullAt: String?
        /// `statusline` or `rollout`.
        package var source: String
    }

    package init(_ limits: [UsageLimit], now: Timestamp) {
        self.limits = limits.map { Limit($0, now: now) }
    }
}

extension LimitsDocument.Limit {
    package init(_ limit: UsageLimit, now: Timestamp) {
        (agent, account, machine, plan) = (limit.agent, limit.account, limit.machine, limit.plan)
        (name, label, windowMinutes) = (limit.name, limit.label, limit.windowMinutes)
        usedPercent = Self.percent(limit.used)
        (resetsAt, reportedAt) = (limit.resetsAt?.iso8601, limit.reportedAt.iso8601)
        ageSeconds = max(0, now.nanoseconds.saturatingSubtracting(limit.reportedAt.nanoseconds)) / 1_000_000_000
        isCurrent = limit.isCurrent(at: now)
        projectedPercent = isCurrent ? limit.projected.map(Self.percent) : nil
        fullAt = isCurrent ? limit.fullAt?.iso8601 : nil
        source = limit.source.rawValue
    }

    fileprivate static func percent(_ share: Int64) -> JSONNumber {
        JSONNumber(billionths: share.saturatingMultiplied(by: 100))
    }
}

/// What an agent hands to the command of its status line, as far as the hub keeps it.
package struct StatusLineReport: Codable, Hashable, Sendable {
    /// The id of the session whose figures are asked for.
    package var session: String?
    package var agent: String
    package var account: String?
    package var machine: String?
    package var limits: [Limit] = []
    /// How much of the session's context is used; 0 to 1000.
    package var contextPercent: Double?
    /// How many tokens the context holds.
    package var contextWindow: Int64?
    /// What the session has cost by the agent's own reckoning.
    package var cost: Dollars?

    /// A limit as the agent has it.
    package struct Limit: Codable, Hashable, Sendable {
        package var name: String
        package var usedPercent: Double
        package var windowMinutes: Int64?
        /// Seconds since 1970.
        package var resetsAt: Int64?

        package init(name: String, usedPercent: Double, windowMinutes: Int64?, resetsAt: Int64?) {
            (self.name, self.usedPercent) = (name, usedPercent)
            (self.windowMinutes, self.resetsAt) = (windowMinutes, resetsAt)
        }
    }

    package init(agent: String, session: String?) {
        (self.agent, self.session) = (agent, session)
    }

    /// More limits than this are no agent's.
    package static let most = 16

    /// The limits, reported at an instant; those with figures that no limit has are left out.
    package func usageLimits(reportedAt now: Timestamp) -> [UsageLimit] {
        limits.prefix(Self.most).compactMap { limit in
            var reported = UsageLimit(
                agent: agent,
                name: limit.name,
                usedPercent: limit.usedPercent,
                windowMinutes: limit.windowMinutes,
                resetsAt: limit.resetsAt.flatMap { Timestamp(milliseconds: $0.saturatingMultiplied(by: 1_000)) },
                source: .statusLine,
                reportedAt: now
            )
            reported?.account = account
            reported?.machine = machine
            return reported
        }
    }

    /// What it says of the session, reported at an instant; nil when it says nothing.
    package func reading(reportedAt now: Timestamp) -> SessionReading? {
        var reading = SessionReading(
            agent: agent,
            session: session ?? "",
            contextPercent: contextPercent,
            contextWindow: contextWindow,
            cost: cost?.amount,
            reportedAt: now
        )
        reading?.machine = machine
        return reading
    }
}

/// What an agent itself says of a session; nothing of it is counted.
package struct SessionReadingDocument: Codable, Hashable, Sendable {
    /// How much of the context is used; nil when the agent does not say.
    package var contextUsedPercent: JSONNumber?
    /// How many tokens the context holds; nil when the agent does not say.
    package var contextWindow: Int64?
    /// What the session has cost by the agent's own reckoning; nil when it does not say.
    package var cost: Dollars?
    package var reportedAt: String

    package init(_ reading: SessionReading) {
        contextUsedPercent = reading.contextUsed.map(LimitsDocument.Limit.percent)
        (contextWindow, cost) = (reading.contextWindow, reading.cost.map(Dollars.init))
        reportedAt = reading.reportedAt.iso8601
    }
}
