// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import Logging
import OTLP
import SendingQueue
import Synchronization
import Usage

/// The child of a component, from its start to its shutdown.
final class PluginChild: Sendable {
    private let command: PluginCommand
    private let terms: PluginSession.Terms
    private let host: String
    private let settings: ComponentSettings
    private let running = Mutex<PluginProcess?>(nil)
    private let lastLine = Mutex<Timestamp?>(nil)

    init(_ command: PluginCommand, _ terms: PluginSession.Terms, host: String, _ settings: ComponentSettings) {
        self.command = command
        self.terms = terms
        self.host = host
        self.settings = settings
    }

    var process: PluginProcess? { running.withLock { $0 } }
    var trouble: String? { process?.trouble }
    /// The largest request that fits into a frame, with some room for what is sent beside it.
    var largestRequest: Int { terms.largestPayload - 64 }

    /// Starts the plugin; one that ends at once is tried again and is in trouble until then.
    ///
    /// - Throws: ``StartError`` when its files may not be run, or it does not take its configuration.
    func start(_ take: PluginProcess.Take? = nil) async throws(StartError) {
        do throws(FileError) {
            try DurableFolder.make(terms.stateFolder)
        } catch {
            throw StartError(error.isPermission ? .permission : .inputOutput, "\(settings.id): \(error)")
        }
        let process = PluginProcess(
            command,
            terms,
            host: host,
            logger: settings.logger,
            note: { [settings] in settings.counters.note($0, at: settings.now()) },
            started: { [settings] in settings.counters.noteStart(again: $0) },
            take: take
        )
        do throws(StartError) {
            try await process.open()
        } catch {
            await process.stop()
            throw StartError(error.reason, "\(settings.id): \(error)")
        }
        running.withLock { $0 = process }
    }

    func stop() async {
        let process = running.withLock { $0.take() }
        await process?.stop()
    }

    /// Gives the plugin a batch and waits for its answer.
    func submit(_ frame: [UInt8]) async -> PluginAnswer {
        guard let process else { return .unanswered("\(settings.id) is not running") }
        return await process.submit(frame)
    }

    /// Logs a message, once a minute at most.
    func warn(_ message: Logger.Message, _ reason: String) {
        let now = settings.now()
        let isDue = lastLine.withLock { last in
            if let last, now.nanoseconds - last.nanoseconds < 60_000_000_000 { return false }
            last = now
            return true
        }
        if isDue { settings.logger.warning(message, metadata: ["reason": "\(reason)"]) }
    }
}

/// A processor in another process; safe to use from many tasks.
final class PluginProcessor: WaitingProcessor, HealthReporting {
    private let child: PluginChild
    private let onError: PluginProcessorKeys.OnError
    private let settings: ComponentSettings

    init(
        _ command: PluginCommand,
        _ terms: PluginSession.Terms,
        _ onError: PluginProcessorKeys.OnError,
        host: String,
        _ settings: ComponentSettings
    ) {
        child = PluginChild(command, terms, host: host, settings)
        self.onError = onError
        self.settings = settings
    }

    func start() async throws(StartError) { try await child.start() }
    func shutdown() async { await child.stop() }
    var trouble: String? { child.trouble }

    func processed(_ batch: Batch) async throws(ConsumeError) -> Batch {
        guard batch.otlp.recordCount > 0 else { return batch }
        let request = batch.otlp.encoded()
        guard request.count <= child.largestRequest else {
            throw .tooLarge("\(settings.id): the request is larger than a plugin can be given")
        }
        var batch = batch
        let delta = PluginDelta(for: batch)
        let calls = child.process?.wantsCalls == true ? delta.calls(of: batch) : nil
        let answer = await child.submit(PluginBatch.frame(batch.signal, [request[...]], calls: calls))
        do throws(PluginFault) {
            switch answer {
            case .ok(let body): try delta.apply(body, to: &batch)
            case .partial(let records, let reason):
                try delta.drop(records, from: &batch)
                settings.counters.note("\(records.count) records refused: \(reason)", at: settings.now())
            case .retry, .refused: break
            case .unanswered(let reason): throw PluginFault(message: reason)
            }
        } catch {
            return try failed(batch, error.message)
        }
        switch answer {
        case .retry(let reason, let wait):
            throw .retryable("\(settings.id): \(reason)", after: Int(clamping: wait.components.seconds))
        case .refused(let reason): throw .permanent("\(settings.id): \(reason)")
        case .ok, .partial, .unanswered: return batch
        }
    }

    private func failed(_ batch: Batch, _ reason: String) throws(ConsumeError) -> Batch {
        switch onError {
        case .refuse: throw .retryable("\(settings.id): \(reason)")
        case .pass:
            settings.counters.note("batches go on unchanged: \(reason)", at: settings.now())
            child.warn("batches go on without this processor (on_error: pass)", reason)
            return batch
        case .drop:
            settings.counters.note("batches are left out: \(reason)", at: settings.now())
            child.warn("batches are left out (on_error: drop)", reason)
            var batch = batch
            for record in batch.otlp.records.indices { batch.otlp.overlay.drop(record: record) }
            batch.observations = []
            return batch
        }
    }
}

/// An exporter in another process, behind a sending queue; safe to use from many tasks.
final class PluginExporter: Exporter, Queueing, HealthReporting {
    /// How long the queue may be emptied at the shutdown.
    private static let timeout = Duration.seconds(4)

    private let child: PluginChild
    private let queue: QueuedExporter

    init(
        _ command: PluginCommand,
        _ terms: PluginSession.Terms,
        _ keys: PluginExporterKeys,
        host: String,
        _ settings: ComponentSettings
    ) {
        let child = PluginChild(command, terms, host: host, settings)
        self.child = child
        queue = QueuedExporter(keys, settings, largestRequest: child.largestRequest) { request, signal in
            await Self.send(request, signal, child)
        }
    }

    private static func send(_ request: OutgoingRequest, _ signal: Signal, _ child: PluginChild) async -> SendOutcome {
        guard request.size <= child.largestRequest else {
            return .tooLarge("the request is larger than a plugin can be given")
        }
        switch await child.submit(PluginBatch.frame(signal, request.pieces)) {
        case .ok: return .taken
        case .partial(let records, let reason): return .taken(rejected: records.count, message: reason)
        case .retry(let reason, let wait): return .later(reason, after: wait)
        case .refused(let reason): return .refused(reason)
        // A plugin that has ended is started again after a second.
        case .unanswered(let reason): return .later(reason, after: .seconds(1))
        }
    }

    func start() async throws(StartError) {
        try await child.start()
        do throws(StartError) {
            try await queue.start()
        } catch {
            await child.stop()
            throw error
        }
    }

    func shutdown() async {
        // A plugin that does not answer any more must not hold up the queue: what is open goes back to it.
        let limit = Task { [child] in
            try await Task.sleep(for: Self.timeout)
            await child.stop()
        }
        await queue.shutdown()
        limit.cancel()
        await child.stop()
    }

    func consume(_ batch: Batch) async throws(ConsumeError) { try await queue.consume(batch) }
    var queueStatus: QueueStatus { queue.queueStatus }
    var trouble: String? { child.trouble ?? queue.trouble }
}

/// A receiver in another process; safe to use from many tasks.
final class PluginReceiver: Receiver, HealthReporting {
    private let child: PluginChild
    private let settings: ComponentSettings
    private let next: SignalConsumers

    init(
        _ command: PluginCommand,
        _ terms: PluginSession.Terms,
        host: String,
        _ settings: ComponentSettings,
        next: SignalConsumers
    ) {
        child = PluginChild(command, terms, host: host, settings)
        self.settings = settings
        self.next = next
    }

    func start() async throws(StartError) {
        try await child.start { [weak self] signal, request in
            await self?.take(signal, request) ?? .unanswered("the collector stops")
        }
    }

    func shutdown() async { await child.stop() }
    var trouble: String? { child.trouble }

    /// Hands a request to the pipelines and says what became of it.
    private func take(_ signal: Signal, _ request: [UInt8]) async -> PluginAnswer {
        guard let consumer = next[signal] else { return .refused("no pipeline takes \(signal) from \(settings.id)") }
        // Bounded by the credit of the plugin.
        let size = request.count * 2
        settings.memory?.charge(size)
        defer { settings.memory?.discharge(size) }
        let otlp: OTLPBatch
        do throws(OTLPError) {
            otlp = try OTLPBatch(signal: signal, protobuf: request)
        } catch {
            return .refused("the request cannot be read: \(error)")
        }
        guard otlp.recordCount > 0 else { return .ok(.none) }
        do throws(ConsumeError) {
            try await consumer.consume(Batch(otlp, receivedAt: settings.now()))
            return .ok(.none)
        } catch {
            return error.isRetryable
                ? .retry(error.message, after: .seconds(error.retryAfter)) : .refused(error.message)
        }
    }
}
