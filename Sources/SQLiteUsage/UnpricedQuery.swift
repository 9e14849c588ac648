// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage
import UsageDatabase

/// Models of counted calls without a price; the newest of these calls is found by an index of them alone.
enum UnpricedQuery {
    static func run(_ db: Database) throws -> [UnpricedModel] {
        var statement = try SQLiteStatement(
            """
            SELECT m.name, sum(m.unpriced),
                max((SELECT max(c.time) FROM calls c WHERE c.model = m.ref AND c.counted = 1 AND c.priced = 0))
            FROM models m WHERE m.unpriced <> 0 GROUP BY m.name ORDER BY m.name
            """,
            db
        )
        let models = try statement.rows { row in
            UnpricedModel(
                model: row.text(0) ?? "",
                calls: try row.number(1),
                lastSeenAt: try row.time(2)
            )
        }
        return ListedNames.bounded(models)
    }
}
