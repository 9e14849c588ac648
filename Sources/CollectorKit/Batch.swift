// SPDX-License-Identifier: Apache-2.0

public import OTLP
public import Usage

/// What travels through a pipeline: OTLP bytes with their index, and beside them what processors found.
///
/// A value; handing it to several exporters copies references, not memory.
public struct Batch: Sendable {
    /// The records, as received, with the changes made since.
    public var otlp: OTLPBatch
    /// The observations of model calls that the `tokens` processor found, each with the number of its record.
    public var observations: [Observation] = []
    /// The sessions that log records of the batch belong to, found by `tokens`.
    public var sessions = BatchSessions()
    /// How calls are priced, once the `pricing` processor has said so; a store asks it again when a call changes.
    public var pricing: Pricing?
    /// What the request that brought it may hold, until exporters take the batch; nil for one that no request brought.
    public var memory: (any MemoryAllowance)?
    /// Who sent it; nil for one that no request brought.
    public var client: ClientContext?
    /// When the batch came in.
    public var receivedAt: Timestamp

    /// Creates a batch that no processor has seen.
    public init(_ otlp: OTLPBatch, receivedAt: Timestamp) {
        self.otlp = otlp
        self.receivedAt = receivedAt
    }

    /// What the records are.
    public var signal: Signal { otlp.signal }
}

// MARK: - Records

extension Batch {
    /// The instant of a record: the same that `tokens` takes for a sign of its session, so that a session's bounds hold its records.
    ///
    /// The end of a span, the time of a point or log record, else what an attribute says (Codex), else when it was observed or came in.
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

    /// What a record is called in a session's events: the event, span or metric; empty when it has no name; at most as long as
    /// `NameLimit` allows.
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
