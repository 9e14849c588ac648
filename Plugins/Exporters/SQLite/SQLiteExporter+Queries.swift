// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import Usage

extension SQLiteExporter {
    func summary(of period: Period, now: Timestamp) async throws -> UsageSummary {
        try await pool().read { db in try SummaryQuery(db: db, period: period, now: now).run() }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try await pool().read { db in try SessionTable(db: db).page(query) }
    }

    func session(id: String) async throws -> SessionDetail? {
        try await pool().read { db in try SessionTable(db: db).detail(id: id) }
    }

    func compact(before instant: Timestamp) async throws -> Int {
        try await pool().write { db in try Compaction(db: db, instant: instant).run() }
    }
}

/// Removes what ended before an instant.
struct Compaction {
    let db: Database
    let instant: Timestamp

    func run() throws -> Int {
        // Whole quarters, so that sums and calls always tell the same.
        let border = instant.nanoseconds / CallTables.quarter * CallTables.quarter
        var removed = 0
        for table in ["records", "calls"] {
            try db.execute(sql: "DELETE FROM \(table) WHERE time < ?", arguments: [border])
            removed += db.changesCount
        }
        // A call near the border keeps its witnesses, so that one that comes late still finds it.
        for table in ["observations", "call_keys", "links"] {
            try db.execute(sql: "DELETE FROM \(table) WHERE time < ?", arguments: [border - Ledger.traceWindow])
        }
        try db.execute(sql: "DELETE FROM rollup WHERE quarter < ?", arguments: [border / CallTables.quarter])
        try db.execute(
            sql: """
                DELETE FROM sessions WHERE last_seen_at < ? AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.session = sessions.ref)
                """,
            arguments: [border]
        )
        try db.execute(sql: "DELETE FROM origins WHERE ref NOT IN (SELECT origin FROM records)")
        return removed
    }
}
