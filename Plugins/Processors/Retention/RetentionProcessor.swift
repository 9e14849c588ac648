// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// Drops records, calls and sessions that were over before the age began, counted back from the arrival of their batch.
///
/// It belongs behind `tokens`, which otherwise could not make calls of what it has not seen; what `tokens` found goes by its own times.
struct RetentionProcessor: Processor {
    /// In nanoseconds.
    let maxAge: Int64
    let counters: ComponentCounters

    func process(_ batch: inout Batch) throws(ConsumeError) {
        counters.add(batch.otlp.recordCount, to: .accepted)
        // An age that reaches back beyond 1970 keeps everything.
        let (start, isOverflow) = batch.receivedAt.nanoseconds.subtractingReportingOverflow(maxAge)
        guard !isOverflow, start > 0 else { return }
        let oldest = Timestamp(nanoseconds: start)
        counters.add(dropRecords(before: oldest, in: &batch.otlp), to: .dropped)
        batch.observations.removeAll { $0.time < oldest }
        dropSessions(before: oldest, in: &batch)
    }

    /// Returns how many.
    private func dropRecords(before oldest: Timestamp, in otlp: inout OTLPBatch) -> Int {
        var dropped = 0
        for record in otlp.records.indices where otlp.isLive(record: record) {
            guard let time = time(of: record, in: otlp), time < oldest else { continue }
            otlp.overlay.drop(record: record)
            dropped += 1
        }
        return dropped
    }

    /// The same instant that `tokens` and the stores take for a record's; nil when it tells none.
    private func time(of record: Int, in otlp: OTLPBatch) -> Timestamp? {
        let entry = otlp.records[record]
        if let time = Timestamp(unixNano: entry.endTime) { return time }
        if otlp.signal == .logs, case .string(let text)? = otlp.attribute(.eventTimestamp, record: record),
            let time = Timestamp(iso8601: otlp.string(text))
        {
            return time
        }
        return Timestamp(unixNano: entry.startTime)
    }

    /// Drops sessions without a sign of life since then; a session's times span those of its records, which are gone as well.
    private func dropSessions(before oldest: Timestamp, in batch: inout Batch) {
        guard batch.sessions.contains(where: { $0.lastSeen < oldest }) else { return }
        var positions: [Int32] = []
        var kept: Int32 = 0
        for session in batch.sessions {
            positions.append(session.lastSeen < oldest ? -1 : kept)
            if session.lastSeen >= oldest { kept += 1 }
        }
        batch.sessions.removeAll { $0.lastSeen < oldest }
        for record in batch.sessionOfRecord.indices {
            let position = Int(batch.sessionOfRecord[record])
            batch.sessionOfRecord[record] = positions.indices.contains(position) ? positions[position] : -1
        }
    }
}
