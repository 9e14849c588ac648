// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSON
import OTLP
import Usage

/// Carries out what a processor in another process answered.
///
/// The numbers of records are those of the bytes that the plugin got, in which records dropped before are missing.
struct PluginDelta {
    /// The indices, in the batch, of the records that the plugin got; nil where they are the same.
    private let sent: [Int]?
    private let count: Int

    /// Notes which records of a batch are sent; to be made before the batch is changed.
    init(for batch: Batch) {
        let otlp = batch.otlp
        count = otlp.recordCount
        sent = otlp.overlay.droppedRecords == 0 ? nil : otlp.records.indices.filter { otlp.isLive(record: $0) }
    }

    /// The calls that were found in a batch, one JSON object a line; `record` is the number of the record as the plugin gets it.
    func calls(of batch: Batch) -> [UInt8] {
        var numbers: [Int: Int] = [:]
        if let sent { for (number, index) in sent.enumerated() { numbers[index] = number } }
        var bytes: [UInt8] = []
        for observation in batch.observations {
            let record = Int(observation.record)
            let number = sent == nil ? record : numbers[record]
            guard let number, number >= 0 else { continue }
            bytes += "{\"record\":\(number)".utf8
            let origin = observation.origin.value
            let texts = [
                ("session", origin.session), ("agent", origin.agent), ("provider", origin.provider),
                ("model", origin.model), ("user", origin.user), ("project", origin.project),
                ("error", observation.error),
            ]
            for case (let key, let text?) in texts {
                bytes += ",\"\(key)\":".utf8
                bytes.append(jsonString: text)
            }
            let counts = observation.counts
            let figures = [
                ("input", counts.uncachedInput), ("cache_read", counts.cacheRead), ("cache_write", counts.cacheWrite),
                ("output", counts.output), ("reasoning", counts.reasoning),
                ("time_unix_nano", observation.time.nanoseconds),
            ]
            for (key, figure) in figures { bytes += ",\"\(key)\":\(figure)".utf8 }
            bytes += "}\n".utf8
        }
        return bytes
    }

    /// Changes a batch; it stays as it was when the answer cannot be used.
    ///
    /// - Throws: ``PluginFault`` for a record that the plugin did not get, or a request that is none.
    func apply(_ body: PluginAnswer.Body, to batch: inout Batch) throws(PluginFault) {
        switch body {
        case .none: return
        case .delta(let changes):
            guard changes.allSatisfy({ $0.record < count }) else {
                throw PluginFault(message: "a delta names a record that was not in the batch")
            }
            for change in changes { apply(change, to: &batch.otlp) }
            label(changes, &batch.observations)
        case .batch(let bytes):
            let otlp: OTLPBatch
            do throws(OTLPError) {
                otlp = try OTLPBatch(signal: batch.signal, protobuf: bytes)
            } catch {
                throw PluginFault(message: "the plugin answered with a request that cannot be read: \(error)")
            }
            batch.otlp = otlp
            // Nothing says which of the new records is which of the old ones.
            for index in batch.observations.indices { batch.observations[index].record = -1 }
            batch.sessions = BatchSessions()
        }
    }

    /// Takes records out that the plugin refused.
    func drop(_ records: [Int], from batch: inout Batch) throws(PluginFault) {
        guard records.allSatisfy({ $0 < count }) else {
            throw PluginFault(message: "a RESULT names a record that was not in the batch")
        }
        for record in records { batch.otlp.overlay.drop(record: index(record)) }
    }

    private func index(_ record: Int) -> Int { sent?[record] ?? record }

    private func apply(_ change: PluginChange, to otlp: inout OTLPBatch) {
        let record = index(change.record)
        switch change.operation {
        case .drop: otlp.overlay.drop(record: record)
        case .set(let key, let value, let owner): otlp.set(key, to: value, of: self.owner(owner, record, otlp))
        case .unset(let key, let owner): otlp.removeAttributes(key, of: self.owner(owner, record, otlp))
        case .label: break
        }
    }

    /// Gives calls the names that they lack; nothing else of a call is for a plugin to change.
    private func label(_ changes: [PluginChange], _ observations: inout [Observation]) {
        var labels: [Int32: [(CallLabel, String)]] = [:]
        for change in changes {
            guard case .label(let label, let text) = change.operation else { continue }
            labels[Int32(clamping: index(change.record)), default: []].append((label, text))
        }
        guard !labels.isEmpty else { return }
        for place in observations.indices {
            for (label, text) in labels[observations[place].record] ?? [] { observations[place].add(label, text) }
        }
    }

    private func owner(_ owner: PluginChange.Owner, _ record: Int, _ otlp: OTLPBatch) -> AttributeOwner {
        let scope = otlp.records[record].scope
        return switch owner {
        case .record: .record(record)
        case .scope: .scope(scope)
        case .resource: .resource(otlp.scopes[scope].resource)
        }
    }
}
