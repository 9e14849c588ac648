// SPDX-License-Identifier: Apache-2.0

import OTLP
import Usage

/// The parents of the spans in a batch.
struct SpanAncestry {
    /// The index of each span's parent in the batch, or one of the constants below.
    private let parents: [Int32]

    /// The span is the root of its trace.
    private static let none: Int32 = -1
    /// The parent is not in the batch.
    private static let outside: Int32 = -2

    /// The longest path to follow; it ends a cycle in invalid data.
    private static let maximumDepth = 64

    init(_ batch: OTLPBatch) {
        // A single span has no parent in the batch.
        guard batch.records.count > 1 else {
            parents = batch.records.map {
                $0.parentSpanID == 0 || $0.parentSpanID == $0.spanID ? Self.none : Self.outside
            }
            return
        }
        var positions = HashTable(capacity: batch.records.count, absent: Self.none)
        for position in batch.records.indices {
            positions[Self.key(batch.records[position], batch.records[position].spanID)] =
                Int32(truncatingIfNeeded: position)
        }
        parents = batch.records.indices.map { position in
            let parent = batch.records[position].parentSpanID
            guard parent != 0, parent != batch.records[position].spanID else { return Self.none }
            let found = positions[Self.key(batch.records[position], parent)]
            guard found >= 0, Self.isSpan(batch.records[Int(found)], parent, batch.records[position]) else {
                return Self.outside
            }
            return found
        }
    }

    /// Calls `visit` with each ancestor of a span in the batch, the parent first.
    ///
    /// - Returns: The first ancestor that is not in this batch and may still come, as the hash of a span; 0 when there is none.
    func climb(from record: Int, in batch: OTLPBatch, _ visit: (Int) -> Void) -> UInt64 {
        var record = record
        for _ in 0..<Self.maximumDepth {
            let parent = parents[record]
            guard parent >= 0 else {
                guard parent == Self.outside else { return 0 }
                return Self.hash(batch.records[record], batch.records[record].parentSpanID)
            }
            visit(Int(parent))
            record = Int(parent)
        }
        return 0
    }

    /// The hash of a span of the record's trace, under which other batches find it.
    static func hash(_ record: RecordEntry, _ span: UInt64) -> UInt64 {
        TraceLinks.hash(traceHigh: record.traceHigh, traceLow: record.traceLow, span: span)
    }

    /// A key within the batch, cheaper than ``hash(_:_:)``; hits are compared.
    private static func key(_ record: RecordEntry, _ span: UInt64) -> UInt64 {
        (span &* 0x9E37_79B9_7F4A_7C15) ^ (record.traceLow &* 0xC2B2_AE3D_27D4_EB4F) ^ record.traceHigh
    }

    private static func isSpan(_ found: RecordEntry, _ span: UInt64, _ other: RecordEntry) -> Bool {
        found.spanID == span && found.traceLow == other.traceLow && found.traceHigh == other.traceHigh
    }
}
