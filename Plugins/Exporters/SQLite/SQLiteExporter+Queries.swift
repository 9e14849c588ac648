// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import Usage

extension SQLiteExporter {
    func summary(_ query: UsageQuery) async throws -> UsageSummary {
        try await commits().answer { database in
            let memory = database.memory
            return try await database.pool.read { db in try SummaryReader(db: db, query: query, memory: memory).run() }
        }
    }

    func sessions(_ query: SessionQuery) async throws -> SessionPage {
        try await commits().answer { try await $0.pool.read { db in try SessionTable(db: db).page(query) } }
    }

    func session(id: String) async throws -> SessionDetail? {
        try await commits().answer { try await $0.pool.read { db in try SessionTable(db: db).detail(id: id) } }
    }

    func quality(of period: Period) async throws -> DataQuality {
        try await commits().answer { database in
            let memory = database.quality
            return try await database.pool.read { db in try QualityQuery(db: db, period: period, memory: memory).run() }
        }
    }

    func names(of dimension: UsageDimension) async throws -> Set<String> {
        try await commits().answer { database in
            let memory = database.memory
            return try await database.pool.read { db in try memory.names(of: dimension, db) }
        }
    }

    func unpricedModels() async throws -> [UnpricedModel] {
        try await commits().answer { try await $0.pool.read { db in try UnpricedQuery.run(db) } }
    }

    func revision() async throws -> Int64 {
        let commits = try commits()
        let current = try await commits.answer { try await $0.pool.read { db in try Revision.current(db) } }
        return current &+ commits.revisionBase
    }

    func reprice(by pricing: Pricing) async throws -> Int {
        try await commits().answer { database in
            var repricing = Repricing(by: pricing)
            while !repricing.isDone {
                try Task.checkCancellation()
                repricing = try await database.change { [repricing] db, writer in
                    var next = repricing
                    writer.noteChanged(try next.step(db))
                    return next
                }
            }
            return repricing.repriced
        }
    }

    func compact(before instant: Timestamp) async throws -> Int {
        try await commits().answer { database in
            var compaction = Compaction(before: instant, now: settings.now())
            while !compaction.isDone {
                try Task.checkCancellation()
                // Small steps, so that batches come in between.
                compaction = try await database.change { [compaction] db, writer in
                    writer.forget()
                    var next = compaction
                    writer.noteChanged(try next.step(db))
                    return next
                }
            }
            // What was given back leaves the file once the log is in it; if readers are in the way, the next checkpoint does it.
            try? await database.cutLog()
            return compaction.removed
        }
    }
}
