// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// Changes the attributes of spans, log records and data points, action by action.
struct AttributesProcessor: Processor {
    let actions: [AttributeAction]
    let include: RecordSelector?
    let exclude: RecordSelector?
    let counters: ComponentCounters

    func process(_ batch: inout Batch) throws(ConsumeError) {
        counters.add(batch.otlp.recordCount, to: .accepted)
        guard !actions.isEmpty else { return }
        for record in batch.otlp.records.indices where batch.otlp.isLive(record: record) {
            if let include, !include.matches(record, of: batch.otlp) { continue }
            if let exclude, exclude.matches(record, of: batch.otlp) { continue }
            for action in actions { action.apply(to: record, of: &batch.otlp) }
        }
    }
}
