// SPDX-License-Identifier: Apache-2.0

import Usage
import UsageDatabase

/// Conditions on a row `s` of sessions, each beginning with `AND`, and the values they compare with.
struct SQLConditions {
    private(set) var sql = ""
    private var values: [Value] = []

    private enum Value {
        case text(String)
        case number(Int64)
    }

    /// No conditions.
    init() {}

    /// The conditions of a listing, the place it begins at left out.
    init(_ query: SessionQuery) {
        if let id = query.id { add("s.id = ?", [.text(id)]) }
        add(query.filter)
        if let period = query.period {
            add("s.last_seen_at >= ? AND s.started_at < ?", [period.start, period.end].map { .number($0.nanoseconds) })
        }
        if let text = query.text {
            let escaped = text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
            let columns = ["s.id", "s.name", "s.project", "s.user"].map { "\($0) LIKE ? ESCAPE '\\'" }
            add("(\(columns.joined(separator: " OR ")))", Array(repeating: .text("%\(escaped)%"), count: 4))
        }
        if let status = query.status { add(status, query.now) }
    }

    private mutating func add(_ condition: String, _ more: [Value]) {
        sql += " AND " + condition
        values += more
    }

    /// Only sessions that a filter means.
    mutating func add(_ filter: UsageFilter) {
        for dimension in filter.dimensions {
            let names = Self.padded(filter[dimension].sorted())
            let marks = Array(repeating: "?", count: names.count).joined(separator: ", ")
            let values = names.map { Value.text($0) }
            switch dimension.source {
            case .session:
                let (name, used) = Self.name(dimension, filter.naming)
                add("coalesce(\(name), '') IN (\(marks))", used + values)
            case .call:
                let own = "SELECT 1 FROM rollup own JOIN models m ON m.ref = own.model"
                add("EXISTS (\(own) WHERE own.session = s.ref AND m.name IN (\(marks)))", values)
            case .time:
                let hour = filter.clock.hour(ofQuarter: "own.quarter")
                let own = "SELECT 1 FROM rollup own WHERE own.session = s.ref"
                add("EXISTS (\(own) AND printf('%02d', \(hour)) IN (\(marks)))", values)
            }
        }
    }

    /// What a session is called in a dimension after the rules of a question, and the values in it.
    private static func name(_ dimension: UsageDimension, _ rules: NamingRules) -> (String, [Value]) {
        guard !rules.isSilent(about: dimension) else { return (dimension.column, []) }
        func mapped(_ column: String, _ names: [String: String], otherwise: String) -> (String, [Value]) {
            guard !names.isEmpty else { return (otherwise, []) }
            let cases = Array(repeating: "WHEN ? THEN ?", count: names.count).joined(separator: " ")
            return (
                "CASE \(column) \(cases) ELSE \(otherwise) END",
                names.sorted { $0.key < $1.key }.flatMap { [.text($0.key), .text($0.value)] }
            )
        }
        guard dimension == .team else { return mapped("s.user", rules.people, otherwise: "s.user") }
        let (user, users) = mapped("s.user", rules.teamsOfUsers, otherwise: "NULL")
        let (project, projects) = mapped("s.project", rules.teamsOfProjects, otherwise: "NULL")
        return ("coalesce(s.team, \(user), \(project))", users + projects)
    }

    /// Names until their number is a power of two, so that statements, which are kept for the next time, have few forms.
    private static func padded(_ names: [String]) -> [String] {
        var count = 1
        while count < names.count { count *= 2 }
        return names + Array(repeating: names.last ?? "", count: count - names.count)
    }

    private mutating func add(_ status: Session.Status, _ now: Timestamp) {
        let minute = Value.number(now.nanoseconds - 60_000_000_000)
        let fiveMinutes = Value.number(now.nanoseconds - 300_000_000_000)
        switch status {
        case .active: add("s.completed = 0 AND s.last_seen_at >= ?", [minute])
        case .idle: add("s.completed = 0 AND s.last_seen_at < ? AND s.last_seen_at >= ?", [minute, fiveMinutes])
        case .stale: add("s.completed = 0 AND s.last_seen_at < ?", [fiveMinutes])
        case .completed: add("s.completed = 1", [])
        }
    }

    /// Only what comes after a place in the order of a query.
    mutating func add(_ place: SessionQuery.Place, _ query: SessionQuery) {
        let column = query.sort.column
        let value: Value = query.sort == .name ? .text(place.name) : .number(place.number)
        add(
            "(\(column) \(query.descending ? "<" : ">") ? OR (\(column) = ? AND s.id > ?))",
            [value, value, .text(place.id)]
        )
    }

    /// Binds the values in their order.
    func bind(to statement: inout SQLiteStatement) {
        for value in values {
            switch value {
            case .text(let text): statement.bind(text)
            case .number(let number): statement.bind(number)
            }
        }
    }
}

extension SessionQuery.Sort {
    /// What is compared; a sum stops at the largest number that can be held.
    var column: String {
        switch self {
        case .lastSeenAt: "s.last_seen_at"
        case .startedAt: "s.started_at"
        case .cost: "s.cost"
        case .totalTokens:
            "min(s.uncached_input + s.cache_read + s.cache_write_5m + s.cache_write_1h + s.output, \(Int64.max))"
        case .calls: "s.calls"
        case .durationMs: "(s.last_seen_at - s.started_at)"
        case .name: "coalesce(s.name, s.id)"
        case .inputTokens: "s.uncached_input"
        case .outputTokens: "s.output"
        }
    }
}
