// SPDX-License-Identifier: Apache-2.0

import OTLP
public import Usage

/// Collects the stored records that a call was made of, for stores.
///
/// An observation that came as a span names its span by trace and span id; that span is taken, in whichever batch it is. Other observations
/// do not name their records: a log record is taken when it is of the call's session and has the time of such an observation; other
/// records of the session at the same instant are taken, too. Not for several threads at once.
public struct CallRecordSearch: Sendable {
    private let times: [Timestamp: [Int]]
    private let spans: [UInt64: [Int]]
    /// The ends of the spans that are looked for.
    public let spanTimes: [Timestamp]
    private var missing: Set<UInt64>
    private var found: [UInt64: CallRecord] = [:]

    /// How many batches of spans a store decodes at most for one end of a span.
    public static let maximumBatches = 256
    /// How many batches that began before the end of a span a store looks at: with more, one that is much longer is not found.
    public static let maximumCandidates = 20_000

    /// Prepares a search for the records of these observations.
    public init(for evidence: CallEvidence) {
        var times: [Timestamp: [Int]] = [:]
        var spans: [UInt64: [Int]] = [:]
        var ends: Set<Timestamp> = []
        for (place, observation) in evidence.observations.enumerated() {
            if observation.source.isLog {
                times[observation.time, default: []].append(place)
            } else if observation.trace.span != 0 {
                spans[observation.trace.span, default: []].append(place)
                ends.insert(observation.time)
            }
        }
        (self.times, self.spans, missing) = (times, spans, Set(spans.keys))
        spanTimes = Array(ends.sorted().prefix(CallDetail.maximumRecords))
    }

    /// The first and the last time of a log record that is looked for; nil when there is none.
    public var logTimes: ClosedRange<Timestamp>? {
        guard let first = times.keys.min(), let last = times.keys.max() else { return nil }
        return first...last
    }

    /// Whether no more records would be listed.
    public var isFull: Bool { found.count >= CallDetail.maximumRecords }

    /// Whether every span was found.
    public var hasSpans: Bool { missing.isEmpty || isFull }

    /// Looks at a log record of the call's session; one that was sent again is taken once.
    public mutating func look(at record: Int, of batch: Batch) {
        guard !isFull, batch.signal == .logs, batch.otlp.records.indices.contains(record),
            batch.otlp.isLive(record: record), let observations = times[batch.time(ofRecord: record)]
        else { return }
        take(record, of: batch, "logRecord", for: observations)
    }

    /// Looks for the call's spans in a batch; one that was sent again is taken once.
    public mutating func look(in batch: Batch) {
        guard batch.signal == .traces else { return }
        for record in batch.otlp.records.indices where !isFull && batch.otlp.isLive(record: record) {
            let entry = batch.otlp.records[record]
            let hash = TraceLinks.hash(traceHigh: entry.traceHigh, traceLow: entry.traceLow, span: entry.spanID)
            guard let observations = spans[hash] else { continue }
            missing.remove(hash)
            take(record, of: batch, "span", for: observations)
        }
    }

    private mutating func take(_ record: Int, of batch: Batch, _ member: String, for observations: [Int]) {
        let scope = batch.otlp.records[record].scope
        var text = Array(#"{"resource":"#.utf8)
        var resource = OTLPJSONWriter()
        resource.writeResource(batch.otlp.scopes[scope].resource, of: batch.otlp)
        text += resource.finish()
        text += #","scope":"#.utf8
        var scopeText = OTLPJSONWriter()
        scopeText.writeScope(scope, of: batch.otlp)
        text += scopeText.finish()
        text += #",""#.utf8
        text += member.utf8
        text += #"":"#.utf8
        batch.otlp.writeRecord(record, into: &text)
        text.append(UInt8(ascii: "}"))
        var hash = StableHash(domain: "record")
        hash.combine(bytes: text.span.bytes)
        found[hash.value] = CallRecord(
            time: batch.time(ofRecord: record),
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
