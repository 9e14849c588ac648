// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Files
import Logging
public import OTLP
import Synchronization
import Usage

/// A complete exporter except for the sending itself.
///
/// It has a queue on the disk for each signal, batching, retry, dead letters, counters and status; `hammurabi queue` shows and replays it.
/// A batch is acknowledged when it is in the queue on the disk; background tasks send what is queued. What the destination refuses for
/// good goes to the dead letters. With `sending_queue: { enabled: false }` a sender gets the destination's own answer.
///
/// ```swift
/// static let alerts = exporter("alerts", AlertsConfig.self, summary: "sends alerts on") { config, settings in
///     QueuedExporter(config, settings) { request, signal in
///         await post(request.bytes, to: config.url) ? .taken : .later("it does not answer", after: nil)
///     }
/// }
/// ```
///
/// Safe to use from many tasks.
public final class QueuedExporter: Exporter, Queueing, HealthReporting {
    /// Sends an OTLP request in protobuf to the destination and returns the outcome; called from several tasks at once.
    public typealias Send = @Sendable (_ request: OutgoingRequest, _ signal: Signal) async -> SendOutcome

    private let queue: SendingQueueConfig
    private let retry: RetryConfig
    private let deadLetterSize: Int
    private let settings: ComponentSettings
    private let storage: any QueueStorage
    private let largestRequest: Int
    private let form: QueuedForm
    private let send: Send
    private let running = Mutex<Running?>(nil)

    /// How long a shutdown continues to send while the destination accepts requests.
    private static let drainTime = Duration.seconds(5)
    /// How long a sender waits for room with `block_on_overflow`.
    private static let roomTime = Duration.seconds(10)

    private struct Running {
        var signalQueues: [Signal: SignalQueue] = [:]
        var queues: [Signal: CommitQueue] = [:]
        var deadLetters: SegmentLog?
        var lock: (any Sendable)?
        var task: Task<Void, Never>?
    }

    /// Creates an exporter; opens nothing.
    ///
    /// - Parameters:
    ///   - storage: The storage of the queue's files.
    ///   - largestRequest: The largest size of a request in bytes; a larger one is divided between its records.
    ///   - send: Sends a request; it is not called before the start and not after the shutdown.
    public convenience init(
        _ config: some QueuedExporterConfig,
        _ settings: ComponentSettings,
        storage: any QueueStorage = DiskStorage(),
        largestRequest: Int = 64 << 20,
        send: @escaping Send
    ) {
        self.init(config, settings, storage, largestRequest, .records, send)
    }

    /// Creates an exporter in front of a store of this process: batches wait as a whole, with what processors found in them.
    ///
    /// Prices are not kept: a batch that had some gets those that are in force when it is handed over.
    ///
    /// - Parameter keep: Keeps some batches, and returns for each of them whether it is kept; one that cannot be kept now is handed over
    ///   again together with those beside it, one that can never be kept goes to the dead letters.
    public convenience init(
        _ config: some QueuedExporterConfig,
        _ settings: ComponentSettings,
        storage: any QueueStorage = DiskStorage(),
        keep: @escaping @Sendable (_ batches: [Batch]) async -> [Result<Void, ConsumeError>]
    ) {
        self.init(config, settings, storage, .max, .batch) { request, signal in
            let batches = request.pieces.map { piece in
                BatchFrame.batch(piece, signal, hops: request.hops) { settings.shared.pricing }
            }
            let results = await keep(batches.compactMap(\.self))
            return Self.outcome(of: request, batches, results)
        }
    }

    private init(
        _ config: some QueuedExporterConfig,
        _ settings: ComponentSettings,
        _ storage: any QueueStorage,
        _ largestRequest: Int,
        _ form: QueuedForm,
        _ send: @escaping Send
    ) {
        queue = config.sendingQueue
        retry = config.retryOnFailure
        deadLetterSize = Int(config.deadLetters.maxSize.bytes)
        self.settings = settings
        self.storage = storage
        self.largestRequest = largestRequest
        self.form = form
        self.send = send
    }

    /// What became of the batches of a request together; what cannot be read back is refused.
    private static func outcome(
        of request: OutgoingRequest,
        _ batches: [Batch?],
        _ results: [Result<Void, ConsumeError>]
    ) -> SendOutcome {
        var refused: [RefusedPart] = []
        var rest = results[...]
        for (piece, batch) in zip(request.pieces, batches) {
            let part = OutgoingRequest(pieces: [piece], hops: request.hops)
            guard let batch else {
                refused.append(RefusedPart(part, records: 0, reason: "the batch cannot be read back"))
                continue
            }
            guard case .failure(let error) = rest.popFirst() ?? .failure(.retryable("the store gave no answer")) else {
                continue
            }
            if error.isRetryable { return .later(error.message, after: .seconds(error.retryAfter)) }
            refused.append(RefusedPart(part, records: batch.otlp.recordCount, reason: error.message))
        }
        return refused.isEmpty ? .taken : .takenWithout(refused)
    }

    /// Opens the queue and sends what an earlier run left.
    ///
    /// - Throws: ``StartError`` when the folder of the queue cannot be used or another process has it.
    public func start() async throws(StartError) {
        var running = Running()
        do throws(FileError) {
            if queue.enabled { try await open(&running) }
        } catch {
            throw startError(error)
        }
        let signalQueues = running.signalQueues
        running.task = Task {
            await withDiscardingTaskGroup { group in
                for signalQueue in signalQueues.values { group.addTask { await signalQueue.run() } }
            }
        }
        self.running.withLock { $0 = running }
    }

    private func open(_ running: inout Running) async throws(FileError) {
        let folders = QueueFolders(queue, id: settings.id, home: settings.home)
        try storage.makeFolder(folders.root)
        running.lock = try await lock(folders.lock)
        let deadLetters = SegmentLog(folder: folders.deadLetters, storage: storage, logger: settings.logger)
        try deadLetters.open()
        running.deadLetters = deadLetters
        let start = ContinuousClock.now
        let environment = SignalQueue.Environment(
            queue: queue,
            retry: retry,
            settings: settings,
            largestRequest: largestRequest,
            form: form,
            send: send,
            deadLetters: DeadLetters(
                log: deadLetters,
                limit: deadLetterSize,
                counters: settings.counters,
                logger: settings.logger
            ),
            uptime: { ContinuousClock.now - start },
            chance: { .random(in: 0...1) }
        )
        let place = queue.isInFiles ? storage : MemoryStorage()
        for signal in Signal.allCases {
            let log = SegmentLog(
                folder: folders.queue(signal),
                storage: place,
                segmentSize: queue.isInFiles ? SegmentLog.fileSize : SendingMemory.segmentSize,
                logger: settings.logger
            )
            try log.open()
            let signalQueue = SignalQueue(signal, queue: log, environment)
            running.signalQueues[signal] = signalQueue
            running.queues[signal] = signalQueue.makeCommitQueue()
        }
        let backlog = running.signalQueues.values.reduce(QueueSize()) { $0 + $1.queue.waiting }
        settings.counters.add(backlog.bytes, to: .queuedBytes)
        guard backlog.batches > 0 else { return }
        settings.logger.info(
            "the queue holds batches of an earlier run",
            metadata: ["batches": "\(backlog.batches)", "records": "\(backlog.records)"]
        )
    }

    /// Locks the folder; after a reload the previous instance of the exporter may hold the lock for a moment.
    private func lock(_ path: String) async throws(FileError) -> any Sendable {
        for _ in 0..<50 {
            do throws(FileError) {
                return try storage.lock(path)
            } catch  where error.isLocked {
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
        return try storage.lock(path)
    }

    private func startError(_ error: FileError) -> StartError {
        if error.isLocked {
            return StartError(
                .inputOutput,
                "\(settings.id): the queue in \(error.path) is in use by another process; stop it or set sending_queue.directory"
            )
        }
        return StartError(error.isPermission ? .permission : .inputOutput, "\(settings.id): \(error)")
    }

    /// Sends for up to five seconds while the destination accepts requests, then closes all files; the rest waits for the next start.
    public func shutdown() async {
        let former = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let former else { return }
        for signalQueue in former.signalQueues.values { signalQueue.drain() }
        let limit = Task {
            try await Task.sleep(for: Self.drainTime)
            former.task?.cancel()
            // A queue task that waits for its wakeup does not notice that it is cancelled.
            for signalQueue in former.signalQueues.values { signalQueue.wakeup.ring() }
        }
        await former.task?.value
        limit.cancel()
        let backlog = former.signalQueues.values.reduce(QueueSize()) { $0 + $1.queue.waiting }
        for signalQueue in former.signalQueues.values {
            signalQueue.release(signalQueue.queue.waiting.bytes)
            signalQueue.queue.close()
        }
        former.deadLetters?.close()
        if backlog.batches > 0 { sayFarewell(backlog) }
    }

    private func sayFarewell(_ backlog: QueueSize) {
        let amount: Logger.Metadata = ["batches": "\(backlog.batches)", "records": "\(backlog.records)"]
        if queue.isInFiles {
            settings.logger.notice(
                "batches are left in the queue on the disk; the next start sends them",
                metadata: amount
            )
        } else {
            settings.counters.add(backlog.records, to: .dropped)
            settings.logger.error(
                "batches in memory are lost: the destination did not take them in time",
                metadata: amount
            )
        }
    }

    // MARK: - Batches

    /// Returns when the batch is in the queue on the disk; without a queue, when the destination accepted it.
    public func consume(_ batch: Batch) async throws(ConsumeError) {
        guard let queues = running.withLock({ $0?.queues }) else { throw .retryable("\(settings.id) is not running") }
        guard !form.isEmpty(batch) else { return }
        guard let queue = queues[batch.signal] else { return try await sendNow(batch) }
        try await submit(batch, queue)
    }

    private func submit(_ batch: Batch, _ signalQueue: CommitQueue) async throws(ConsumeError) {
        guard queue.blockOnOverflow else {
            try await signalQueue.submit(batch)
            return
        }
        let end = ContinuousClock.now + Self.roomTime
        while true {
            do throws(ConsumeError) {
                try await signalQueue.submit(batch)
                return
            } catch  where error.isRetryable && ContinuousClock.now < end {
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Without a queue the sender gets the destination's own answer.
    private func sendNow(_ batch: Batch) async throws(ConsumeError) {
        let records = batch.otlp.recordCount
        switch await send(OutgoingRequest(form.bytes(of: batch), hops: batch.hops), batch.signal) {
        case .taken(let rejected, let message):
            settings.counters.add(records - min(records, rejected), to: .sent)
            settings.counters.add(min(records, rejected), to: .failed)
            if rejected > 0 { settings.counters.note("\(rejected) records rejected: \(message)", at: settings.now()) }
        case .takenWithout(let refused):
            guard let first = refused.first else { return settings.counters.add(records, to: .sent) }
            settings.counters.note(first.reason, at: settings.now())
            throw .permanent(first.reason)
        case .later(let reason, let asked):
            settings.counters.note(reason, at: settings.now())
            throw .retryable(reason, after: Int(min(asked ?? .seconds(5), .seconds(30)).components.seconds))
        case .tooLarge(let reason), .refused(let reason):
            settings.counters.note(reason, at: settings.now())
            throw .permanent(reason)
        case .cancelled: throw .retryable("\(settings.id) is not running")
        }
    }

    // MARK: - Status

    /// The state of all queues together.
    public var queueStatus: QueueStatus {
        let signalQueues = running.withLock { $0.map { Array($0.signalQueues.values) } } ?? []
        let parts = signalQueues.map(\.status)
        let waiting = parts.reduce(QueueSize()) { $0 + $1.waiting }
        return QueueStatus(
            batches: waiting.batches,
            bytes: waiting.bytes,
            capacityBytes: QueueLimits(queue).bytes * max(1, signalQueues.count),
            oldest: parts.compactMap(\.oldest).min(),
            stuckSince: parts.compactMap(\.stuckSince).min(),
            refusal: signalQueues.lazy.compactMap(\.refusal).first
        )
    }

    /// Why the destination does not accept batches, or why they cannot be stored; nil when there is no problem.
    public var trouble: String? {
        let signalQueues = running.withLock { $0.map { Array($0.signalQueues.values) } } ?? []
        return signalQueues.lazy.compactMap { signalQueue in
            signalQueue.state.withLock { state in
                state.diskTrouble.map(SignalQueue.unwritable) ?? state.trouble
            }
        }.first
    }
}
