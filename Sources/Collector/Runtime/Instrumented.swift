// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// An exporter in a pipeline, with what the host notes about it: what it took, what it could not take, and samples for whoever looks.
struct InstrumentedExporter: Consumer {
    let exporter: any Exporter
    /// Whether it counts by itself what it took, as what has a queue does.
    let countsItself: Bool
    let counters: ComponentCounters
    /// What it took in this pipeline.
    let passage: ComponentCounters
    let life: ComponentLife
    let tap: TapPoint
    let now: @Sendable () -> Timestamp

    var stores: Set<UInt64> { get async { await exporter.stores } }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        tap.offer(batch)
        do throws(ConsumeError) {
            try await exporter.consume(batch)
        } catch {
            counters.note(error.message, at: now())
            // Counted here and by no exporter, so that a record that was not taken counts once.
            counters.add(batch.otlp.recordCount, to: error.isRetryable ? .failed : .refused)
            if error.isRetryable { life.fail(error.message) }
            throw error
        }
        if !countsItself { counters.add(batch.otlp.recordCount, to: .accepted) }
        passage.add(batch.otlp.recordCount, to: .accepted)
        life.succeed()
    }
}

/// A processor in a pipeline, with what the host notes about it.
struct InstrumentedProcessor: Processor {
    let processor: any Processor
    let counters: ComponentCounters
    /// What it took in this pipeline.
    let passage: ComponentCounters
    let tap: TapPoint
    let now: @Sendable () -> Timestamp

    func process(_ batch: inout Batch) throws(ConsumeError) {
        let records = batch.otlp.recordCount
        do throws(ConsumeError) {
            try processor.process(&batch)
        } catch {
            counters.note(error.message, at: now())
            counters.add(records, to: error.isRetryable ? .failed : .refused)
            throw error
        }
        passage.add(records, to: .accepted)
        tap.offer(batch)
    }
}
