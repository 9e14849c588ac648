// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Files
import Logging
public import OTLP
import Synchronization
import Usage

/// An exporter that has everything but the sending.
///
/// A queue on the disk for each signal, batching, retry, dead letters, counters and status; `hammurabi queue` shows and replays it.
/// A batch is acknowledged when it is in the queue on the disk; tasks of its own empty the queue. What the destination refuses for good
/// goes to the dead letters. With `sending_queue: { enabled: false }` a sender gets the destination's own answer.
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
    /// Sends a request, OTLP in protobuf, to the destination and says what became of it; called from several tasks at once.
    public typealias Send = @Sendable (_ request: OutgoingRequest, _ signal: Signal) async -> SendOutcome

    private let queue: SendingQueueConfig
    private let retry: RetryConfig
    private let deadLetterSize: Int
    private let settings: ComponentSettings
    private let storage: any QueueStorage
    private let largestRequest: Int
    private let send: Send
    private let running = Mutex<Running?>(nil)

    /// How long a shutdown goes on sending while the destination takes what it gets.
    private static let drainTime = Duration.seconds(5)
    /// How long a sender waits for room with `block_on_overflow`.
    private static let roomTime = Duration.seconds(10)

    private struct Running {
        var lanes: [Signal: SignalQueue] = [:]
        var queues: [Signal: CommitQueue] = [:]
        var deadLetters: SegmentLog?
        var lock: (any Sendable)?
        var task: Task<Void, Never>?
    }

    /// Creates an exporter; opens nothing.
    ///
    /// - Parameters:
    ///   - storage: Where the queue keeps its files.
    ///   - largestRequest: As many bytes as a request has at most; a larger one is divided at the borders of its records.
    ///   - send: Sends a request; it is not called before the start and not after the shutdown.
    public init(
        _ config: some QueuedExporterConfig,
        _ settings: ComponentSettings,
        storage: any QueueStorage = DiskStorage(),
        largestRequest: Int = 64 << 20,
        send: @escaping Send
    ) {
        queue = config.sendingQueue
        retry = config.retryOnFailure
        deadLetterSize = Int(config.deadLetters.maxSize.bytes)
        self.settings = settings
        self.storage = storage
        self.largestRequest = largestRequest
        self.send = send
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
        let lanes = running.lanes
        running.task = Task {
            await withDiscardingTaskGroup { group in
                for lane in lanes.values { group.addTask { await lane.run() } }
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
            let lane = SignalQueue(signal, queue: log, environment)
            running.lanes[signal] = lane
            running.queues[signal] = lane.makeCommitQueue()
        }
        let backlog = running.lanes.values.reduce(QueueSize()) { $0 + $1.queue.waiting }
        settings.counters.add(backlog.bytes, to: .queuedBytes)
        guard backlog.batches > 0 else { return }
        settings.logger.info(
            "the queue holds batches of an earlier run",
            metadata: ["batches": "\(backlog.batches)", "records": "\(backlog.records)"]
        )
    }

    /// The lock of the folder; after a reload the exporter before this one may still be at its end.
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

    /// Sends for five seconds what the destination takes, and closes everything; what is left on the disk waits for the next start.
    public func shutdown() async {
        let former = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let former else { return }
        for lane in former.lanes.values { lane.drain() }
        let limit = Task {
            try await Task.sleep(for: Self.drainTime)
            former.task?.cancel()
            // A lane that waits for its bell does not notice that it is cancelled.
            for lane in former.lanes.values { lane.bell.ring() }
        }
        await former.task?.value
        limit.cancel()
        let backlog = former.lanes.values.reduce(QueueSize()) { $0 + $1.queue.waiting }
        for lane in former.lanes.values {
            lane.release(lane.queue.waiting.bytes)
            lane.queue.close()
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

    /// Returns when the batch is in the queue on the disk; without a queue, when the destination has it.
    public func consume(_ batch: Batch) async throws(ConsumeError) {
        guard let queues = running.withLock({ $0?.queues }) else { throw .retryable("\(settings.id) is not running") }
        guard batch.otlp.recordCount > 0 else { return }
        guard let queue = queues[batch.signal] else { return try await sendNow(batch) }
        try await submit(batch, queue)
    }

    private func submit(_ batch: Batch, _ lane: CommitQueue) async throws(ConsumeError) {
        guard queue.blockOnOverflow else {
            try await lane.submit(batch)
            return
        }
        let end = ContinuousClock.now + Self.roomTime
        while true {
            do throws(ConsumeError) {
                try await lane.submit(batch)
                return
            } catch  where error.isRetryable && ContinuousClock.now < end {
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Without a queue the sender gets the destination's own answer.
    private func sendNow(_ batch: Batch) async throws(ConsumeError) {
        let records = batch.otlp.recordCount
        switch await send(OutgoingRequest(batch.otlp.encoded(), hops: batch.hops), batch.signal) {
        case .taken(let rejected, let message):
            settings.counters.add(records - min(records, rejected), to: .sent)
            settings.counters.add(min(records, rejected), to: .failed)
            if rejected > 0 { settings.counters.note("\(rejected) records rejected: \(message)", at: settings.now()) }
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

    /// What waits in all queues together.
    public var queueStatus: QueueStatus {
        let lanes = running.withLock { $0.map { Array($0.lanes.values) } } ?? []
        let parts = lanes.map(\.status)
        let waiting = parts.reduce(QueueSize()) { $0 + $1.waiting }
        return QueueStatus(
            batches: waiting.batches,
            bytes: waiting.bytes,
            capacityBytes: QueueLimits(queue).bytes * max(1, lanes.count),
            oldest: parts.compactMap(\.oldest).min(),
            stuckSince: parts.compactMap(\.stuckSince).min(),
            refusal: lanes.lazy.compactMap(\.refusal).first
        )
    }

    /// Why the destination does not take batches, or why they cannot be kept; nil while all goes well.
    public var trouble: String? {
        let lanes = running.withLock { $0.map { Array($0.lanes.values) } } ?? []
        return lanes.lazy.compactMap { lane in
            lane.state.withLock { state in
                state.diskTrouble.map(SignalQueue.unwritable) ?? state.trouble
            }
        }.first
    }
}
