// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// The spans of a batch by id, to find which spans with usage stand above another.
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

    /// The place of a span with usage: itself, the ancestors in this batch that tell usage, too, and the first ancestor that
    /// is not in this batch and may still come.
    ///
    /// - Parameter tellsUsage: For each record of the batch, whether it tells usage.
    func links(of record: RecordEntry, in batch: OTLPBatch, tellsUsage: [Bool]) -> TraceLinks {
        var links = TraceLinks()
        links.span = Self.hash(record, record.spanID)
        var parent = record.parentSpanID
        for _ in 0..<Self.maximumDepth where parent != 0 && parent != record.spanID {
            let hash = Self.hash(record, parent)
            let position = Int(positions[hash])
            guard position >= 0 else {
                links.ancestors.insert(hash)
                break
            }
            if tellsUsage[position] { links.ancestors.insert(hash) }
            parent = batch.records[position].parentSpanID
        }
        return links
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
