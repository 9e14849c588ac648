// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// The spans of a batch by id, to find which are above another.
struct SpanAncestry {
    /// Where the span with a hash stands in the batch.
    private var positions: HashTable

    /// The longest way up that is followed; a loop in broken data ends here.
    private static let maximumDepth = 64

    init(_ batch: OTLPBatch) {
        positions = HashTable(capacity: batch.records.count, absent: -1)
        for (position, record) in batch.records.enumerated() {
            positions[Self.hash(record, record.spanID)] = Int32(truncatingIfNeeded: position)
        }
    }

    /// Calls `visit` with each ancestor of a span in the batch, the parent first.
    ///
    /// - Returns: The first ancestor that is not in this batch and may still come, as the hash of a span; 0 when there is none.
    func climb(from record: RecordEntry, in batch: OTLPBatch, _ visit: (Int) -> Void) -> UInt64 {
        var record = record
        for _ in 0..<Self.maximumDepth where record.parentSpanID != 0 && record.parentSpanID != record.spanID {
            let hash = Self.hash(record, record.parentSpanID)
            let position = Int(positions[hash])
            guard position >= 0 else { return hash }
            visit(position)
            record = batch.records[position]
        }
        return 0
    }

    /// The hash of a span of the record's trace.
    static func hash(_ record: RecordEntry, _ span: UInt64) -> UInt64 {
        var hash = start
        hash.combine(record.traceHigh)
        hash.combine(record.traceLow)
        hash.combine(span)
        return hash.value
    }

    private static let start = StableHash(domain: "span")
}
