// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import Glibc
import PostgresServer
import SendingQueue
import StoreFixtures
import Synchronization
import Testing
import Usage

@testable import PostgreSQLExporter

/// A client library whose connections can be cut between any two moments of a statement.
private final class CuttingLibrary: Sendable {
    private let left = Mutex(0)
    private let random = Mutex(SeededGenerator(seed: 11))

    /// Cuts the connection of the next statement.
    func cut() { left.withLock { $0 += 1 } }

    func functions() throws -> Libpq {
        typealias Socket = @convention(c) (OpaquePointer) -> CInt
        var library = try Libpq.load(for: try #require(ComponentID("postgresql")))
        let handle = try #require(dlopen(Libpq.names[0], RTLD_NOW | RTLD_LOCAL))
        let socket = unsafeBitCast(try #require(dlsym(handle, "PQsocket")), to: Socket.self)
        let (execute, prepared) = (library.execute, library.executePrepared)
        let cuts: @Sendable (OpaquePointer, () -> OpaquePointer?) -> OpaquePointer? = { [self] handle, run in
            let isCut = left.withLock { left in
                defer { left = max(0, left - 1) }
                return left > 0
            }
            guard isCut else { return run() }
            // Before the statement is sent, or when the server has done it and the answer is on its way.
            let isBefore = random.withLock { Bool.random(using: &$0) }
            if isBefore { shutdown(socket(handle), CInt(SHUT_RDWR)) }
            let result = run()
            if !isBefore { shutdown(socket(handle), CInt(SHUT_RDWR)) }
            return result
        }
        library.execute = { handle, sql in cuts(handle) { execute(handle, sql) } }
        library.executePrepared = { handle, name, count, values, lengths, formats in
            cuts(handle) { prepared(handle, name, count, values, lengths, formats) }
        }
        return library
    }
}

/// Something that is over one day.
private final class Flag: Sendable {
    private let state = Mutex(false)

    var isSet: Bool { state.withLock { $0 } }

    func set() { state.withLock { $0 = true } }
}

/// What goes wrong under load: nothing that was acknowledged is lost, and nothing counts twice.
///
/// `HAMMURABI_KILL_ROUNDS` says how often something is broken, for a long run; the tests alone do a few rounds.
@Suite(.enabled(if: PostgresServer.isInstalled, "\(PostgresServer.need)"), .serialized)
struct OutageTests {
    private static let rounds =
        ProcessInfo.processInfo.environment["HAMMURABI_KILL_ROUNDS"].flatMap(Int.init) ?? 14

    private static func calls(_ store: PostgreSQLExporter) async throws -> Int64 {
        try await store.summary(of: period("2026-11-20", "2026-11-24"), now: morning).totals.calls
    }

    /// Sends calls until it is over, each in two batches of two senders; one that is refused for now comes again.
    private static func send(
        as sender: UInt64,
        to stores: [PostgreSQLExporter],
        until isOver: @Sendable () -> Bool
    ) async throws -> Set<UInt64> {
        var random = SeededGenerator(seed: sender)
        var acknowledged: Set<UInt64> = []
        var number = sender / 2
        while !isOver() {
            let session = "s\(number % 7)"
            let observation = Observation(number, at: morning + Double(number % 80_000), session: session)
            let batch = try Batch([observation], records: [("e\(number)", session, morning)])
            do throws(ConsumeError) {
                try await stores[random.below(stores.count)].consume(batch)
                acknowledged.insert(number)
                number += 2
            } catch {
                #expect(error.isRetryable, "\(error)")
            }
        }
        return acknowledged
    }

    @Test func `whatever breaks under load, nothing is lost and nothing is doubled`() async throws {
        let server = try await PostgresServer()
        let bench = try await Bench(server) { config in
            config.timeout = ConfigDuration(nanoseconds: 500_000_000)
            config.retryOnFailure.maxElapsedTime = ConfigDuration(seconds: 60)
            config.retryOnFailure.maxInterval = ConfigDuration(nanoseconds: 400_000_000)
        }
        let cutting = CuttingLibrary()
        let queued = try bench.makeExporter(
            library: cutting.functions(),
            change: { config in
                config.sendingQueue.enabled = true
                config.sendingQueue.batch.flushTimeout = ConfigDuration(nanoseconds: 20_000_000)
            }
        )
        let stores = [try await bench.start(), try bench.makeExporter(library: cutting.functions()), queued]
        for store in stores.dropFirst() { try await store.start() }
        let isOver = Flag()
        let acknowledged = try await withThrowingTaskGroup(of: Set<UInt64>.self) { group in
            for sender in UInt64(0)..<4 {
                group.addTask { try await Self.send(as: sender, to: stores) { isOver.isSet } }
            }
            group.addTask {
                defer { isOver.set() }
                try await Self.breakThings(server, bench, cutting)
                return []
            }
            return try await group.reduce(into: Set<UInt64>()) { $0.formUnion($1) }
        }
        try await waitUntil { queued.queueing?.queueStatus.batches == 0 }
        #expect(acknowledged.count > Self.rounds)
        for store in stores { #expect(try await Self.calls(store) == Int64(acknowledged.count)) }
        #expect(
            try bench.rows("SELECT count(*), sum(uncached_input)::bigint FROM calls", columns: 2) == [
                "\(acknowledged.count) \(acknowledged.count * 10)"
            ]
        )
        try StoringTests.checkSums(bench)
        for store in stores { await store.shutdown() }
    }

    private static func breakThings(_ server: PostgresServer, _ bench: Bench, _ cutting: CuttingLibrary) async throws {
        for round in 0..<rounds {
            try await Task.sleep(for: .milliseconds(120))
            switch round % 7 {
            case 6: try await server.crash()
            case 1, 4: for _ in 0..<3 { cutting.cut() }
            case 2:
                // A collector that stalls within a transaction, until the server ends it.
                guard let stalled = try? bench.connect() else { continue }
                try? stalled.execute(
                    "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 700; UPDATE state SET revision = revision + 1"
                )
                try await Task.sleep(for: .milliseconds(900))
                #expect(throws: PostgresError.self) { try stalled.execute("COMMIT") }
            default:
                // The server may just be starting.
                _ = try? bench.connect().run(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
            }
        }
    }

    // MARK: - Failover

    /// A store that looks for the primary of two servers.
    private static func bench(_ primary: PostgresServer, _ standby: PostgresServer) async throws -> Bench {
        try await Bench(primary) { config in
            let hosts = [primary, standby].map { "127.0.0.1:\($0.listeningPort)" }.joined(separator: ",")
            config.datasource = Secret("postgres://postgres@\(hosts)/postgres?target_session_attrs=read-write")
            config.retryOnFailure.maxElapsedTime = ConfigDuration(seconds: 60)
        }
    }

    @Test func `a standby that is promoted is found, and all goes on`() async throws {
        let primary = try await PostgresServer()
        let standby = try await primary.standby()
        let bench = try await Self.bench(primary, standby)
        let store = try await bench.start()
        for number in UInt64(1)...10 { try await store.consume(Batch([Observation(number)])) }
        let copy = try await Bench(standby) { $0.schema = bench.config.schema }
        try await waitUntil { try copy.rows("SELECT count(*) FROM calls", columns: 1) == ["10"] }
        // The standby alone is no place to write.
        let reader = try bench.makeExporter(change: { config in
            (config.datasource, config.timeout) = (copy.config.datasource, ConfigDuration(seconds: 1))
        })
        let refusal = await #expect(throws: StartError.self) { try await reader.start() }
        #expect(refusal?.description.contains("target_session_attrs=read-write") == true)
        try await primary.stop()
        try await standby.promote()
        for number in UInt64(6)...15 { try await store.consume(Batch([Observation(number)])) }
        #expect(try await Self.calls(store) == 15)
        await store.shutdown()
    }

    @Test func `after a failover that lost transactions the answers are those of what is there`() async throws {
        let primary = try await PostgresServer()
        let standby = try await primary.standby()
        let bench = try await Self.bench(primary, standby)
        let store = try await bench.start()
        for number in UInt64(1)...3 { try await store.consume(Batch([Observation(number)])) }
        let copy = try await Bench(standby) { $0.schema = bench.config.schema }
        try await waitUntil { try copy.rows("SELECT count(*) FROM calls", columns: 1) == ["3"] }
        try await standby.stop()
        for number in UInt64(4)...6 { try await store.consume(Batch([Observation(number, model: "lost")])) }
        #expect(try await Self.calls(store) == 6)
        try await primary.stop()
        try await standby.resume()
        try await standby.promote()
        #expect(try await Self.calls(store) == 3)
        // The numbers of the lost transactions are given out again.
        for number in UInt64(7)...9 { try await store.consume(Batch([Observation(number, model: "later")])) }
        let summary = try await store.summary(of: period("2026-11-20", "2026-11-24"), now: morning)
        #expect(summary.byModel.mapValues(\.totals.calls) == ["m": 3, "later": 3])
        // What comes again counts.
        for number in UInt64(4)...6 { try await store.consume(Batch([Observation(number, model: "lost")])) }
        #expect(try await Self.calls(store) == 9)
        #expect(try await store.quality(of: period("2026-11-20", "2026-11-24")).calls == 9)
        try StoringTests.checkSums(try await Bench(standby) { $0.schema = bench.config.schema })
        await store.shutdown()
    }

    @Test func `a database of an older backup is noticed also when no connection breaks`() async throws {
        let bench = try await Bench { $0.connections = 1 }
        let store = try await bench.start()
        for number in UInt64(1)...3 { try await store.consume(Batch([Observation(number)])) }
        let tables = ["calls", "links", "rollup", "sessions", "models", "rollup_days", "call_blocks", "state"]
        let connection = try bench.connect()
        for table in tables { try connection.execute("CREATE TABLE kept_\(table) AS SELECT * FROM \(table)") }
        for number in UInt64(4)...6 { try await store.consume(Batch([Observation(number, model: "lost")])) }
        #expect(try await Self.calls(store) == 6)
        let back = tables.map { "DELETE FROM \($0); INSERT INTO \($0) SELECT * FROM kept_\($0)" }
        try connection.execute("BEGIN; \(back.joined(separator: "; ")); COMMIT")
        for number in UInt64(7)...9 { try await store.consume(Batch([Observation(number, model: "later")])) }
        let summary = try await store.summary(of: period("2026-11-20", "2026-11-24"), now: morning)
        #expect(summary.byModel.mapValues(\.totals.calls) == ["m": 3, "later": 3])
        await store.shutdown()
    }
}

/// A pooler that gives each transaction whichever connection is free.
@Suite(.enabled(if: PostgresServer.isInstalled && PgBouncer.isInstalled, "\(PgBouncer.need)"))
struct PoolerTests {
    @Test func `collectors behind PgBouncer in transaction mode keep and answer as without it`() async throws {
        let server = try await PostgresServer.shared.value
        let pooler = try await PgBouncer(server, connections: 3)
        let bench = try await Bench { config in
            (config.datasource, config.preparedStatements) = (Secret(pooler.datasource), false)
        }
        let stores = [try await bench.start(), try await bench.start(), try await bench.start()]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, store) in stores.enumerated() {
                group.addTask {
                    for number in 0..<40 {
                        let id = UInt64((place + number) % 60)
                        let observation = Observation(
                            id,
                            at: morning + (120 * Double(id) - 7_200),
                            session: "s\(id % 5)"
                        )
                        try await store.consume(
                            Batch([observation], records: [("e\(id)", "s\(id % 5)", morning)], pricing: testPricing())
                        )
                        _ = try await store.sessions(SessionQuery(now: morning))
                    }
                }
            }
            try await group.waitForAll()
        }
        let direct = try await Bench(server) { $0.schema = bench.config.schema }
        let expected = try await direct.start()
        let days = try period("2026-11-20", "2026-11-24")
        for store in stores {
            #expect(
                try await figures(store.summary(of: days, now: morning))
                    == figures(expected.summary(of: days, now: morning))
            )
            let (own, other) = (try await store.session(id: "s1"), try await expected.session(id: "s1"))
            #expect(own?.calls.map(\.id) == other?.calls.map(\.id) && own?.events.count == other?.events.count)
            #expect(try await store.quality(of: days).calls == expected.quality(of: days).calls)
        }
        #expect(try await stores[0].summary(of: days, now: morning).totals.calls == 42)
        #expect(try await stores[1].take(.alerts) != nil)
        #expect(try await stores[2].take(.alerts) == nil)
        #expect(try await stores[2].compact(before: morning + -3_600) == 30)
        try StoringTests.checkSums(direct)
        for store in stores + [expected] { await store.shutdown() }
    }
}
