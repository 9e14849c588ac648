// SPDX-License-Identifier: Apache-2.0

import OTLP
public import Usage

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
