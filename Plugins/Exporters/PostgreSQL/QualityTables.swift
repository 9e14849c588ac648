// SPDX-License-Identifier: Apache-2.0

import Usage
import UsageDatabase

/// A state of the database as questions about the quality of its data read it, and the packed sums of its blocks of calls.
///
/// Sums are right as long as the block did not change since they were made, which `call_blocks` says.
struct QualityTables: QualitySnapshot {
    let connection: PostgresConnection

    func revision(_ memory: QualityMemory) throws -> Int64 { try StoreReader(connection: connection).advance(memory) }

    func lastCall() throws -> Int64 {
        try connection.run("SELECT coalesce(max(ref), -1) FROM calls").first?.int(0) ?? -1
    }

    func nextCall(from number: Int64) throws -> Int64? {
        try connection.run("SELECT min(ref) FROM calls WHERE ref >= $1", [.int(number)]).first?.optionalInt(0) ?? nil
    }

    func forEachPackedBlock(_ body: (Int64, UnsafeRawBufferPointer) throws -> Void) throws {
        try connection.forEachRow(
            "SELECT q.block, q.sums FROM quality_blocks q JOIN call_blocks b ON b.block = q.block AND b.changed = q.changed",
            atOnce: 500
        ) { row in
            try row.withBytes(1) { try body(row.int(0), $0) }
            return true
        }
    }

    func forEachOwner(_ body: (Int64, QualityOwner) throws -> Void) throws {
        try connection.forEachRow("SELECT ref, agent, machine FROM quality_owners") { row in
            try body(row.int(0), QualityOwner(agent: row.text(1), machine: row.text(2)))
            return true
        }
    }

    func forEachModel(after row: Int64, _ body: (Int64, String) throws -> Void) throws {
        try DatabaseSums(connection: connection).forEachModel(after: row, body)
    }

    func calls(_ numbers: ClosedRange<Int64>) throws -> [QualityCall] {
        try connection.run(Self.calls, [.int(numbers.lowerBound), .int(numbers.upperBound)]).map {
            try QualityCall(row: $0)
        }
    }

    private static let calls = """
        SELECT \(QualityCall.columns(observations: "observation_count")) FROM calls
        WHERE ref BETWEEN $1 AND $2 AND session <> \(FormerCall.expired)
        """

    func owners(of sessions: Set<Int64>) throws -> [Int64: QualityOwner] {
        let rows = try connection.run(
            "SELECT ref, agent, machine FROM sessions WHERE ref = ANY($1)",
            [.ints(sessions.sorted())]
        )
        let owners = rows.map { ($0.int(0), QualityOwner(agent: $0.text(1), machine: $0.text(2))) }
        return Dictionary(owners) { first, _ in first }
    }

    func forEachComparedSession(of period: Period, _ body: (String, Money, Money) throws -> Void) throws {
        try connection.forEachRow(
            """
            SELECT s.id, s.reported_cost, s.cost FROM sessions s
            WHERE s.started_at < $1 AND s.last_seen_at >= $2 AND s.reported_cost IS NOT NULL AND s.parent IS NULL
                AND s.last_seen_at - s.reported_cost_at <= \(SessionUpdate.longestTail) AND \(StoreReader.listed)
            """,
            [.int(period.end.nanoseconds), .int(period.start.nanoseconds)]
        ) { row in
            let (reported, counted) = (try row.number(1), try row.number(2))
            try body(row.text(0) ?? "", Money(nanodollars: reported), Money(nanodollars: counted))
            return true
        }
    }

    func damage(_ message: String) -> any Error { PostgresError.damage(message) }

    // MARK: - Packing

    /// Packs the sums of blocks that changed since, in one state of the database.
    ///
    /// - Returns: How many blocks were packed.
    func pack(atMost limit: Int) throws -> Int {
        let last = QualityParts.block(of: try lastCall())
        let blocks = try connection.run(
            """
            SELECT b.block, b.changed FROM call_blocks b LEFT JOIN quality_blocks q ON q.block = b.block
            WHERE b.block < $1 AND q.changed IS DISTINCT FROM b.changed ORDER BY b.block DESC LIMIT $2
            """,
            [.int(last), .int(Int64(limit))]
        ).map { ($0.int(0), $0.int(1)) }
        guard !blocks.isEmpty else { return 0 }
        var packing = try QualityPacking(self)
        var packed = 0
        for (block, changed) in blocks {
            guard let bytes = try packing.pack(block, insert: insert) else { continue }
            try connection.run(
                """
                INSERT INTO quality_blocks AS q (block, changed, sums) VALUES ($1, $2, $3)
                ON CONFLICT (block) DO UPDATE SET changed = excluded.changed, sums = excluded.sums
                """,
                [.int(block), .int(changed), .blob(bytes)]
            )
            packed += 1
        }
        return packed
    }

    private func insert(_ owner: QualityOwner) throws -> Int64 {
        let row = try connection.run(
            "INSERT INTO quality_owners (agent, machine) VALUES ($1, $2) RETURNING ref",
            [.text(owner.agent), .text(owner.machine)]
        ).first
        guard let row else { throw PostgresError.damage("an owner of calls got no row") }
        return row.int(0)
    }

    /// Throws the sums away with their owners when there are too many of these.
    func beginAgainIfDue() throws {
        let owners = try connection.run("SELECT count(*) FROM quality_owners").first?.int(0) ?? 0
        guard QualityPacking<Self>.mustBegin(owners: owners) else { return }
        try connection.execute("DELETE FROM quality_blocks; DELETE FROM quality_owners")
    }
}
