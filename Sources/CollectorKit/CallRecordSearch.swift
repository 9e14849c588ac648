// SPDX-License-Identifier: Apache-2.0

import OTLP
public import Usage

/// Collects the stored log records that a call was made of, for stores.
///
/// Observations do not name their records. A record is taken when it is of the call's session and has the time of an observation that
/// came as a log record; other records of the session at the same instant are taken, too. Not for several threads at once.
public struct CallRecordSearch {
    private let times: [Timestamp: [Int]]
    private var found: [UInt64: CallRecord] = [:]

    /// Prepares a search for the records of these observations.
    public init(for evidence: CallEvidence) {
        var times: [Timestamp: [Int]] = [:]
        for (place, observation) in evidence.observations.enumerated() where observation.source.isLog {
            times[observation.time, default: []].append(place)
        }
        self.times = times
    }

    /// The first and the last time of a record that is looked for; nil when there is none.
    public var span: ClosedRange<Timestamp>? {
        guard let first = times.keys.min(), let last = times.keys.max() else { return nil }
        return first...last
    }

    /// Whether no more records would be listed.
    public var isFull: Bool { found.count >= CallDetail.maximumRecords }

    /// Looks at a record of the call's session; one that was sent again is taken once.
    public mutating func look(at record: Int, of batch: Batch) {
        guard !isFull, batch.otlp.records.indices.contains(record), batch.otlp.isLive(record: record) else { return }
        let time = batch.time(ofRecord: record)
        guard let observations = times[time] else { return }
        let scope = batch.otlp.records[record].scope
        var text = Array(#"{"resource":"#.utf8)
        var resource = OTLPJSONWriter()
        resource.writeResource(batch.otlp.scopes[scope].resource, of: batch.otlp)
        text += resource.finish()
        text += #","scope":"#.utf8
        var scopeText = OTLPJSONWriter()
        scopeText.writeScope(scope, of: batch.otlp)
        text += scopeText.finish()
        text += #","logRecord":"#.utf8
        batch.otlp.writeRecord(record, into: &text)
        text.append(UInt8(ascii: "}"))
        var hash = StableHash(domain: "record")
        hash.combine(bytes: text.span.bytes)
        found[hash.value] = CallRecord(
            time: time,
            name: batch.name(ofRecord: record),
            observations: observations,
            text: text
        )
    }

    /// What was found, in order of time.
    public var records: [CallRecord] {
        found.sorted { ($0.value.time, $0.value.name, $0.key) < ($1.value.time, $1.value.name, $1.key) }.map(\.value)
    }
}

extension Observation.Source {
    /// Whether its material came as a log record; the rest are spans.
    fileprivate var isLog: Bool {
        switch self {
        case .otlpLog, .transcript, .rollout, .event, .agentStore: true
        case .otlpSpan, .agentSpan: false
        }
    }
}
