// SPDX-License-Identifier: Apache-2.0

import GRDB
import Usage
import UsageDatabase

/// Looks at the calls of a period to say how well it is known: at those of blocks that changed since it was asked last.
struct QualityQuery {
    let db: Database
    let period: Period
    let memory: QualityMemory

    func run() throws -> DataQuality {
        // In the snapshot that everything else is read from, too.
        let revision = try Revision.current(db)
        var reading = memory.reading(of: period, at: revision)
        if let blocks = reading.blocks {
            var statement = try SQLiteStatement(
                "\(Self.calls) WHERE c.ref BETWEEN ? AND ? AND c.session <> \(FormerCall.expired) AND c.time >= ? AND c.time < ?",
                db
            )
            for block in blocks {
                statement.bind(QualityParts.calls(of: block).lowerBound)
                statement.bind(QualityParts.calls(of: block).upperBound)
                try read(&statement, &reading)
            }
        } else {
            var statement = try SQLiteStatement(
                "\(Self.calls) WHERE c.session <> \(FormerCall.expired) AND c.time >= ? AND c.time < ?",
                db
            )
            try read(&statement, &reading)
        }
        memory.keep(reading)
        var quality = reading.quality
        try compareSessions(&quality)
        return quality
    }

    private static let calls = """
        SELECT c.time, c.id, c.uncached_input, c.cache_read, c.cache_write_5m, c.cache_write_1h, c.output, c.reasoning, c.counted,
            c.knows_cache_lifetimes, c.priced, c.computed_cost, c.reported_cost, c.sources, c.witness_count, c.weakly_joined,
            m.name, s.agent, s.machine, c.ref, s.ref
        FROM calls c LEFT JOIN sessions s ON s.ref = c.session LEFT JOIN models m ON m.ref = c.model
        """

    /// Adds the calls of a statement whose last values are the period.
    private func read(_ statement: inout SQLiteStatement, _ reading: inout QualityReading) throws {
        statement.bind(period.start.nanoseconds)
        statement.bind(period.end.nanoseconds)
        try statement.forEachRow { row in
            guard row.text(16) != nil, row.optionalInt(20) != nil else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT,
                    message: "the session or model of call \(row.int(19)) is missing"
                )
            }
            let call = try Call(qualityRow: row)
            reading.add(call, number: row.int(19), agent: row.text(17), machine: row.text(18))
            return true
        }
    }

    /// Compares what agents report of whole sessions with the sums of their calls, as ``SessionUpdate/comparableCost`` allows.
    private func compareSessions(_ quality: inout DataQuality) throws {
        var statement = try SQLiteStatement(
            """
            SELECT s.id, s.reported_cost, s.cost FROM sessions s
            WHERE s.started_at < ? AND s.last_seen_at >= ? AND s.reported_cost IS NOT NULL AND s.parent IS NULL
                AND s.last_seen_at - s.reported_cost_at <= \(SessionUpdate.longestTail) AND \(SessionTable.listed)
            """,
            db
        )
        statement.bind(period.end.nanoseconds)
        statement.bind(period.start.nanoseconds)
        try statement.forEachRow { row in
            let (reported, counted) = (Money(nanodollars: try row.number(1)), Money(nanodollars: try row.number(2)))
            quality.sessionCosts.add(row.text(0) ?? "", reported: reported, counted: counted)
            return true
        }
    }
}
