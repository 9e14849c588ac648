// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage
import UsageDatabase

/// The transaction that is open: the state of the store, whose row it has locked.
///
/// Every transaction that writes calls locks this row first, so that one collector writes at a time and the ledger sees all calls. Numbers of rows
/// are given out from it, too.
struct OpenTransaction {
    let connection: PostgresConnection
    /// The number of this transaction.
    let revision: Int64
    /// The collector that wrote before it, and the number of that transaction.
    let former: (writer: Int64, revision: Int64)
    /// How far the store is compacted.
    var border: CompactionBorder
    var lastCall: Int64
    var lastSession: Int64
    var lastModel: Int64

    /// Locks the state; waits for other collectors as long as `lock_timeout` says.
    init(_ connection: PostgresConnection) throws {
        let rows = try connection.run(
            "SELECT revision, writer, compacted_before, calls, sessions, models FROM state FOR UPDATE"
        )
        guard let row = rows.first else { throw PostgresError(state: "42P01", message: "the table state is empty") }
        self.connection = connection
        former = (row.int(1), row.int(0))
        revision = row.int(0) + 1
        border = CompactionBorder(before: Timestamp(nanoseconds: row.int(2)))
        (lastCall, lastSession, lastModel) = (row.int(3), row.int(4), row.int(5))
    }

    /// Writes the state; the transaction is complete then.
    func close(by writer: Int64) throws {
        try connection.run(
            """
            UPDATE state SET revision = $1, writer = $2, compacted_before = $3, calls = $4, sessions = $5, models = $6
            """,
            [
                .int(revision), .int(writer), .int(border.instant.nanoseconds), .int(lastCall), .int(lastSession),
                .int(lastModel),
            ]
        )
    }
}

/// Writes batches, and remembers between transactions what saves reading: the rows of sessions and models.
///
/// A transaction that fails leaves its traces in memory, so its caller must then call ``forget()``. Not for several threads at once.
struct StoreWriter {
    private let keepsRecords: Bool
    /// The number of this collector, by which it knows whether another one has written since.
    let id = Int64.random(in: 1 ... .max)
    private var sessions = SessionCatalog()
    private var models = ModelCatalog()
    private var partitions: DayPartitions
    private var overfull: Set<MatchBucket> = []
    /// The number of its latest transaction.
    private var latest: Int64 = -1

    init(keepsRecords: Bool, partitions: DayPartitions) {
        (self.keepsRecords, self.partitions) = (keepsRecords, partitions)
    }

    /// Drops all that is remembered; it is read from the database again when it is needed.
    mutating func forget() {
        (sessions, models, overfull, latest) = (SessionCatalog(), ModelCatalog(), [], -1)
        partitions.forget()
    }

    /// Forgets what other collectors, or transactions of other kinds, have changed since.
    mutating func noticeOthers(_ transaction: OpenTransaction) {
        if transaction.former != (id, latest) { forget() }
    }

    /// Notes that a transaction is complete.
    mutating func close(_ transaction: OpenTransaction) throws {
        try transaction.close(by: id)
        latest = transaction.revision
    }

    /// Keeps batches, in a transaction that is open.
    ///
    /// - Returns: What became of each batch, and how many records are older than what compaction removed.
    mutating func write(_ batches: [Batch], in transaction: inout OpenTransaction) throws
        -> (deliveries: [Delivery], refused: Int)
    {
        noticeOthers(transaction)
        let connection = transaction.connection
        let border = transaction.border.applying(to: batches)
        let (batches, refused) = border.admit(batches)
        let deliveries = batches.map(\.observations)
        // All that came in, not only what changed something: the bounds of a session must not depend on what came first.
        for delivery in deliveries {
            for position in delivery.indices { sessions.note(delivery[position]) }
        }
        for batch in batches { for update in batch.sessions { sessions.note(update) } }
        let reader = LedgerReader(connection, overfull: overfull)
        let copied = batches.flatMap(\.copiedCalls)
        let known = copied.isEmpty ? deliveries : deliveries + [copied.flatMap(\.observations)]
        if known.contains(where: { !$0.isEmpty }) { try reader.fetch(known) }
        var change = try Ledger.absorb(deliveries, adopting: copied, into: reader)
        overfull = reader.overfull
        for entry in change.entries { sessions.note(entry.call) }
        try sessions.findRows(connection, last: &transaction.lastSession)
        var calls = CallTable(connection, border)
        try put(&change, reader, pricing: batches.lazy.compactMap(\.pricing).last, &calls, &transaction)
        // The quality of their calls is reported by their former names.
        for session in try sessions.write(connection, revision: transaction.revision) {
            calls.changed.formUnion(try Self.blocks(of: session, connection))
        }
        try calls.writeCalls()
        try calls.writeSums(transaction.revision, marks: !change.retired.isEmpty)
        if keepsRecords { try writeRecords(of: batches, connection) }
        return (Delivery.each(of: batches, in: border.visible(change)), refused)
    }

    /// Hands over what the ledger changes: a call that replaces another one has its number.
    private mutating func put(
        _ change: inout LedgerChange,
        _ reader: LedgerReader,
        pricing: Pricing?,
        _ calls: inout CallTable,
        _ transaction: inout OpenTransaction
    ) throws {
        var homes: [UInt64: Int64] = [:]
        for entry in change.retired { for observation in entry.observations { homes[observation.id] = entry.ref } }
        var former: [Int64: LedgerEntry] = [:]
        for position in change.entries.indices where !homes.isEmpty {
            let refs = change.entries[position].observations.compactMap { homes[$0.id] }
            guard let ref = refs.first(where: { former[$0] == nil }) else { continue }
            change.entries[position].ref = ref
            former[ref] = reader.call(ref)?.entry
        }
        for entry in change.retired {
            guard let stored = reader.call(entry.ref) else {
                throw PostgresError.damage("call \(entry.ref) is missing")
            }
            calls.retire(stored, isRemoved: former[entry.ref] == nil)
        }
        for position in change.entries.indices {
            if change.entries[position].ref == 0 {
                transaction.lastCall += 1
                change.entries[position].ref = transaction.lastCall
            }
            let entry = change.entries[position]
            let call = entry.call
            calls.put(
                entry,
                former: former[entry.ref],
                pricing?.price(call) ?? CallPrice(cost: .zero, isPriced: false, computed: nil),
                session: sessions.row(SessionCatalog.key(of: call)),
                model: try models.row(
                    call.model,
                    provider: call.provider,
                    by: pricing,
                    transaction.connection,
                    last: &transaction.lastModel
                )
            )
        }
    }

    private mutating func writeRecords(of batches: [Batch], _ connection: PostgresConnection) throws {
        var records = RecordTable(connection)
        let bodies = BodyCompressor()
        for batch in batches {
            let rows = batch.sessions.map { sessions.row(SessionKey(id: $0.id)) }
            records.put(batch, sessions: rows, bodies)
        }
        try records.write(&partitions)
    }

    /// The blocks in which calls of a session are.
    private static func blocks(of session: Int64, _ connection: PostgresConnection) throws -> [Int64] {
        try connection.run(
            "SELECT DISTINCT ref >> \(QualityParts.blockBits) FROM calls WHERE session = $1",
            [.int(session)]
        ).map { $0.int(0) }
    }
}
