// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import Usage

extension SQLiteExporter {
    func summary(of period: Period, now: Timestamp) async throws -> UsageSummary {
        try await commits().pool.read { db in try SummaryQuery(db: db, period: period, now: now).run() }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try await commits().pool.read { db in try SessionTable(db: db).page(query) }
    }

    func session(id: String) async throws -> SessionDetail? {
        try await commits().pool.read { db in try SessionTable(db: db).detail(id: id) }
    }

    func quality(of period: Period) async throws -> DataQuality {
        try await commits().pool.read { db in try QualityQuery(db: db, period: period).run() }
    }

    func compact(before instant: Timestamp) async throws -> Int {
        let commits = try commits()
        var compaction = Compaction(before: instant)
        while !compaction.isDone {
            // Small steps, so that batches come in between.
            compaction = try await commits.change { [compaction] db, writer in
                writer.forget()
                var next = compaction
                try next.step(db)
                return next
            }
        }
        return compaction.removed
    }
}
