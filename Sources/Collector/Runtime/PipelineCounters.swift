// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Synchronization

/// Counts a component's records for each of its pipelines; thread-safe.
final class PipelineCounters: Sendable {
    private let counters = Mutex<[String: ComponentCounters]>([:])

    /// The counters of a pipeline.
    func counters(in pipeline: String) -> ComponentCounters {
        counters.withLock { counters in
            if let known = counters[pipeline] { return known }
            let new = ComponentCounters()
            counters[pipeline] = new
            return new
        }
    }

    /// How many records were accepted in a pipeline.
    func count(in pipeline: String) -> Int { counters.withLock { $0[pipeline]?.value(.accepted) ?? 0 } }
}

/// Passes a receiver's batches into a pipeline and counts their records once they are taken.
struct CountingConsumer: Consumer {
    let consumer: any Consumer
    let counters: ComponentCounters

    @discardableResult func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        let delivery = try await consumer.consume(batch)
        counters.add(batch.otlp.recordCount, to: .accepted)
        return delivery
    }
}
