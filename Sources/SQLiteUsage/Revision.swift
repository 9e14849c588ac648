// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import GRDB
import Usage

/// The number that every transaction raises, and beside it how far the database was compacted.
package enum Revision {
    /// The number of the transaction that is open.
    package static func next(_ db: Database) throws -> Int64 { try nextState(db).number }

    /// The number of the transaction that is open, and the border of the latest compaction.
    package static func nextState(_ db: Database) throws -> (number: Int64, border: CompactionBorder) {
        var statement = try SQLiteStatement(
            "UPDATE revision SET number = number + 1 RETURNING number, compacted_before",
            db
        )
        // Read to its end, or the change would be undone with the statement.
        let row = try statement.rows {
            ($0.int(0), CompactionBorder(before: Timestamp(nanoseconds: $0.int(1))))
        }.first
        return row ?? (0, .none)
    }

    /// Notes how far the database is compacted.
    package static func note(_ border: CompactionBorder, _ db: Database) throws {
        var statement = try SQLiteStatement("UPDATE revision SET compacted_before = ?", db)
        statement.bind(border.instant.nanoseconds)
        try statement.run()
    }

    /// The border of the latest compaction.
    package static func border(_ db: Database) throws -> CompactionBorder {
        var statement = try SQLiteStatement("SELECT compacted_before FROM revision", db)
        return try statement.first { CompactionBorder(before: Timestamp(nanoseconds: $0.int(0))) } ?? .none
    }

    /// The number of the newest transaction.
    static func current(_ db: Database) throws -> Int64 {
        var statement = try SQLiteStatement("SELECT number FROM revision", db)
        return try statement.first { $0.int(0) } ?? 0
    }
}
