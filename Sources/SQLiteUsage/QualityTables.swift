// SPDX-License-Identifier: Apache-2.0

import Dispatch
import GRDB
import Synchronization
import Usage
import UsageDatabase

/// A state of the database as questions about the quality of its data read it, and the packed sums of its blocks of calls.
///
/// Whatever changes a call of a block removes the block's sums in the same transaction; so those that are there are right, whichever program
/// wrote last.
struct QualityTables: QualitySnapshot {
    let db: Database

    /// Made with the tables.
    static let schema = """
        CREATE TABLE quality_blocks (block INTEGER PRIMARY KEY, sums BLOB NOT NULL);
        CREATE TABLE quality_owners (
            ref INTEGER PRIMARY KEY AUTOINCREMENT, agent TEXT NOT NULL, machine TEXT NOT NULL, UNIQUE (agent, machine)
        );
        CREATE INDEX sessions_with_reported_cost ON sessions (last_seen_at) WHERE reported_cost IS NOT NULL;
        """

    func revision(_ memory: QualityMemory) throws -> Int64 { try Revision.current(db) }

    func lastCall() throws -> Int64 {
        var statement = try SQLiteStatement("SELECT coalesce(max(ref), -1) FROM calls", db)
        return try statement.first { $0.int(0) } ?? -1
    }

    func nextCall(from number: Int64) throws -> Int64? {
        var statement = try SQLiteStatement("SELECT min(ref) FROM calls WHERE ref >= ?", db)
        statement.bind(number)
        return try statement.first { $0.optionalInt(0) } ?? nil
    }

    func forEachPackedBlock(_ body: (Int64, UnsafeRawBufferPointer) throws -> Void) throws {
        var statement = try SQLiteStatement("SELECT block, sums FROM quality_blocks", db)
        try statement.forEachRow { row in
            try row.withBytes(1) { try body(row.int(0), $0) }
            return true
        }
    }

    func forEachOwner(_ body: (Int64, QualityOwner) throws -> Void) throws {
        var statement = try SQLiteStatement("SELECT ref, agent, machine FROM quality_owners", db)
        try statement.forEachRow { row in
            try body(row.int(0), QualityOwner(agent: row.text(1), machine: row.text(2)))
            return true
        }
    }

    func forEachModel(after row: Int64, _ body: (Int64, String) throws -> Void) throws {
        try DatabaseSums(db: db).forEachModel(after: row, body)
    }

    func calls(_ numbers: ClosedRange<Int64>) throws -> [QualityCall] {
        var statement = try SQLiteStatement(Self.calls, db)
        statement.bind(numbers.lowerBound)
        statement.bind(numbers.upperBound)
        return try statement.rows { try QualityCall(row: $0) }
    }

    private static let calls = """
        SELECT \(QualityCall.columns(observations: "witness_count")) FROM calls
        WHERE ref BETWEEN ? AND ? AND session <> \(FormerCall.expired)
        """

    func owners(of sessions: Set<Int64>) throws -> [Int64: QualityOwner] {
        var owners: [Int64: QualityOwner] = [:]
        var statement = try SQLiteStatement("SELECT agent, machine FROM sessions WHERE ref = ?", db)
        for session in sessions {
            statement.bind(session)
            owners[session] = try statement.first { QualityOwner(agent: $0.text(0), machine: $0.text(1)) }
        }
        return owners
    }

    func forEachComparedSession(of period: Period, _ body: (String, Money, Money) throws -> Void) throws {
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
            let (reported, counted) = (try row.number(1), try row.number(2))
            try body(row.text(0) ?? "", Money(nanodollars: reported), Money(nanodollars: counted))
            return true
        }
    }

    func damage(_ message: String) -> any Error { DatabaseError(resultCode: .SQLITE_CORRUPT, message: message) }

    // MARK: - Packing

    /// Removes the sums of blocks whose calls the transaction changed.
    func remove(_ blocks: Set<Int64>) throws {
        var statement = try SQLiteStatement("DELETE FROM quality_blocks WHERE block = ?", db)
        for block in blocks {
            statement.bind(block)
            try statement.run()
        }
    }

    /// The blocks without sums whose numbers have all been given out.
    func unpacked() throws -> [Int64] {
        let last = QualityParts.block(of: try lastCall())
        guard last > 0 else { return [] }
        var statement = try SQLiteStatement("SELECT block FROM quality_blocks", db)
        let packed = Set(try statement.rows { $0.int(0) })
        var blocks: [Int64] = []
        try forEachBlock(upTo: last - 1, but: packed) { blocks.append($0) }
        return blocks
    }

    /// Packs the sums of some blocks, in the transaction that is open.
    func pack(_ blocks: some Sequence<Int64>) throws {
        var packing = try QualityPacking(self)
        for block in blocks {
            guard let bytes = try packing.pack(block, insert: insert) else { continue }
            var statement = try SQLiteStatement("INSERT OR REPLACE INTO quality_blocks (block, sums) VALUES (?, ?)", db)
            statement.bind(block)
            statement.bind(blob: bytes)
            try statement.run()
        }
    }

    private func insert(_ owner: QualityOwner) throws -> Int64 {
        var statement = try SQLiteStatement("INSERT INTO quality_owners (agent, machine) VALUES (?, ?)", db)
        statement.bind(owner.agent)
        statement.bind(owner.machine)
        try statement.run()
        return db.lastInsertedRowID
    }

    /// Throws the sums away with their owners when there are too many of these.
    func beginAgainIfDue() throws {
        var statement = try SQLiteStatement("SELECT count(*) FROM quality_owners", db)
        let owners = try statement.first { $0.int(0) } ?? 0
        guard QualityPacking<Self>.mustBegin(owners: owners) else { return }
        try db.execute(sql: "DELETE FROM quality_blocks; DELETE FROM quality_owners")
    }
}

/// Packs the sums of blocks of calls beside the commits, some time after they changed.
///
/// A step is a short transaction, so that commits come in between; while nothing changes nothing is done. Safe to use from any thread.
final class QualityUpkeep: Sendable {
    private let queue = DispatchQueue(label: "sqlite.upkeep", qos: .utility)
    private let delay: Double
    private let state = Mutex(State())

    private struct State {
        var isScheduled = false
        var isClosed = false
        /// How long the latest run took.
        var seconds = 0.0
    }

    /// How many seconds pass between two steps.
    private static let pause = 0.05
    /// A run comes at the earliest this many times its length after the last.
    private static let rest = 20.0

    /// - Parameter delay: How many seconds after a change the sums are packed.
    init(delay: Double) { self.delay = delay }

    /// Has the sums packed after a while.
    func schedule(_ database: OpenDatabase) {
        let seconds: Double? = state.withLock { state in
            guard !state.isScheduled, !state.isClosed else { return nil }
            state.isScheduled = true
            return max(delay, state.seconds * Self.rest)
        }
        guard let seconds else { return }
        queue.asyncAfter(deadline: .now() + seconds) { [weak self, weak database] in
            guard let self, let database else { return }
            state.withLock { $0.isScheduled = false }
            let start = DispatchTime.now()
            // What fails is left to the next time; until then questions read the calls.
            guard let blocks = try? database.readNow({ try QualityTables(db: $0).unpacked() }) else { return }
            step(blocks[...], of: database, since: start)
        }
    }

    private func step(_ blocks: ArraySlice<Int64>, of database: OpenDatabase, since start: DispatchTime) {
        guard !blocks.isEmpty, !state.withLock({ $0.isClosed }) else {
            let passed = DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds
            return state.withLock { $0.seconds = Double(passed) / 1e9 }
        }
        let next = blocks.prefix(QualityPacking<QualityTables>.blocksOfStep)
        guard (try? database.packQuality(of: Array(next))) != nil else { return }
        queue.asyncAfter(deadline: .now() + Self.pause) { [weak self, weak database] in
            guard let self, let database else { return }
            step(blocks.dropFirst(next.count), of: database, since: start)
        }
    }

    /// Ends after the step under way.
    func close() {
        state.withLock { $0.isClosed = true }
        queue.sync {}
    }
}
