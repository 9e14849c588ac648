// SPDX-License-Identifier: Apache-2.0

import Usage

/// The API's answer about a period.
struct SummaryDocument: Decodable {
    var period: String
    var from: String
    var to: String
    var timezone: String
    var totals: UsageFigures
    var sessionCount: Int64
    var activeSessions: Int64
    var unpricedModels: [String]
    var byModel: [String: UsageFigures]
    var byAgent: [String: UsageFigures]
    var byProject: [String: UsageFigures]
    var byUser: [String: UsageFigures]
    var byMachine: [String: UsageFigures]
    var byDay: [Day]
    var sessions: [SessionDocument]
    var budget: Budget?
    var series: Series?

    /// One day.
    struct Day: Decodable {
        var date: String
        var figures: UsageFigures

        init(date: String, figures: UsageFigures) {
            (self.date, self.figures) = (date, figures)
        }

        init(from decoder: any Decoder) throws {
            date = try decoder.container(keyedBy: Keys.self).decode(String.self, forKey: .date)
            figures = try UsageFigures(from: decoder)
        }

        private enum Keys: String, CodingKey { case date }
    }

    /// How the month stands.
    struct Budget: Decodable {
        var limit: Dollars
        var used: Dollars
        var fraction: Double
        var projected: Dollars
    }

    /// The days of a period, each split by a dimension.
    struct Series: Decodable {
        var dimension: String
        var days: [Day]

        struct Day: Decodable {
            var date: String
            var values: [String: UsageFigures]
        }
    }

    /// The period for people.
    var title: String { period == "custom" ? (from == to ? from : "\(from) to \(to)") : period }

    private enum Keys: String, CodingKey {
        case period, from, to, timezone, totalCost, totalInputTokens, totalOutputTokens, totalCacheReadTokens
        case totalCacheWriteTokens, totalReasoningTokens, callCount, sessionCount, activeSessions, unpricedCalls
        case unpricedModels, byModel, byAgent, byProject, byUser, byMachine, byDay, sessions, budget, series
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        func text(_ key: Keys) throws -> String { try values.decode(String.self, forKey: key) }
        func number(_ key: Keys) throws -> Int64 { try values.decode(Int64.self, forKey: key) }
        func shares(_ key: Keys) throws -> [String: UsageFigures] {
            try values.decodeIfPresent([String: UsageFigures].self, forKey: key) ?? [:]
        }
        (period, from, to, timezone) = (try text(.period), try text(.from), try text(.to), try text(.timezone))
        totals = UsageFigures()
        (totals.calls, totals.unpricedCalls) = (try number(.callCount), try number(.unpricedCalls))
        (totals.input, totals.output) = (try number(.totalInputTokens), try number(.totalOutputTokens))
        (totals.cacheRead, totals.cacheWrite) = (try number(.totalCacheReadTokens), try number(.totalCacheWriteTokens))
        totals.reasoning = try number(.totalReasoningTokens)
        totals.cost = try values.decode(Dollars.self, forKey: .totalCost).amount
        (sessionCount, activeSessions) = (try number(.sessionCount), try number(.activeSessions))
        totals.sessions = sessionCount
        unpricedModels = try values.decode([String].self, forKey: .unpricedModels)
        (byModel, byAgent, byProject) = (try shares(.byModel), try shares(.byAgent), try shares(.byProject))
        (byUser, byMachine) = (try shares(.byUser), try shares(.byMachine))
        byDay = try values.decode([Day].self, forKey: .byDay)
        sessions = try values.decodeIfPresent([SessionDocument].self, forKey: .sessions) ?? []
        budget = try values.decodeIfPresent(Budget.self, forKey: .budget)
        series = try values.decodeIfPresent(Series.self, forKey: .series)
    }
}
