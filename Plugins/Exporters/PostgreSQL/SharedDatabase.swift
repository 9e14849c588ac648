// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Dispatch
import Logging
import OTLP
import Synchronization
import Usage
import UsageDatabase

/// What questions have read before, of one state of a database and those after it.
struct StoreMemory: Sendable {
    let summaries = SummaryMemory()
    let quality = QualityMemory()
}

/// A database that other collectors may write, too: one connection that writes on a thread of its own, and some that read.
///
/// Safe to use from any thread.
final class SharedDatabase: Sendable {
    private let config: PostgreSQLConfig
    private let library: Libpq
    private let settings: ComponentSettings
    private let queue = DispatchQueue(label: "postgresql.commits")
    private let writer: Mutex<Writer>
    private let readers: ReaderPool
    private let memory: MemoryBox
    /// The largest revision of a transaction that is complete, as far as this collector knows.
    private let newest = Mutex<Int64>(-1)
    private let opened = Mutex<(identity: UInt64?, trouble: String?)>((nil, nil))

    /// What the thread that writes has.
    private struct Writer {
        var connection: PostgresConnection?
        var store: StoreWriter
        var isClosed = false
        /// What a transaction begins with.
        var beginning: String
    }

    /// The memory of questions; another one takes its place when what it holds may be of a state that is lost.
    private final class MemoryBox: Sendable {
        private let memory = Mutex(StoreMemory())

        var current: StoreMemory { memory.withLock { $0 } }
        func renew() { memory.withLock { $0 = StoreMemory() } }
    }

    init(_ config: PostgreSQLConfig, _ library: Libpq, _ settings: ComponentSettings) {
        (self.config, self.library, self.settings) = (config, library, settings)
        let partitions = DayPartitions(mayMake: config.createSchema, now: settings.now)
        writer = Mutex(
            Writer(
                store: StoreWriter(keepsRecords: config.records == .all, partitions: partitions),
                beginning: Self.beginning(config)
            )
        )
        let memory = MemoryBox()
        self.memory = memory
        let terms = Self.terms(config)
        readers = ReaderPool(config.connections, schema: config.schema, onLoss: memory.renew) {
            try PostgresConnection(library, terms)
        }
    }

    private static func terms(_ config: PostgreSQLConfig) -> PostgresConnection.Terms {
        PostgresConnection.Terms(
            datasource: config.datasource.value,
            isPreparing: config.preparedStatements,
            connectTimeout: Int(clamping: config.timeout.nanoseconds / 1_000_000_000)
        )
    }

    /// Everything is set for one transaction, so that a pooler may give the connection to others between two.
    ///
    /// The plans of a commit are pinned: on tables without statistics the planner joined by hash over whole tables in every small commit,
    /// 7 ms of CPU each.
    private static func beginning(_ config: PostgreSQLConfig) -> String {
        let timeout = max(1, config.timeout.nanoseconds / 1_000_000)
        return """
            BEGIN; SET LOCAL search_path = \(config.schema); SET LOCAL lock_timeout = \(timeout); \
            SET LOCAL statement_timeout = \(timeout); SET LOCAL idle_in_transaction_session_timeout = \(timeout); \
            SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off
            """
    }

    /// The number by which the store is known again; nil before it is open.
    var identity: UInt64? { opened.withLock { $0.identity } }

    /// Why it could not be opened at the start; nil once it is.
    var trouble: String? { opened.withLock { $0.trouble } }

    /// Runs something on the thread that writes.
    func onWriter<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: work()) } }
    }

    /// Where batches are handed in.
    func makeQueue() -> CommitQueue {
        CommitQueue(on: queue) { batches in Self.parts(of: batches).flatMap { self.keep($0) } }
    }

    /// Divides a group of batches into transactions, so that other collectors wait for short ones only; one batch is not divided.
    private static func parts(of batches: [Batch]) -> [[Batch]] {
        var parts: [[Batch]] = []
        var (observations, bytes) = (0, 0)
        for batch in batches {
            observations += batch.observations.count
            bytes += batch.otlp.bytes.count
            if parts.isEmpty || observations > mostObservations || bytes > mostBytes {
                parts.append([])
                (observations, bytes) = (batch.observations.count, batch.otlp.bytes.count)
            }
            parts[parts.count - 1].append(batch)
        }
        return parts
    }

    /// The limits of a transaction, about a quarter of a second of the server.
    private static let (mostObservations, mostBytes) = (2_000, 8 << 20)

    // MARK: - Opening

    /// Opens the first connection and brings the tables to the newest layout; waits for a server that is starting.
    ///
    /// - Parameter mayBeAway: Whether a server that cannot be reached is no error; it is opened by the first transaction that reaches it.
    func open(mayBeAway: Bool = false) throws(StartError) {
        let end = DispatchTime.now() + .nanoseconds(Int(clamping: config.timeout.nanoseconds))
        while true {
            do throws(PostgresError) {
                return try writer.withLock { writer throws(PostgresError) in
                    writer.connection = try prepare(&writer)
                }
            } catch {
                let fault = PostgresFault(error)
                let mayWait = error.state == "57P03" || error.state.hasPrefix("08") || error.state == "55P03"
                if mayWait, mayBeAway { return opened.withLock { $0.trouble = fault.reason } }
                guard mayWait, DispatchTime.now() < end else {
                    let isRight = ["28", "42"].contains(error.state.prefix(2))
                    throw StartError(isRight ? .permission : .inputOutput, "\(settings.id): \(fault.reason)")
                }
            }
            // The thread is this store's own, and nothing else waits for it yet.
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(200))
        }
    }

    /// Opens a connection and looks whether the tables are there.
    private func prepare(_ writer: inout Writer) throws(PostgresError) -> PostgresConnection {
        let connection = try PostgresConnection(library, Self.terms(config))
        guard connection.parameter("server_encoding") == "UTF8" else {
            throw PostgresError(
                state: "3D000",
                message:
                    "the database has the encoding \(connection.parameter("server_encoding") ?? "unknown"); make one with UTF8"
            )
        }
        let isReader = try connection.run(
            "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"
        )
        if isReader.first?.bool(0) == true {
            throw PostgresError(state: "25006", message: "the server or the session is read-only")
        }
        let present = try PostgreSQLSchema.layout(connection, config.schema)
        if present > PostgreSQLSchema.layout {
            throw PostgresError(
                state: "HV000",
                message:
                    "the tables are of a newer version (layout \(present), this program knows \(PostgreSQLSchema.layout)): update this collector"
            )
        }
        if present < PostgreSQLSchema.layout {
            guard config.createSchema else {
                throw PostgresError(
                    state: "42P01",
                    message:
                        "the schema \(config.schema) has layout \(present), not \(PostgreSQLSchema.layout), and create_schema is false"
                )
            }
            try PostgreSQLSchema.migrate(connection, schema: config.schema)
        }
        let row = try connection.run(
            "SELECT identity, current_setting('synchronous_commit') FROM \(config.schema).state"
        ).first
        opened.withLock { $0 = (row.map { $0.uint(0) }, nil) }
        // What is acknowledged must be on the disk, whatever the server's default is.
        writer.beginning = Self.beginning(config)
        if row?.text(1) == "off" { writer.beginning += "; SET LOCAL synchronous_commit = on" }
        return connection
    }

    /// Waits for the commit and the questions under way, and closes all connections.
    func close() async {
        await onWriter {
            let isOpen = self.writer.withLock { $0.connection != nil }
            // Others need not wait until its duties end by themselves.
            if isOpen { try? self.dutyOnce { try $0.end() } }
            self.writer.withLock { writer in
                writer.isClosed = true
                writer.connection = nil
            }
        }
        await readers.close()
    }

    // MARK: - Questions

    /// Answers a question from one state of the database.
    func read<Answer: Sendable>(
        _ ask: @escaping @Sendable (PostgresConnection, StoreMemory) throws -> Answer
    ) async throws -> Answer {
        let known = newest.withLock { $0 }
        return try await readers.read { [memory] connection in
            let revision = try StoreReader(connection: connection).revision()
            self.notice(revision, known: known)
            let answer = try ask(connection, memory.current)
            self.newest.withLock { $0 = max($0, revision) }
            return answer
        }
    }

    /// Notices a database that lacks transactions which were complete: a replica that took over without them, or an older backup.
    ///
    /// Its next transactions get the numbers of those that are lost, so what is remembered by numbers is forgotten.
    ///
    /// - Parameters:
    ///   - revision: That of the state which a transaction sees.
    ///   - known: ``newest`` from before the transaction began.
    private func notice(_ revision: Int64, known: Int64) {
        guard revision < known else { return }
        memory.renew()
        let isFirst = newest.withLock { newest in
            defer { newest = min(newest, revision) }
            return newest > revision
        }
        guard isFirst else { return }
        settings.logger.error(
            "the database lacks transactions that were complete; what was acknowledged in them is lost unless it is sent again",
            metadata: ["transactions": "\(known - revision)"]
        )
    }

    // MARK: - Collectors

    /// Does something about duties in a transaction that does not wait for those that write.
    func duty<Value: Sendable>(_ work: @escaping @Sendable (Duties) throws -> Value) async throws -> Value {
        try await onWriter { Result { try self.retrying { try self.dutyOnce(work) } } }.get()
    }

    /// Packs the sums of days that are over and of blocks of calls, if no other collector does.
    ///
    /// - Returns: How many days and blocks were packed.
    func pack() async throws -> Int {
        guard try await duty({ try $0.take(Duties.packing, milliseconds: Duties.term) }).isHeld else { return 0 }
        let today = settings.now().nanoseconds / RecordTable.day
        var packed = try await packing { try DayPacking.step($0, today: today) }
        // A bounded number of steps, so that the duties of this collector are not late.
        for _ in 0..<Self.mostPackingSteps {
            let blocks = try await packing {
                try QualityTables(connection: $0).pack(atMost: QualityPacking<QualityTables>.blocksOfStep)
            }
            packed += blocks
            if blocks < QualityPacking<QualityTables>.blocksOfStep { break }
        }
        return packed
    }

    /// How many transactions pack blocks of calls at once.
    private static let mostPackingSteps = 64

    /// Packs something in a transaction with one state for what is read and what it is marked with.
    private func packing(_ work: @escaping @Sendable (PostgresConnection) throws -> Int) async throws -> Int {
        try await onWriter {
            Result {
                try self.once { connection, _ in
                    try connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    return try work(connection)
                }
            }
        }.get()
    }

    private func dutyOnce<Value>(_ work: (Duties) throws -> Value) throws -> Value {
        try once { connection, store in try work(Duties(connection: connection, holder: store.id)) }
    }

    // MARK: - Transactions

    /// Runs one transaction of upkeep.
    ///
    /// - Throws: ``UpkeepElsewhere`` while another collector does some.
    func change<Value: Sendable>(_ work: @escaping @Sendable (inout OpenTransaction) throws -> Value) async throws
        -> Value
    {
        let result = await onWriter {
            Result {
                try self.transact { transaction, store in
                    let duties = Duties(connection: transaction.connection, holder: store.id)
                    guard try duties.take(Duties.upkeep, milliseconds: Duties.upkeepTerm).isHeld else {
                        throw UpkeepElsewhere(host: try duties.machine(with: Duties.upkeep))
                    }
                    // It changes what is remembered of sessions and models.
                    store.forget()
                    return try work(&transaction)
                }
            }
        }
        return try result.get()
    }

    /// Keeps a group of batches in one transaction; if that fails because of a batch, each by itself, so that one cannot spoil the others.
    private func keep(_ batches: [Batch]) -> [Result<Delivery, ConsumeError>] {
        do {
            let (deliveries, refused) = try transact { transaction, store in
                try store.write(batches, in: &transaction)
            }
            settings.note(expired: refused)
            return deliveries.map { .success($0) }
        } catch {
            let fault = PostgresFault(error)
            guard batches.count > 1, fault.isOfBatch else { return batches.map { _ in .failure(ConsumeError(fault)) } }
            return batches.flatMap { keep([$0]) }
        }
    }

    /// Runs a transaction that writes calls.
    private func transact<Value>(_ work: (inout OpenTransaction, inout StoreWriter) throws -> Value) throws -> Value {
        try retrying {
            let known = newest.withLock { $0 }
            let (value, revision) = try once { connection, store in
                var transaction = try OpenTransaction(connection)
                notice(transaction.former.revision, known: known)
                let value = try work(&transaction, &store)
                try store.close(transaction)
                return (value, transaction.revision)
            }
            newest.withLock { $0 = max($0, revision) }
            return value
        }
    }

    /// Runs a transaction; one whose connection broke is run once more on a new one.
    ///
    /// Also when the answer to its COMMIT was lost: the ledger finds everything there already.
    private func retrying<Value>(_ transaction: () throws -> Value) throws -> Value {
        do {
            return try transaction()
        } catch {
            guard PostgresFault(error).losesConnection else { throw error }
            return try transaction()
        }
    }

    private func once<Value>(_ work: (PostgresConnection, inout StoreWriter) throws -> Value) throws -> Value {
        try writer.withLock { writer in
            guard !writer.isClosed else { throw StoreError("\(settings.id) is not running") }
            // Each new connection may lead to another server: a standby that was promoted, or the tables of another version.
            let connection = try writer.connection ?? prepare(&writer)
            writer.connection = connection
            do {
                try connection.execute(writer.beginning)
                let value = try work(connection, &writer.store)
                try connection.execute("COMMIT")
                return value
            } catch {
                writer.store.forget()
                if PostgresFault(error).losesConnection || !connection.isOpen {
                    writer.connection = nil
                    memory.renew()
                } else {
                    do { try connection.execute("ROLLBACK") } catch { writer.connection = nil }
                }
                throw error
            }
        }
    }
}
