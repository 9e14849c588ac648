// SPDX-License-Identifier: Apache-2.0

package import Usage

/// Conditions on a row `s` of sessions in SQL, each beginning with `AND`, and the values they compare with, in the order of their places.
package struct SessionConditions {
    /// The conditions.
    package private(set) var sql = ""
    /// What is bound to their places.
    package private(set) var values: [Value]
    private let dialect: Dialect

    /// What is bound to a place.
    package enum Value: Hashable {
        case text(String)
        case number(Int64)
        /// Several texts as one array; only where the dialect has arrays.
        case texts([String])
    }

    /// Of which database the SQL is; both have the same tables.
    package enum Dialect {
        case sqlite
        case postgresql

        /// What a listing is sorted by; a sum stops at the largest number that can be held.
        package func column(_ sort: SessionQuery.Sort) -> String {
            switch sort {
            case .lastSeenAt: "s.last_seen_at"
            case .startedAt: "s.started_at"
            case .cost: "s.cost"
            case .totalTokens: total
            case .calls: "s.calls"
            case .durationMs: "(s.last_seen_at - s.started_at)"
            case .name: "coalesce(s.name, s.id)"
            case .inputTokens: "s.uncached_input"
            case .outputTokens: "s.output"
            }
        }

        private var total: String {
            let rest = "s.cache_read + s.cache_write_5m + s.cache_write_1h + s.output"
            return switch self {
            // A sum that is too large becomes a floating-point number.
            case .sqlite: "min(s.uncached_input + \(rest), \(Int64.max))"
            case .postgresql: "least(s.uncached_input::numeric + \(rest), \(Int64.max))::bigint"
            }
        }

        /// A number of two digits.
        fileprivate func padded(_ number: String) -> String {
            switch self {
            case .sqlite: "printf('%02d', \(number))"
            case .postgresql: "lpad(\(number)::text, 2, '0')"
            }
        }

        /// Whether a text has a part, whatever the case of its letters.
        fileprivate func contains(_ column: String, _ place: String) -> String {
            switch self {
            case .sqlite: "\(column) LIKE \(place) ESCAPE '\\'"
            case .postgresql: "\(column) ILIKE \(place)"
            }
        }
    }

    /// No conditions.
    ///
    /// - Parameter values: The values of the statement before them.
    package init(_ dialect: Dialect, after values: [Value] = []) { (self.dialect, self.values) = (dialect, values) }

    /// Adds a value; returns its place in the statement.
    private mutating func bind(_ value: Value) -> String {
        values.append(value)
        return dialect == .sqlite ? "?" : "$\(values.count)"
    }

    private mutating func bind(_ time: Timestamp) -> String { bind(.number(time.nanoseconds)) }

    // MARK: - Conditions

    /// The conditions of a listing, the place it begins at left out.
    package mutating func add(_ query: SessionQuery) {
        if let id = query.id { sql += " AND s.id = \(bind(.text(id)))" }
        add(query.filter)
        if let period = query.period {
            sql += " AND s.last_seen_at >= \(bind(period.start)) AND s.started_at < \(bind(period.end))"
        }
        if let text = query.text {
            let escaped = text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
            let pattern = Value.text("%\(escaped)%")
            var columns = ["s.id", "s.name", "s.project", UsageDimension.user.column, "s.branch"].map { column in
                dialect.contains(column, bind(pattern))
            }
            let rules = query.filter.naming
            for dimension in [UsageDimension.user, .team] where dimension == .team || !rules.isSilent(about: .user) {
                let name = name(dimension, rules)
                columns.append(dialect.contains(name, bind(pattern)))
            }
            sql += " AND (\(columns.joined(separator: " OR ")))"
        }
        if let status = query.status { add(status, query.now) }
    }

    /// Only sessions that a filter means.
    package mutating func add(_ filter: UsageFilter) {
        let own = "SELECT 1 FROM rollup own"
        for dimension in filter.dimensions {
            let names = filter[dimension].sorted()
            switch dimension.source {
            case .session:
                let name = name(dimension, filter.naming)
                sql += " AND coalesce(\(name), '') \(isAmong(names))"
            case .call:
                let model = "\(own) JOIN models m ON m.ref = own.model WHERE own.session = s.ref"
                sql += " AND EXISTS (\(model) AND m.name \(isAmong(names)))"
            case .time:
                let hour = dialect.padded(filter.clock.hour(ofQuarter: "own.quarter"))
                sql += " AND EXISTS (\(own) WHERE own.session = s.ref AND \(hour) \(isAmong(names)))"
            }
        }
    }

    private mutating func isAmong(_ names: [String]) -> String {
        guard dialect == .sqlite else { return "= ANY (\(bind(.texts(names))))" }
        // Until their number is a power of two, so that statements, which are kept for the next time, have few forms.
        var count = 1
        while count < names.count { count *= 2 }
        let padded = names + Array(repeating: names.last ?? "", count: count - names.count)
        return "IN (\(padded.map { bind(.text($0)) }.joined(separator: ", ")))"
    }

    /// What a session is called in a dimension after the rules of a question.
    private mutating func name(_ dimension: UsageDimension, _ rules: NamingRules) -> String {
        guard !rules.isSilent(about: dimension) else { return dimension.column }
        let (user, project) = (UsageDimension.user.column, UsageDimension.project.column)
        guard dimension == .team else { return mapped(user, rules.people, otherwise: user) }
        let ofUser = mapped(user, rules.teamsOfUsers, otherwise: "NULL")
        let ofProject = mapped(project, rules.teamsOfProjects, otherwise: "NULL")
        return "coalesce(s.team, \(ofUser), \(ofProject))"
    }

    private mutating func mapped(_ column: String, _ names: [String: String], otherwise: String) -> String {
        guard !names.isEmpty else { return otherwise }
        let cases = names.sorted { $0.key < $1.key }.map { "WHEN \(bind(.text($0.key))) THEN \(bind(.text($0.value)))" }
        return "CASE \(column) \(cases.joined(separator: " ")) ELSE \(otherwise) END"
    }

    private mutating func add(_ status: Session.Status, _ now: Timestamp) {
        func minutesAgo(_ minutes: Int64) -> Timestamp {
            Timestamp(nanoseconds: now.nanoseconds.saturatingSubtracting(minutes * 60_000_000_000))
        }
        switch status {
        case .active: sql += " AND s.completed = 0 AND s.last_seen_at >= \(bind(minutesAgo(1)))"
        case .idle:
            sql += " AND s.completed = 0 AND s.last_seen_at < \(bind(minutesAgo(1)))"
            sql += " AND s.last_seen_at >= \(bind(minutesAgo(5)))"
        case .stale: sql += " AND s.completed = 0 AND s.last_seen_at < \(bind(minutesAgo(5)))"
        case .completed: sql += " AND s.completed = 1"
        }
    }

    /// Only what comes after a place in the order of a query.
    package mutating func add(_ place: SessionQuery.Place, _ query: SessionQuery) {
        let column = dialect.column(query.sort)
        let value: Value = query.sort == .name ? .text(place.name) : .number(place.number)
        let sign = query.descending ? "<" : ">"
        sql +=
            " AND (\(column) \(sign) \(bind(value)) OR (\(column) = \(bind(value)) AND s.id > \(bind(.text(place.id)))))"
    }

    // MARK: - The end of a statement

    /// Orders rows as a query wants.
    package mutating func order(by query: SessionQuery) {
        sql += " ORDER BY \(dialect.column(query.sort)) \(query.descending ? "DESC" : "ASC"), s.id"
    }

    /// Ends a statement with a number of rows.
    package mutating func limit(_ count: Int) { sql += " LIMIT \(bind(.number(Int64(max(0, count)))))" }
}
