// SPDX-License-Identifier: Apache-2.0

public import OTLP
public import Usage

/// The unit that passes through a pipeline: OTLP bytes with their index, and what processors extracted from them.
///
/// A value; passing it to several exporters copies references, not memory.
public struct Batch: Sendable {
    /// The records, as received, with the changes made since.
    public var otlp: OTLPBatch
    /// The observations of model calls that the `tokens` processor found, each with the number of its record.
    public var observations: [Observation] = []
    /// The sessions that log records of the batch belong to, found by `tokens`.
    public var sessions = BatchSessions()
    /// The prices of calls, set by the `pricing` processor; a store uses them again when a call changes.
    public var pricing: Pricing?
    /// Calls of another store, which a store takes in as they are (`Ledger.absorb(_:adopting:into:)`).
    ///
    /// Only for a copy between stores, which has one batch under way at a time.
    public var copiedCalls: [LedgerEntry] = []
    /// The memory of the request that the batch came with, until exporters take the batch; nil without a request.
    public var memory: (any MemoryAllowance)?
    /// Through how many collectors of this kind it has come.
    public var hops = 0
    /// The sender; nil for a batch that no request brought.
    public var client: ClientContext?
    /// When the batch came in.
    public var receivedAt: Timestamp

    /// Creates a batch that was not processed yet.
    public init(_ otlp: OTLPBatch, receivedAt: Timestamp) {
        self.otlp = otlp
        self.receivedAt = receivedAt
    }

    /// Creates a batch without records.
    public init(receivedAt: Timestamp) {
        self.init(.noRecords, receivedAt: receivedAt)
    }

    /// The signal of the records.
    public var signal: Signal { otlp.signal }

    /// Whether it has records alone: nothing of calls and sessions.
    public var isWithoutUsage: Bool { observations.isEmpty && copiedCalls.isEmpty && sessions.isEmpty }
}

// MARK: - Records

extension Batch {
    /// The time of a record.
    ///
    /// `tokens` uses the same time for the record's session, so that the session's times include its records.
    ///
    /// The end of a span, the time of a point or log record, else that of an attribute (Codex), else that of observation or arrival.
    public func time(ofRecord record: Int) -> Timestamp {
        let entry = otlp.records[record]
        if let time = Timestamp(unixNano: entry.endTime) { return time }
        if signal == .logs, case .string(let text)? = otlp.attribute(.eventTimestamp, record: record),
            let time = Timestamp(iso8601: otlp.string(text))
        {
            return time
        }
        return Timestamp(unixNano: entry.startTime) ?? receivedAt
    }

    /// The name of a record in its session's events: that of the event, span or metric; empty without a name; limited by `NameLimit`.
    public func name(ofRecord record: Int) -> String {
        NameLimit.bounded(wholeName(ofRecord: record))
    }

    private func wholeName(ofRecord record: Int) -> String {
        let entry = otlp.records[record]
        if let metric = entry.metric { return otlp.string(otlp.metrics[metric].name) }
        if signal == .logs, case .string(let name)? = otlp.attribute(.eventName, record: record) {
            return otlp.string(name)
        }
        return otlp.string(entry.name)
    }
}

extension Batch {
    /// Drops records that ended before a time (``time(ofRecord:)``).
    ///
    /// - Returns: The number of dropped records.
    @discardableResult public mutating func dropRecords(before instant: Timestamp) -> Int {
        var dropped = 0
        for record in otlp.records.indices where otlp.isLive(record: record) && time(ofRecord: record) < instant {
            otlp.overlay.drop(record: record)
            dropped += 1
        }
        return dropped
    }

    /// Drops sessions last seen before a time; the times of a session include those of its records in the batch.
    public mutating func dropSessions(before instant: Timestamp) { sessions.removeAll { $0.lastSeen < instant } }
}
