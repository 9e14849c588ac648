// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// One span, log record or data point as a line of text.
struct RecordText {
    private let batch: Batch
    private let index: Int

    init(_ batch: Batch, _ index: Int) {
        self.batch = batch
        self.index = index
    }

    /// Time, kind and name, and what else there is, in pairs.
    var line: String {
        let head = "\(time.iso8601) \(kind) \(PrintableText.escape(name))"
        return ([head] + pairs.map { PrintableText.pair($0, $1) }).joined(separator: " ")
    }

    private var record: RecordEntry { batch.otlp.records[index] }

    /// Log records without a time of their own have that of their collection.
    private var time: Timestamp {
        Timestamp(unixNano: record.time) ?? Timestamp(unixNano: record.observedTime) ?? batch.receivedAt
    }

    private var kind: String {
        switch batch.signal {
        case .traces: "span"
        case .logs: "log"
        case .metrics: "point"
        }
    }

    private var name: String {
        let slice = record.metric.map { batch.otlp.metrics[$0].name } ?? record.name
        if !slice.isEmpty { return batch.otlp.string(slice) }
        return batch.otlp.attribute(.eventName, record: index).map { batch.otlp.text(of: $0) } ?? "-"
    }

    private var pairs: [(String, String)] {
        var pairs: [(String, String)] = []
        if let service = batch.otlp.inheritedAttribute(.serviceName, record: index) {
            pairs.append(("service", batch.otlp.text(of: service)))
        }
        if let session { pairs.append(("session", session)) }
        switch batch.signal {
        case .traces: pairs += spanPairs
        case .logs where record.bodyKind != .empty: pairs.append(("body", batch.otlp.text(of: record.body)))
        case .logs: break
        case .metrics: pairs += pointPairs
        }
        return pairs
    }

    private var session: String? {
        guard index < batch.sessionOfRecord.count else { return nil }
        let position = Int(batch.sessionOfRecord[index])
        return batch.sessions.indices.contains(position) ? batch.sessions[position].id : nil
    }

    private var spanPairs: [(String, String)] {
        var pairs: [(String, String)] = []
        if record.endTime >= record.startTime, record.startTime > 0 {
            pairs.append(("duration", "\((record.endTime - record.startTime) / 1_000_000)ms"))
        }
        if record.statusCode == 2 { pairs.append(("status", "error")) }
        return pairs
    }

    private var pointPairs: [(String, String)] {
        var pairs: [(String, String)] = []
        if let distribution = batch.otlp.distribution(record: index) {
            pairs.append(("count", "\(distribution.count)"))
            if let sum = distribution.sum { pairs.append(("sum", "\(sum)")) }
        } else if record.bodyKind != .empty {
            pairs.append(("value", batch.otlp.text(of: record.body)))
        }
        if let metric = record.metric {
            let unit = batch.otlp.string(batch.otlp.metrics[metric].unit)
            if !unit.isEmpty { pairs.append(("unit", unit)) }
        }
        return pairs
    }
}
