// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// The spans of a batch by id, to find which spans with usage stand above another.
struct SpanAncestry {
    private var positions: [Span: Int] = [:]

    private struct Span: Hashable {
        var traceHigh: UInt64
        var traceLow: UInt64
        var id: UInt64
    }

    /// The longest way up that is followed; a loop in broken data ends here.
    private static let maximumDepth = 64

    init(_ batch: OTLPBatch) {
        positions.reserveCapacity(batch.records.count)
        for (position, record) in batch.records.enumerated() {
            positions[Span(traceHigh: record.traceHigh, traceLow: record.traceLow, id: record.spanID)] = position
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
            let span = Span(traceHigh: record.traceHigh, traceLow: record.traceLow, id: parent)
            guard let position = positions[span] else {
                links.ancestors.insert(Self.hash(record, parent))
                break
            }
            if tellsUsage[position] { links.ancestors.insert(Self.hash(record, parent)) }
            parent = batch.records[position].parentSpanID
        }
        return links
    }

    /// The hash of a span of the record's trace.
    static func hash(_ record: RecordEntry, _ span: UInt64) -> UInt64 {
        var hash = StableHash(domain: "span")
        hash.combine(record.traceHigh)
        hash.combine(record.traceLow)
        hash.combine(span)
        return hash.value
    }
}
