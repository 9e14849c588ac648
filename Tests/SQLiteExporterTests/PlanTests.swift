// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import StoreFixtures
import Synchronization
import Testing
import Usage
import UsageDatabase

@testable import SQLiteExporter
@testable import SQLiteUsage

/// Prompt that are asked often find their rows by an index.
struct PlanTests {
    /// The tables that grow with time; only sessions may be looked through as a whole, by a listing.
    private static let large = ["calls", "batches", "b", "session_batches", "links", "rollup", "c", "r", "own"]

    @Test func `keeping a batch looks through no table`() async throws {
        let statements = try await Self.statements { db in
            let span = Observation(1, source: .otlpSpan).with {
                ($0.blockingKey, $0.trace.span, $0.keys.request) = (5, 11, 7)
                $0.trace.ancestors.insert(12)
            }
            var writer = StoreWriter()
            for source in [span, span.with { $0.time = morning + -5 }] {
                _ = try writer.write(
                    [Batch([source], records: [("e", "s", morning)])],
                    keepsRecords: true,
                    to: db
                )
                writer.forget()
            }
        }
        #expect(statements.count > 10)
        try await Self.expectIndices(statements)
    }

    @Test func `a summary reads only its period`() async throws {
        let period = try period("2026-11-01", "2026-11-30")
        try await Self.expectIndices(
            Self.statements {
                _ = try SummaryReader(
                    sums: DatabaseSums(db: $0),
                    query: UsageQuery(period, now: morning),
                    memory: SummaryMemory()
                ).run()
            }
        )
    }

    @Test func `the quality of data looks only through blocks without sums, and once through a block`() async throws {
        let period = try period("2026-11-01", "2026-11-30")
        let statements = try await Self.statements { db in
            let memory = QualityMemory()
            let revision = try Revision.current(db)
            for change in 0..<3 {
                if change == 2 {
                    memory.note([0], in: revision + 1)
                    try db.execute(sql: "UPDATE revision SET number = number + 1")
                }
                _ = try QualityReader(QualityTables(db: db), period, memory).run()
            }
        }
        let reading = statements.filter { $0.contains("FROM calls") && $0.contains("ref BETWEEN") }
        #expect(reading.count == 2)
        try await Self.expectIndices(statements)
    }

    @Test func `one session is found without looking at others`() async throws {
        let statements = try await Self.statements { _ = try SessionTable(db: $0).detail(id: "s") }
        #expect(statements.count == 5)
        try await Self.expectIndices(statements)
    }

    @Test(arguments: [SessionQuery.Sort.lastSeenAt, .startedAt, .durationMs, .name])
    func `a page adds up only its own sessions`(sort: SessionQuery.Sort) async throws {
        try await Self.expectIndices(
            Self.statements { db in
                var query = SessionQuery(now: morning)
                query.sort = sort
                _ = try SessionTable(db: db).page(query)
            }
        )
    }

    @Test func `the newest sessions need no sorting of all`() async throws {
        let statements = try await Self.statements { _ = try SessionTable(db: $0).page(SessionQuery(now: morning)) }
        let plans = try await Self.plans(of: statements)
        #expect(plans.contains { $0.contains("SCAN s USING INDEX sessions_by_last_sign") })
    }

    /// The statements that a piece of work runs on a store with one session.
    private static func statements(of work: @escaping @Sendable (Database) throws -> Void) async throws -> [String] {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(9)], records: [("e", "s", morning)])])
        let log = Mutex<[String]>([])
        try await DatabaseQueue(path: bench.path).write { db in
            db.trace { event in
                guard case .statement(let statement) = event else { return }
                log.withLock { $0.append(statement.sql) }
            }
            try work(db)
        }
        return log.withLock { $0 }.filter { $0.contains("FROM ") || $0.hasPrefix("INSERT") }
    }

    private static func plans(of statements: [String]) async throws -> [String] {
        let bench = try await Bench()
        let queue = try DatabaseQueue(path: bench.path)
        return try await queue.read { db in
            try statements.flatMap { sql in
                let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
                statement.setUncheckedArguments(StatementArguments(Array(repeating: 0, count: sql.count { $0 == "?" })))
                return try Row.fetchAll(statement).map { "\($0["detail"] as String? ?? "")" }
            }
        }
    }

    private static func expectIndices(_ statements: [String]) async throws {
        for plan in try await plans(of: statements) {
            #expect(!large.contains { plan == "SCAN \($0)" || plan.hasPrefix("SCAN \($0) ") }, "\(plan)")
        }
    }
}
