// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

extension Batch {
    /// How many records there are and which stretch of time they tell of.
    var extent: RecordExtent {
        var extent = RecordExtent()
        extent.count = otlp.recordCount
        for record in otlp.records.indices where otlp.isLive(record: record) { extent.add(time(ofRecord: record)) }
        return extent
    }

    /// Which records belong to each session of the batch, counted without those that were dropped.
    var recordsOfSessions: [(session: Int, records: [ClosedRange<Int>])] {
        guard !sessions.isEmpty else { return [] }
        var ranges = [[ClosedRange<Int>]](repeating: [], count: sessions.count)
        var position = 0
        for record in otlp.records.indices where otlp.isLive(record: record) {
            defer { position += 1 }
            guard let session = sessions.position(ofRecord: record) else { continue }
            if let last = ranges[session].last, last.upperBound == position - 1 {
                ranges[session][ranges[session].count - 1] = last.lowerBound...position
            } else {
                ranges[session].append(position...position)
            }
        }
        return ranges.enumerated().map { (session: $0.offset, records: $0.element) }
    }
}
