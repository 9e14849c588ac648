// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import OTLP
import Usage

/// Drops records, calls and sessions that ended longer ago than the age, counted from the arrival of their batch.
///
/// It must come after `tokens`, which could not extract calls from dropped records; extracted calls are dropped by their own times.
struct RetentionProcessor: Processor {
    /// In nanoseconds.
    let maxAge: Int64

    func process(_ batch: inout Batch) throws(ConsumeError) {
        // An age that reaches back beyond 1970 keeps everything.
        let (start, isOverflow) = batch.receivedAt.nanoseconds.subtractingReportingOverflow(maxAge)
        guard !isOverflow, start > 0 else { return }
        let oldest = Timestamp(nanoseconds: start)
        batch.dropRecords(before: oldest)
        batch.observations.removeAll { $0.time < oldest }
        batch.dropSessions(before: oldest)
    }
}

extension ComponentFactory {
    /// Drops what is too old to be kept.
    public static let retention = ComponentFactory.processor(
        "retention",
        RetentionConfig.self,
        summary: "drops records and calls that are older than an age when they come in"
    ) { config, _ in RetentionProcessor(maxAge: config.maxAge.nanoseconds) }
}
