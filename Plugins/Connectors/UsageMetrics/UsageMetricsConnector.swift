// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Files
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
        /// The series that were sent; nil before those of the last run are read.
        var sent: SentSeries?
        /// Whether the file has them.
        var isKept = false
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
            let read = try await meter.read(store, naming: try await next.namer(for: id))
            var sums: [SentSeries.Series: UsageMeter.Sums] = [:]
            for (names, figures) in read {
                sums[UsageMetricsBatch.series(names, by: config.dimensions), default: UsageMeter.Sums()] += figures
            }
            load()
            let now = settings.now()
            let entries = state.withLock { state in
                let former = state.sent
                var sent = former ?? SentSeries()
                defer {
                    state.isKept = state.isKept && sent == former
                    state.sent = sent
                }
                return sent.take(sums, at: now)
            }
            guard !entries.isEmpty else { return }
            keep()
            let otlp = try OTLPBatch(signal: .metrics, protobuf: UsageMetricsBatch(at: now).encoded(entries))
            do {
                try await consumer.consume(Batch(otlp, receivedAt: now))
            } catch {
                state.withLock { $0.sent?.repeatLater(now) }
                throw error
            }
        } catch {
            note("\(error)")
        }
    }

    // MARK: - The file of series

    /// The file of the series that were sent.
    private var path: String {
        guard !settings.id.name.isEmpty else { return "\(settings.home)/usage_metrics.json" }
        var hash = StableHash(domain: "usage_metrics")
        hash.combine(settings.id.name)
        return "\(settings.home)/usage_metrics-\(String(hash.value, radix: 16)).json"
    }

    /// Reads the series of the last run, once.
    private func load() {
        guard state.withLock({ $0.sent == nil }) else { return }
        var sent: SentSeries?
        do throws(FileError) {
            let bytes = try OwnFile.content(path, largest: 64 << 20)
            sent = bytes.map { SentSeries($0) } ?? SentSeries()
            if sent == nil { note("the series of the last run cannot be read: \(path) is damaged") }
        } catch {
            note("the series of the last run cannot be read: \(error)")
        }
        state.withLock { state in
            (state.sent, state.isKept) = (sent ?? SentSeries(), sent != nil)
        }
    }

    /// Writes the series that are about to be sent, if they have changed; without the file they are sent all the same.
    private func keep() {
        guard let sent = state.withLock({ $0.isKept ? nil : $0.sent }) else { return }
        do {
            try DurableFolder.make(settings.home)
            try FileReplacement.replace(path, with: try sent.bytes())
            state.withLock { $0.isKept = $0.sent == sent }
        } catch {
            note("the series that are sent cannot be kept: \(error)")
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
        if isDue { settings.logger.error("usage metrics have a fault", metadata: ["reason": "\(reason)"]) }
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
