// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import GRDB
import StoreFixtures
import Testing
import Usage

/// What a start does to files that are there.
struct StartingTests {
    @Test func `a database of version 0.1.0 is brought up to date, and keeps what is in it`() async throws {
        let old = try await Bench()
        try await old.consume([Batch([Observation(1)], records: [("e", "s", morning)])])
        await old.exporter.shutdown()
        try await DatabaseQueue(path: old.path).write { db in
            try db.execute(
                sql: """
                    DROP INDEX sessions_with_reported_cost; DROP TABLE quality_blocks; DROP TABLE quality_owners
                    """
            )
            for column in ["reported_cost", "reported_cost_at", "team"] {
                try db.execute(sql: "ALTER TABLE sessions DROP COLUMN \(column)")
            }
            try LinkIndexTests.makeFormerLayout(db)
            try db.execute(sql: "ALTER TABLE revision DROP COLUMN compacted_before")
            try db.execute(sql: "ALTER TABLE models DROP COLUMN priced_by")
            try db.execute(sql: "DELETE FROM grdb_migrations WHERE identifier <> '1'")
        }
        let new = try await Bench(path: old.path)
        #expect(try await new.store.session(id: "s")?.calls.count == 1)
        #expect(try await new.store.quality(of: Period(nil, timezone: "UTC", now: morning)).sessionCosts.compared == 0)
        await new.exporter.shutdown()
    }

    /// A collector that was killed because of a full disk starts while it is full: whatever it wrote would be refused.
    @Test func `a start after a kill writes nothing`() async throws {
        let bench = try await Bench(start: false)
        // One that does not cut its log meanwhile: a database without a log is a store that was stopped.
        let killed = try await Bench(idle: 86_400)
        try await killed.consume([Batch([Observation(1)], records: [("e", "s", morning)])])
        var before: [String: Data] = [:]
        for end in ["", "-wal"] {
            before[end] = try Data(contentsOf: URL(filePath: killed.path + end))
            try before[end]?.write(to: URL(filePath: bench.path + end))
        }
        await killed.exporter.shutdown()
        try await bench.exporter.start()
        for (end, bytes) in before { #expect(try Data(contentsOf: URL(filePath: bench.path + end)) == bytes) }
        #expect(try await bench.store.session(id: "s")?.calls.count == 1)
        await bench.exporter.shutdown()
    }
}
