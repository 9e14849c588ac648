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

extension UsageIndex {
    /// What observations tell about sessions that is not known yet.
    func news(in deliveries: [[Observation]]) -> [SessionEntry] {
        var updates: [String: SessionUpdate] = [:]
        for observation in deliveries.joined() {
            guard let session = observation.session else { continue }
            if updates[session]?.merge(observation) == nil { updates[session] = observation.sessionUpdate }
        }
        return updates.values.sorted { $0.id < $1.id }.map { SessionEntry(update: $0, isSighted: false) }.filter(
            isNews
        )
    }

    /// Whether a note has something that is not known.
    func isNews(_ note: SessionEntry) -> Bool {
        guard let number = sessions.number(of: note.update.id), let known = sessions[number] else { return true }
        var merged = known.update
        merged.merge(note.update)
        return merged != known.update || (note.isSighted && !known.isSighted)
    }
}
