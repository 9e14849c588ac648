// SPDX-License-Identifier: Apache-2.0

import Usage
import UsageDatabase

/// Conditions on a row `s` of sessions, each beginning with `AND`, and the values they compare with.
struct SQLConditions {
    private var conditions = SessionConditions(.sqlite)

    /// No conditions.
    init() {}

    /// The conditions of a listing, the place it begins at left out.
    init(_ query: SessionQuery) { conditions.add(query) }

    var sql: String { conditions.sql }

    /// Only sessions that a filter means.
    mutating func add(_ filter: UsageFilter) { conditions.add(filter) }

    /// Only what comes after a place in the order of a query.
    mutating func add(_ place: SessionQuery.Place, _ query: SessionQuery) { conditions.add(place, query) }

    /// Binds the values in their order.
    func bind(to statement: inout SQLiteStatement) {
        for value in conditions.values {
            switch value {
            case .text(let text): statement.bind(text)
            case .number(let number): statement.bind(number)
            case .texts(let texts): preconditionFailure("SQLite has no arrays: \(texts.count) texts")
            }
        }
    }
}

extension SessionQuery.Sort {
    /// What is compared; a sum stops at the largest number that can be held.
    var column: String { SessionConditions.Dialect.sqlite.column(self) }
}
