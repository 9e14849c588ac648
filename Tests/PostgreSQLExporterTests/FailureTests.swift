// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import PostgresServer
import SendingQueue
import StoreFixtures
import Synchronization
import Testing
import Usage
import YAML

@testable import PostgreSQLExporter

/// What each failure of the database means to a sender.
struct FaultTests {
    /// The states of PostgreSQL's Appendix A that the store meets, and what a sender is told: after how many seconds to come again; 0 for never.
    private static let table: [(state: String, retry: Int, losesConnection: Bool, preventsStart: Bool)] = [
        ("08001", 5, true, false), ("08006", 5, true, false), ("57P01", 5, true, false), ("57P02", 5, true, false),
        ("57P03", 5, true, false), ("55P03", 1, false, false), ("40P01", 1, false, false), ("40001", 1, false, false),
        ("57014", 1, false, false), ("25P03", 1, true, false), ("53100", 10, false, false),
        ("53200", 10, false, false), ("53300", 10, false, false), ("22003", 0, false, false),
        ("22021", 0, false, false), ("23505", 0, false, false), ("25006", 5, true, true), ("28P01", 30, false, true),
        ("3D000", 30, false, true), ("42501", 30, false, true), ("42P01", 30, false, true),
        ("XX001", 30, false, false), ("58030", 30, false, false), ("P0001", 5, false, false),
    ]

    @Test func `each state has its meaning`() {
        for row in Self.table {
            let fault = PostgresFault(PostgresError(state: row.state, message: "it fails"))
            #expect(fault.retryAfter ?? 0 == row.retry, "\(row.state)")
            #expect(fault.losesConnection == row.losesConnection, "\(row.state)")
            #expect(fault.preventsStart == row.preventsStart, "\(row.state)")
            #expect(fault.isOfBatch == (row.retry == 0), "\(row.state)")
            #expect(fault.isDamage == (row.state.hasPrefix("XX") || row.state == "58030"), "\(row.state)")
            #expect(fault.reason.contains("it fails (\(row.state))"))
        }
    }

    @Test(arguments: [
        ("connection to server at \"::1\", port 5432 failed: Connection refused", "08001"),
        ("FATAL:  the database system is starting up", "57P03"),
        ("FATAL:  the database system is shutting down", "57P03"),
        ("FATAL:  the database system is in recovery mode", "57P03"),
        ("FATAL:  sorry, too many clients already", "53300"),
        ("FATAL:  password authentication failed for user \"u\"", "28P01"),
        ("FATAL:  no pg_hba.conf entry for host \"::1\"", "28000"),
        ("FATAL:  database \"nowhere\" does not exist", "3D000"),
        ("server is in hot standby mode", "25006"), ("session is read-only", "25006"),
        ("invalid connection option \"x\"", "HV00D"), ("server certificate for \"a\" does not match", "08P01"),
    ])
    func `what the client library says of a connection that cannot be opened has a state`(text: String, state: String) {
        let error = PostgresError(connecting: text + "\nand a second line")
        #expect(error.state == state)
        #expect(error.message == text)
    }

    @Test func `a library that is missing is named with its package`() throws {
        let id = try #require(ComponentID("postgresql"))
        #expect(throws: StartError.self) { try Libpq.load(["libnowhere.so.5"], for: id) }
        do throws(StartError) {
            _ = try Libpq.load(["libnowhere.so.5"], for: id)
        } catch {
            #expect(error.description.contains("apt-get install libpq5"))
        }
    }

    @Test func `a zero byte in a text is kept, and the order of texts with it`() {
        let texts = ["", "\u{0}", "\u{0}a", "\u{1}", "\u{1}\u{0}", "\u{2}", "a", "a\u{0}", "a\u{1}", "aa", "é\u{0}"]
        let stored = texts.map { text in
            var bytes: [UInt8] = []
            PostgresText.append(text, to: &bytes)
            return bytes
        }
        for (text, bytes) in zip(texts, stored) {
            #expect(!bytes.contains(0))
            #expect(bytes.withUnsafeBytes { PostgresText.decoded($0) } == text)
        }
        #expect(zip(stored, stored.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
    }
}

/// A client library that reports a failure for one statement, with the real one for all others.
private final class FailingLibrary: Sendable {
    private let plan: Mutex<(part: String, state: String, times: Int)>

    /// - Parameters:
    ///   - part: A part of the statement that fails.
    ///   - times: How often it does.
    init(_ part: String, _ state: String, times: Int) { plan = Mutex((part, state, times)) }

    /// The functions; what fails is replaced by a statement that raises the state on the server.
    func functions() throws -> Libpq {
        var library = try Libpq.load(for: try #require(ComponentID("postgresql")))
        let (prepare, execute) = (library.prepare, library.execute)
        library.prepare = { [self] handle, name, sql, count, types in
            guard let failure = failure(of: String(cString: sql)) else {
                return prepare(handle, name, sql, count, types)
            }
            return execute(handle, failure)
        }
        library.execute = { [self] handle, sql in
            guard let failure = failure(of: String(cString: sql)) else { return execute(handle, sql) }
            return execute(handle, failure)
        }
        return library
    }

    private func failure(of sql: String) -> String? {
        plan.withLock { plan in
            guard sql.contains(plan.part), plan.times > 0 else { return nil }
            plan.times -= 1
            return "DO $$ BEGIN RAISE EXCEPTION 'it fails' USING ERRCODE = '\(plan.state)'; END $$"
        }
    }
}

/// Failures that a running store meets.
@Suite(.enabled(if: PostgresServer.isInstalled, "\(PostgresServer.need)"), .serialized)
struct FailureTests {
    private static func calls(_ store: PostgreSQLExporter) async throws -> Int64 {
        try await store.summary(of: period("2026-11-20", "2026-11-24"), now: morning).totals.calls
    }

    @Test(
        arguments: [
            "08006", "57P01", "57P03", "25006", "25P03", "40001", "40P01", "55P03", "53100", "53200", "53300", "57014",
            "58030",
        ]
    )
    func `a batch that could not be kept is kept when it comes again`(state: String) async throws {
        let bench = try await Bench { $0.retryOnFailure.enabled = false }
        // Twice: a broken connection is replaced at once.
        let library = try FailingLibrary("INSERT INTO links", state, times: 2).functions()
        let store = try bench.makeExporter(library: library)
        try await store.start()
        let batch = try Batch([Observation(1)])
        let refusal = await #expect(throws: ConsumeError.self) { try await store.consume(batch) }
        #expect(refusal?.isRetryable == true)
        #expect(store.trouble != nil)
        if !PostgresFault(PostgresError(state: state, message: "")).losesConnection {
            await #expect(throws: ConsumeError.self) { try await store.consume(batch) }
        }
        try await store.consume(batch)
        #expect(store.trouble == nil)
        #expect(try await Self.calls(store) == 1)
        await store.shutdown()
    }

    @Test func `a batch that the database refuses is refused alone`() async throws {
        let bench = try await Bench()
        let store = try await bench.start()
        // A constraint of the administrator's own.
        try bench.connect().execute("ALTER TABLE calls ADD CHECK (uncached_input <> 13)")
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in UInt64(1)...40 {
                let input: Int64 = number == 20 ? 13 : 1
                let batch = try Batch([Observation(number, session: "s\(number)", input: input)])
                group.addTask {
                    do throws(ConsumeError) {
                        try await store.consume(batch)
                        return true
                    } catch {
                        #expect(!error.isRetryable)
                        return false
                    }
                }
            }
            var kept = 0
            for try await isKept in group where isKept { kept += 1 }
            #expect(kept == 39)
        }
        #expect(try await Self.calls(store) == 39)
        await store.shutdown()
    }

    @Test func `a commit whose answer was lost counts once`() async throws {
        let bench = try await Bench()
        var library = try Libpq.load(for: try #require(ComponentID("postgresql")))
        let (execute, clear) = (library.execute, library.clear)
        let isLost = Mutex(false)
        library.execute = { handle, sql in
            let result = execute(handle, sql)
            guard String(cString: sql) == "COMMIT", isLost.withLock({ $0 }) else { return result }
            isLost.withLock { $0 = false }
            result.map(clear)
            return execute(handle, "DO $$ BEGIN RAISE EXCEPTION 'it fails' USING ERRCODE = '08006'; END $$")
        }
        let store = try bench.makeExporter(library: library)
        try await store.start()
        isLost.withLock { $0 = true }
        try await store.consume(Batch([Observation(1)]))
        #expect(isLost.withLock { $0 } == false)
        #expect(try await Self.calls(store) == 1)
        await store.shutdown()
    }

    @Test func `a writer that stalls with the lock is ended, and others go on`() async throws {
        let bench = try await Bench { $0.timeout = ConfigDuration(nanoseconds: 300_000_000) }
        let store = try await bench.start()
        let stalled = try bench.connect()
        try stalled.execute(
            "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 1000; UPDATE state SET revision = revision + 1"
        )
        // Longer than the timeout of one attempt, and shorter than that of all.
        try await store.consume(Batch([Observation(1)]))
        #expect(throws: PostgresError.self) { try stalled.execute("COMMIT") }
        #expect(try await Self.calls(store) == 1)
        await store.shutdown()
    }
}

/// What prevents a start, in one line.
@Suite(.enabled(if: PostgresServer.isInstalled, "\(PostgresServer.need)"))
struct StartingTests {
    private func failure(_ bench: Bench, _ change: (inout PostgreSQLConfig) -> Void) async throws -> String {
        let exporter = try bench.makeExporter(change: { config in
            config.timeout = ConfigDuration(seconds: 1)
            change(&config)
        })
        let error = await #expect(throws: StartError.self) { try await exporter.start() }
        await exporter.shutdown()
        return error?.description ?? ""
    }

    @Test func `a start that cannot succeed says what to do`() async throws {
        let bench = try await Bench()
        #expect(
            try await failure(bench) { $0.datasource = "postgres://postgres@127.0.0.1:1/postgres" }.contains(
                "cannot be reached"
            )
        )
        let password = try await failure(bench) {
            $0.datasource = "postgres://u:secret-word@127.0.0.1:1/nowhere?connect_timeout=1"
        }
        #expect(!password.contains("secret-word"))
        let address = bench.config.datasource.value
        #expect(
            try await failure(bench) {
                $0.datasource = Secret(address.replacing("/postgres", with: "/nowhere", maxReplacements: 2))
            }
            .contains("does not let this collector in")
        )
        #expect(
            try await failure(bench) {
                $0.datasource = Secret(address + "?options=-c%20default_transaction_read_only%3Don")
            }.contains("only reads")
        )
        #expect(try await failure(bench) { $0.createSchema = false }.contains("hammurabi schema postgresql"))
    }

    @Test func `what the administrator applied is used without the right to make tables`() async throws {
        let bench = try await Bench()
        let connection = try bench.connect()
        try connection.execute(PostgreSQLSchema.statements(schema: bench.config.schema))
        let role = "collector_\(UInt32.random(in: 0 ... .max))"
        try connection.execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA \(bench.config.schema) TO \(role);
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \(bench.config.schema) TO \(role)
            """
        )
        let address = bench.config.datasource.value.replacing("postgres@", with: "\(role)@")
        let store = try await bench.start { config in
            (config.createSchema, config.datasource) = (false, Secret(address))
        }
        try await store.consume(Batch([Observation(1)], records: [("e", "s", morning)]))
        #expect(try await store.session(id: "s")?.events.count == 1)
        #expect(try await store.compact(before: morning + -86_400) == 0)
        await store.shutdown()
    }

    @Test func `tables of a newer version are left alone`() async throws {
        let bench = try await Bench()
        let store = try await bench.start()
        await store.shutdown()
        try bench.connect().execute("UPDATE state SET layout = layout + 1")
        #expect(try await failure(bench) { _ in }.contains("newer version"))
    }

    @Test func `collectors that start together make the tables once`() async throws {
        let bench = try await Bench()
        let stores = try (0..<4).map { _ in try bench.makeExporter() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for store in stores { group.addTask { try await store.start() } }
            try await group.waitForAll()
        }
        #expect(Set(stores.map(\.storeIdentity)).count == 1)
        for store in stores { await store.shutdown() }
    }
}
