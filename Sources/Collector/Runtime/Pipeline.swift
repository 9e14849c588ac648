// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// A running pipeline: processors in order, then all exporters at once.
struct Pipeline: Consumer {
    let processors: [any Processor]
    let exporters: [any Consumer]

    func consume(_ batch: Batch) async throws(ConsumeError) {
        var batch = batch
        for processor in processors { try processor.process(&batch) }
        try takeMemory(for: batch)
        // An exporter may keep the batch for longer than its request lives, and counts what it keeps itself.
        batch.memory = nil
        guard batch.otlp.recordCount > 0 else {
            batch.receipt?.note(0)
            return
        }
        try await FanOut(consumers: exporters).consume(batch)
    }

    var stores: Set<UInt64> { get async { await exporters.stores } }

    /// What a call takes up here and in a store until it is written, beside its record.
    private static let callCost = 2_048

    /// Takes memory for the calls that were found, before stores make rows of them.
    private func takeMemory(for batch: Batch) throws(ConsumeError) {
        guard let memory = batch.memory, !batch.observations.isEmpty,
            !memory.take(batch.observations.count * Self.callCost)
        else { return }
        throw memory.isBeyondLimit
            ? .tooLarge(
                "the calls of this request need more memory than service.memory_limit allows; send smaller batches"
            )
            : .retryable("too much is being taken in at the moment; send it again later")
    }
}

/// Hands each batch to several consumers at once and answers when all have taken it.
///
/// A permanent refusal by one outweighs a passing trouble of another: to send the batch again would not help.
struct FanOut: Consumer {
    let consumers: [any Consumer]

    var stores: Set<UInt64> { get async { await consumers.stores } }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        if consumers.count == 1 {
            try await consumers[0].consume(batch)
            return
        }
        let errors = await withTaskGroup(of: ConsumeError?.self) { group in
            for consumer in consumers {
                group.addTask {
                    do throws(ConsumeError) {
                        try await consumer.consume(batch)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: [ConsumeError]()) { errors, error in
                if let error { errors.append(error) }
            }
        }
        if let error = errors.first(where: { !$0.isRetryable }) ?? errors.max(by: { $0.retryAfter < $1.retryAfter }) {
            throw error
        }
    }
}
