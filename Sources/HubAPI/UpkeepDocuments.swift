// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
package import JSON
package import Usage

/// The result of a scan of session files.
package struct ScanDocument: Codable, Hashable, Sendable {
    package var ok = true
    /// Files read.
    package var scanned: Int64
    /// Calls that were new to the store.
    package var ingested: Int64
    /// Files that had not changed.
    package var skipped: Int64
    package var durationMs: Int64
    @Added package var calls: Int64
    /// How many files of each agent's store there are.
    @Added package var files: ByName<Int64>
    package var unreadableFiles: Int64
    package var skippedLines: Int64
    package var unknownLines: ByName<UnknownLinesDocument>
    package var problems: [String]

    package init(_ report: ScanReport) {
        (scanned, ingested, skipped) = (Int64(report.scanned), Int64(report.ingested), Int64(report.skipped))
        (durationMs, calls) = (report.durationMilliseconds, Int64(report.calls))
        files = ByName(report.files.sorted { $0.key < $1.key }.map { ($0.key, Int64($0.value)) })
        (unreadableFiles, skippedLines) = (Int64(report.unreadable), Int64(report.skippedLines))
        (unknownLines, problems) = (UnknownLinesDocument.all(report), report.problems.map(\.description))
    }
}

/// The result of a compaction.
package struct CompactionDocument: Codable, Hashable, Sendable {
    package var ok = true
    package var retentionDays: JSONNumber
    /// Records and calls.
    package var removed: Int64

    /// - Parameter retention: In nanoseconds.
    package init(retention: Int64, removed: Int) {
        // A retention in nanoseconds is 86,400 times as many billionths of a day.
        retentionDays = JSONNumber(billionths: retention / 86_400)
        self.removed = Int64(removed)
    }
}

/// The result of repricing all stored calls.
package struct RepricingDocument: Codable, Hashable, Sendable {
    package var ok = true
    /// Calls whose cost changed.
    package var repriced: Int64
    @Omittable package var unmatchedOverrides: [UnmatchedPrice]?

    package init(repriced: Int, unmatched: [UnmatchedOverride]) {
        self.repriced = Int64(repriced)
        unmatchedOverrides = unmatched.isEmpty ? nil : unmatched.map(UnmatchedPrice.init)
    }
}
