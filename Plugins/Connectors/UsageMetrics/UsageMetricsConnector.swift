// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Logging
import OTLP
import Synchronization
import Usage

/// The side that ends pipelines: it takes every batch, because the calls are read from the store.
struct UsageMetricsExporter: Exporter {
    func consume(_ batch: Batch) async throws(ConsumeError) {}
}

/// The side that begins pipelines: it sends the sums of the store's counted calls at an interval.
final class UsageMetricsReceiver: Receiver {
    private let config: UsageMetricsConfig
    private let settings: ComponentSettings
    private let next: SignalConsumers
    private let meter: StoreMeter
    private let state = Mutex(State())

    private struct State {
        var sending: Task<Void, Never>?
        /// The series that were sent: one whose calls have all moved elsewhere is sent as zero.
        var sent: Set<StoreMeter.Series> = []
        var lastWord: Timestamp?
    }

    init(_ config: UsageMetricsConfig, _ settings: ComponentSettings, _ next: SignalConsumers) {
        (self.config, self.settings, self.next) = (config, settings, next)
        meter = StoreMeter(by: config.dimensions, listing: config.maxNames)
    }

    func start() async throws(StartError) {
        let pause = Duration.nanoseconds(config.interval.nanoseconds)
        let task = Task { [weak self] in
            while (try? await Task.sleep(for: pause)) != nil, let self { await self.send() }
        }
        state.withLock { $0.sending = task }
    }

    func shutdown() async {
        let task = state.withLock { state in
            defer { state.sending = nil }
            return state.sending
        }
        task?.cancel()
        await task?.value
    }

    /// Sends the sums as they are now; a failure is logged once a minute, and the next sums hold everything.
    func send() async {
        guard let consumer = next[.metrics] else { return }
        do {
            guard let id = ComponentID(config.store), let store = next.store(id) else {
                throw StoreError("the store \"\(config.store)\" does not run")
            }
            var sums = try await meter.read(store, naming: try await next.namer(for: id))
            state.withLock { state in
                for series in state.sent where sums[series] == nil { sums[series] = UsageMeter.Sums() }
                state.sent = Set(sums.keys)
            }
            guard !sums.isEmpty else { return }
            let batch = UsageMetricsBatch(by: config.dimensions, at: settings.now())
            let otlp = try OTLPBatch(signal: .metrics, protobuf: batch.encoded(sums))
            try await consumer.consume(Batch(otlp, receivedAt: settings.now()))
        } catch {
            note("\(error)")
        }
    }

    private func note(_ reason: String) {
        let now = settings.now()
        settings.counters.note(reason, at: now)
        let isDue = state.withLock { state in
            if let last = state.lastWord, (0..<60_000_000_000).contains(now.nanoseconds - last.nanoseconds) {
                return false
            }
            state.lastWord = now
            return true
        }
        if isDue { settings.logger.error("usage metrics were not sent", metadata: ["reason": "\(reason)"]) }
    }
}

extension ComponentFactory {
    /// Turns the counted calls of a store into metrics.
    public static let usageMetrics = ComponentFactory.connector(
        "usage_metrics",
        UsageMetricsConfig.self,
        signals: [.traces, .logs],
        emitting: [.metrics],
        summary:
            "turns counted calls into metrics: tokens, cost, calls and durations by model, agent, project, team and user"
    ) { _, _ in
        UsageMetricsExporter()
    } receiver: { config, settings, next in
        UsageMetricsReceiver(config, settings, next)
    }
}
