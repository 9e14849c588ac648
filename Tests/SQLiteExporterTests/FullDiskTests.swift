// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import GRDB
import StoreFixtures
import Testing
import Usage

@testable import SQLiteExporter
@testable import SQLiteUsage

/// A disk that is full, or a file that may not be written for a while: senders are told to come again, and it goes on by itself.
struct FullDiskTests {
    @Test(arguments: [
        ("max_page_count = 1", "max_page_count = 1000000", "full"), ("query_only = 1", "query_only = 0", "written"),
    ])
    func `what cannot be kept now is refused for now, and kept later without a restart`(
        fault: String,
        repair: String,
        word: String
    ) async throws {
        let bench = try await Bench()
        try await bench.consume([Batch([Observation(1)], records: [("e", "s", morning)])])
        let pool = try await #require(bench.exporter as? SQLiteExporter).commits().database().pool
        // As many pages as there are: none can be added.
        try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA \(fault)") }
        let records = (0..<200).map { (name: "e\($0)", session: "s", time: morning) }
        let batch = try Batch((UInt64(2)...200).map { Observation($0) }, records: records)
        for _ in 0..<3 {
            let refusal = try #require(await bench.refusal(of: batch))
            #expect(refusal.isRetryable)
            #expect(refusal.retryAfter >= 1)
            #expect(refusal.message.contains(word))
        }
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["1"])
        try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA \(repair)") }
        #expect(await bench.refusal(of: batch) == nil)
        #expect(try bench.rows("SELECT count(*) FROM calls") == ["200"])
        try EquivalenceTests.checkSums(bench)
    }
}
