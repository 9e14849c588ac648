// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Synchronization

/// How many records a component has brought into, or taken from, each of its pipelines; safe to use from anywhere.
final class PipelineCounters: Sendable {
    private let counters = Mutex<[String: ComponentCounters]>([:])

    /// What it counts in a pipeline.
    func counters(in pipeline: String) -> ComponentCounters {
        counters.withLock { counters in
            if let known = counters[pipeline] { return known }
            let new = ComponentCounters()
            counters[pipeline] = new
            return new
        }
    }

    /// How many records there were in a pipeline.
    func count(in pipeline: String) -> Int { counters.withLock { $0[pipeline]?.value(.accepted) ?? 0 } }
}

/// The way of a receiver into a pipeline: what comes through is counted once it is taken.
struct CountingConsumer: Consumer {
    let consumer: any Consumer
    let counters: ComponentCounters

    @discardableResult func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        let delivery = try await consumer.consume(batch)
        counters.add(batch.otlp.recordCount, to: .accepted)
        return delivery
    }
}
