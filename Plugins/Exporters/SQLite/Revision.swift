// SPDX-License-Identifier: Apache-2.0

import GRDB

/// The number that every transaction raises.
enum Revision {
    /// The number of the transaction that is open.
    static func next(_ db: Database) throws -> Int64 {
        var statement = try SQLiteStatement("UPDATE revision SET number = number + 1 RETURNING number", db)
        // Read to its end, or the change would be undone with the statement.
        return try statement.rows { $0.int(0) }.first ?? 0
    }

    /// The number of the newest transaction.
    static func current(_ db: Database) throws -> Int64 {
        var statement = try SQLiteStatement("SELECT number FROM revision", db)
        return try statement.first { $0.int(0) } ?? 0
    }
}
