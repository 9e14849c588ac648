// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage

/// Adds up a period from the sums by quarter of an hour.
struct SummaryQuery {
    let db: Database
    let period: Period
    let now: Timestamp

    func run() throws -> UsageSummary {
        var summary = UsageSummary(period: period)
        try addDays(to: &summary)
        var models: [String: Set<Int64>] = [:]
        var groups: [WritableKeyPath<UsageSummary, [String: UsageSummary.Share]>: [String: Set<Int64>]] = [:]
        var sessions: [Int64: Session] = [:]
        var visible: Set<Int64> = []
        for row in try rows() {
            summary.totals += row.totals
            let names: [(WritableKeyPath<UsageSummary, [String: UsageSummary.Share]>, String)] = [
                (\.byModel, row.model), (\.byAgent, row.session.agent ?? ""), (\.byProject, row.session.project ?? ""),
                (\.byUser, row.session.user ?? ""), (\.byMachine, row.session.machine ?? ""),
            ]
            for (group, name) in names {
                summary[keyPath: group][name, default: UsageSummary.Share()].totals += row.totals
                if !row.isHidden { groups[group, default: [:]][name, default: []].insert(row.sessionRef) }
            }
            if row.totals.unpricedCalls > 0 { models[row.model, default: []].insert(row.sessionRef) }
            guard !row.isHidden else { continue }
            visible.insert(row.sessionRef)
            sessions[row.sessionRef, default: row.session].totals += row.totals
        }
        for (group, names) in groups {
            for (name, refs) in names { summary[keyPath: group][name]?.sessions = refs.count }
        }
        summary.sessionCount = visible.count
        summary.unpricedModels = models.keys.sorted()
        summary.sessions = Array(
            sessions.values.sorted { ($1.totals.cost, $0.id) < ($0.totals.cost, $1.id) }.prefix(
                UsageSummary.maximumSessions
            )
        )
        summary.activeSessions = try SessionTable(db: db).activeCount(at: now)
        return summary
    }

    private struct Row {
        var sessionRef: Int64
        var isHidden: Bool
        var session: Session
        var model: String
        var totals: UsageTotals
    }

    /// The sums of each session and model over the period.
    private func rows() throws -> [Row] {
        var statement = try SQLiteStatement(
            """
            SELECT s.ref, s.hidden, m.name, \(UsageTotals.sums), \(SessionTable.columns)
            FROM rollup r JOIN sessions s ON s.ref = r.session JOIN models m ON m.ref = r.model
            WHERE r.quarter >= ? AND r.quarter < ?
            GROUP BY s.ref, m.name
            """,
            db
        )
        statement.bind(period.start.nanoseconds / CallTables.quarter)
        statement.bind(period.end.nanoseconds / CallTables.quarter)
        return try statement.rows { row in
            let totals = UsageTotals(row: row, from: 3)
            let session = Session(row: row, from: 12)
            return Row(
                sessionRef: row.int(0),
                isHidden: row.bool(1),
                session: session,
                model: row.text(2) ?? "",
                totals: totals
            )
        }
    }

    private func addDays(to summary: inout UsageSummary) throws {
        var statement = try SQLiteStatement(
            """
            SELECT r.quarter, \(UsageTotals.sums) FROM rollup r WHERE r.quarter >= ? AND r.quarter < ? GROUP BY r.quarter
            """,
            db
        )
        statement.bind(period.start.nanoseconds / CallTables.quarter)
        statement.bind(period.end.nanoseconds / CallTables.quarter)
        for (quarter, totals) in try statement.rows({ ($0.int(0), UsageTotals(row: $0, from: 1)) }) {
            guard let day = period.day(of: Timestamp(nanoseconds: quarter * CallTables.quarter)) else { continue }
            summary.byDay[day].totals += totals
        }
    }
}
