// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
public import CollectorKit
import Files
import Logging
import OTLP
import Synchronization
import Usage

/// Forwards batches to another collector or backend.
///
/// A batch is acknowledged when it is in the queue on the disk; tasks of its own empty the queue. What the destination refuses for good
/// goes to the dead letters.
final class OTLPHTTPExporter: Exporter, Queueing, HealthReporting {
    private let config: OTLPHTTPConfig
    private let settings: ComponentSettings
    private let version: String
    private let storage: any QueueStorage
    /// nil where nothing is written onto records.
    private let usage: UsageAttributes?
    private let running = Mutex<Running?>(nil)

    /// How long a shutdown goes on sending while the destination takes what it gets.
    private static let drainTime = Duration.seconds(5)
    /// How long a sender waits for room with `block_on_overflow`.
    private static let roomTime = Duration.seconds(10)

    private struct Running {
        var client: HTTPClient
        var destination: Destination
        var lanes: [Signal: SendingQueue] = [:]
        var queues: [Signal: CommitQueue] = [:]
        var deadLetters: SegmentLog?
        var lock: (any Sendable)?
        var task: Task<Void, Never>?
    }

    init(
        _ config: OTLPHTTPConfig,
        _ settings: ComponentSettings,
        version: String,
        storage: any QueueStorage = DiskStorage()
    ) {
        self.config = config
        self.settings = settings
        self.version = version
        self.storage = storage
        usage = config.usageAttributes ? UsageAttributes() : nil
    }

    func start() async throws(StartError) {
        let client = HTTPClient(configuration: try config.clientConfiguration(settings.id))
        let destination = Destination(config, client: client, version: version, now: settings.now)
        var running = Running(client: client, destination: destination)
        do throws(FileError) {
            if config.sendingQueue.enabled { try await open(&running) }
        } catch {
            try? await client.shutdown()
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
        let folders = QueueFolders(config, settings)
        try storage.makeFolder(folders.root)
        running.lock = try await lock(folders.lock)
        let deadLetters = SegmentLog(folder: folders.deadLetters, storage: storage, logger: settings.logger)
        try deadLetters.open()
        running.deadLetters = deadLetters
        let start = ContinuousClock.now
        let environment = SendingQueue.Environment(
            config: config,
            settings: settings,
            destination: running.destination,
            deadLetters: DeadLetters(
                log: deadLetters,
                limit: Int(config.deadLetters.maxSize.bytes),
                counters: settings.counters,
                logger: settings.logger
            ),
            uptime: { ContinuousClock.now - start },
            chance: { .random(in: 0...1) }
        )
        let place = config.sendingQueue.isInFiles ? storage : MemoryStorage()
        for signal in Signal.allCases {
            let queue = SegmentLog(
                folder: folders.queue(signal),
                storage: place,
                segmentSize: config.sendingQueue.isInFiles ? SegmentLog.fileSize : SendingMemory.segmentSize,
                logger: settings.logger
            )
            try queue.open()
            let lane = SendingQueue(signal, queue: queue, environment)
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

    func shutdown() async {
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
        try? await former.client.shutdown()
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
        if config.sendingQueue.isInFiles {
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

    func consume(_ batch: Batch) async throws(ConsumeError) {
        let (destination, queue) = try parts(for: batch.signal)
        guard destination.takes(batch.signal) else {
            throw .permanent("\(settings.id) has no endpoint for \(batch.signal)")
        }
        guard batch.otlp.recordCount > 0 else { return }
        guard let usage else { return try await hand(batch, to: destination, by: queue) }
        let written = usage.write(on: batch)
        do throws(ConsumeError) {
            try await hand(written.batch, to: destination, by: queue)
        } catch {
            // The sender comes again, perhaps with another record of the call first.
            usage.withdraw(written)
            throw error
        }
    }

    private func hand(_ batch: Batch, to destination: Destination, by queue: CommitQueue?) async throws(ConsumeError) {
        guard let queue else { return try await send(batch, destination) }
        try await submit(batch, queue)
    }

    private func parts(for signal: Signal) throws(ConsumeError) -> (Destination, CommitQueue?) {
        guard let running = running.withLock({ $0.map { ($0.destination, $0.queues[signal]) } }) else {
            throw .retryable("\(settings.id) is not running")
        }
        return running
    }

    private func submit(_ batch: Batch, _ queue: CommitQueue) async throws(ConsumeError) {
        guard config.sendingQueue.blockOnOverflow else { return try await queue.submit(batch) }
        let end = ContinuousClock.now + Self.roomTime
        while true {
            do throws(ConsumeError) {
                return try await queue.submit(batch)
            } catch  where error.isRetryable && ContinuousClock.now < end {
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Without a queue the sender gets the destination's own answer.
    private func send(_ batch: Batch, _ destination: Destination) async throws(ConsumeError) {
        let records = batch.otlp.recordCount
        switch await destination.send(OutgoingRequest(batch.otlp.encoded()), batch.signal) {
        case .taken(let rejected, let message):
            settings.counters.add(records, to: .accepted)
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

    var queueStatus: QueueStatus {
        let lanes = running.withLock { $0.map { Array($0.lanes.values) } } ?? []
        let parts = lanes.map(\.status)
        let waiting = parts.reduce(QueueSize()) { $0 + $1.waiting }
        return QueueStatus(
            batches: waiting.batches,
            bytes: waiting.bytes,
            capacityBytes: QueueLimits(config.sendingQueue).bytes * max(1, lanes.count),
            oldest: parts.compactMap(\.oldest).min(),
            stuckSince: parts.compactMap(\.stuckSince).min()
        )
    }

    var trouble: String? {
        let lanes = running.withLock { $0.map { Array($0.lanes.values) } } ?? []
        return lanes.lazy.compactMap { lane in
            lane.state.withLock { state in
                state.diskTrouble.map { "the queue cannot be written: \($0)" } ?? state.trouble
            }
        }.first
    }
}

/// Makes exporters that forward to another collector or backend over OTLP/HTTP.
public struct OTLPHTTPFactory: ExporterFactory {
    /// What a user writes.
    public typealias Config = OTLPHTTPConfig

    private let version: String

    /// Creates the factory; `version` is that of the program, for the header field `User-Agent`.
    public init(version: String = "development") {
        self.version = version
    }

    /// The type in a configuration.
    public let type = "otlp_http"
    /// What the OpenTelemetry Collector called it before 2026.
    public let aliases = ["otlphttp"]
    /// What it is for.
    public let summary = "forwards everything over OTLP/HTTP through a queue on the disk"

    /// Makes an exporter; opens nothing.
    public func makeExporter(_ config: OTLPHTTPConfig, _ settings: ComponentSettings) -> any Exporter {
        OTLPHTTPExporter(config, settings, version: version)
    }
}
