// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Synchronization

/// The consumer to which a receiver passes its batches of one signal; its target can be replaced while it works.
///
/// Before the first target is set, and while a reload has to stop an exporter first, batches wait here.
final class PipelineSwitch: Consumer {
    /// The target between two reloads.
    struct Generation: Sendable {
        let consumer: any Consumer
        /// The exporters that its batches may reach.
        let exporters: [any Exporter]
        let gate = Gate(isOpen: true)
    }

    private struct State {
        var present: Generation?
        var waiting: [CheckedContinuation<Generation, Never>] = []
    }

    private let state = Mutex(State())
    private let life: ComponentLife
    private let counters: ComponentCounters
    private let tap: TapPoint

    /// Creates the switch of a receiver.
    init(life: ComponentLife, counters: ComponentCounters, tap: TapPoint) {
        (self.life, self.counters, self.tap) = (life, counters, tap)
    }

    @discardableResult func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery {
        try await life.work(orRefuse: "the collector is starting or stopping") { () throws(ConsumeError) -> Delivery in
            tap.offer(batch)
            let generation = await entered()
            defer { generation.gate.leave() }
            let records = batch.otlp.recordCount
            do throws(ConsumeError) {
                let delivery = try await generation.consumer.consume(batch)
                counters.add(records, to: .accepted)
                return delivery
            } catch {
                counters.add(records, to: error.isRetryable ? .failed : .refused)
                throw error
            }
        }
    }

    /// The identities of the stores that its batches reach.
    var stores: Set<UInt64> {
        get async {
            let generation = await entered()
            defer { generation.gate.leave() }
            return Set(generation.exporters.compactMap(\.storeIdentity))
        }
    }

    /// The present target, with its gate entered.
    private func entered() async -> Generation {
        var generation = await present()
        while !generation.gate.enter() { generation = await present() }
        return generation
    }

    private func present() async -> Generation {
        if let present = state.withLock({ $0.present }) { return present }
        return await withCheckedContinuation { continuation in
            let present = state.withLock { state in
                if state.present == nil { state.waiting.append(continuation) }
                return state.present
            }
            if let present { continuation.resume(returning: present) }
        }
    }

    /// Makes new batches wait; returns the gate of those in flight.
    func hold() -> Gate? {
        let old = state.withLock { state in
            defer { state.present = nil }
            return state.present
        }
        old?.gate.close()
        return old?.gate
    }

    /// Switches to another consumer; returns the gate of batches still in flight to the previous one.
    @discardableResult func lead(to consumer: any Consumer, ending exporters: [any Exporter] = []) -> Gate? {
        let next = Generation(consumer: consumer, exporters: exporters)
        let (old, waiting) = state.withLock { state in
            defer { state = State(present: next) }
            return (state.present, state.waiting)
        }
        old?.gate.close()
        for continuation in waiting { continuation.resume(returning: next) }
        return old?.gate
    }
}
